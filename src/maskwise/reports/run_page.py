"""The report of a run on one page: what ``maskwise report`` writes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from maskwise.intended_use import OPTIMISTIC
from maskwise.reports import charts, line_charts, run_gallery, run_numbers
from maskwise.reports.explained import AugmentedPhoto, ExplainedPhoto
from maskwise.reports.page import page, paragraph, section
from maskwise.reports.run_card import repeat, run_model_card
from maskwise.reports.run_gallery import augmentation, looks, mistakes, opener, people, without_photos
from maskwise.reports.run_groups import by_age, groups
from maskwise.reports.run_numbers import classes, confusions, headline, learning, scores, sureness
from maskwise.reports.run_story import RunStory

_STYLE = """<style>
.warn { border-left: 4px solid var(--line-1); padding: 0.2rem 0.8rem; }
nav { font-size: 0.9rem; display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin: 0.8rem 0; }
nav a { color: var(--fill); } h3 { font-size: 1rem; margin: 1.1em 0 0.3em; } th[scope=row] { font-weight: normal; }
.lines { flex: 1 1 300px; min-width: 0; } main { min-width: 0; } section { scroll-margin-top: 0.5rem; }
.commands pre { white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { nav { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; } }
</style>"""


def run_page(
    story: RunStory,
    explained: Sequence[ExplainedPhoto],
    augmented: Sequence[AugmentedPhoto],
    *,
    photos: bool = True,
) -> str:
    """One self-contained HTML document; without ``photos`` it shows words and numbers alone."""
    open_photo = opener(story) if photos else without_photos
    sections = [
        ("Scores", scores(story.evaluation)),
        ("Classes", classes(story.evaluation)),
        ("What is taken for what", confusions(story.predictions, story.evaluation, story.task)),
        ("Training", learning(story.curves)),
        ("By age in years", by_age(story)),
        ("By group", groups(story)),
        ("How sure it is", sureness(story.calibration)),
        ("The surest mistakes", mistakes(story, open_photo)),
        ("The hardest people", people(story, open_photo)),
        ("Where the models look", looks(story, explained if photos else ())),
        ("What augmentation does", augmentation(augmented if photos else ())),
        ("Model card", run_model_card(story)),
        ("Repeat it", repeat(story)),
    ]
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    return page(
        f"Report: {story.record.name}",
        charts.STYLE,
        line_charts.STYLE,
        run_numbers.STYLE,
        run_gallery.STYLE,
        _STYLE,
        paragraph(_what(story)),
        *_warnings(story, photos=photos),
        headline(story.evaluation),
        f"<nav>{links}</nav>",
        *(f'<div id="{_anchor(name)}">{section(name, *parts)}</div>' for name, parts in sections),
    )


def _what(story: RunStory) -> str:
    record, folds = story.record, story.record.folds
    if story.joined is not None:
        kind = f"An ensemble of {len(story.joined.members)} runs ({story.joined.vote.kind.replace('_', ' ')})"
    elif folds > 1:
        kind = f"A run of {folds} folds, everybody read by the model that never saw them"
    else:
        kind = "A run that held people out"
    return (
        f"{kind}, on {record.data.name}. All numbers are of people whom the answering model never saw. What a model "
        "says is what a face appears to be, not what a person is."
    )


def _warnings(story: RunStory, *, photos: bool) -> list[str]:
    told = [*story.missing]
    if story.evaluation.optimistic:
        told.insert(0, f"Optimistic. {OPTIMISTIC}")
    if not photos:
        told.append("Made without photos: the galleries are lists, and no maps and no augmented photos are shown.")
    return [f'<p class="warn">{escape(words)}</p>' for words in told]


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
