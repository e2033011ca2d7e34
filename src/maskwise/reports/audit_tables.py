"""An audit as rows: what is printed, the list of corrections to review, the scores of all people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from maskwise.label_audit.people import FAULTS, Audit, LabelFault
from maskwise.labels import GENDER_CLASSES
from maskwise.tables import csv_text, same_name
from maskwise.text_table import ABSENT, fitted, wrapped
from maskwise.workflows.audit_labels import AuditedSet, NearCopy

SWAP = "swap incorrect_mask normal"
_SURE = 0.5
"""A second kind of wrong label of one person is suggested, too, from this probability on."""
_LOWEST_AGE_YEARS, _HIGHEST_AGE_YEARS = 1, 120


class Suspect(NamedTuple):
    """One label that may be wrong."""

    rank: int
    """1 for the most suspicious person."""
    place: int
    """The person's position in the audit."""
    id: str
    folder: str
    kind: LabelFault
    score: float
    """The probability that this label is wrong, if one in a hundred is."""
    label: str
    reading: str
    value: str
    """What a correction list would say."""


def suspects(audited: AuditedSet, top: int) -> list[Suspect]:
    """The labels in question of the ``top`` most suspicious people, likeliest first within a person."""
    audit = audited.audit
    found = []
    for rank, place in enumerate(audit.ranking()[:top].tolist(), start=1):
        odds_K = audit.log_odds_PK[place]
        for k in np.argsort(-odds_K, kind="stable").tolist():
            if (k == odds_K.argmax() and np.isfinite(odds_K[k])) or expit(odds_K[k]) >= _SURE:
                found.append(_suspect(audited, rank, place, FAULTS[k], float(expit(odds_K[k]))))
    return found


def suspects_text(audited: AuditedSet, top: int, width: int) -> str:
    """The ranked list for a terminal of so many columns."""
    rows = [[str(s.rank), s.id, s.kind, f"{s.score:.3f}", s.label, s.reading, s.value] for s in suspects(audited, top)]
    head = ["rank", "id", "what", "score", "labeled", "reads", "suggested"]
    table = fitted([head, *rows], width, left=(1, 2, 4, 5, 6), keep=2)
    return "\n".join([*wrapped(summary_lines(audited), width), "", *table])


def summary_lines(audited: AuditedSet) -> list[str]:
    """How many people were judged, and how many wrong labels there may be."""
    audit = audited.audit
    counted = ", ".join(f"{kind} {count}" for kind, count in audit.counted_K.items())
    likely = ", ".join(
        f"{kind} {int(np.sum(audit.log_odds_PK[:, k] > 0))}" for k, kind in enumerate(FAULTS) if kind in audit.share_K
    )
    parted = sum(pair.parted is True for pair in audited.near)
    return [
        f"{len(audit.folder_P):,} people judged by {', '.join(audited.runs)}",
        f"labels more likely wrong than right: {likely}",
        f"labels that cleanlab counts as wrong (photos: single photos): {counted}",
        f"near copies across people: {len(audited.near)}, of which in different folds: {parted}",
    ]


def corrections_csv(audited: AuditedSet, top: int) -> str:
    """A list of corrections of which nothing is accepted yet: whoever reviews it writes yes."""
    return csv_text(correction_rows(audited, suspects(audited, top)))


def correction_rows(audited: AuditedSet, found: Sequence[Suspect]) -> list[Sequence[str]]:
    """The head, a row for each of ``found``, and one for each of ``two_ids``, in that order."""
    head = ("accept", "id", "attribute", "value", "score", "labelled", "reads", "folder")
    rows: list[Sequence[str]] = [
        ("no", s.id, s.kind, s.value, f"{s.score:.3f}", s.label, s.reading, s.folder) for s in found
    ]
    for pair in two_ids(audited):
        folder = same_name(pair.one.split("/")[2])
        one, other = ids_of(audited, pair)
        rows.append(("no", one, "person", f"same as {other}", f"{pair.alike:.3f}", "two", "one", folder))
    return [head, *rows]


def two_ids(audited: AuditedSet) -> list[NearCopy]:
    """The near copies under different ids, which can be said to be one person."""
    return [pair for pair in audited.near if len(set(ids_of(audited, pair))) == 2]


def ids_of(audited: AuditedSet, pair: NearCopy) -> tuple[str, str]:
    """Whose photos they are."""
    one, other = (audited.id_of_folder[same_name(photo.split("/")[2])] for photo in (pair.one, pair.other))
    return one, other


def people_csv(audited: AuditedSet) -> str:
    """All people that were judged, the most suspicious first, with every score."""
    audit = audited.audit
    head = ["rank", "id", "folder", "score", "what", *(f"score_{kind}" for kind in FAULTS)]
    head += [
        "gender",
        "p_female",
        "age_years",
        "read_age_years",
        *(f"cleanlab_quality_{kind}" for kind in FAULTS),
    ]
    rows: list[Sequence[object]] = [head]
    for rank, place in enumerate(audit.ranking().tolist(), start=1):
        folder = str(audit.folder_P[place])
        rows.append(
            [
                rank,
                audited.id_of_folder[folder],
                folder,
                f"{audit.wrong()[place]:.6f}",
                FAULTS[int(audit.kind()[place])],
                *(f"{expit(odds):.6f}" for odds in audit.log_odds_PK[place]),
                _gender_word(int(audit.gender_P[place])),
                _digits(float(audit.female_P[place]), 4),
                audit.age_years_P[place],
                _digits(float(audit.predicted_age_years_P[place]), 1),
                *(_quality(audit, kind, place) for kind in FAULTS),
            ]
        )
    return csv_text(rows)


def _suspect(audited: AuditedSet, rank: int, place: int, kind: LabelFault, score: float) -> Suspect:
    audit = audited.audit
    folder = str(audit.folder_P[place])
    label, reading, value = _words(audit, place, kind)
    return Suspect(rank, place, audited.id_of_folder[folder], folder, kind, score, label, reading, value)


def _words(audit: Audit, place: int, kind: LabelFault) -> tuple[str, str, str]:
    """What is labeled, what is read, and what a correction would say."""
    if kind == "gender":
        gender, female = int(audit.gender_P[place]), float(audit.female_P[place])
        return _gender_word(gender), f"female {female:.2f}", _gender_word(1 - gender)
    if kind == "age":
        read, spread = float(audit.predicted_age_years_P[place]), float(audit.age_spread_years_P[place])
        value = min(max(round(read), _LOWEST_AGE_YEARS), _HIGHEST_AGE_YEARS)
        return str(int(audit.age_years_P[place])), f"{read:.0f} ± {spread:.0f}", str(value)
    return "in order", "swapped", SWAP


def _gender_word(code: int) -> str:
    return GENDER_CLASSES[code] if code >= 0 else ABSENT


def _quality(audit: Audit, kind: LabelFault, place: int) -> str:
    return _digits(float(audit.quality_K[kind][place]), 4) if kind in audit.quality_K else ""


def _digits(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
