"""Pages in Korean, from one file of words."""

from __future__ import annotations

import ast
import json
import re
import string
from functools import cache

import pytest

from maskwise.reports import review_script, sortable_table
from maskwise.reports.page import page, paragraph, preformatted, section
from maskwise.reports.words import (
    Words,
    changed_texts,
    in_language,
    korean_words,
    markdown_in,
    preferred_language,
    texts_of,
)
from support.source_files import SOURCE

_MARKS = " .,;:()[]·→-/%?"
WORDS = Words(
    {
        "Scores": "점수",
        "worn": "착용",
        "male": "남성",
        "under {n}": "{n}세 미만",
        "{a} → {b}": "{a} → {b}",
        "labeled {a}": "라벨 {a}",
        "{n1} of {n2} people are shown.": "{n2}명 중 {n1}명을 보여 줍니다.",
        "All are shown.": "모두 보여 줍니다.",
        "{a} and {b} are one person": "{a}와(과) {b}은(는) 한 사람",
    }
)


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("Scores", "점수"),
        ("labeled worn · male · under 30", "라벨 착용 · 남성 · 30세 미만"),
        ("worn → male, under 60", "착용 → 남성, 60세 미만"),
        ("3 of 1,261 people are shown. All are shown.", "1,261명 중 3명을 보여 줍니다. 모두 보여 줍니다."),
        ("mine and {yours} are one person", "mine와(과) {yours}은(는) 한 사람"),
        ("0.52 [0.40, 0.61]", "0.52 [0.40, 0.61]"),
        ("All are shown. Nobody knows this.", None),
        ("labeled worn. Nobody knows this.", None),
        ("mine: All are shown.", "mine: 모두 보여 줍니다."),
        ("a name of a run", None),
        ("", ""),
    ],
)
def test_a_text_is_found_by_its_words(english: str, korean: str | None) -> None:
    assert WORDS.find(english) == korean


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("… and 1,200 more", "… 외 1,200개"),
        ("… and 12 more pairs.", "… 외 12쌍."),
        ("1 photo of 1 person. All are shown.", "1명의 사진 1장. 모두 보여 줍니다."),
        ("An ensemble of 3 runs (geometric mean), on x.", "x 데이터로 학습한 실행 3개의 앙상블(기하 평균)입니다."),
        ("day, 2025-11-01 to 2025-11-29", "날짜, 2025-11-01~2025-11-29"),
        ("15m 33s", "15분 33초"),
        ("3 not finished: a (01) and 3 more", "끝나지 않은 실행 3개: a (01) 외 3개"),
    ],
)
def test_texts_of_rare_pages_are_known(english: str, korean: str) -> None:
    assert korean_words().read(english) == korean


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
        if not all(_stands_in_source(piece, whole="{" not in english) for piece in re.split(r"\{\w+\}|, ", english))
    ]
    assert unused == []


def _stands_in_source(piece: str, *, whole: bool) -> bool:
    """As it is, or in at most three pieces, as a plural and a choice are put together where they are written.

    A text of two words that is not in the source is out of use where it is the ``whole`` entry.
    """
    words, pieces = piece.strip(_MARKS).split(" "), 0
    several = len(words)
    while words:
        length = next((n for n in range(len(words), 0, -1) if " ".join(words[:n]).strip(_MARKS) in _source()), 0)
        if not length:
            return not re.search("[A-Za-z]{2}", " ".join(words))
        words, pieces = words[length:], pieces + 1
    return pieces == 1 or (pieces <= 3 and not (whole and several == pieces))


@cache
def _source() -> str:
    constants = [
        node.value
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    text = "\n".join([*constants, review_script.SCRIPT, sortable_table.SCRIPT])
    return f"{text}\n{text.replace('_', ' ')}"


def test_a_stage_that_nothing_names_any_more_is_out_of_use() -> None:
    assert _stands_in_source("looking at photos", whole=True)
    assert not _stands_in_source("finding faces", whole=True)


def test_every_english_text_stands_in_the_file_once() -> None:
    seen: list[str] = []

    def keep(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        seen.extend(name for name in {*names} if names.count(name) > 1)
        return dict(pairs)

    tables = json.loads((SOURCE / "reports" / "korean.json").read_text(encoding="utf-8"), object_pairs_hook=keep)
    assert seen == []
    service, pages = tables["service"], tables["pages"]
    assert {each: service[each] for each in service if each in pages} == {
        each: pages[each] for each in service if each in pages
    }


def test_markdown_keeps_its_marks_and_is_said_in_korean() -> None:
    card = (
        "# Licenses\n\n- Not in this bundle. Nobody knows this.\n\n| joint class | F1 |\n| --- | --- |\n| worn | 1 |\n"
    )
    assert markdown_in(card, "ko") == (
        "# 라이선스\n\n- 번들에 없습니다. Nobody knows this.\n\n| 전체 클래스 | F1 |\n| --- | --- |\n| 착용 | 1 |\n"
    )
    assert markdown_in(card, "en") == card


def test_what_is_marked_as_english_stays_on_a_korean_page() -> None:
    html = in_language(page("Board", '<p lang="en">There is no such run. x</p><p>Board</p>'), "ko")
    assert '<p lang="en">There is no such run. x</p><p>순위표</p>' in html


def test_every_text_is_listed_once_and_without_blanks() -> None:
    html = page("Board", "<p>  twice </p><p>twice</p>", '<svg aria-label="label"></svg>')
    assert texts_of(html) == ["Board", "twice", "label"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("en-US,ko;q=0.5", "en"),
        ("de-DE, ko-KR;q=0.9, en;q=0.8", "ko"),
        ("*", "en"),
        ("fr", "en"),
    ],
)
def test_the_first_language_that_is_known_is_taken(accepted: str, language: str) -> None:
    assert preferred_language(accepted) == language
