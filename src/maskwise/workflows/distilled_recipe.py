"""The recipe of a student: any recipe, with the task, the data and the folds of its teacher. No torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.store.runs import read_finished
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
