"""The Python API on drawn people."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import maskwise
from conftest import Workplace
from maskwise.errors import RecipeError, StoreError
from maskwise.store.kept_files import read_evaluation


@pytest.fixture(scope="module")
def two(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> tuple[maskwise.Run, maskwise.Run]:
    store = tmp_path_factory.mktemp("api")
    first, second = (
        maskwise.train(
            str(workplace.recipe),
            data=workplace.data,
            set={"name": name, "seed": seed, "train.epochs": 1},
            store=store,
            cache=workplace.cache,
            quiet=True,
        )
        for seed, name in enumerate(("one", "two"))
    )
    return first, second


def test_a_run_has_scores_and_predictions(two: tuple[maskwise.Run, maskwise.Run]) -> None:
    run, _ = two
    evaluation = read_evaluation(run.folder)
    assert run.scores is not None
    assert run.scores.macro_f1 == evaluation.joint.macro_f1.value
    assert run.scores.headline() == evaluation.headline()
    assert len(run.predictions) == evaluation.n_photos
    assert {"photo", "person"} <= set(run.predictions.columns)
    assert repr(run).startswith(f"<Run one {run.id[:8]}: macro F1 ")
    assert "<table>" in run._repr_html_()
    assert "<td>mask</td>" in run.scores._repr_html_()
    assert "joint class" in repr(run.scores)


def test_runs_are_found_and_ranked(two: tuple[maskwise.Run, maskwise.Run]) -> None:
    store = two[0].folder.parent
    found = maskwise.runs(store)
    assert {run.id for run in found} == {run.id for run in two}
    values = [run.scores.macro_f1 for run in found if run.scores is not None]
    assert values == sorted(values, reverse=True)
    assert maskwise.open("two", store).id == two[1].id
    with pytest.raises(StoreError):
        maskwise.open("three", store)
    assert maskwise.runs(store / "nowhere") == []


def test_a_damaged_run_is_left_out_of_the_list_with_a_warning(
    two: tuple[maskwise.Run, maskwise.Run], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "runs"
    shutil.copytree(two[0].folder.parent, store)
    record = store / two[0].folder.name / "run.json"
    record.write_bytes(record.read_bytes()[:-3])
    assert [run.folder.name for run in maskwise.runs(store)] == [two[1].folder.name]
    assert [line.getMessage().split(": ")[:2] for line in caplog.records] == [["damaged", str(record)]]


def test_two_runs_are_compared(two: tuple[maskwise.Run, maskwise.Run]) -> None:
    found = maskwise.compare(*two)
    assert two[0].scores is not None
    assert two[1].scores is not None
    assert found.gain == pytest.approx(two[1].scores.macro_f1 - two[0].scores.macro_f1)
    low, high = found.interval
    assert low <= found.gain <= high
    assert "one" in repr(found)
    assert "<th>two</th>" in found._repr_html_()


def test_report_and_bundle(two: tuple[maskwise.Run, maskwise.Run], tmp_path: Path, workplace: Workplace) -> None:
    run, _ = two
    page = run.report(tmp_path / "page.html", photos=False)
    assert "<h2>" in page.read_text(encoding="utf-8")
    with pytest.raises(StoreError):
        run.report(page, photos=False)
    bundle = run.export(tmp_path / "bundle", data=workplace.data)
    photo = next((workplace.data / "eval/images").iterdir())
    (found,) = maskwise.load(bundle).predict(photo)
    (own,) = run.predict(photo)
    assert found.mask == own.mask in {"worn", "worn_wrong", "not_worn"}
    assert found.confidence == pytest.approx(own.confidence, abs=1e-4)


def test_a_wrong_setting_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"train\.epochs"):
        maskwise.train("quick", data=tmp_path, set={"train.epochs": "three"})


def test_importing_maskwise_loads_nothing() -> None:
    code = "import sys, maskwise\nprint(sorted({'numpy', 'torch', 'pandas', 'typer', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    with pytest.raises(AttributeError, match="nonsense"):
        maskwise.nonsense  # noqa: B018
    assert {"load", "train", "runs", "open", "compare", "Run"} <= set(dir(maskwise))
