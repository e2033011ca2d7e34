"""Mirrors of a training in TensorBoard, MLflow and Weights & Biases.

They only listen: a run needs none of them to train or to be read. The packages are optional
(``pip install "maskwise[tensorboard]"``, ``[mlflow]``, ``[wandb]``) and are imported here alone, when they are
requested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from maskwise.errors import UserError, install_extra, must, nearest
from maskwise.files import at_home, refuse_unwritable
from maskwise.listeners import EpochReport, Listener, Silent
from maskwise.recipe.addresses import settings_of
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id

MIRROR_KINDS = ("mlflow", "tensorboard", "wandb")
EXPERIMENT = "maskwise"
_LONGEST_PARAMETER = 500
_PARAMETERS_A_CALL = 100


class Mirror(Listener, Protocol):
    """A listener that also learns how it ended."""

    def finish(self, run: str, scores: Mapping[str, float]) -> None:
        """The run is in the store under the id ``run``; its scores by name, none where nobody was held out."""


class MirrorTarget(NamedTuple):
    """``kind:place``: what to mirror into, and where that is."""

    kind: str
    place: str


def read_targets(texts: Sequence[str]) -> list[MirrorTarget]:
    """``tensorboard:DIR``, ``mlflow:URI`` or ``wandb:PROJECT``; ``UserError`` names all that are neither."""
    targets = [MirrorTarget(*text.partition(":")[::2]) for text in texts]
    problems = [
        must("--mirror", "tensorboard:DIR, mlflow:URI or wandb:PROJECT", text, nearest(target.kind, MIRROR_KINDS))
        for text, target in zip(texts, targets, strict=True)
        if target.kind not in MIRROR_KINDS or not target.place
    ]
    if problems:
        raise UserError(problems)
    for target in targets:
        if target.kind == "tensorboard":
            refuse_unwritable(at_home(target.place))
    return targets


def open_mirrors(targets: Sequence[MirrorTarget], recipe: Recipe, listener: Listener) -> list[Mirror]:
    """A mirror for each target. ``UserError`` where its package is missing or the place cannot be used."""
    return [_open(target, recipe, listener) for target in targets]


class TensorBoardMirror(Silent):
    """Scalars of every epoch and the scores, as event files in a folder of the recipe's own, from the first epoch on.

    A training that goes on after a kill writes on in the same folder.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.package, self.folder, self.recipe = _needed("tensorboardX", "tensorboard"), folder, recipe

    @cached_property
    def writer(self) -> Any:
        """Of the event files, which begin with the recipe."""
        writer = self.package.SummaryWriter(str(self.folder / label_of(self.recipe)))
        writer.add_text("recipe", f"```\n{json.dumps(self.recipe.model_dump(mode='json'), indent=1)}\n```")
        return writer

    def on_epoch(self, report: EpochReport) -> None:
        """Loss, rate and speed, and the scores of the validation people where there are any."""
        for name, value in epoch_numbers(report).items():
            self.writer.add_scalar(f"fold-{report.fold}/{name}", value, report.epoch)
        self.writer.flush()

    def finish(self, run: str, scores: Mapping[str, float]) -> None:
        """The scores and the run's id."""
        for name, value in scores.items():
            self.writer.add_scalar(f"held-out/{name}", value, 0)
        self.writer.add_text("run", run)
        self.writer.close()


class MlflowMirror(Silent):
    """A run of the experiment ``maskwise`` on a tracking server or in a tracking folder.

    It begins with the first epoch. A server that stops answering ends the mirror, not the training.
    """

    def __init__(self, uri: str, recipe: Recipe, listener: Listener) -> None:
        self.mlflow = _needed("mlflow", "mlflow")
        self.error: type[Exception] = self.mlflow.exceptions.MlflowException
        self.recipe, self.listener, self.broken = recipe, listener, False
        try:
            self.client = self.mlflow.MlflowClient(tracking_uri=uri)
            found = self.client.get_experiment_by_name(EXPERIMENT)
            self.experiment = found.experiment_id if found else self.client.create_experiment(EXPERIMENT)
        except self.error as error:
            raise UserError(must("--mirror", "a usable MLflow", uri, str(error).splitlines()[0])) from None

    @cached_property
    def run(self) -> Any:
        """The id of the run, which begins with the recipe."""
        run = self.client.create_run(self.experiment, run_name=label_of(self.recipe)).info.run_id
        parameter = self.mlflow.entities.Param
        flat = [
            parameter(address, str(value)[:_LONGEST_PARAMETER])
            for address, value in settings_of(self.recipe.model_dump(mode="json")).items()
        ]
        for start in range(0, len(flat), _PARAMETERS_A_CALL):
            self.client.log_batch(run, params=flat[start : start + _PARAMETERS_A_CALL])
        return run

    def on_epoch(self, report: EpochReport) -> None:
        """Loss, rate and speed, and the scores of the validation people where there are any."""
        self._log({f"fold_{report.fold}_{name}": value for name, value in epoch_numbers(report).items()}, report.epoch)

    def finish(self, run: str, scores: Mapping[str, float]) -> None:
        """The scores and the run's id."""
        self._log({f"held_out_{name}": value for name, value in scores.items()}, 0)
        self._send(lambda: self.client.set_tag(self.run, "maskwise.run", run))
        self._send(lambda: self.client.set_terminated(self.run))

    def _log(self, numbers: Mapping[str, float], step: int) -> None:
        def send() -> None:
            for name, value in numbers.items():
                self.client.log_metric(self.run, name, value, step=step)

        self._send(send)

    def _send(self, call: Callable[[], object]) -> None:
        if self.broken:
            return
        try:
            call()
        except self.error as error:
            self.broken = True
            self.listener.on_note(f"MLflow fails, the training goes on without it: {str(error).splitlines()[0]}")


class WandbMirror(Silent):
    """A run of a project of Weights & Biases; with ``WANDB_MODE=offline`` it is only written to the disk.

    It begins with the first epoch. wandb sends from a process of its own: a server that stops answering does not hold
    the training up.
    """

    def __init__(self, project: str, recipe: Recipe, listener: Listener) -> None:
        self.package, self.project, self.recipe = _needed("wandb", "wandb"), project, recipe
        self.listener = listener

    @cached_property
    def run(self) -> Any:
        """The run, which begins with the recipe; None where wandb refuses the project."""
        settings = settings_of(self.recipe.model_dump(mode="json"))
        try:
            return self.package.init(project=self.project, name=label_of(self.recipe), config=settings)
        except (self.package.errors.Error, OSError) as error:
            remedy = "Run `wandb login`, or set WANDB_MODE=offline."
            first = str(error).splitlines()[0]
            self.listener.on_note(f"wandb fails, the training goes on without it: {first} {remedy}")
            return None

    def on_epoch(self, report: EpochReport) -> None:
        """Loss, rate and speed, and the scores of the validation people where there are any."""
        if self.run is None:
            return
        self.run.log({f"fold-{report.fold}/{name}": value for name, value in epoch_numbers(report).items()})

    def finish(self, run: str, scores: Mapping[str, float]) -> None:
        """The scores and the run's id."""
        if self.run is None:
            return
        self.run.summary.update({"maskwise_run": run, **{f"held-out/{name}": value for name, value in scores.items()}})
        self.run.finish()


def epoch_numbers(report: EpochReport) -> dict[str, float]:
    """The numbers of an epoch; names without blanks."""
    numbers = {
        "loss": report.loss,
        "rate": report.rate,
        "photos_per_second": report.photos / report.seconds if report.seconds else None,
        "validation_macro_f1": report.macro_f1,
        "validation_accuracy": report.accuracy,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def label_of(recipe: Recipe) -> str:
    """The recipe's name and the beginning of its hash, so that recipes of one name stay apart."""
    return f"{recipe.name}-{run_id(recipe, '')[:8]}"


def _open(target: MirrorTarget, recipe: Recipe, listener: Listener) -> Mirror:
    if target.kind == "tensorboard":
        return TensorBoardMirror(at_home(target.place), recipe)
    if target.kind == "wandb":
        return WandbMirror(target.place, recipe, listener)
    return MlflowMirror(target.place, recipe, listener)


def _needed(module: str, extra: str) -> Any:
    """The optional package; ``UserError`` where it is not installed."""
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise UserError(
            must(f"{module}, which --mirror {extra} uses,", "installed", "no such package", install_extra(extra))
        ) from None
