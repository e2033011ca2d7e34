from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import Workplace
from maskwise.cli import bench_start
from maskwise.cli.bench_start import Seconds, write_runs
from maskwise.cli.main import app
from maskwise.errors import UserError
from maskwise.speed import prediction as prediction_speed
from maskwise.speed.rates import Rate
from maskwise.store.runs import list_runs
from support.small_bundle import write_small_bundle


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        cv2.imwrite(str(folder / f"{number}.jpg"), np.full((40, 30, 3), 50 * number, np.uint8))
    return folder


def printed_by(*words: str) -> str:
    result = CliRunner().invoke(app, ["bench", *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_predict_prints_rates_and_ratios(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_speed, "plain_rate", lambda _, shown: Rate(len(shown), 1.0, 1.0))
    words = ["predict", str(write_small_bundle(tmp_path / "bundle")), str(photos), "--most", "4", "--rounds", "1"]
    text = printed_by(*words)
    assert "plain loop, batch 64" in text
    assert "medians of 1, 4 photos" in text
    found = json.loads(printed_by(*words, "--json"))
    assert found["photos"] == 4
    assert found["rates"]["plain loop, batch 1"]["photos_per_second"] == 1
    assert found["ratios"]["predict to the slower of decode and model"]["clock"] > 0


@pytest.mark.parametrize("decoding", ["full", "reduced"])
def test_decode_prints_rates_and_the_time_of_a_batch(photos: Path, decoding: str) -> None:
    words = ["decode", str(photos), "--height", "16", "--width", "12", "--rounds", "1", "--decoding", decoding]
    assert "a batch of 64 from the cache" in printed_by(*words)
    assert json.loads(printed_by(*words, "--json"))["photos"] == 5


def test_the_drawn_store_holds_finished_runs(tmp_path: Path) -> None:
    write_runs(tmp_path / "store", 4)
    listing = list_runs(tmp_path / "store")
    assert not listing.skipped
    assert {run.record.status for run in listing.runs} == {"finished"}
    assert len({json.dumps(run.record.recipe) for run in listing.runs}) == 4


def test_start_measures_every_verb_in_its_own_process(monkeypatch: pytest.MonkeyPatch, photos: Path) -> None:
    begun: list[str] = []

    def seconds(words: list[str]) -> Seconds:
        begun.append(words[0])
        return Seconds(1.0, 0.5)

    monkeypatch.setattr(bench_start, "_seconds", seconds)
    words = ["start", "--runs", "2", "--rounds", "1", "--bundle", "b", "--photo", str(photos / "0.jpg"), "--json"]
    found = json.loads(printed_by(*words))
    assert begun == ["--help", "train", "board", "predict"]
    assert found["board over 2 runs"] == {"clock": 1.0, "processor": 0.5}


def test_start_wants_bundle_and_photo_together() -> None:
    with pytest.raises(UserError, match="given together"):
        CliRunner().invoke(app, ["bench", "start", "--bundle", "b"], catch_exceptions=False)


def test_start_says_what_a_verb_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run must be an id"):
        bench_start._seconds(["predict", str(tmp_path / "none"), str(tmp_path), "--out", str(tmp_path / "o.csv")])


@pytest.mark.slow
def test_start_for_real() -> None:
    found = json.loads(printed_by("start", "--runs", "3", "--rounds", "1", "--json"))
    assert all(each["clock"] > 0 for each in found.values())


def test_a_profile_is_a_table_for_people(photos: Path) -> None:
    words = ["bench", "train", "quick-imagenet", "--data", str(photos), "--json", "--profile"]
    with pytest.raises(UserError, match="--json and --profile must be given one at a time"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_views_prints_what_the_second_one_gains_for_its_time(trained: Path, workplace: Workplace) -> None:
    places = ["--data", str(workplace.data), "--store", str(workplace.store), "--cache", str(workplace.cache)]
    words = ["views", trained.name, *places, "--rounds", "1", "--quiet"]
    text = printed_by(*words)
    assert max(map(len, text.splitlines())) <= 80
    assert "second view" in text
    assert "for each of these seconds" in " ".join(text.split())
    found = json.loads(printed_by(*words, "--json"))
    gain, seconds = found["accuracy"]["gain"]["value"], found["processor_ms"]["both"] - found["processor_ms"]["as_is"]
    assert gain == pytest.approx(found["accuracy"]["both"] - found["accuracy"]["as_is"])
    of_a_second = found["accuracy"]["gain_for_a_second"]["value"]
    assert of_a_second == (pytest.approx(gain / seconds) if seconds > 0 else None)
