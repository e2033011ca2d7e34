"""A finished run, or an ensemble, as the teacher of another model: what it predicts for the photos that train that one.

For a fold, the models speak that the teacher trained without the fold's people, so a scored student learns nothing
about those whom it is scored on. Where nobody is held out, all models speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from maskwise.data.manifest import Manifest
from maskwise.ensembles.vote_members import vote_folds, vote_members
from maskwise.errors import StoreError, must
from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.one_fold import predict_set
from maskwise.fitting.parts import PartPhotos, read_parts
from maskwise.fitting.run_data import read_photos
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.probabilities import Probabilities, multiplied, over_members
from maskwise.recipe.config import Recipe
from maskwise.records import Floats, Ints, PhotoTable, Strings, rows_of
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import read_split
from maskwise.store.runs import StoredRun, read_finished
from maskwise.workflows.join_runs import member_runs, read_joined
from maskwise.workflows.run_models import MemberModels, RunModels, load_run, read_recipe


class Teacher:
    """The models of a finished run and the labeled photos as each of them sees them, read when they are needed."""

    def __init__(self, run: Path, manifest: Manifest, holds_out: bool, cache: Path, listener: Listener) -> None:
        self.run, self.manifest, self.holds_out = run, manifest, holds_out
        self.cache, self.listener = cache, listener

    def __call__(self, fold: int, photo_M: Strings) -> Floats:
        """Joint probabilities M × C of ``photo_M`` by the models of ``fold``, or by all where nobody is held out."""
        place_M = rows_of(photo_M.tolist(), self.manifest.table.photo_N)
        self.listener.on_note(f"fold {fold}: {self._models.record.name} predicts {len(place_M):,} training photos")
        members = [
            self._member(member, photos, fold, place_M)
            for member, photos in zip(self._models.members, self._photos, strict=True)
        ]
        weights = [member.weight for member in self._models.members]
        task = self._models.task
        return vote_members(self._models.vote, weights, [over_members(members)], task.n_classes).probs_NC

    @cached_property
    def _models(self) -> RunModels:
        return load_run(self.run)

    @cached_property
    def _photos(self) -> list[tuple[PartPhotos, ...]]:
        """For each member, all labeled photos as its parts see them."""
        found = []
        for member in self._models.members:
            labeled = read_photos(member.recipe, self.manifest, self.cache, self.listener).labeled
            found.append(read_parts(member.recipe, labeled, self.manifest.root, self.cache, self.listener))
        return found

    def _member(self, member: MemberModels, photos: Sequence[PartPhotos], fold: int, place_M: Ints) -> Probabilities:
        parts = []
        nobody_N = np.zeros(len(self.manifest.table), dtype=np.bool_)
        for part, seen in zip(member.parts, photos, strict=True):
            job = FoldJob(seen.model, seen.photos, nobody_N, fold, member.folder, self.listener)
            models = part.models[fold : fold + 1] if self.holds_out else part.models
            said = [predict_set(job, model, seen.photos.take(place_M), "trained_on") for model in models]
            folds = [Probabilities(each.probs_NC, each.age_years_N) for each in said]
            parts.append((part.attributes, vote_folds(folds, member.recipe.predict.fold_vote)))
        return multiplied(parts, member.recipe.task)


def open_teacher(
    recipe: Recipe, manifest: Manifest, fold_N: Ints, store: Path, cache: Path, listener: Listener
) -> Teacher:
    """The teacher that ``recipe`` names, a run of ``store``.

    ``StoreError`` where it is of another task; and for a scored student, where it did not hold the student's people out
    fold by fold, or chose its epochs on them: the student's score would be too high.
    """
    assert recipe.distillation is not None
    run = find_run(store, recipe.distillation.teacher)
    members, holds_out = taught_by(run), recipe.split.kind != "everyone"
    problems = [
        problem for member in members for problem in _problems(member, recipe, manifest.table, fold_N, holds_out)
    ]
    if problems:
        raise StoreError(problems)
    return Teacher(run, manifest, holds_out, cache, listener)


def taught_by(run: Path) -> list[StoredRun]:
    """The trained runs that the teacher in ``run`` is made of: itself, or the members of an ensemble."""
    record, joined = read_finished(run), read_joined(run)
    return [StoredRun(run, record)] if joined is None else member_runs(run, joined)


def _problems(member: StoredRun, recipe: Recipe, table: PhotoTable, fold_N: Ints, holds_out: bool) -> list[str]:
    name, task = f"teacher {member.record.name}", read_recipe(member.folder).task
    problems = []
    if _predicted(task) != _predicted(recipe.task):
        remedy = "Leave the student's task as the teacher's."
        problems.append(must(f"the task of {name}", "the student's", "another", remedy))
    if not holds_out:
        return problems
    if member.record.optimistic:
        remedy = "Train it with train.checkpoint.kind=last, or distill with --everyone."
        problems.append(
            must(name, "trained with an epoch chosen on other people", "one chosen on those scored", remedy)
        )
    held_out = read_split(member.folder)
    pairs = set(zip(table.person_N.tolist(), fold_N.tolist(), strict=True))
    others = sorted(str(person) for person, fold in pairs if held_out.get(str(person)) != fold)
    if others or not member.record.holds_people_out:
        got = f"{len(others)} people in another fold, first {others[0]}" if others else "nobody held out"
        remedy = "Use its data set and its split; for a teacher trained on everybody add --everyone."
        problems.append(must(f"folds of {name}", "those of the student", got, remedy))
    return problems


def _predicted(task: Task) -> Task:
    """Borders at training time may differ."""
    return Task(attributes=task.attributes, age_borders_years=task.age_borders_years)
