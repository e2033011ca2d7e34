"""Predictions with known classes → their scores, each with an interval over people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskwise.errors import DataError, must
from maskwise.evaluation.intervals import person_counts, resample_people, scored
from maskwise.evaluation.metrics import accuracy_of, confusion, f1_per_class, log_loss, macro_f1_of
from maskwise.evaluation.run_counts import units
from maskwise.evaluation.scores import ClassScore, Evaluation, TaskScores
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions, Strings


@dataclass(frozen=True)
class _Table:
    """One confusion table: what the photos are and what they were taken for, over A classes."""

    target_N: Ints
    predicted_N: Ints
    size: int

    @property
    def cells(self) -> Ints:
        """The cell of each photo in the flattened table."""
        return self.target_N * self.size + self.predicted_N


def evaluate(predictions: Predictions, task: Task, rng: np.random.Generator, resamples: int = 2000) -> Evaluation:
    """Scores of ``predictions`` (N photos, C joint classes) against their true classes.

    The joint class is the most probable of C. An attribute is the most probable of its own classes (the joint
    probabilities summed over the other attributes), which need not be the attribute of the most probable joint class:
    this is how the attribute would be predicted by itself.

    Intervals resample people with ``rng``, the same for every score; a photo without a person counts as its own.
    The order of the rows does not matter. ``DataError`` for photos of unknown class, no photos, or probabilities that
    do not fit the task.
    """
    _refuse_unfit(predictions, task)
    tables = {"joint": _joint_table(predictions, task), **_attribute_tables(predictions, task)}
    person_N = units(predictions)
    cell_NT, ends = _cells(list(tables.values()))
    counts_PK = person_counts(person_N, cell_NT, ends[-1])
    counts_RK = resample_people(counts_PK, rng, resamples)
    n_people = len(counts_PK)
    resampled = {
        name: counts_RK[:, end - table.size**2 : end].reshape(-1, table.size, table.size)
        for (name, table), end in zip(tables.items(), ends, strict=True)
    }
    scores = {name: _task_scores(table, resampled[name], n_people) for name, table in tables.items()}
    joint = tables["joint"]
    return Evaluation(
        n_photos=len(predictions),
        n_people=n_people,
        n_trained_on=int(np.sum(predictions.seen_N == "trained_on")),
        optimistic=predictions.optimistic,
        resamples=resamples,
        joint=scores["joint"],
        log_loss=log_loss(joint.target_N, predictions.probs_NC),
        per_attribute={name: scores[name] for name in task.attributes},
        per_class=_class_rows(joint, task, person_N, resampled["joint"], n_people),
        confusion_CC=confusion(joint.target_N, joint.predicted_N, joint.size),
    )


def _refuse_unfit(predictions: Predictions, task: Task) -> None:
    problems = []
    if not len(predictions):
        problems.append(must("predictions", "of at least one photo", 0, "Predict some photos first."))
    if predictions.probs_NC.shape[1] != task.n_classes:
        problems.append(
            must(
                "probabilities of each photo",
                f"{task.n_classes}, one for each joint class of {' × '.join(task.attributes)}",
                predictions.probs_NC.shape[1],
                "Evaluate with the task that the predictions were made for.",
            )
        )
    unknown = int(np.sum((predictions.class_N < 0) | (predictions.class_N >= task.n_classes)))
    if unknown:
        problems.append(
            must(
                "true class of every photo",
                f"known (0 to {task.n_classes - 1})",
                f"{unknown} of {len(predictions)} photos without one",
                "Add their true classes, or leave these photos out.",
            )
        )
    if problems:
        raise DataError(problems)


def _joint_table(predictions: Predictions, task: Task) -> _Table:
    return _Table(predictions.class_N.astype(np.int64), predictions.probs_NC.argmax(axis=1), task.n_classes)


def _attribute_tables(predictions: Predictions, task: Task) -> dict[str, _Table]:
    codes = task.codes(predictions.class_N)
    return {
        name: _Table(codes[name], task.marginal(predictions.probs_NC, name).argmax(axis=1), size)
        for name, size in zip(task.attributes, task.sizes, strict=True)
    }


def _cells(tables: list[_Table]) -> tuple[Ints, list[int]]:
    """Cells of all tables side by side: one column a table, and where each table's cells end."""
    ends = np.cumsum([table.size**2 for table in tables]).tolist()
    columns = [table.cells + end - table.size**2 for table, end in zip(tables, ends, strict=True)]
    return np.stack(columns, axis=1), ends


def _task_scores(table: _Table, counts_RCC: Floats, n_people: int) -> TaskScores:
    whole_CC = confusion(table.target_N, table.predicted_N, table.size)
    return TaskScores(
        macro_f1=scored(float(macro_f1_of(whole_CC)), macro_f1_of(counts_RCC), n_people),
        accuracy=scored(float(accuracy_of(whole_CC)), accuracy_of(counts_RCC), n_people),
    )


def _class_rows(
    joint: _Table, task: Task, person_N: Strings, counts_RCC: Floats, n_people: int
) -> tuple[ClassScore, ...]:
    whole_CC = confusion(joint.target_N, joint.predicted_N, joint.size)
    scores, f1_RC = f1_per_class(whole_CC), f1_per_class(counts_RCC).f1_C
    return tuple(
        ClassScore(
            name=name,
            photos=int(whole_CC[c].sum()),
            people=len(set(person_N[joint.target_N == c])),
            precision=float(scores.precision_C[c]),
            recall=float(scores.recall_C[c]),
            f1=scored(float(scores.f1_C[c]), f1_RC[:, c], n_people),
        )
        for c, name in enumerate(task.class_names)
    )
