"""What the documentation says is true of the code: its settings validate, its commands exist, its links lead somewhere.

Checked are both READMEs and all of docs/. ``techniques.md`` must also be complete: it switches on every kind that a
recipe can have, and names every setting and every word that one can take.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer
import yaml

from maskwise.cli.ensemble_verbs import VoteWord
from maskwise.cli.main import app
from maskwise.cli.verb_table import VERBS, load_verb
from maskwise.errors import RecipeError
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import REFUSED_KINDS
from maskwise.recipe.load import load_recipe, parse_recipe
from maskwise.serving.config import ServeSettings, parse_settings
from maskwise.settings import Settings
from maskwise.sweeps.check_space import check_space
from maskwise.sweeps.load_space import parse_sweep

ROOT = Path(__file__).parents[1]
MORE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = (
    ROOT / "README.md",
    ROOT / "README.ko.md",
    *(ROOT / name for name in MORE),
    *sorted((ROOT / "docs").rglob("*.md")),
)
TECHNIQUES = ROOT / "docs" / "techniques.md"

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(.+)$", re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A recipe as a page gives it: YAML of its own or the name of a shipped one, and changes to it."""

    page: Path
    text: str
    own: str | None = None
    shipped: str = "quick-imagenet"
    changes: tuple[str, ...] = ()

    def recipe(self) -> Recipe:
        if self.own is None:
            return load_recipe(self.shipped, self.changes)
        return parse_recipe(self.own, self.page.name, self.changes)


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_pieces(text: str) -> Iterator[str]:
    """Every line of code outside YAML blocks, and every piece of code within a sentence."""
    for language, block in FENCED.findall(text):
        if language != "yaml":
            yield from block.splitlines()
    prose = FENCED.sub("", text)
    yield from INDENTED.findall(prose)
    # A piece may run over the end of a line.
    yield from (" ".join(piece.split()) for piece in INLINE.findall(INDENTED.sub("", prose)))


def yaml_blocks(page: Path) -> list[str]:
    return [block for block in all_yaml(page) if "search" not in yaml.safe_load(block)]


def all_yaml(page: Path) -> list[str]:
    return [block for language, block in FENCED.findall(text_of(page)) if language == "yaml"]


def whole_recipes(page: Path) -> dict[str, str]:
    """The page's YAML blocks that are a recipe of their own, by file name."""
    whole = [block for block in yaml_blocks(page) if "name" in yaml.safe_load(block)]
    return {f"{yaml.safe_load(block)['name']}.yaml": block for block in whole}


def as_changes(settings: dict[str, Any], above: str = "") -> Iterator[str]:
    """A part of a recipe as changes: it replaces what bears the same names."""
    for name, value in settings.items():
        if isinstance(value, dict) and "kind" not in value:
            yield from as_changes(value, f"{above}{name}.")
        else:
            yield f"{above}{name}={json.dumps(value, ensure_ascii=False)}"


def snippets(page: Path) -> Iterator[Snippet]:
    """Everything on the page that should be a legal recipe."""
    whole = whole_recipes(page)
    for block in yaml_blocks(page):
        if block in whole.values():
            yield Snippet(page, block, own=block)
        else:
            yield Snippet(page, block, changes=tuple(as_changes(yaml.safe_load(block))))
    for piece in code_pieces(text_of(page)):
        words = shlex.split(piece, comments=True) if re.search(r"--set |maskwise train [^-]", piece) else []
        said = [value for flag, value in itertools.pairwise(words) if flag == "--set"]
        changes = tuple(change for change in said if not is_of_the_service(change))
        trained = words[words.index("train") + 1] if "train" in words else "quick-imagenet"
        if words:
            yield Snippet(page, piece, own=whole.get(trained), shipped=trained, changes=changes)


def is_of_the_service(change: str) -> bool:
    """Whether ``change`` sets something of `maskwise serve`; it must then be legal."""
    known = change.partition("=")[0] in ServeSettings.model_fields
    if known:
        parse_settings({}, [change])
    return known


SNIPPETS = [snippet for page in PAGES for snippet in snippets(page)]
LINES = [(page, piece) for page in PAGES for piece in code_pieces(text_of(page))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_snippet_is_a_legal_recipe(page: Path) -> None:
    problems = []
    for snippet in SNIPPETS:
        if snippet.page == page:
            try:
                snippet.recipe()
            except RecipeError as error:
                problems.append(f"{snippet.text}: {error}")
    assert problems == []


def test_every_space_can_be_swept() -> None:
    spaces = [(page, block) for page in PAGES for block in all_yaml(page) if block not in yaml_blocks(page)]
    assert spaces
    for page, block in spaces:
        assert check_space(parse_sweep(block, page.name, page.parent, None, [])) is None


def test_snippets_are_found() -> None:
    assert {snippet.page.name for snippet in SNIPPETS} >= {"README.md", "README.ko.md", "recipes.md", "techniques.md"}
    assert len([snippet for snippet in SNIPPETS if snippet.page == TECHNIQUES]) > 80


# --- completeness --------------------------------------------------------------------------------------------------


def settings_below(annotation: Any) -> Iterator[type[Settings]]:
    """Every settings class that may stand at ``annotation`` or below it."""
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
        for field in annotation.model_fields.values():
            yield from settings_below(field.annotation)
    for part in get_args(annotation):
        yield from settings_below(part)


def words_of(annotation: Any) -> Iterator[str]:
    """The words that a setting can take."""
    if get_origin(annotation) is Literal:
        yield from (str(word) for word in get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from words_of(part)


def settings_in(value: object) -> Iterator[Settings]:
    """Every group of settings of a recipe."""
    if isinstance(value, Settings):
        yield value
        for name in type(value).model_fields:
            yield from settings_in(getattr(value, name))
    elif isinstance(value, tuple):
        for entry in value:
            yield from settings_in(entry)


CLASSES = sorted(set(settings_below(Recipe)), key=lambda each: (each.__module__, each.__name__))
KINDS = [
    each for each in CLASSES if "kind" in each.model_fields and each.model_fields["kind"].default not in REFUSED_KINDS
]


def test_techniques_switch_on_every_kind() -> None:
    recipes = [snippet.recipe() for snippet in SNIPPETS if snippet.page == TECHNIQUES]
    used = {type(group) for recipe in recipes for group in settings_in(recipe)}
    assert len(KINDS) > 50
    assert [each for each in KINDS if each not in used] == []


def test_techniques_name_every_kind_setting_and_word() -> None:
    text = text_of(TECHNIQUES)
    code = "\n".join([*code_pieces(text), *yaml_blocks(TECHNIQUES)])
    fields = {name: field for each in CLASSES for name, field in each.model_fields.items()}
    wanted = {
        *fields,
        *(word for each in CLASSES for f in each.model_fields.values() for word in words_of(f.annotation)),
    }
    assert len(wanted) > 150
    assert sorted(word for word in wanted if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", code)) == []


BASELINE_DEFAULTS: dict[str, dict[str, Any]] = {
    "--seed 42": {"seed": 42, "train.epochs": 1},
    "--dataset": {"split.share": 0.2},
    "--resize 128 96": {"input.height_px": 128, "input.width_px": 96},
    "--batch_size 64": {"train.batch_size": 64},
    "--model BaseModel": {"model.backbone.kind": "baseline_cnn", "model.weights.kind": "none"},
    "--optimizer SGD": {"optimizer.kind": "sgd", "optimizer.rate": 0.001, "optimizer.weight_decay": 0.0005},
    "--lr_decay_step 20": {"schedule.kind": "step", "schedule.step_epochs": 20, "schedule.gamma": 0.5},
    "--criterion label_smoothing": {"loss.kind": "cross_entropy", "targets.0.epsilon": 0.1},
}
"""The official baseline's arguments as they are by default (its train.py), and what the settings must be then."""


@pytest.mark.parametrize("flag", BASELINE_DEFAULTS)
def test_the_flags_of_the_baseline_are_the_settings_that_the_table_names(flag: str) -> None:
    """On ``quick-imagenet``, where none of them holds yet, and on ``baseline``, which they leave as it is."""
    row = next(line for line in text_of(TECHNIQUES).splitlines() if line.startswith(f"| `{flag}"))
    changes = [change for change in re.findall(r"--set ('[^']+'|[^\s`]+)", row) if not change.startswith("name=")]
    recipe = load_recipe("quick-imagenet", [change.strip("'") for change in changes]).model_dump(mode="json")
    for path, value in BASELINE_DEFAULTS[flag].items():
        at: Any = recipe["train"] if path.startswith(("optimizer", "schedule")) else recipe
        for key in path.split("."):
            at = at[int(key)] if key.isdigit() else at[key]
        assert at == value, path
    if "criterion" not in flag and "decay_step" not in flag:
        changed = load_recipe("baseline", [change.strip("'") for change in changes])
        assert changed == load_recipe("baseline", [])


def test_techniques_name_every_vote() -> None:
    named = {vote for vote in VoteWord if f"--vote {vote}" in text_of(TECHNIQUES)}
    assert named == set(VoteWord)


# --- commands ------------------------------------------------------------------------------------------------------


def fault_of_command(line: str) -> str | None:
    """What is wrong with a line that begins with ``maskwise``: its verb or one of its options."""
    words = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    if words and not words[0].startswith("-"):
        if words[0] not in VERBS:
            return f"{line}: no verb {words[0]}"
        command, *words = load_verb(words[0]), *words[1:]
    while isinstance(verbs := getattr(command, "commands", None), dict) and words and not words[0].startswith("-"):
        if words[0] not in verbs:
            return f"{line}: no verb {words[0]}"
        command, *words = verbs[words[0]], *words[1:]
    known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
    unknown = [word for word in words if word.startswith("--") and word not in known]
    return f"{line}: no option {', '.join(unknown)}" if unknown else None


def test_every_command_exists() -> None:
    commands = [piece for _, piece in LINES if piece.startswith("maskwise ")]
    assert len(commands) > 30
    assert [fault for line in commands if (fault := fault_of_command(line))] == []


@pytest.mark.parametrize("line", ["maskwise train quick --dta DIR", "maskwise data chek DIR", "maskwise lader"])
def test_a_wrong_command_is_noticed(line: str) -> None:
    assert fault_of_command(line)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {piece.split()[1] for _, piece in LINES if piece.startswith("make ")}
    assert named
    assert named <= targets


# --- links, and the two READMEs ------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def fault_of_link(page: Path, target: str) -> str | None:
    place, _, anchor = target.partition("#")
    path = (page.parent / place).resolve() if place else page
    if not path.exists():
        return f"{page.name}: {target} is not there"
    if anchor and anchor not in {slug(heading) for heading in HEADING.findall(text_of(path))}:
        return f"{page.name}: {target} has no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(text_of(page)) if not target.startswith(("https://", "http://"))]
    assert [fault for target in targets if (fault := fault_of_link(page, target))] == []


def test_the_readmes_keep_step() -> None:
    english, korean = (
        [line.split("#")[0].strip() for _, block in FENCED.findall(text_of(page)) for line in block.splitlines()]
        for page in PAGES[:2]
    )
    assert english == korean
    links, korean_links = (set(LINK.findall(text_of(page))) for page in PAGES[:2])
    assert links - {"README.ko.md"} == korean_links - {"README.md"}
    assert "README.ko.md" in links
    assert "README.md" in korean_links
