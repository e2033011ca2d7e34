from __future__ import annotations

import json
from pathlib import Path

from maskwise.reports.training_curves import read_curves
from maskwise.store.runs import StoredRun
from support.finished_runs import run_record


def write_log(folder: Path, rows: list[tuple[int, float, float | None, bool]]) -> None:
    folder.mkdir(parents=True)
    lines = [json.dumps({"epoch": e, "loss": loss, "macro_f1": f1, "best": best}) for e, loss, f1, best in rows]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")


def test_curves_of_all_folds_and_which_epoch_was_kept(tmp_path: Path) -> None:
    write_log(tmp_path / "fold-0", [(0, 2.0, 0.2, True), (1, 1.0, 0.5, True), (2, 0.5, 0.4, False)])
    write_log(tmp_path / "fold-1", [(0, 2.0, None, True), (1, 1.5, None, True)])
    first, second = read_curves((StoredRun(tmp_path, run_record("a", folds=2)),))
    assert (first.name, first.loss_E, first.macro_f1_E, first.kept_epoch) == ("fold 0", (2, 1, 0.5), (0.2, 0.5, 0.4), 2)
    assert (second.macro_f1_E, second.kept_epoch) == (None, 2)


def test_an_epoch_logged_again_after_a_kill_counts_once(tmp_path: Path) -> None:
    write_log(tmp_path / "fold-0", [(0, 2.0, None, True), (1, 9.0, None, True), (1, 1.0, None, True)])
    (curve,) = read_curves((StoredRun(tmp_path, run_record("a")),))
    assert curve.loss_E == (2.0, 1.0)
    assert read_curves((StoredRun(tmp_path / "nowhere", run_record("a")),)) == ()


def test_curves_of_several_runs_bear_their_names(tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        write_log(tmp_path / name / "fold-0", [(0, 1.0, None, True)])
        runs.append(StoredRun(tmp_path / name, run_record(name)))
    assert [curve.name for curve in read_curves(tuple(runs))] == ["one", "two"]
