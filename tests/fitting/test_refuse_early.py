"""What recipe, machine, places and labels show to be impossible is refused before a photo is opened."""

from __future__ import annotations

import os
import shutil
import sys
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.errors import UserError

OPENED: list[str] = []
"""Every file that was opened while ``watched`` is in use."""
_WATCHING = [False]


def _note_opened(event: str, words: tuple[object, ...]) -> None:
    if _WATCHING[0] and event == "open":
        OPENED.append(str(words[0]))


sys.addaudithook(_note_opened)


@pytest.fixture
def watched() -> Iterator[list[str]]:
    """The files that the test opens."""
    OPENED.clear()
    _WATCHING[0] = True
    yield OPENED
    _WATCHING[0] = False


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    """An empty store and an empty cache."""
    return Workplace(workplace.data, workplace.recipe, tmp_path / "runs", tmp_path / "cache")


def photos_among(opened: list[str], data: Path) -> list[str]:
    return [name for name in opened if name.startswith(str(data)) and Path(name).suffix in (".jpg", ".png", ".jpeg")]


PARTS = "parts=[{attributes: [mask]}, {attributes: [gender, age], trains_on: {age: 60_and_over}}]"
PRETRAINED = "model={backbone: {kind: timm, name: resnet10t}, weights: {kind: pretrained}}"
SETTINGS = {
    "fp16 on a CPU": (["train.precision=fp16"], "train.precision must be fp32 or bf16"),
    "an unknown backbone": (["model.backbone={kind: timm, name: resnet1o}"], "resnet1o"),
    "no file of weights": (["model.weights={kind: path, file: nowhere.safetensors}"], "nowhere.safetensors"),
    "more accumulated batches than an epoch has": (["train.accumulate_batches=99"], "train.accumulate_batches must be"),
    "more folds than people": (["split={kind: k_fold, folds: 20}"], "must be of at least"),
    "too few people to validate on": (["train.checkpoint={kind: inner_hold_out}", "split.share=0.8"], "of at least 2"),
}
"""Of a recipe, on this data set: settings → part of the message."""


@pytest.mark.parametrize("settings, message", SETTINGS.values(), ids=SETTINGS)
def test_of_the_recipe(
    place: Workplace, cli: Callable[..., str], watched: list[str], settings: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        cli(*place.train("--quiet", *(word for setting in settings for word in ("--set", setting))))
    assert photos_among(watched, place.data) == []
    assert not place.store.exists()
    assert not place.cache.exists()


def test_fewer_photos_than_the_processes_need(
    place: Workplace, cli: Callable[..., str], watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskwise.fitting.refuse_early.n_processes", lambda: 1000)
    with pytest.raises(UserError, match="photos that train in fold 0 must be 2000 or more"):
        cli(*place.train("--quiet"))
    assert photos_among(watched, place.data) == []


def test_a_device_that_is_not_there(
    place: Workplace, cli: Callable[..., str], watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match=r"runtime\.device must be a device of this machine"):
        cli(*place.train("--quiet", "--set", "runtime.device=cuda"))
    assert photos_among(watched, place.data) == []
    assert not place.store.exists()


def test_weights_of_a_hub_that_does_not_answer(
    place: Workplace, cli: Callable[..., str], watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("timm.create_model", refuse)
    with pytest.raises(UserError, match="resnet10t"):
        cli(*place.train("--quiet", "--set", PRETRAINED))
    assert photos_among(watched, place.data) == []
    assert not place.store.exists()


def test_unlabeled_photos_that_are_not_there(
    place: Workplace, cli: Callable[..., str], watched: list[str], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train").symlink_to(place.data / "train")
    without = Workplace(tmp_path / "data", place.recipe, place.store, place.cache)
    with pytest.raises(UserError, match=r"eval/info\.csv"):
        cli(*without.train("--quiet", "--set", "self_training={rounds: 1}"))
    assert photos_among(watched, tmp_path / "data") == []
    assert not place.store.exists()


@pytest.mark.parametrize(
    "mirror, package", [("mlflow:http://127.0.0.1:9", "mlflow"), ("tensorboard:x", "tensorboardX")]
)
def test_an_extra_that_is_not_installed(
    place: Workplace,
    cli: Callable[..., str],
    watched: list[str],
    monkeypatch: pytest.MonkeyPatch,
    mirror: str,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match="pip install"):
        cli(*place.train("--quiet", "--mirror", mirror))
    assert photos_among(watched, place.data) == []
    assert not place.store.exists()


def test_a_mirror_is_not_begun_for_a_recipe_that_cannot_be_trained(
    place: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    board = tmp_path / "board"
    with pytest.raises(UserError, match=r"train\.precision"):
        cli(*place.train("--quiet", "--set", "train.precision=fp16", "--mirror", f"tensorboard:{board}"))
    assert not board.exists()


@pytest.mark.parametrize("option", ["--store", "--mirror"])
def test_places_that_cannot_be_written(
    place: Workplace, cli: Callable[..., str], watched: list[str], tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").touch()
    words = place.train("--quiet")
    if option == "--store":
        words[words.index("--store") + 1] = str(tmp_path / "file" / "runs")
    else:
        words += ["--mirror", f"tensorboard:{tmp_path / 'file' / 'board'}"]
    with pytest.raises(UserError, match="must be a folder, got a file"):
        cli(*words)
    assert photos_among(watched, place.data) == []
    assert not place.store.exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_store_without_permission(place: Workplace, cli: Callable[..., str], watched: list[str]) -> None:
    place.store.mkdir(mode=0o555)
    with pytest.raises(UserError, match="must be writable"):
        cli(*place.train("--quiet"))
    assert photos_among(watched, place.data) == []


def test_a_run_that_is_finished(
    workplace: Workplace, trained: Path, cli: Callable[..., str], watched: list[str]
) -> None:
    with pytest.raises(UserError, match="must be new, got one that is finished"):
        cli(*workplace.train("--quiet"))
    assert photos_among(watched, workplace.data) == []
    assert trained.exists()


# --- what is predicted ---------------------------------------------------------------------------------------------


def test_a_submission_without_an_eval_part(
    workplace: Workplace, trained: Path, cli: Callable[..., str], watched: list[str], tmp_path: Path
) -> None:
    """Or else the photos that were trained on would be predicted."""
    (tmp_path / "train").symlink_to(workplace.data / "train")
    out = tmp_path / "submission.csv"
    with pytest.raises(UserError, match=r"eval/info\.csv"):
        cli("submit", str(trained), "--data", str(tmp_path), "--out", str(out))
    assert photos_among(watched, tmp_path) == []
    assert not out.exists()


@pytest.mark.parametrize("verb", ["predict", "submit"])
def test_an_output_in_the_folder_of_a_file(
    workplace: Workplace, trained: Path, cli: Callable[..., str], watched: list[str], tmp_path: Path, verb: str
) -> None:
    (tmp_path / "file").touch()
    data = [str(workplace.data)] if verb == "predict" else ["--data", str(workplace.data)]
    with pytest.raises(UserError, match="must be a folder, got a file"):
        cli(verb, str(trained), *data, "--out", str(tmp_path / "file" / "out.csv"))
    assert photos_among(watched, workplace.data) == []


def test_names_that_a_parquet_file_cannot_hold(
    workplace: Workplace, trained: Path, cli: Callable[..., str], watched: list[str], tmp_path: Path
) -> None:
    photo = next((workplace.data / "eval" / "images").iterdir())
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(photo, os.fsdecode(os.fsencode(folder) + b"/\xff.jpg"))
    watched.clear()
    with pytest.raises(UserError, match="must be UTF-8"):
        cli("predict", str(trained), str(folder), "--out", str(tmp_path / "out.parquet"))
    assert photos_among(watched, folder) == []
