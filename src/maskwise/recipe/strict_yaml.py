"""YAML without its traps: what looks like a word is a word, a number a number, and nothing stands twice.

Plain scalars mean what they mean in YAML 1.2's core schema (yaml.org/spec/1.2.2, section 10.3.2), where PyYAML follows
1.1: there ``1e-3`` is a text, ``no`` is false, ``12:30`` is 750, ``010`` is 8 and ``2024-01-01`` a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from maskwise.errors import RecipeError, must
from maskwise.recipe.explain import shown

_TAG = "tag:yaml.org,2002:"
# An int with a leading zero stays a text: nobody knows whether it is meant as octal.
_PLAIN = (
    ("null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?(0|[1-9][0-9_]*)$"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"^[-+]?(\.[0-9]+|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?$"
            r"|^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
        ),
        list("-+0123456789."),
    ),
)


def read_yaml(text: str, source: str) -> Any:
    """The one document in ``text``: dicts, lists, text, numbers, true, false and None.

    Raises ``RecipeError`` for text that is no YAML, a key given twice, an alias or a tag of another type.
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" in line {mark.line + 1}" if mark else ""
        reason = f"{error.problem or error.context}{place}"
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
    except RecursionError:
        reason = "brackets nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise RecipeError(f"{source} must be YAML, got a fault: {reason}. Correct that line.")


def read_settings(text: str, source: str, see: str) -> dict[str, Any]:
    """The settings in ``text``. ``RecipeError`` where they are anything but names with values; ``see`` shows some."""
    settings = read_yaml(text, source)
    if not isinstance(settings, dict):
        raise RecipeError(f"{source} must be settings, each as `name: value`, got {shown(settings)}. See {see}.")
    return settings


def read_settings_file(path: Path, what: str, shipped: Iterable[str]) -> str:
    """The text of a file of settings. ``RecipeError``, which names those ``shipped``, where it cannot be read."""
    thing = f"{what} file {path}"
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        remedy = f"Check the path. Shipped {what}s: {', '.join(shipped)}."
        raise RecipeError(must(thing, "readable", error.strerror or "an error", remedy)) from None
    except UnicodeDecodeError as error:
        got = f"the byte 0x{error.object[error.start]:02x}"
        raise RecipeError(must(thing, "text in UTF-8", got, "Save it as UTF-8.")) from None


def write_yaml(settings: Any) -> str:
    """``settings`` as YAML that ``read_yaml`` and other YAML readers read back equal."""
    return yaml.dump(settings, Dumper=_StrictDumper, sort_keys=False, allow_unicode=True)


class _StrictLoader(yaml.SafeLoader):
    """Only the types of JSON; no key twice; no aliases, which could make a small file endless."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own place)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            problem = f"the alias *{event.anchor}, where the settings themselves must stand"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key that is no word", key_node.start_mark)
            if key_node.value in seen:
                twice = f"the key {key_node.value!r} twice"
                raise yaml.constructor.ConstructorError(None, None, twice, key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


class _StrictDumper(yaml.SafeDumper):
    """Quotes every text that either our reader or one of YAML 1.1 would take for something else."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Plain, PyYAML writes these line breaks of Unicode as they are, and reads them back as blanks.
    style = '"' if re.search("[\x85\u2028\u2029]", text) else None
    return dumper.represent_scalar(f"{_TAG}str", text, style)


_StrictDumper.add_representer(str, _represent_text)
_KEPT_TYPES = {f"{_TAG}{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_StrictLoader.yaml_constructors = {
    tag: build for tag, build in yaml.SafeLoader.yaml_constructors.items() if tag is None or tag in _KEPT_TYPES
}
for _name, _pattern, _first in _PLAIN:
    _StrictLoader.add_implicit_resolver(f"{_TAG}{_name}", _pattern, _first)
    _StrictDumper.add_implicit_resolver(f"{_TAG}{_name}", _pattern, _first)
