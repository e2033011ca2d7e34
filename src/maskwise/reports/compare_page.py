"""Runs against the first on one page: the paired difference, attributes and classes, the photos that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePosixPath
from types import MappingProxyType

import numpy as np

from maskwise.errors import counted
from maskwise.evaluation.changed_photos import Change, ChangedPhoto
from maskwise.evaluation.comparison import ClassDifference, Comparison, Difference, TaskDifference
from maskwise.evaluation.format_comparison import comparison_cautions
from maskwise.evaluation.format_several import format_ranking
from maskwise.evaluation.seeds_needed import describe_seeds
from maskwise.labels import Task
from maskwise.reports import charts, forest, line_charts, photo_cards
from maskwise.reports.charts import photo, shortened_list
from maskwise.reports.forest import ForestRow
from maskwise.reports.page import listed_sections, page, paragraph, preformatted
from maskwise.reports.photo_cards import card, chips, difference_lines, differing_attributes
from maskwise.reports.reports_beside import linked
from maskwise.reports.run_gallery import Opener
from maskwise.score import Score
from maskwise.store.runs import StoredRun
from maskwise.workflows.compare_runs import ComparedRuns

SHOWN = 24
"""Photos in each group at the most."""
_MOST_PICTURES = 240
"""On the whole page, however many runs are compared."""
_STYLE = """<style>
.verdict { font-size: 1.08rem; margin: 0.5em 0; }
h3 { font-size: 1rem; margin: 1.1em 0 0.3em; }
</style>"""


def compare_page(
    found: ComparedRuns,
    runs: Sequence[Sequence[StoredRun]],
    changed: Sequence[tuple[str, list[ChangedPhoto]]],
    task: Task,
    open_photo: Opener,
    *,
    notes: Sequence[str] = (),
    reports: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """One self-contained HTML document.

    ``runs`` are those of every arm, in the order of ``found.names``. ``changed`` are the photos that each arm but the
    first predicts differently from it: none where an arm has several runs. ``reports`` (run id → address) are what the
    names of runs link to, and ``notes`` are said at the end.
    """
    first, others = found.names[0], found.names[1:]
    most = _most_of_group(len(others))
    changed_of, several = dict(changed), len(others) > 1
    sections = [("Verdict", _verdicts(found, runs, reports))]
    for name, comparison in zip(others, found.comparisons, strict=True):
        after = f": {name}" if several else ""
        if several:
            sections.append((f"Attributes{after}", [forest.forest(_attributes(comparison), signed=True)]))
        photos = _changed(changed_of.get(name), task, (first, name), open_photo, most)
        sections.append((f"Changed photos{after}", photos))
        sections.append((f"Classes{after}", _classes(comparison)))
    if found.ranking is not None:
        sections.append(("Ranking", [preformatted(format_ranking(found.ranking, found.names))]))
    sections.append(("To know", [shortened_list([*_remarks(found), *notes])]))
    shown, contents = listed_sections([(f"part-{k}", name, parts) for k, (name, parts) in enumerate(sections)])
    styles = (charts, line_charts, forest, photo_cards)
    return page(
        f"{' and '.join(others) if len(others) < 3 else f'{len(others)} runs'} against {first}",
        *(each.STYLE for each in styles),
        _STYLE,
        *shown,
        contents=contents,
        script=photo_cards.SCRIPT,
    )


def photos_to_show(changed: Sequence[tuple[str, list[ChangedPhoto]]]) -> list[str]:
    """The names of the photos that the page will ask for."""
    most = _most_of_group(len(changed))
    groups = [[each for each in of_arm if each.change == kind] for _, of_arm in changed for kind in ("better", "worse")]
    return list(dict.fromkeys(each.photo for group in groups for each in most_changed(group, most)))


def _most_of_group(arms: int) -> int:
    return max(1, min(SHOWN, _MOST_PICTURES // (2 * max(arms, 1))))


def verdict_sentence(gain: Score, first: str, other: str) -> str:
    """Which of the two is better for new people, by the 95 % interval of the gain in macro F1."""
    if not gain.low <= gain.high:
        return f"Nothing can be said of {other} and {first}: an interval needs at least two people."
    size, between = f"{abs(gain.value):.3f}", f"the 95 % interval of the difference is {_between(gain)}"
    if gain.low > 0:
        return f"{other} is better than {first} for new people: its macro F1 is {size} higher; {between}."
    if gain.high < 0:
        return f"{other} is worse than {first} for new people: its macro F1 is {size} lower; {between}."
    if gain.low == gain.high:
        return f"{other} and {first} predict these photos equally well."
    return f"Inconclusive: for new people {other} may be better or worse than {first}; {between}."


def _between(gain: Score) -> str:
    return f"{gain.low:+.3f} to {gain.high:+.3f}"


def _verdicts(found: ComparedRuns, runs: Sequence[Sequence[StoredRun]], reports: Mapping[str, str]) -> list[str]:
    first, others, one = found.names[0], found.names[1:], found.comparisons[0]
    sentences = [
        f'<p class="verdict">{escape(verdict_sentence(comparison.joint.macro_f1.gain, first, name))}</p>'
        for name, comparison in zip(others, found.comparisons, strict=True)
    ]
    rows = _attributes(one) if len(others) == 1 else _joint(found)
    mcnemar = one.mcnemar if len(others) == 1 else None
    compared = [_runs_of(name, arm, reports) for name, arm in zip(found.names, runs, strict=True)]
    return [
        *sentences,
        forest.forest(rows, signed=True),
        *([] if mcnemar is None else [paragraph(_only(mcnemar.only_a, mcnemar.only_b, first, others[0]))]),
        paragraph(
            f"{one.n_photos:,} photos of {one.n_people:,} people. Right of 0 the other run is better. Bars "
            "are 95 % intervals by resampling people, the same people for both runs."
        ),
        f"<p>Runs compared: <span>{'; '.join(compared)}</span></p>",
    ]


def _only(only_a: int, only_b: int, first: str, other: str) -> str:
    return f"Only {other} is right on {counted(only_b, 'photo')}, only {first} on {only_a:,}."


def _runs_of(name: str, runs: Sequence[StoredRun], reports: Mapping[str, str]) -> str:
    """The arm's name; of several runs each by the beginning of its id. Links where there are reports."""
    ids = [run.record.run_id for run in runs]
    if len(ids) == 1:
        return linked(name, ids[0], reports)
    return f"{escape(name)} ({', '.join(linked(each[:8], each, reports) for each in ids)})"


def _row(name: str, difference: Difference, note: str = "", people: int | None = None) -> ForestRow:
    return ForestRow(name, difference.gain, f"{difference.a:.3f} → {difference.b:.3f}{note}", people)


def _attributes(comparison: Comparison) -> list[ForestRow]:
    scored: dict[str, TaskDifference] = {"joint class": comparison.joint, **comparison.per_attribute}
    rows = [ForestRow("macro F1", None), *(_row(name, each.macro_f1) for name, each in scored.items())]
    return [*rows, ForestRow("accuracy", None), *(_row(name, each.accuracy) for name, each in scored.items())]


def _joint(found: ComparedRuns) -> list[ForestRow]:
    """Every other arm on one axis."""
    arms = list(zip(found.names[1:], found.comparisons, strict=True))
    rows = [ForestRow("macro F1 of the joint class", None), *(_row(name, each.joint.macro_f1) for name, each in arms)]
    rows.append(ForestRow("accuracy of the joint class", None))
    return [*rows, *(_row(name, each.joint.accuracy) for name, each in arms)]


def _classes(comparison: Comparison) -> list[str]:
    known = [row for row in comparison.per_class if not np.isnan(row.f1.gain.value)]
    sentences = [words for words in map(_class_sentence, known) if words]
    return [
        forest.forest(
            [_row(each.name, each.f1, f" · {each.people:,} people", each.people) for each in known], signed=True
        ),
        *([shortened_list(sentences)] if sentences else []),
        paragraph(
            f"F1 of each joint class. Of {len(known)} intervals about {max(1, round(0.05 * len(known)))} leaves 0 out "
            "by chance."
        ),
    ]


def _class_sentence(row: ClassDifference) -> str:
    """Of a class whose interval leaves 0 out; "" for the others and for those of too few people."""
    gain = row.f1.gain
    if row.people < forest.FEW_PEOPLE or not (gain.low > 0 or gain.high < 0):
        return ""
    return f"{row.name}: {'better' if gain.value > 0 else 'worse'}, F1 {gain.value:+.3f} ({_between(gain)})."


def _changed(
    changed: Sequence[ChangedPhoto] | None, task: Task, names: tuple[str, str], open_photo: Opener, most: int
) -> list[str]:
    if changed is None:
        return [paragraph("Changed photos are shown where one run is compared with one.")]
    if not changed:
        return [paragraph("Both predict the same class for every photo.")]
    first, other = names
    both_wrong = sum(each.change == "other" for each in changed)
    return [
        paragraph(
            f"Each card: what {first} predicts → what {other} predicts; blue is right, orange is wrong. One photo per "
            "person, those first whose label gained or lost the most probability. Open a card for the photo's name."
        ),
        *_group(changed, "better", f"Better: only {other} is right", task, open_photo, most),
        *_group(changed, "worse", f"Worse: only {first} is right", task, open_photo, most),
        *([paragraph(f"On {counted(both_wrong, 'more photo')} they differ and both are wrong.")] if both_wrong else []),
    ]


def _group(
    changed: Sequence[ChangedPhoto], kind: Change, heading: str, task: Task, open_photo: Opener, most: int
) -> list[str]:
    mine = [each for each in changed if each.change == kind]
    if not mine:
        return [f"<h3>{escape(heading)}</h3>", paragraph("There are no such photos.")]
    shown = most_changed(mine, most)
    people = len({each.person or each.photo for each in mine})
    left = len(mine) - len(shown)
    words = f"{counted(len(mine), 'photo')} of {counted(people, 'person', 'people')}. "
    words += f"{len(shown):,} are shown, {left:,} are left out." if left else "All are shown."
    found = [differing_attributes(task, each.class_a, each.class_b) for each in shown]
    cards = "".join(_card(each, task, open_photo) for each in shown)
    return [
        f"<h3>{escape(heading)}</h3>",
        paragraph(words),
        f'<div class="changed" data-change="{kind}">{chips(found, f"Which photos are shown. {heading}")}'
        f'<div class="cases">{cards}</div></div>',
    ]


def most_changed(changed: Sequence[ChangedPhoto], most: int) -> list[ChangedPhoto]:
    """Up to ``most``, one a person, those first whose label's probability changed the most."""
    of_person: dict[str, ChangedPhoto] = {}
    for each in sorted(changed, key=lambda each: (-abs(each.label_gain), each.photo)):
        of_person.setdefault(each.person or each.photo, each)
    return list(of_person.values())[:most]


def _card(each: ChangedPhoto, task: Task, open_photo: Opener) -> str:
    found = differing_attributes(task, each.class_a, each.class_b)
    image = open_photo(each.photo)
    shown = "" if image is None else photo(image, ", ".join(map(str, found)))
    summary = f"{shown}{difference_lines(found, after_is_right=each.change == 'better')}"
    name = escape("/".join(PurePosixPath(each.photo).parts[-2:]))
    label = escape(task.class_names[each.true_class])
    inner = f"<p>labeled {label}</p><p>probability of the label {each.label_gain:+.2f}</p><p>{name}</p>"
    return card(found, summary, inner)


def _remarks(found: ComparedRuns) -> list[str]:
    others = found.names[1:]
    plans = [f"{name}: {describe_seeds(plan)}" for name, plan in zip(others, found.seeds, strict=True)]
    cautions = [
        line
        for name, comparison in zip(others, found.comparisons, strict=True)
        for line in comparison_cautions(comparison, found.names[0], name)
    ]
    many = len(others) > 1 and found.ranking is None
    return [
        *dict.fromkeys(cautions),
        *plans,
        *(
            [f"{len(others)} comparisons, whose intervals each miss one time in twenty: --rank holds for all"]
            if many
            else []
        ),
    ]
