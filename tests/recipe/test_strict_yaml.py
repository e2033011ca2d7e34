from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.errors import RecipeError
from maskwise.recipe.strict_yaml import read_yaml, write_yaml

WORDS = st.sampled_from(
    ["1e-3", "12e4567", "no", "on", "010", "12:30", "2024-01-01", "~", "null", "1_0", ".5", "<<", "="]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=5)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@pytest.mark.parametrize(
    "text, value",
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-2.5e+2", -250.0),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("1_000", 1000),
        ("-7", -7),
        ("0", 0),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        # Numbers, dates and truth values of YAML 1.1 that nobody means so.
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("2024-13-45", "2024-13-45"),
        ("yes", "yes"),
        ("off", "off"),
        ("=", "="),
        ("1e-3x", "1e-3x"),
        ("'1e-3'", "1e-3"),
        ("[1, [a, {b: 2}]]", [1, ["a", {"b": 2}]]),
    ],
)
def test_plain_words_mean_what_they_look_like(text: str, value: object) -> None:
    got = read_yaml(text, "here")
    assert got == value
    assert type(got) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(read_yaml(".nan", "here"))


@pytest.mark.parametrize(
    "text, reason",
    [
        ("a: 1\na: 2\n", "the key 'a' twice in line 2"),
        ("x:\n  - {b: 1, b: 1}\n", "the key 'b' twice in line 2"),
        ("? [a]\n: 1\n", "a key that is no word in line 1"),
        ("a: &x {b: *x}\n", r"the alias \*x"),
        ("a: &x 1\nb: *x\n", r"the alias \*x, where .* in line 2"),
        ("a: b: c\n", "mapping values are not allowed here in line 1"),
        ("a:\n  {b: 1\n", "in line 3"),
        ("--- 1\n--- 2\n", "another document in line 2"),
        ("!!python/object:os.system x", "could not determine a constructor"),
        ("!!timestamp 2024-01-01", "could not determine a constructor"),
        ("!!int x", "invalid literal"),
        ("\x01", "unacceptable character"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(
        RecipeError, match=f"^my.yaml must be YAML, got a fault: .*{reason}.*[.] Correct that line[.]$"
    ) as it:
        read_yaml(text, "my.yaml")
    assert len(it.value.problems) == 1
    assert "\n" not in it.value.problems[0]


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_what_is_written_is_read_back_by_us_and_by_others(tree: Any) -> None:
    text = write_yaml(tree)
    assert read_yaml(text, "here") == tree
    assert yaml.safe_load(text) == tree


@pytest.mark.parametrize("text", ["\x85", "a\u2028b", "\u2029", "\ufeff", "\U0001f637", "\ud55c\uae00"])
def test_letters_of_all_kinds_come_back(text: str) -> None:
    assert read_yaml(write_yaml({"a": text}), "here") == {"a": text}
