"""A run's report: the model card, and all that is needed to repeat the run."""

from __future__ import annotations

import shlex
from html import escape

from maskwise.intended_use import (
    DIFFERENCES,
    INTENDED,
    NOT_INTENDED,
    OPTIMISTIC,
    SCORED_ON,
    trained_on,
    what_it_predicts,
)
from maskwise.labels import Attribute
from maskwise.reports.charts import shortened_list
from maskwise.reports.page import paragraph, preformatted, table
from maskwise.reports.run_groups import differences
from maskwise.reports.run_numbers import more
from maskwise.reports.run_story import RunStory
from maskwise.store.run_record import RunRecord
from maskwise.text_table import number, score

_OF_PEOPLE = ("By mask", "By gender", "By age", "By origin")
_FEW_PEOPLE = 30


def run_model_card(story: RunStory) -> list[str]:
    """Intended use, limits, and differences between groups of people."""
    record, task = story.record, story.task
    of_people = [grouping for grouping in story.groupings if grouping.title in _OF_PEOPLE]
    return [
        f"<p>{escape(record.name)} (run {escape(record.run_id)}) "
        f"{escape(what_it_predicts(task.attributes, task.n_classes))}, "
        f"{escape(trained_on(record.data.name, record.data.n_photos, record.data.n_people))}.</p>",
        "<h3>What it is for</h3>",
        f"<p>{escape(INTENDED)}</p>",
        "<h3>What it is not for</h3>",
        shortened_list(NOT_INTENDED),
        "<h3>Limits</h3>",
        shortened_list(_limits(story)),
        f"<h3>{DIFFERENCES}</h3>",
        *differences(of_people),
        "<h3>Where the photos come from</h3>",
        shortened_list(record.data.sources)
        if record.data.sources
        else paragraph("The data set does not say where its photos come from, nor under which license."),
    ]


def repeat(story: RunStory) -> list[str]:
    """The command, the data's checksum, versions and the whole recipe."""
    record = story.record
    rows = [
        ["run", record.run_id],
        ["begun", record.created_utc],
        ["data", f"{record.data.name}, checksum {record.data.checksum}"],
        *([["unlabeled data", record.data.unlabelled_checksum]] if record.data.unlabelled_checksum else []),
        ["seed", str(record.seed)],
        ["training time", f"{record.seconds / 60:.1f} minutes"],
        *([[name, version] for name, version in record.versions.items()]),
    ]
    records = [*(member.record for member in story.members if story.joined is not None), record]
    commands = "\n".join(map(_command, records))
    return [
        f'<div class="commands">{preformatted(commands)}</div>',
        paragraph(
            "The same recipe on data of this checksum with these versions gives the same run id and these numbers."
        ),
        table(["", ""], rows),
        *(more(name, preformatted(text)) for name, text in story.settings),
    ]


def _command(record: RunRecord) -> str:
    """The words as they are typed; a module that was run by its path is maskwise all the same."""
    return shlex.join(["maskwise", *record.command[1:]])


def _limits(story: RunStory) -> list[str]:
    evaluation, task = story.evaluation, story.task
    lines = [
        f"Scored on {evaluation.n_people:,} {SCORED_ON}.",
        *([OPTIMISTIC] if evaluation.optimistic else []),
    ]
    few = [row.name for row in evaluation.per_class if row.people < _FEW_PEOPLE]
    if few:
        where = "every class" if len(few) == len(evaluation.per_class) else "; ".join(few)
        lines.append(f"Fewer than {_FEW_PEOPLE} people held out in {where}. Their scores are rough.")
    known = [row for row in evaluation.per_class if row.f1.value == row.f1.value]
    worst = sorted(known, key=lambda row: row.f1.value)[:3]
    lines.append("Read worst: " + "; ".join(f"{row.name}, F1 {score(row.f1, 2)}" for row in worst) + ".")
    lines += [_weakest(story, attribute) for attribute in task.attributes]
    if story.calibration.temperature is not None:
        plain = story.calibration.plain[0]
        lines.append(f"Its probabilities are off by {number(plain.error)} in the mean (ECE of the joint class).")
    return lines


def _weakest(story: RunStory, attribute: Attribute) -> str:
    """The class of an attribute that is recognized least often."""
    (grouping,) = [each for each in story.groupings if each.title == f"By {attribute}"]
    group = min(grouping.groups, key=lambda each: each.accuracy[attribute].value)
    return f"{attribute}: least often recognized is {group.name}, {score(group.accuracy[attribute], 2)} of its photos."
