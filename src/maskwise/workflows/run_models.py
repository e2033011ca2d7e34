"""The trained models of a run or of an ensemble's members, and what they predict together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from maskwise.ensembles.config import EnsembleConfig, SoftVote
from maskwise.ensembles.vote_members import vote_folds
from maskwise.errors import StoreError, must
from maskwise.faces.framing import Framing
from maskwise.fitting.photos import features_precision, inference
from maskwise.labels import Attribute, Task
from maskwise.models.build import MaskwiseModel, build_model
from maskwise.models.face_network import FaceNetwork, share_equal_blocks
from maskwise.probabilities import (
    MemberProbabilities,
    Probabilities,
    multiplied,
    over_members,
)
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import Image, InputSpec
from maskwise.store.kept_files import check_files, check_kept
from maskwise.store.layout import FRAMING, RECIPE, input_path, weights_path
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import StoredRun, read_finished
from maskwise.training.checkpoints import load_weights
from maskwise.training.devices import Precision, choose_device, place_model
from maskwise.training.inference import Inference, View, predict_batch_of_each
from maskwise.workflows.join_runs import member_runs, read_joined

_SPEC = TypeAdapter(InputSpec)


class PartModels(NamedTuple):
    """The models that predict some attributes, one a fold."""

    attributes: tuple[Attribute, ...]
    models: list[MaskwiseModel]
    how: Inference
    """Of all of them, and of held-out people."""
    in_turn: bool = False
    """Whether each model predicts new photos in one of the views only (``predict.fold_views``)."""

    def predicting(self) -> list[tuple[MaskwiseModel, Inference]]:
        """The models, and how each predicts new photos."""
        if not self.in_turn:
            return [(model, self.how) for model in self.models]
        views = self.how.views
        return [
            (model, dataclasses.replace(self.how, views=(views[fold % len(views)],)))
            for fold, model in enumerate(self.models)
        ]


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
    framing: Framing | None = None
    """Where faces lay in the photos that it (of an ensemble: its first member) learned from, where that is known."""

    @property
    def task(self) -> Task:
        """Which attributes are predicted."""
        return self.members[0].recipe.task

    @property
    def specs(self) -> list[InputSpec]:
        """The different inputs of all models, in the order in which they first occur."""
        every = [part.how.spec for member in self.members for part in member.parts]
        return [spec for place, spec in enumerate(every) if spec not in every[:place]]

    def in_precision(self, precision: Precision) -> RunModels:
        """The same models, which compute in another number format than that of their training."""
        return self._changed(precision=precision, backbone_precision=None)

    def in_views(self, views: tuple[View, ...]) -> RunModels:
        """The same models, which all average over other views of a photo."""
        changed = self._changed(views=views)
        members = [
            each._replace(parts=[part._replace(in_turn=False) for part in each.parts]) for each in changed.members
        ]
        return changed._replace(members=members)

    def _changed(self, **of_inference: Any) -> RunModels:
        members = [
            member._replace(
                parts=[part._replace(how=dataclasses.replace(part.how, **of_inference)) for part in member.parts]
            )
            for member in self.members
        ]
        return self._replace(members=members)

    def predict(self, pixels_of: Sequence[Image]) -> MemberProbabilities:
        """What every member predicts for some photos; ``pixels_of`` has an array N × H × W × 3 for each of ``specs``.

        A member is the product of its parts (the mean of those that predict the same attributes), a part the vote of
        its folds, a fold's model the mean over the views that it sees.
        """
        predicted = self.predict_each(pixels_of)

        def member(models: MemberModels) -> Probabilities:
            parts = []
            for part in models.parts:
                folds = [predicted[id(model)] for model in part.models]
                parts.append((part.attributes, vote_folds(folds, models.recipe.predict.fold_vote)))
            return multiplied(parts, models.recipe.task)

        return over_members([member(each) for each in self.members])

    def predict_each(self, pixels_of: Sequence[Image]) -> dict[int, Probabilities]:
        """The predictions of every model by its ``id``. Models of one input go together: they may share blocks."""
        every = [part for member in self.members for part in member.parts]
        specs = self.specs
        predicted: dict[int, Probabilities] = {}
        for place, first in enumerate(every):
            if any(given_alike(part.how, first.how) for part in every[:place]):
                continue
            alike = [part for part in every[place:] if given_alike(part.how, first.how)]
            models = [each for part in alike for each in part.predicting()]
            together = predict_batch_of_each(models, pixels_of[specs.index(first.how.spec)])
            predicted.update(zip((id(model) for model, _ in models), together, strict=True))
        return predicted


def given_alike(a: Inference, b: Inference) -> bool:
    """Whether models that predict so are given photos alike, and may share blocks."""
    return (a.spec, a.device) == (b.spec, b.device)


def load_run(run: Path) -> RunModels:
    """The models of the finished run in ``run``: of each member, part and fold."""
    record = read_finished(run)
    ensemble = read_joined(run)
    runs = [StoredRun(run, record)] if ensemble is None else member_runs(run, ensemble)
    weights = (1.0,) if ensemble is None else ensemble.weights
    members = [_load_member(member, weight) for member, weight in zip(runs, weights, strict=True)]
    backbones = [model.backbone for member in members for part in member.parts for model in part.models]
    share_equal_blocks([backbone for backbone in backbones if isinstance(backbone, FaceNetwork)])
    return RunModels(record, SoftVote() if ensemble is None else ensemble.vote, members, _read_framing(runs[0]))


def _read_framing(run: StoredRun) -> Framing | None:
    place = run.folder / FRAMING
    if not place.is_file() and FRAMING not in run.record.checksums:
        return None
    check_files(run, place)
    try:
        return Framing.model_validate_json(place.read_bytes())
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        remedy = "Train the run again with --force."
        raise StoreError(must(str(place), "where faces lie in photos", reason, remedy)) from None


def read_recipe(run: Path) -> Recipe:
    """The recipe that a run was trained with."""
    path = run / RECIPE
    check_kept(run, path)
    return load_recipe(str(path))


def load_models(run: StoredRun, recipe: Recipe, part: str = "") -> tuple[list[MaskwiseModel], Inference]:
    """The trained model of every fold, in eval mode, and how they predict: with the input spec saved beside them.

    ``recipe`` is of a single model: of a run with parts, that of the part of the name ``part`` (``single_recipes``).
    """
    device = choose_device(recipe.runtime.device)
    models: list[MaskwiseModel] = []
    specs: list[InputSpec] = []
    for fold in range(run.record.folds):
        weights, spec = weights_path(run.folder, fold, part), input_path(run.folder, fold, part)
        check_files(run, weights, spec)
        model = build_model(recipe.model, recipe.task, load_weights=False)
        load_weights(weights, model)
        place_model(model, device).eval()
        models.append(model)
        specs.append(read_input_spec(spec))
    if any(spec != specs[0] for spec in specs):
        raise StoreError(
            f"all folds of {run.folder} must have one input spec, got several. Train the run again with --force."
        )
    how = inference(recipe, specs[0])
    if recipe.train.cached_views is not None and not recipe.train.frozen_blocks:
        how = dataclasses.replace(how, backbone_precision=features_precision(recipe, device))
    return models, how


def read_input_spec(path: Path) -> InputSpec:
    """The input spec that training saved beside the weights."""
    try:
        return _SPEC.validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise StoreError(
            must(str(path), "how photos become inputs", reason, "Train the run again with --force.")
        ) from None


def _load_member(run: StoredRun, weight: float) -> MemberModels:
    recipe = read_recipe(run.folder)
    parts = []
    for single in single_recipes(recipe):
        models, how = load_models(run, single.recipe, single.name)
        in_turn = recipe.predict.fold_views == "in_turn" and len(models) > 1 and not single.recipe.train.always_frozen
        parts.append(PartModels(single.recipe.task.attributes, models, how, in_turn))
    return MemberModels(run.folder, run.record, recipe, weight, parts)
