"""A gallery of the people whose labels are likely wrong, to be looked through by a person."""

from __future__ import annotations

from html import escape
from itertools import groupby

import numpy as np

from maskwise.reports.audit_tables import Suspect, summary_lines, suspects
from maskwise.reports.charts import STYLE, figures, photo, shortened_list
from maskwise.reports.page import page, paragraph, section
from maskwise.text_table import number
from maskwise.workflows.audit_labels import AuditedSet, NearCopy

_CAUTION = (
    "These are suggestions, the most suspicious first. Nothing is corrected until somebody has looked and has written "
    "yes into the column accept of corrections.csv. A score is the probability that a label is wrong if one in a "
    "hundred is."
)
_NEAR = (
    "Pictures of different people that are nearly the same: one photo used twice, not faces that look alike. If they "
    "are one person, accept the row: no split parts them then."
)
_LISTED_PAIRS = 100


def audit_page(audited: AuditedSet, top: int, *, photos: bool = True) -> str:
    """One self-contained HTML document; without ``photos`` it shows words and numbers alone."""
    found = suspects(audited, top)
    cards = [_card(audited, list(rows), photos) for _, rows in groupby(found, key=lambda suspect: suspect.rank)]
    pairs = [_pair_card(audited, pair, photos) for pair in audited.near[:_LISTED_PAIRS]]
    return page(
        "Likely wrong labels",
        STYLE,
        figures(
            [
                (f"{len(audited.audit.folder_P):,}", "people judged"),
                (f"{int(np.sum(audited.audit.wrong() > 0.5)):,}", "more likely wrong than right"),
                (f"{len(audited.near):,}", "near copies across people"),
            ]
        ),
        paragraph(_CAUTION),
        shortened_list(summary_lines(audited)),
        section("People, the most suspicious first", f'<div class="cards">{"".join(cards)}</div>'),
        section(
            "Near copies across people",
            paragraph(_NEAR if pairs else "None were found."),
            f'<div class="cards">{"".join(pairs)}</div>',
        ),
    )


def _card(audited: AuditedSet, rows: list[Suspect], photos: bool) -> str:
    first = rows[0]
    lines = "".join(f"<li>{escape(_told(audited, row))}</li>" for row in rows)
    tiles = _person_photos(audited, first.folder) if photos else ""
    return f'<div><h3>{first.rank}. {escape(first.id)}</h3><ul class="list">{lines}</ul>{tiles}</div>'


def _told(audited: AuditedSet, row: Suspect) -> str:
    quality = audited.audit.quality_K.get(row.kind)
    opinion = "" if quality is None else f", cleanlab's quality {number(float(quality[row.place]), 2)}"
    if row.kind == "photos":
        return f"incorrect_mask and normal look swapped (score {row.score:.3f}{opinion})"
    return f"{row.kind} labelled {row.label}, reads {row.reading} (score {row.score:.3f}{opinion})"


def _person_photos(audited: AuditedSet, folder: str) -> str:
    cells = []
    for row in np.flatnonzero(audited.folder_N == folder).tolist():
        name = str(audited.table.photo_N[row])
        if name in audited.place_of_photo:
            small = audited.facts.small_NHWC[audited.place_of_photo[name]]
            words = name.rpartition("/")[2].partition(".")[0].replace("_", " ")
            cells.append(f"<figure>{photo(small, words)}<figcaption>{escape(words)}</figcaption></figure>")
    return f'<div class="faces">{"".join(cells)}</div>'


def _pair_card(audited: AuditedSet, pair: NearCopy, photos: bool) -> str:
    names = pair.one, pair.other
    ids = " and ".join(audited.id_of_folder[name.split("/")[2]] for name in names)
    folds = {True: ", in different folds", False: ", in one fold", None: ""}[pair.parted]
    shown = [photo(audited.facts.small_NHWC[audited.place_of_photo[name]], name) for name in names if photos]
    return f'<div><h3>{escape(ids)} ({pair.alike:.2f}{folds})</h3><div class="tiles">{"".join(shown)}</div></div>'
