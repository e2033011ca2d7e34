"""The trained models of a run or of an ensemble's members, as a bundle groups them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import nn

from maskwise.ensembles.config import EnsembleConfig, SoftVote
from maskwise.labels import Attribute
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import read_finished
from maskwise.training.inference import Inference
from maskwise.workflows.join_runs import member_folders, read_joined
from maskwise.workflows.predict_photos import load_models, read_recipe


class PartModels(NamedTuple):
    """The models that read some attributes, one a fold."""

    attributes: tuple[Attribute, ...]
    models: list[nn.Module]
    how: Inference


class MemberModels(NamedTuple):
    """A trained run."""

    folder: Path
    record: RunRecord
    recipe: Recipe
    weight: float
    parts: list[PartModels]


class RunModels(NamedTuple):
    """All that predicts for a run."""

    record: RunRecord
    """Of the run itself; for an ensemble its own."""
    vote: EnsembleConfig
    members: list[MemberModels]


def load_run(run: Path) -> RunModels:
    """The models of the finished run in ``run``, folds, parts and members all told apart."""
    record = read_finished(run)
    ensemble = read_joined(run)
    if ensemble is None:
        return RunModels(record, SoftVote(), [_load_member(run, 1.0)])
    folders = zip(member_folders(run, ensemble), ensemble.weights, strict=True)
    return RunModels(record, ensemble.vote, [_load_member(folder, weight) for folder, weight in folders])


def _load_member(folder: Path, weight: float) -> MemberModels:
    recipe = read_recipe(folder)
    parts = []
    for single in single_recipes(recipe):
        models, how = load_models(folder, single.recipe, single.name)
        parts.append(PartModels(single.recipe.task.attributes, models, how))
    return MemberModels(folder, read_finished(folder), recipe, weight, parts)
