"""A gallery of the people whose labels are likely wrong, to be looked through by a person."""

from __future__ import annotations

from html import escape
from itertools import groupby

import numpy as np

from maskwise.reports import line_charts, photo_cards, review_script
from maskwise.reports.audit_tables import Suspect, correction_rows, ids_of, summary_lines, suspects, two_ids
from maskwise.reports.charts import STYLE, figures, photo, shortened_list
from maskwise.reports.page import page, paragraph, section
from maskwise.reports.photo_cards import difference_lines, differing_attributes
from maskwise.reports.review_script import review_bar, review_item, review_list
from maskwise.text_table import number
from maskwise.workflows.audit_labels import AuditedSet, NearCopy

_CAUTION = (
    "These are suggestions, the most suspicious first. Accept those that you see to be wrong, then download the list: "
    "maskwise data check and the setting data.corrections of a training take it as it is. Decisions stay in this "
    "browser. A score is the probability that a label is wrong if one in a hundred is. Below a photo stands what the "
    "model predicts otherwise than labeled, with its probability."
)
_NEAR = (
    "Pictures of different people that are nearly the same: one photo used twice, not faces that look alike. If they "
    "are one person, accept: no split parts them then."
)
_LIST = "The list as it would be downloaded now. A number leads back to where its line is decided."
_LISTED_PAIRS = 100
_STYLE = """<style>
.suspect { margin: 1.2rem 0 2rem; } .suspect h3 { margin: 0.3em 0; font-size: 1.02rem; overflow-wrap: anywhere; }
.seven { display: grid; grid-template-columns: repeat(7, minmax(0, 1fr)); gap: 0.5rem; }
.seven figure { margin: 0; } .seven img { width: 100%; } .seven figcaption { font-size: 0.78rem; line-height: 1.25; }
@media (max-width: 40rem) { .seven { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
</style>"""


def audit_page(audited: AuditedSet, top: int, *, photos: bool = True) -> str:
    """One self-contained HTML document; without ``photos`` it shows words and numbers alone."""
    found = suspects(audited, top)
    numbered = groupby(enumerate(found), key=lambda item: item[1].rank)
    cards = [_card(audited, list(items), photos) for _, items in numbered]
    row_of = {pair: len(found) + number for number, pair in enumerate(two_ids(audited))}
    pairs = [_pair_card(audited, pair, row_of.get(pair), photos) for pair in audited.near[:_LISTED_PAIRS]]
    rows = correction_rows(audited, found)
    items = len(found) + sum(pair in row_of for pair in audited.near[:_LISTED_PAIRS])
    return page(
        "Likely wrong labels",
        STYLE,
        line_charts.STYLE,
        photo_cards.STYLE,
        review_script.STYLE,
        _STYLE,
        figures(
            [
                (f"{len(audited.audit.folder_P):,}", "people judged"),
                (f"{int(np.sum(audited.audit.wrong() > 0.5)):,}", "more likely wrong than right"),
                (f"{len(audited.near):,}", "near copies across people"),
            ]
        ),
        paragraph(_CAUTION),
        review_bar(rows),
        section("People, the most suspicious first", *cards),
        section("Near copies across people", paragraph(_NEAR if pairs else "None were found."), *pairs),
        section("corrections.csv", paragraph(_LIST), review_list(rows, items)),
        section("In numbers", shortened_list(summary_lines(audited))),
        script=review_script.SCRIPT,
    )


def _card(audited: AuditedSet, items: list[tuple[int, Suspect]], photos: bool) -> str:
    first = items[0][1]
    rows = "".join(review_item(row, _in_words(audited, suspect)) for row, suspect in items)
    tiles = _person_photos(audited, first.folder) if photos else ""
    return f'<div class="suspect"><h3>{first.rank}. {escape(first.id)}</h3>{tiles}{rows}</div>'


def _in_words(audited: AuditedSet, row: Suspect) -> str:
    quality = audited.audit.quality_K.get(row.kind)
    opinion = "" if quality is None else f", cleanlab's quality {number(float(quality[row.place]), 2)}"
    if row.kind == "photos":
        return f"incorrect_mask and normal look swapped (score {row.score:.3f}{opinion})"
    return f"{row.kind} labeled {row.label}, predicted {row.reading} (score {row.score:.3f}{opinion})"


def _person_photos(audited: AuditedSet, folder: str) -> str:
    """All of a person's photos; below each what the model predicts otherwise than labeled."""
    cells = []
    for row in np.flatnonzero(audited.folder_N == folder).tolist():
        name = str(audited.table.photo_N[row])
        if name in audited.place_of_photo:
            small = audited.facts.small_NHWC[audited.place_of_photo[name]]
            words = name.rpartition("/")[2].partition(".")[0].replace("_", " ")
            caption = f"{escape(words)}{_predicted(audited, row)}"
            cells.append(f"<figure>{photo(small, words)}<figcaption>{caption}</figcaption></figure>")
    return f'<div class="seven">{"".join(cells)}</div>'


def _predicted(audited: AuditedSet, row: int) -> str:
    """What differs from the label, and the probability of the prediction; as HTML."""
    labeled, probs_C = int(audited.table.class_N[row]), audited.predictions.probs_NC[row]
    predicted = int(probs_C.argmax())
    if labeled < 0 or predicted == labeled:
        return ""
    found = differing_attributes(audited.task, labeled, predicted)
    return f"{difference_lines(found)}{probs_C[predicted]:.2f}"


def _pair_card(audited: AuditedSet, pair: NearCopy, row: int | None, photos: bool) -> str:
    names = pair.one, pair.other
    ids = " and ".join(ids_of(audited, pair))
    folds = {True: ", in different folds", False: ", in one fold", None: ""}[pair.parted]
    shown = [photo(audited.facts.small_NHWC[audited.place_of_photo[name]], name) for name in names if photos]
    decided = "" if row is None else review_item(row, f"{ids} are one person (alike {pair.alike:.2f})")
    head = f"{escape(ids)} ({pair.alike:.2f}{folds})"
    return f'<div class="suspect"><h3>{head}</h3><div class="tiles">{"".join(shown)}</div>{decided}</div>'
