"""Pages in Korean, from one file of words."""

from __future__ import annotations

import ast
import json
import re
import string
from functools import cache
from itertools import pairwise

import pytest

from maskwise.reports import review_script, sortable_table
from maskwise.reports.page import page, paragraph, preformatted, section
from maskwise.reports.words import Words, changed_texts, in_language, korean_words, texts_of
from support.source_files import SOURCE

WORDS = Words(
    {
        "Scores": "점수",
        "worn": "착용",
        "male": "남성",
        "under {n}": "{n}세 미만",
        "{a} → {b}": "{a} → {b}",
        "labelled {a}": "라벨 {a}",
        "{n1} of {n2} people are shown.": "{n2}명 중 {n1}명을 보여 줍니다.",
        "All are shown.": "모두 보여 줍니다.",
        "{a} and {b} are one person": "{a}와(과) {b}은(는) 한 사람",
    }
)


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("Scores", "점수"),
        ("labelled worn · male · under 30", "라벨 착용 · 남성 · 30세 미만"),
        ("worn → male, under 60", "착용 → 남성, 60세 미만"),
        ("3 of 1,261 people are shown. All are shown.", "1,261명 중 3명을 보여 줍니다. 모두 보여 줍니다."),
        ("mine and {yours} are one person", "mine와(과) {yours}은(는) 한 사람"),
        ("0.52 [0.40, 0.61]", "0.52 [0.40, 0.61]"),
        ("All are shown. Nobody knows this.", None),
        ("labelled worn. Nobody knows this.", None),
        ("mine: All are shown.", "mine: 모두 보여 줍니다."),
        ("a name of a run", None),
        ("", ""),
    ],
)
def test_a_text_is_found_by_its_words(english: str, korean: str | None) -> None:
    assert WORDS.find(english) == korean


def test_sentences_that_are_not_known_stay() -> None:
    assert WORDS.read("All are shown. Nobody knows this.") == "모두 보여 줍니다. Nobody knows this."


def test_only_what_people_read_is_changed() -> None:
    html = page(
        "Scores",
        section(
            "Scores", '<img alt="Scores &amp; more" src="data:Scores"><p class="Scores" title="Scores"> Scores\n</p>'
        ),
        preformatted("Scores"),
        "<kbd>Scores</kbd><code>Scores</code>",
        script="say('Scores')",
    )
    changed = changed_texts(html, str.upper)
    assert '<p class="Scores" title="SCORES"> SCORES\n</p>' in changed
    assert '<img alt="SCORES &amp; MORE" src="data:Scores">' in changed
    for raw in (">Scores</pre>", "<kbd>Scores</kbd>", "<code>Scores</code>", "say('Scores')"):
        assert raw in changed
    assert changed_texts(html, str) == html


def test_a_name_stays_text_in_korean() -> None:
    nasty = "<script>alert('x')</script> & \"quotes\""
    html = in_language(page("Board", paragraph(nasty), f'<img alt="{paragraph.__name__}">', script="begin()"), "ko")
    assert html.count("<script>") == 1
    assert "&lt;script&gt;" in html


def test_english_is_the_page_as_it_is() -> None:
    html = page("Board", paragraph("All are shown."))
    assert in_language(html, "en") == html


def test_korean_pages_say_so_and_keep_their_script() -> None:
    html = in_language(page("Board", paragraph("All are shown."), script="begin()"), "ko")
    assert html.startswith('<!doctype html>\n<html lang="ko">')
    assert "<title>순위표</title>" in html
    assert "모두 보여 줍니다." in html
    assert html.count("<script>") == 1
    assert html.endswith("begin()</script></body></html>\n")


def test_without_a_language_the_page_holds_the_korean_of_its_own_texts_alone() -> None:
    html = in_language(page("Board", paragraph("All are shown.")), None)
    assert '<html lang="en">' in html
    assert json.dumps({"Board": "순위표", "All are shown.": "모두 보여 줍니다."}, ensure_ascii=False) in html
    assert "한눈에 보기" not in html


def test_places_of_every_entry_are_filled_on_both_sides() -> None:
    wrong = [
        english
        for english, korean in korean_words().korean_of.items()
        if {name for _, name, _, _ in string.Formatter().parse(english) if name}
        != {name for _, name, _, _ in string.Formatter().parse(korean) if name}
    ]
    assert wrong == []


def test_no_entry_is_out_of_use() -> None:
    """Each piece of an English text, between what is filled in, stands in the source or in the scripts of pages."""
    unused = [
        english
        for english in korean_words().korean_of
        if not all(map(_stands_in_source, re.split(r"\{\w+\}|, ", english)))
    ]
    assert unused == []


def _stands_in_source(piece: str) -> bool:
    """As it is, or in pieces, as a plural and a list are put together where they are written."""
    bare = piece.strip(" .,;:()[]·→-/%")
    if not re.search("[A-Za-z]{2}", bare) or bare in _source():
        return True
    words = bare.split(" ")
    return len(words) > 1 and all(f"{one} {other}" in _source() or one in _source() for one, other in pairwise(words))


@cache
def _source() -> str:
    constants = [
        node.value
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return "\n".join([*constants, review_script.SCRIPT, sortable_table.SCRIPT])


def test_every_text_is_listed_once_and_without_blanks() -> None:
    html = page("Board", "<p>  twice </p><p>twice</p>", '<svg aria-label="label"></svg>')
    assert texts_of(html) == ["Board", "twice", "label"]
