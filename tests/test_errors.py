"""The words of refusals."""

from __future__ import annotations

import time

from maskwise.errors import counted, extra_missing, must, nearest, printable


def test_a_refusal_says_thing_rule_value_and_way_out() -> None:
    assert must("epochs", "at least 1", 0, "Set it.") == "epochs must be at least 1, got 0. Set it."
    assert must("name", "short", "a b", "Cut it.") == "name must be short, got 'a b'. Cut it."


def test_the_nearest_word_is_offered_and_numbers_stand_in_order() -> None:
    assert nearest("quik", ["quick", "best"]) == "Did you mean 'quick'? Legal: best, quick."
    assert nearest("13", ["10", "2", "1", "B", "A"]).endswith("Legal: 1, 2, 10, A, B.")
    assert nearest("x", ["day-10", "day-2"]) == "Legal: day-2, day-10."
    assert nearest("x", map(str, range(5000))).endswith("98, 99 and 4,900 more.")


def test_one_thing_is_no_things() -> None:
    assert [counted(n, "warning") for n in (0, 1, 2)] == ["0 warnings", "1 warning", "2 warnings"]
    assert counted(1234, "person", "people") == "1,234 people"


def test_printable_text_does_nothing_to_a_terminal() -> None:
    assert printable("맞다 é · ½ 'a b'") == "맞다 é · ½ 'a b'"
    assert printable("a\x1b]0;x\x07\nb\u202e\udcff\x9b") == "a\\x1b]0;x\\x07\\nb\\u202e\\udcff\\x9b"


def test_an_extra_that_is_missing_is_named_with_its_packages() -> None:
    line = extra_missing("serve", "starlette.types")
    assert "extra `serve` must be installed" in line
    assert ", got none of starlette. " in line
    assert 'pip install "maskwise[serve]"' in line


def test_a_word_of_hundreds_of_thousands_of_letters_is_like_no_other() -> None:
    begin_s = time.process_time()
    assert nearest("a" * 200_000, ["about", "above"]) == "Legal: about, above."
    assert time.process_time() - begin_s < 1
