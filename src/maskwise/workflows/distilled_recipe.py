"""The recipe of a student: any recipe, with the task, the data and the folds of its teacher. No torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from maskwise.errors import StoreError, must
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import list_runs, read_finished
from maskwise.workflows.join_runs import member_runs, read_joined
from maskwise.workflows.train_everyone import SUFFIX

_LONGEST_NAME = 64
_DISTILLED = "-distilled"


def distilled_recipe(teacher: Path, reference: str, changes: Sequence[str], *, everyone: bool) -> Recipe:
    """The recipe ``reference`` as a student of the finished run in ``teacher``, with ``path=value`` changes.

    Its name is the teacher's with -distilled, unless the changes give one. ``RecipeError`` for what cannot be.
    """
    record, joined = read_finished(teacher), read_joined(teacher)
    of_teacher = record.recipe if joined is None else member_runs(teacher, joined)[0].record.recipe
    suffix = _DISTILLED + (SUFFIX if everyone else "")
    settings = {
        "name": record.name[: _LONGEST_NAME - len(suffix)] + suffix,
        "distillation": {"teacher": record.run_id},
        "task": of_teacher["task"],
        "data": {**of_teacher["data"], "draw_masks": None},
        "split": {"kind": "everyone"} if everyone else of_teacher["split"],
    }
    given = {change.partition("=")[0].strip() for change in changes}
    own = [f"{path}={json.dumps(value)}" for path, value in settings.items() if path not in given]
    return load_recipe(reference, [*own, *changes])


def find_single(run: Path) -> Path:
    """The folder of one network that predicts what the finished run in ``run`` does: of that run, or of its student.

    A student trained on everyone comes before those that hold people out, the newest first. ``StoreError`` where the
    store has none.
    """
    record = read_finished(run)
    if read_joined(run) is None and _is_one_network(record):
        return run
    students = [
        each
        for each in list_runs(run.parent).runs
        if each.record.status == "finished"
        and (each.record.recipe.get("distillation") or {}).get("teacher") == record.run_id
        and _is_one_network(each.record)
    ]
    if not students:
        remedy = f"First train it: maskwise distill {record.name} --everyone."
        raise StoreError(must("--single", "used where one network was distilled from the run", "none", remedy))
    return min(students, key=lambda each: each.record.holds_people_out).folder


def _is_one_network(record: RunRecord) -> bool:
    return record.folds == 1 and len(record.part_names) == 1
