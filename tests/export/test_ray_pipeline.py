from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from conftest import Workplace
from export.conftest import Cli, Exported
from maskwise.errors import UserError
from maskwise.export.predict_folder import predict_folder
from maskwise.export.ray_pipeline import predict_with_ray
from maskwise.export.reader import load
from maskwise.records import Predictions


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.advanced = 0
        self.notes: list[str] = []

    def on_stage(self, name: str, total: int) -> None:
        self.total = total

    def on_advance(self, done: int) -> None:
        self.advanced += done

    def on_step(self, report: object) -> None: ...

    def on_epoch(self, report: object) -> None: ...

    def on_note(self, text: str) -> None:
        self.notes.append(text)


class Photos(NamedTuple):
    """A folder of more photos than a worker is handed at once, and one that is no photo."""

    folder: Path
    n_good: int


@pytest.fixture(scope="module")
def photos(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Photos:
    folder = tmp_path_factory.mktemp("photos")
    originals = sorted((workplace.data / "eval" / "images").iterdir())
    copies = [folder / f"{turn:02}" / f"사진 {photo.name}" for turn in range(8) for photo in originals]
    for copy, photo in zip(copies, originals * 8, strict=True):
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(photo, copy)
    (folder / "broken.jpg").write_bytes(b"no photo")
    return Photos(folder, len(copies))


@pytest.fixture
def predicted(folds: Exported, photos: Photos) -> tuple[Predictions, Predictions, Heard]:
    """What one process says and what two workers say, with the age head and two networks of ``folds``."""
    heard = Heard()
    with load(folds.bundle) as bundle:
        alone = predict_folder(bundle, [photos.folder], True, Heard(), calibrated=True)
    return alone, predict_with_ray(folds.bundle, "fp32", [photos.folder], 2, True, heard, calibrated=True), heard


@pytest.mark.ray
def test_workers_say_what_one_process_says(
    predicted: tuple[Predictions, Predictions, Heard], photos: Photos, folds: Exported
) -> None:
    alone, together, heard = predicted
    assert photos.n_good > 256  # more than one worker has something to do
    assert len(together) == photos.n_good
    assert together.photo_N.tolist() == alone.photo_N.tolist()
    assert np.array_equal(together.probs_NC, alone.probs_NC)
    assert together.age_years_N is not None
    assert alone.age_years_N is not None
    assert np.array_equal(together.age_years_N, alone.age_years_N)
    assert heard.advanced == heard.total == photos.n_good + 1
    assert len(heard.notes) == 1
    assert "broken.jpg" in heard.notes[0]


@pytest.mark.ray
def test_the_command_writes_the_same_file(single: Exported, workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    files = [tmp_path / "threads.parquet", tmp_path / "ray.parquet"]
    words = ["predict", str(single.bundle), str(workplace.data), "--quiet", "--out"]
    cli(*words, str(files[0]))
    cli(*words, str(files[1]), "--engine", "ray", "--workers", "2")
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.ray
def test_workers_cut_and_count_photos_of_another_framing(
    single: Exported, workplace: Workplace, tmp_path: Path
) -> None:
    photo = cv2.imread(str(sorted((workplace.data / "eval" / "images").iterdir())[0]))
    far = cv2.copyMakeBorder(photo, 400, 400, 600, 600, cv2.BORDER_CONSTANT, value=(128, 128, 128))
    cv2.imwrite(str(tmp_path / "far.png"), far)
    cv2.imwrite(str(tmp_path / "near.png"), photo)
    heard = Heard()
    together = predict_with_ray(single.bundle, "fp32", [tmp_path], 2, False, heard, crops=True)
    with load(single.bundle) as bundle:
        alone = predict_folder(bundle, [tmp_path], False, Heard(), bundle.preparer.like_training())
    assert np.array_equal(together.probs_NC, alone.probs_NC)
    assert [note[:28] for note in heard.notes] == ["1 of 2 photos were cropped t"]


def test_without_ray_the_way_out_is_reported(
    single: Exported, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(UserError, match=r'pip install "maskwise\[ray\]"'):
        predict_with_ray(single.bundle, "fp32", [workplace.data], 2, False, Heard())


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (("--engine", "ray", "--faces", "each"), "--engine ray must be used with whole photos"),
        (("--workers", "2"), "--workers must be used with --engine ray"),
        (("--workers", "2", "--engine", "threads"), "--workers must be used with --engine ray"),
    ],
)
def test_what_does_not_go_together_is_refused(
    single: Exported, workplace: Workplace, cli: Cli, tmp_path: Path, options: tuple[str, ...], printed: str
) -> None:
    with pytest.raises(UserError, match=printed):
        cli("predict", str(single.bundle), str(workplace.data), "--out", str(tmp_path / "a.csv"), *options)


def test_a_run_knows_no_engine(trained: Path, workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    words = ("--engine", "ray", "--workers", "2")
    with pytest.raises(UserError, match="--engine, --workers must be used with a bundle"):
        cli("predict", str(trained), str(workplace.data), "--out", str(tmp_path / "a.csv"), *words)


@pytest.mark.ray
def test_a_cluster_that_is_not_there_is_reported(
    single: Exported, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "nowhere")
    with pytest.raises(UserError, match=r"RAY_ADDRESS must .* running Ray cluster"):
        predict_with_ray(single.bundle, "fp32", [workplace.data], 2, False, Heard())
