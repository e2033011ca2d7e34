from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from conftest import Workplace
from maskwise.errors import UserError
from maskwise.listeners import EpochReport, Several, Silent, StepReport
from maskwise.recipe.load import load_recipe
from maskwise.training.mirrors import (
    MlflowMirror,
    TensorBoardMirror,
    WandbMirror,
    epoch_numbers,
    label_of,
    open_mirrors,
    read_targets,
)

REPORT = EpochReport(1, 3, 4, loss=0.5, rate=0.01, macro_f1=0.25, accuracy=None, best=True, photos=100, seconds=2.0)


class Heard(Silent):
    """Remembers notes and epochs."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.epochs: list[EpochReport] = []

    def on_note(self, text: str) -> None:
        self.notes.append(text)

    def on_epoch(self, report: EpochReport) -> None:
        self.epochs.append(report)


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """What the event files of ``folder`` hold: (tag, step) → value. A record is length, checksum, data, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for path in sorted(folder.glob("events*")):
        data = path.read_bytes()
        place = 0
        while place < len(data):
            (length,) = struct.unpack("<Q", data[place : place + 8])
            event: Any = Event.FromString(data[place + 12 : place + 12 + length])
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    found[value.tag, event.step] = value.simple_value
            place += length + 16
    return found


def test_targets_are_read_and_others_refused() -> None:
    found = read_targets(["tensorboard:logs/a", "mlflow:http://host:5000"])
    assert [tuple(target) for target in found] == [("tensorboard", "logs/a"), ("mlflow", "http://host:5000")]
    with pytest.raises(UserError) as caught:
        read_targets(["tensorbord:x", "mlflow:", "logs"])
    assert len(caught.value.problems) == 3
    assert "Did you mean 'tensorboard'" in caught.value.problems[0]


def test_an_epoch_in_numbers() -> None:
    assert epoch_numbers(REPORT) == {"loss": 0.5, "rate": 0.01, "photos_per_second": 50.0, "validation_macro_f1": 0.25}


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "wandb", None)
    recipe = load_recipe("quick-imagenet")
    for kind in ("mlflow", "tensorboard", "wandb"):
        with pytest.raises(UserError, match=rf'pip install "maskwise\[{kind}\]"'):
            open_mirrors(read_targets([f"{kind}:{tmp_path}"]), recipe, Silent())


def test_all_listeners_get_every_event() -> None:
    both = [Heard(), Heard()]
    listener = Several(both)
    listener.on_stage("reading", 3)
    listener.on_advance(1)
    listener.on_step(StepReport(0, 0, 1, 1, 2, 8, None, 0.1))
    listener.on_epoch(REPORT)
    listener.on_note("a line")
    assert [(each.epochs, each.notes) for each in both] == [([REPORT], ["a line"])] * 2


def test_tensorboard_shows_epochs_and_scores(tmp_path: Path) -> None:
    recipe = load_recipe("quick-imagenet")
    mirror = TensorBoardMirror(tmp_path, recipe)
    assert not list(tmp_path.iterdir())  # a training that is refused leaves nothing
    mirror.on_epoch(REPORT)
    mirror.finish("abcd", {"macro_f1": 0.5})
    found = scalars(tmp_path / label_of(recipe))
    assert found["fold-1/loss", 3] == 0.5
    assert found["held-out/macro_f1", 0] == 0.5


def test_a_training_is_mirrored_and_its_numbers_stay_the_same(
    workplace: Workplace, cli: Callable[..., str], trained: Path, tmp_path: Path
) -> None:
    place = workplace.with_store(tmp_path / "runs")
    cli(*place.train("--quiet", "--mirror", f"tensorboard:{tmp_path / 'board'}"))
    (folder,) = (tmp_path / "board").iterdir()
    found = scalars(folder)
    assert [step for tag, step in sorted(found) if tag == "fold-0/loss"] == [0, 1, 2]
    assert ("held-out/macro_f1", 0) in found
    assert (place.store / trained.name / "scores.json").read_text() == (trained / "scores.json").read_text()


def test_mlflow_shows_settings_epochs_and_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "tracking").as_uri()
    mirror = MlflowMirror(uri, load_recipe("quick-imagenet"), Silent())
    mirror.on_epoch(REPORT)
    mirror.finish("abcd", {"macro_f1": 0.5})
    run = mlflow.MlflowClient(tracking_uri=uri).get_run(mirror.run)
    assert run.data.params["train.epochs"] == "3"
    assert (run.data.metrics["fold_1_loss"], run.data.metrics["held_out_macro_f1"]) == (0.5, 0.5)
    assert (run.data.tags["maskwise.run"], run.info.status) == ("abcd", "FINISHED")


def test_wandb_writes_settings_epochs_and_scores_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="the extra wandb is no part of the development set")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    mirror = WandbMirror("masks", load_recipe("quick-imagenet"), Silent())
    assert not list(tmp_path.iterdir())  # a training that is refused leaves nothing
    mirror.on_epoch(REPORT)
    mirror.finish("abcd", {"macro_f1": 0.5})
    (written,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = written.read_bytes()
    for name in (b"fold-1/loss", b"held-out/macro_f1", b"train.epochs", b"abcd"):
        assert name in content


def test_a_project_that_wandb_refuses_does_not_stop_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    package = Mock()
    package.errors.Error = RuntimeError
    package.init.side_effect = RuntimeError("no API key\nand more")
    monkeypatch.setitem(sys.modules, "wandb", package)
    heard = Heard()
    mirror = WandbMirror("masks", load_recipe("quick-imagenet"), heard)
    package.init.assert_not_called()
    mirror.on_epoch(REPORT)
    mirror.on_epoch(REPORT)
    mirror.finish("abcd", {"macro_f1": 0.5})
    assert len(heard.notes) == 1
    assert heard.notes[0].startswith("wandb fails, the training goes on ")
    assert ": no API key Run `wandb login`" in heard.notes[0]


def stub_mlflow(monkeypatch: pytest.MonkeyPatch, answering: bool) -> None:
    """A package of that name whose client stops answering when numbers come, or at once."""

    class NoAnswerError(Exception):
        pass

    package = Mock()
    package.exceptions.MlflowException = NoAnswerError
    package.MlflowClient.return_value.log_metric.side_effect = NoAnswerError("connection refused\nand more")
    if not answering:
        package.MlflowClient.return_value.get_experiment_by_name.side_effect = NoAnswerError("connection refused")
    monkeypatch.setitem(sys.modules, "mlflow", package)


def test_a_server_that_stops_answering_does_not_stop_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    stub_mlflow(monkeypatch, answering=True)
    heard = Heard()
    mirror = MlflowMirror("http://nowhere", load_recipe("quick-imagenet"), heard)
    mirror.on_epoch(REPORT)
    mirror.on_epoch(REPORT)
    mirror.finish("abcd", {"macro_f1": 0.5})
    assert len(heard.notes) == 1
    assert heard.notes[0].startswith("MLflow fails, the training goes on ")
    assert heard.notes[0].endswith(": connection refused")


def test_a_server_that_never_answers_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stub_mlflow(monkeypatch, answering=False)
    with pytest.raises(UserError, match=r"MLflow, got 'http://nowhere'\. connection refused"):
        open_mirrors(read_targets(["mlflow:http://nowhere"]), load_recipe("quick-imagenet"), Silent())
