"""A small run of every released version still reads: ``old_runs/<run id>``, made on drawn people.

For a new version: train the tiny recipe of ``conftest`` at 16 × 16 pixels, add its folder, and what it predicts to
``expected.json``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskwise.store.kept_files import read_evaluation, read_held_out, read_log, read_split
from maskwise.store.runs import StoredRun, read_finished
from maskwise.workflows.run_models import load_run

OLD_RUNS = Path(__file__).parent / "old_runs"
EXPECTED: dict[str, list[list[float]]] = json.loads((OLD_RUNS / "expected.json").read_text())


@pytest.mark.parametrize("run_id", sorted(EXPECTED))
def test_a_run_of_an_earlier_version_reads_and_predicts_the_same(
    tmp_path: Path, run_id: str, cli: Callable[..., str]
) -> None:
    folder = shutil.copytree(OLD_RUNS / run_id, tmp_path / run_id)
    record = read_finished(folder)
    predictions, task = read_held_out(folder)
    assert record.n_held_out_photos == len(predictions) == read_evaluation(folder).n_photos
    assert set(predictions.person_N) == {person for person, fold in read_split(folder).items() if fold == 0}
    assert len(read_log(StoredRun(folder, record), 0)) == record.recipe["train"]["epochs"]
    assert record.name in cli("board", "--store", str(tmp_path))
    pixels_NHWC = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    probs_RNC = load_run(folder).predict([pixels_NHWC]).probs_RNC
    np.testing.assert_allclose(probs_RNC[0], EXPECTED[run_id], atol=1e-4)
    assert probs_RNC.shape[2] == task.n_classes


def test_every_folder_is_expected_and_the_other_way_round() -> None:
    assert {path.name for path in OLD_RUNS.iterdir() if path.is_dir()} == set(EXPECTED)
