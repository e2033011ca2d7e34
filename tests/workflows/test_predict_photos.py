"""Prediction with a run: photos outside, models inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from conftest import Workplace
from maskwise.data.pixels import decode_photo
from maskwise.errors import DataError
from maskwise.listeners import Silent
from maskwise.records import Image
from maskwise.store import runs as stored_runs
from maskwise.store.find_run import find_run
from maskwise.workflows import predict_photos as story
from maskwise.workflows.predict_photos import predict_photos

Cli = Callable[..., str]
REFUSING = ("--set", "input.crop={kind: face, without_face: refuse}")


@pytest.fixture(scope="module")
def ensemble(workplace: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members: whole photos, and a crop that refuses photos without a face."""
    place = workplace.with_store(tmp_path_factory.mktemp("predicting"))
    one = ("--set", "train.epochs=1", "--quiet")
    cli(*place.train(*one, "--set", "name=whole"))
    cli(*place.train(*one, *REFUSING, "--set", "name=faces"))
    cli("ensemble", "whole", "faces", "--vote", "weighted", "--name", "both", "--store", str(place.store))
    return find_run(place.store, "both")


@pytest.fixture
def folder(workplace: Workplace, tmp_path: Path) -> Path:
    """Two portraits, and a photo of nothing."""
    for photo in sorted((workplace.data / "eval" / "images").iterdir())[:2]:
        (tmp_path / photo.name).write_bytes(photo.read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, (512, 384, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), cv2.GaussianBlur(noise, (0, 0), 9))
    return tmp_path


def counting(patched: pytest.MonkeyPatch, module: Any, name: str) -> list[object]:
    """What the function ``name`` of ``module`` is called with from now on."""
    calls: list[object] = []
    real = getattr(module, name)

    def counted(*args: object) -> object:
        calls.append(args[-1])
        return real(*args)

    patched.setattr(module, name, counted)
    return calls


def test_a_photo_is_decoded_once_whatever_the_members(
    ensemble: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []

    def counted(data: bytes, name: str, least_px: tuple[int, int] | None = None) -> Image:
        decoded.append(name)
        return decode_photo(data, name, least_px)

    monkeypatch.setattr(story, "decode_photo", counted)
    records = counting(monkeypatch, stored_runs, "read_record")
    predict_photos(ensemble, [folder], True, Silent())
    assert sorted(decoded) == sorted(path.name for path in folder.iterdir())
    assert len(records) == 3  # the ensemble's own and one for each member


def test_a_photo_that_one_member_refuses_is_left_out_and_named(ensemble: Path, folder: Path) -> None:
    with pytest.raises(DataError, match=r"noise\.png.*"):
        predict_photos(ensemble, [folder], False, Silent())

    class Notes(Silent):
        lines: list[str] = []  # noqa: RUF012

        def on_note(self, text: str) -> None:
            self.lines.append(text)

    heard = Notes()
    predictions, _ = predict_photos(ensemble, [folder], True, heard)
    assert len(predictions) == 2
    assert "noise.png" not in predictions.photo_N.tolist()
    assert [line for line in heard.lines if line.startswith("left out: noise.png")]


def test_an_ensemble_of_members_is_the_vote_of_their_predictions(ensemble: Path, folder: Path) -> None:
    both = predict_photos(ensemble, [folder], True, Silent())[0]
    members = [find_run(ensemble.parent, name) for name in ("whole", "faces")]
    whole, faces = (predict_photos(member, [folder], True, Silent())[0] for member in members)
    assert len(whole) == 3
    whole = whole.take(np.isin(whole.photo_N, both.photo_N))
    weight = np.linalg.lstsq(
        (whole.probs_NC - faces.probs_NC).reshape(-1, 1), (both.probs_NC - faces.probs_NC).reshape(-1), rcond=None
    )[0]
    np.testing.assert_allclose(both.probs_NC, weight * whole.probs_NC + (1 - weight) * faces.probs_NC, atol=1e-6)
    assert 0 <= weight[0] <= 1
