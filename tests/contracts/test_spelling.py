"""American spelling everywhere: code, tests, benchmarks, pages and documentation, in names as in prose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.source_files import SOURCE, TESTS

ROOT = TESTS.parent
KEPT = (
    # Keys, columns, file names and an option that runs, bundles, data sets and scripts out there have.
    "unlabelled_checksum",
    "colour_rgb",
    '"labelled", "reads"',
    "LICENCES.md",
    "--licence",
    "licences: str",
    '"licences"',
    "model.licences",
    "licence: str",
    '"licence"',
    "licence=",
    ".licence",
    # Words of others, and what a user types.
    "aria-labelledby",
    "CancelledError",
    "mobility across neighbourhoods",
    "optimiser.lerning_rate",
)
"""What stays as it is, and is passed over."""
BRITISH = re.compile(
    r"(un|re|dis|mis)?(behavi|col|endeav|fav|flav|harb|hon|hum|lab|neighb|rum|vap|vig)our\w*"
    r"|(epi)?(cent|calib|fib|lit|meag|met|kilomet|centimet|millimet|spect|theat)re[ds]?|centring"
    r"|(un|re|mis)?(label|model|travel|cancel|signal|level|fuel|channel|total|equal)l(ed|er|ers|ing)"
    r"|(un|re|mis)?(learnt|burnt|spelt|dreamt|leapt|leant|spoilt)"
    r"|gr(ey|eys|eyed|eyish)|mould\w*|sceptic\w*|tyres?|cheques?|programmes?|storeys?"
    r"|(catalog|analog)ue\w*|artefacts?|(acknowledg|judg)ements?|ag(eing)|(lik|siz)eable|whilst|amongst|manoeuv\w*"
    r"|licen(ce)[ds]?|(def|off|pret)ence|practis(e[ds]?|ing)|(skil|wil)ful|fulfil|enrol|instalments?"
    r"|(anal|catal|paral)ys(e|ed|es|er|ers|ing)"
    r"|\w{3,}is(e|ed|es|er|ers|ing|ations?|able)"
)
AMERICAN_ISE = re.compile(
    r"(advis|arous|comprom|compris|devis|disguis|exercis|(un)?promis|prais|precis|premis|rais|revis|surpris"
    r"|(un|semi|self)?supervis|((clock|depth|like|n?mask|other|pair|point)?w|no)is|vis)(e|ed|es|er|ers|ing|able)|(\w+)?enterprise"
    r"|disable"
)
"""Words that end like *normalise* and are spelled so in America, too."""


def british_words(text: str) -> list[str]:
    """The British spellings in ``text``, also within names: ``_grey_HW`` and ``GreyHair`` have one."""
    for kept in KEPT:
        text = text.replace(kept, "")
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
    return sorted({word for word in words if BRITISH.fullmatch(word) and not AMERICAN_ISE.fullmatch(word)})


def text_files() -> list[Path]:
    folders = (SOURCE, TESTS, ROOT / "benchmarks", ROOT / "docs")
    endings = {".py", ".md", ".yaml", ".json", ".js", ".css", ".html", ".ipynb"}
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in endings]
    own = {Path(__file__), *(TESTS / "end_to_end" / "old_runs").rglob("*")}
    return sorted({*found, *ROOT.glob("*.md")} - own)


def test_every_text_is_in_american_spelling() -> None:
    found = {path: british_words(path.read_text(encoding="utf-8")) for path in text_files()}
    assert {path.relative_to(ROOT).as_posix(): words for path, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Labelled photos",
        "_grey_HW",
        "GreyHair",
        "to normalise",
        "QUANTISED",
        "optimisers",
        "the licence",
        "ageing",
        "learnt",
    ],
)
def test_british_spelling_is_found(text: str) -> None:
    assert len(british_words(text)) == 1


@pytest.mark.parametrize(
    "text", ["depthwise noise rises", "unsupervised", "an hour, four contours", "run.unlabelled_checksum"]
)
def test_other_words_are_let_pass(text: str) -> None:
    assert british_words(text) == []


def test_no_exception_is_out_of_date() -> None:
    texts = [path.read_text(encoding="utf-8") for path in text_files()]
    assert [kept for kept in KEPT if not any(kept in text for text in texts)] == []
