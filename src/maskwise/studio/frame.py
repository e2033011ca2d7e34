"""What the studio puts around pages: the way to the others, tags, choices, and pages that are still being made."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from maskwise.reports import line_charts
from maskwise.reports.page import page, paragraph, section
from maskwise.reports.run_numbers import learning_charts
from maskwise.reports.words import Language, in_language, korean_words
from maskwise.store.marks import Marks
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import StoredRun
from maskwise.studio.live import TrainingProgress
from maskwise.studio.page_maker import PageJob
from maskwise.text_table import duration, number

_HEAD = '<link rel="stylesheet" href="/studio.css"><script src="/studio.js" defer></script></head>'
PLACES = (("/", "Board"), ("/compare", "Compare"), ("/data", "Data"), ("/audit", "Labels"), ("/predict", "Predict"))


class Choice(NamedTuple):
    """A run to choose, as a list shows it."""

    run_id: str
    words: str


def framed(html: str, here: str, tools: str = "", language: Language = "en") -> str:
    """The page ``html`` with the way to the others, ``here`` marked, and ``tools`` (HTML) below it, in ``language``."""
    links = "".join(
        f'<a href="{address}"{" aria-current=page" if address == here else ""}>{name}</a>' for address, name in PLACES
    )
    said = (
        '<span class="silent" hidden>The studio does not answer.</span><span class="refused" hidden>Not saved:</span>'
    )
    bar = in_language(f'<header class="studio"><nav aria-label="Studio">{links}</nav>{tools}{said}</header>', language)
    before, body, after = html.partition("<body")
    opening, end, rest = after.partition(">")
    return f"{before.replace('</head>', _HEAD, 1)}{body}{opening}{end}{bar}{rest}"


def polled(address: str, fragment: str) -> str:
    """``fragment`` (HTML), brought anew from ``address`` every other second while the page is seen."""
    return f'<div data-poll="{escape(address)}" aria-live="off">{fragment}</div>'


def run_tools(record: RunRecord, marks: Marks, *, maps: bool) -> str:
    """Tags to see and to change, and where to go from a run; ``maps``: whether the report has them."""
    run = record.run_id
    links = [(f"/compare?a={run}", "Compare it"), (f"/audit?run={run}", "Check labels with it")]
    links += [(f"/predict/{run}/", "Predict with it")]
    links += [] if maps else [(f"/runs/{run}?maps=1", "Show where the model looks")]
    ways = "".join(f'<a href="{address}">{words}</a>' for address, words in links)
    return (
        f'<form class="tags" data-run="{run}"><label for="tag">Tags</label>'
        f'<span class="given">{tag_buttons(marks)}</span>'
        '<input id="tag" name="tag" maxlength="40" size="10" autocomplete="off" pattern="[\\w.+\\-]+" required>'
        '<button type="submit">Add</button><output role="status"></output></form>'
        f'<p class="ways">{ways}</p>'
    )


def tag_buttons(marks: Marks) -> str:
    """The tags, each to be removed by a click."""
    return "".join(
        f'<button type="button" data-tag="{escape(tag)}" aria-label="Remove the tag {escape(tag)}">{escape(tag)} ×'
        "</button>"
        for tag in marks.tags
    )


def corrections_tools(key: str) -> str:
    """The button that saves what was decided on a page of likely wrong labels."""
    return (
        f'<form class="decisions" data-list="{key}"><button type="submit">Save corrections</button>'
        '<output role="status"></output></form>'
    )


def choosing_page(
    title: str, note: str, address: str, choices: Sequence[Choice], fields: Sequence[tuple[str, str]], chosen: str = ""
) -> str:
    """A form that leads to ``address`` with a run for each of ``fields`` (name, words), another one in each."""
    if not choices:
        return page(title, paragraph(note), paragraph("No finished run that held people out is in the store yet."))
    first = next((each for each in choices if each.run_id == chosen), choices[0])
    ordered = [first, *(each for each in choices if each is not first)]
    labels = "".join(
        f'<p><label for="{name}">{escape(words)}</label> <select id="{name}" name="{name}">'
        f"{_options(choices, ordered[min(place, len(ordered) - 1)])}</select></p>"
        for place, (name, words) in enumerate(fields)
    )
    form = f'<form class="choose" method="get" action="{address}">{labels}<button type="submit">Show</button></form>'
    return page(title, paragraph(note), form)


def _options(choices: Sequence[Choice], selected: Choice) -> str:
    return "".join(
        f'<option value="{each.run_id}"{" selected" if each is selected else ""}>{escape(each.words)}</option>'
        for each in choices
    )


def linked_runs_page(title: str, note: str, choices: Sequence[Choice], address: str) -> str:
    """A list of runs, each a link to ``address`` with its id in place of ``{run}``."""
    items = "".join(
        f'<li><a href="{address.format(run=each.run_id)}">{escape(each.words)}</a></li>' for each in choices
    )
    return page(title, paragraph(note), f"<ul>{items}</ul>" if items else paragraph("No finished run is in the store."))


def waiting_page(title: str, job: PageJob) -> str:
    """Shown until ``job`` has its page."""
    return page(title, polled(f"/jobs/{job.id}", job_fragment(job)))


def job_fragment(job: PageJob) -> str:
    """How far it is."""
    if not job.stage:
        return '<p role="status">Waiting for the page before it …</p><progress></progress>'
    count = f"{job.done:,} of {job.total:,}" if job.total > 1 else ""
    bar = (
        f'<progress max="{job.total}" value="{min(job.done, job.total)}"></progress>'
        if count
        else "<progress></progress>"
    )
    return f'<p role="status">{escape(job.stage)} <span>{count}</span></p>{bar}'


def problems_page(title: str, problems: Sequence[str]) -> str:
    """Why there is no such page, one line a problem; what has no Korean is marked as English and stays so."""
    marks = ["" if has_korean(each) else ' lang="en"' for each in problems]
    lines = "".join(f"<p{mark}>{escape(each)}</p>" for mark, each in zip(marks, problems, strict=True))
    head = paragraph("The page cannot be shown:")
    return page(title, f'<div role="alert">{head}{lines}</div>', '<p><a href="/">Board</a></p>')


def has_korean(message: str) -> bool:
    """Whether all of ``message`` can be said in Korean; the library's own messages stay English."""
    return korean_words().find(message) is not None


def live_page(record: RunRecord, fragment: str) -> str:
    """A run that is not finished."""
    return page(f"Training: {record.name}", line_charts.STYLE, polled(f"/runs/{record.run_id}/live", fragment))


def live_fragment(progress: TrainingProgress) -> str:
    """How far a training is, its curves, and its last epochs."""
    head = f"{progress.epochs_done:,} of {progress.epochs:,} epochs"
    left = progress.seconds_left
    parts = [
        f'<p role="status"><strong>{head}</strong> <span>{_pace(progress, left)}</span></p>',
        f'<progress max="{max(progress.epochs, 1)}" value="{progress.epochs_done}"></progress>',
    ]
    if progress.may_have_stopped:
        parts.append(paragraph("It may have stopped. The same train command goes on from the last checkpoint."))
    if not progress.curves:
        return "".join(parts) + paragraph("The curves begin after the first epoch.")
    parts.append(section("Curves", learning_charts(progress.curves)))
    return "".join(parts)


def running_fragment(running: Sequence[tuple[StoredRun, TrainingProgress]]) -> str:
    """The trainings under way, one line each; nothing where there is none."""
    lines = [
        f'<li><a href="/runs/{run.record.run_id}">{escape(run.record.name)}</a> '
        f'<progress max="{max(found.epochs, 1)}" value="{found.epochs_done}"></progress> '
        f"<span>{found.epochs_done:,} of {found.epochs:,} epochs</span> <span>{_pace(found, found.seconds_left)}</span>"
        "</li>"
        for run, found in running
    ]
    return f"<h2>Training now</h2><ul class='running'>{''.join(lines)}</ul>" if lines else ""


def _pace(progress: TrainingProgress, left_s: float | None) -> str:
    if progress.may_have_stopped:
        return f"no sign for {duration(progress.silent_s)}"
    if left_s is None or progress.epoch_seconds is None:
        return "in its first epoch"
    return f"{number(progress.epoch_seconds, 1)} s an epoch, about {duration(left_s)} left"
