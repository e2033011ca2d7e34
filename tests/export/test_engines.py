"""Precisions from the outside: which file each reads, what `predict` and `export` do with bf16."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import Workplace
from export.conftest import Exported
from maskwise.errors import UserError
from maskwise.export.engines import PRECISIONS, stored_as
from maskwise.export.reader import load
from maskwise.store.predictions_file import read_predictions
from support.small_bundle import write_small_bundle

Cli = Callable[..., str]


def test_every_precision_asks_a_file_of_the_bundle() -> None:
    assert {precision: stored_as(precision) for precision in PRECISIONS} == {
        "fp32": "fp32",
        "int8": "int8",
        "bf16": "fp32",
    }


def test_bf16_of_a_trained_network_is_near_and_differs(
    bf16: None, single: Exported, place: Workplace, cli: Cli, tmp_path: Path
) -> None:
    def probabilities(*options: str) -> np.ndarray:
        out = tmp_path / "predictions.csv"
        cli("predict", str(single.bundle), str(place.data), "--out", str(out), "--quiet", "--force", *options)
        return read_predictions(out)[0].probs_NC

    difference = np.abs(probabilities() - probabilities("--precision", "bf16")).max()
    assert 0 < difference < 0.02
    with load(single.bundle, precision="bf16") as bundle:
        assert bundle.precision == "bf16"


def test_export_reports_what_bf16_costs(
    bf16: None, single: Exported, place: Workplace, cli: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    printed = cli("export", str(single.run), str(out), "--data", str(place.data), "--bf16", "--quiet")
    assert "bf16: " in printed
    fine, coarse = json.loads((out / "parity.json").read_text())
    assert (fine["precision"], coarse["precision"]) == ("fp32", "bf16")
    assert 1e-4 < coarse["largest_difference"] < 0.02
    assert coarse["macro_f1_run"] == fine["macro_f1_run"]
    assert coarse["macro_f1_bundle"] is not None
    assert load(out).manifest.precisions == ("fp32",)
    assert "- bf16, " in (out / "MODEL_CARD.md").read_text()


def test_export_refuses_bf16_before_any_work(
    single: Exported, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match="the extra `openvino` must be installed"):
        cli("export", str(single.run), str(tmp_path / "out"), "--bf16")
    assert list(tmp_path.iterdir()) == []


def test_predict_says_in_one_line_that_the_package_is_missing(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    code = "import sys\nsys.modules['openvino'] = None\nfrom maskwise.cli.main import main\nmain()"
    words = ["predict", str(bundle), str(tmp_path), "--out", str(tmp_path / "x.csv"), "--precision", "bf16"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [done.stderr.strip()]
    assert 'pip install "maskwise[openvino]"' in done.stderr


def test_serve_and_bench_hand_the_precision_on(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((40, 30, 3), 90, np.uint8))
    bundle = str(write_small_bundle(tmp_path / "bundle"))
    for words in (["serve", bundle, "--port", "0"], ["bench", "predict", bundle, str(tmp_path)]):
        with pytest.raises(UserError, match="the extra `openvino` must be installed"):
            cli(*words, "--precision", "bf16")
