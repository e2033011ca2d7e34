"""The report of a run on one page: what ``maskwise report`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from maskwise.intended_use import OPTIMISTIC, not_learned
from maskwise.reports import charts, forest, line_charts, photo_cards, run_gallery, run_mistakes, run_numbers
from maskwise.reports.explained import AugmentedPhoto, ExplainedPhoto
from maskwise.reports.page import listed_sections, page, paragraph
from maskwise.reports.reports_beside import mark_of_run
from maskwise.reports.run_card import repeat, run_model_card
from maskwise.reports.run_gallery import Opener, augmentation, looks, opener, people, without_photos
from maskwise.reports.run_groups import by_age, groups
from maskwise.reports.run_mistakes import mistakes, telling_mistakes
from maskwise.reports.run_numbers import (
    attribute_confusions,
    classes,
    confidence,
    confusions,
    learning,
    learning_charts,
    scores,
)
from maskwise.reports.run_story import RunStory

_STYLE = """<style>
.warn { border-left: 4px solid var(--line-1); padding: 0.2rem 0.8rem; }
h3 { font-size: 1rem; margin: 1.1em 0 0.3em; } th[scope=row] { font-weight: normal; }
.lines { flex: 1 1 300px; min-width: 0; }
.commands pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.glance { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 2.4rem; }
.glance h3:first-child { margin-top: 0.2em; } .glance > .all h3 { margin-top: 1.1em; }
.glance h2 { margin-top: 0.6em; } .glance .charts .lines { max-width: 420px; }
@media (min-width: 62rem) { .glance { grid-template-columns: minmax(24rem, 5fr) 6fr; }
  .glance > .all { grid-column: 1 / -1; }
  .glance .confusion.few td { min-width: 2.6em; } .glance .confusion { font-size: 0.85rem; } }
@media (max-width: 40rem) { .glance .row { gap: 0.3rem; }
  .glance .row h3 { margin: 0.6em 0 -1.5em; position: relative; z-index: 2; width: max-content; }
  .glance .confusion thead th { white-space: normal; font-size: 0.85rem; vertical-align: bottom; } }
@media print { details::details-content { content-visibility: visible; block-size: auto; } }
</style>"""


def run_page(
    story: RunStory,
    explained: Sequence[ExplainedPhoto],
    augmented: Sequence[AugmentedPhoto],
    *,
    photos: bool = True,
) -> str:
    """One self-contained HTML document; without ``photos`` it shows words and numbers alone."""
    open_photo = opener(None if story.data is None else story.data.root) if photos else without_photos
    parts = [
        ("At a glance", glance(story, open_photo)),
        ("The surest mistakes", mistakes(story, open_photo)),
        ("What is taken for what", confusions(story.evaluation, story.task)),
        ("Classes", classes(story.evaluation)),
        ("By group", groups(story)),
        ("By age in years", by_age(story)),
        ("Confidence", confidence(story.calibration)),
        ("The hardest people", people(story, open_photo)),
        ("Where the models look", looks(story, explained if photos else ())),
        ("What augmentation does", augmentation(augmented if photos else ())),
        ("Training", learning(story.curves)),
        ("Model card", run_model_card(story)),
        ("Repeat it", repeat(story)),
    ]
    sections, contents = listed_sections([(_anchor(name), name, inner) for name, inner in parts])
    styles = (charts, line_charts, forest, run_numbers, photo_cards, run_mistakes, run_gallery)
    return page(
        f"Report: {story.record.name}",
        *(each.STYLE for each in styles),
        _STYLE,
        paragraph(_what(story)),
        *_warnings(story, photos=photos),
        *sections,
        contents=contents,
        script=photo_cards.SCRIPT,
        head=mark_of_run(story.record.run_id),
    )


def glance(story: RunStory, open_photo: Opener) -> list[str]:
    """What people look for first: scores, confusions, a few mistakes, curves."""
    telling = telling_mistakes(story, open_photo)
    mistaken = f'<div class="all"><h3>Telling mistakes</h3>{telling}</div>' if telling else ""
    curves, (plot, note) = learning_charts(story.curves), scores(story.evaluation)
    return [
        '<div class="glance">'
        f"<div>{plot}</div>"
        f"<div>{attribute_confusions(story.predictions, story.task)}</div>"
        f"{mistaken}"
        f'<div class="all">{curves}{note}</div></div>'
    ]


def _what(story: RunStory) -> str:
    record, folds = story.record, story.record.folds
    if story.joined is not None:
        kind = f"An ensemble of {len(story.joined.members)} runs ({story.joined.vote.kind.replace('_', ' ')})"
    elif folds > 1:
        kind = f"A run of {folds} folds, everybody predicted by the model that never saw them"
    else:
        kind = "A run that held people out"
    return (
        f"{kind}, on {record.data.name}. All numbers are of people whom the predicting model never saw. What a model "
        "says is what a face appears to be, not what a person is."
    )


def _warnings(story: RunStory, *, photos: bool) -> list[str]:
    warnings = [*filter(None, [not_learned(story.record.data.absent_classes)]), *story.missing]
    if story.evaluation.optimistic:
        warnings.insert(0, f"Optimistic. {OPTIMISTIC}")
    if not photos:
        warnings.append("Made without photos: the galleries are lists, and no maps and no augmented photos are shown.")
    return [f'<p class="warn">{escape(words)}</p>' for words in warnings]


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
