"""The shapes that serving engines expect, and the files beside the networks."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import yaml

from conftest import Workplace
from export.conftest import Exported
from maskwise.errors import CheckFailedError, DataError, StoreError, UserError
from maskwise.export import write_bundle
from maskwise.export.bundle_files import is_bundle
from maskwise.export.parity import compare_predictions
from maskwise.export.reader import load
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import read_evaluation
from maskwise.store.kept_for import read_needs
from maskwise.store.predictions_file import read_predictions

Cli = Callable[..., str]


def first_photo(place: Workplace) -> Path:
    return min((place.data / "eval" / "images").iterdir())


def test_checksums_are_those_of_sha256sum(single: Exported) -> None:
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=single.bundle, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    listed = {line.split(": ")[0] for line in done.stdout.splitlines()}
    found = {path.relative_to(single.bundle).as_posix() for path in single.bundle.rglob("*") if path.is_file()}
    assert listed == found - {"SHA256SUMS"}
    assert {"bundle.json", "MODEL_CARD.md", "LICENCES.md", "parity.json"} < listed


def test_the_card_and_the_licenses(single: Exported, folds: Exported) -> None:
    card = (single.bundle / "MODEL_CARD.md").read_text()
    for words in ("What it is not for", "| gender: female |", "| worn · male · under 30 |", "int8, ", "held out"):
        assert words in card
    assert "random numbers" in (single.bundle / "LICENCES.md").read_text()
    with zipfile.ZipFile(folds.bundle) as archive:
        assert "the mean of the folds" in archive.read("MODEL_CARD.md").decode()


def test_a_folder_for_the_hub_is_a_bundle_with_a_readme(
    single: Exported, place: Workplace, cli: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "hub"
    cli("export", str(single.run), str(out), "--layout", "hub", "--quiet")
    _, front, text = (out / "README.md").read_text().split("---\n", 2)
    about = yaml.safe_load(front)
    assert (about["library_name"], about["pipeline_tag"]) == ("maskwise", "image-classification")
    ((result,),) = (each["results"] for each in about["model-index"])
    scores = {metric["name"]: metric["value"] for metric in result["metrics"]}
    assert scores["macro F1, joint class"] == pytest.approx(read_evaluation(single.run).joint.macro_f1.value, abs=1e-4)
    assert len(scores) == 8
    assert "# Model card: tiny" in text
    assert "README.md" in (out / "SHA256SUMS").read_text()
    photo = min((place.data / "eval" / "images").iterdir())
    assert load(out).predict(photo)[0].line() == load(single.bundle).predict(photo)[0].line()


def test_an_mlflow_model_is_loaded_by_its_own_words(
    single: Exported, place: Workplace, cli: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "mlflow"
    cli("export", str(single.run), str(out), "--layout", "mlflow", "--quiet")
    flavor = yaml.safe_load((out / "MLmodel").read_text())["flavors"]["python_function"]
    model = importlib.import_module(flavor["loader_module"])._load_pyfunc(str(out / flavor["data"]))
    table = pd.DataFrame({"image": [first_photo(place).read_bytes()] * 2}, index=[7, 9])
    predicted = model.predict(table)
    assert predicted.index.tolist() == [7, 9]
    expected = load(single.bundle).predict(first_photo(place))[0]
    assert predicted["class"].tolist() == [expected.class_code] * 2
    np.testing.assert_allclose(predicted["joint_probabilities"].iloc[0], expected.probs_C, atol=1e-6)
    mlflow = pytest.importorskip("mlflow.pyfunc")
    assert mlflow.load_model(str(out)).predict(table)["class"].tolist() == [expected.class_code] * 2


class FakeTriton(types.ModuleType):
    """The few names of Triton's module that a model uses."""

    class Tensor:
        def __init__(self, name: str, rows: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
            self.name, self.rows = name, rows

        def as_numpy(self) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
            return self.rows

    class TritonError(str):
        __slots__ = ()

    class InferenceResponse:
        def __init__(self, output_tensors: list[FakeTriton.Tensor], error: str | None = None) -> None:
            self.found, self.error = {each.name: each.rows for each in output_tensors}, error

    @staticmethod
    def get_input_tensor_by_name(request: dict[str, FakeTriton.Tensor], name: str) -> FakeTriton.Tensor:
        return request[name]


def test_a_triton_repository_predicts(
    single: Exported, place: Workplace, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "models"
    cli("export", str(single.run), str(out), "--layout", "triton", "--quiet")
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", FakeTriton("triton_python_backend_utils"))
    model = importlib.import_module("maskwise.export.triton_model").TritonPythonModel()
    model.initialize({"model_repository": str(out / "maskwise"), "model_version": "1"})
    images = np.array([[first_photo(place).read_bytes()]], dtype=object)
    good, bad = model.execute(
        [
            {"image": FakeTriton.Tensor("image", images)},
            {"image": FakeTriton.Tensor("image", np.array([[b"x"]], object))},
        ]
    )
    model.finalize()
    expected = load(single.bundle).predict(first_photo(place))[0]
    assert good.found["class"].tolist() == [[expected.class_code]]
    np.testing.assert_allclose(good.found["probs"][0], expected.probs_C, atol=1e-6)
    assert good.found["age_years"].shape == (1, 1)
    assert "image 1 must be" in bad.error
    (network,) = (path for path in out.iterdir() if path.name.startswith("network_"))
    config = (network / "config.pbtxt").read_text()
    assert f'name: "{network.name}"' in config
    assert "dims: [ 32, 24, 3 ]" in config
    assert "dims: [ 18 ]" in config
    session = onnxruntime.InferenceSession(network / "1" / "model.onnx")
    assert session.run(None, {"pixels": np.zeros((3, 32, 24, 3), np.uint8)})[0].shape == (3, 18)


def test_what_export_refuses(single: Exported, place: Workplace, cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"named \.zip with --zip and only then"):
        cli("export", str(single.run), str(tmp_path / "x.zip"))
    with pytest.raises(StoreError, match="exists already"):
        cli("export", str(single.run), str(single.bundle))
    with pytest.raises(StoreError, match="an earlier export"):
        cli("export", str(single.run), str(place.data), "--force")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="got 'a file'"):
        cli("export", str(single.run), str(tmp_path / "file"), "--force")
    with pytest.raises(UserError, match="must be a folder"):
        cli("export", str(single.run), str(tmp_path / "x"), "--data", str(tmp_path / "nowhere"))
    other = tmp_path / "other"
    (other / "train" / "images" / "000001_male_drawn_30").mkdir(parents=True)
    (other / "train" / "train.csv").write_text("id,gender,race,age,path\n000001,male,x,30,000001_male_drawn_30\n")
    (other / "train/images/000001_male_drawn_30/normal.jpg").write_bytes(first_photo(place).read_bytes())
    with pytest.raises(DataError, match="the data set that the run was trained on"):
        cli("export", str(single.run), str(tmp_path / "x"), "--data", str(other), "--quiet")
    assert not (tmp_path / "x").exists()


def test_force_replaces_a_bundle_and_leaves_nothing(single: Exported, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    shutil.copytree(single.bundle, out)
    (out / "of-before").write_text("x")
    cli("export", str(single.run), str(out), "--quiet", "--force")
    assert is_bundle(out)
    assert not (out / "of-before").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_bundle_that_says_something_else_is_not_written(
    single: Exported, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = compare_predictions
    monkeypatch.setattr(
        write_bundle,
        "compare_predictions",
        lambda run, bundle, *rest: real(run, bundle.take(np.arange(len(run))[::-1]), *rest),
    )
    with pytest.raises(CheckFailedError, match="Nothing was written"):
        cli("export", str(single.run), str(tmp_path / "bundle"), "--quiet")
    assert not (tmp_path / "bundle").exists()


def test_parity_by_hand(place: Workplace) -> None:
    predictions, _ = read_predictions(find_run(place.store, "tiny") / "predictions.parquet")
    two = predictions.take(np.array([0, 1]))
    mixed = two.take(np.array([1, 0]))
    found = compare_predictions(two, mixed, "fp32", "drawn")
    gap = np.abs(two.probs_NC[0].astype(np.float64) - two.probs_NC[1])
    assert found.largest_difference == pytest.approx(gap.max())
    assert found.mean_difference == pytest.approx(gap.mean())
    assert not found.holds
    assert compare_predictions(two, two, "fp32", "drawn").holds


def test_a_run_on_everyone_has_no_scores_to_tell(place: Workplace, cli: Cli, tmp_path: Path) -> None:
    cli(*place.train("--quiet", "--everyone", "--set", "name=all", "--set", "train.epochs=1"))
    out = tmp_path / "bundle"
    cli("export", "all", str(out), "--store", str(place.store), "--quiet")
    assert "nobody was left to score it on" in (out / "MODEL_CARD.md").read_text()
    with load(out) as bundle, pytest.raises(DataError, match="must be calibrated"):
        bundle.predict(first_photo(place), calibrated=True)


def test_the_store_remembers_what_an_export_needs(single: Exported) -> None:
    assert f"the export {single.bundle}" in read_needs(single.run.parent)[single.run.name]
