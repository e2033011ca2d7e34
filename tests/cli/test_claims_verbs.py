"""``maskwise claims`` on drawn people at a tiny size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import Workplace
from maskwise.cli.main import app
from maskwise.errors import RecipeError, StoreError, UserError
from maskwise.store.runs import list_runs

TINY = (
    *("--set", "model.backbone.kind=baseline_cnn", "--set", "model.weights.kind=none"),
    *("--set", "input.height_px=32", "--set", "input.width_px=24"),
    *("--set", "train.epochs=1", "--set", "train.batch_size=32", "--set", "runtime.device=cpu"),
)


def test_claims_are_tested_printed_and_written(
    workplace: Workplace, cli: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no table is broken
    store, page = tmp_path / "runs", tmp_path / "claims.md"
    places = ["--data", str(workplace.data), "--store", str(store), "--cache", str(workplace.cache)]
    words = ["claims", *places, "--quiet", *TINY, "--only", "6", "--only", "12", "--seeds", "1", "--out", str(page)]
    printed = cli(*words)

    names = {run.record.name.removeprefix("claims-small-").removesuffix("-seed-0") for run in list_runs(store).runs}
    # Arms of equal steps may be the run of plain, under their own name.
    assert names | {"plain"} == {
        *("plain", "oversample-male", "steps-of-oversample-male", "oversample-rare", "steps-of-oversample-rare"),
        *("plain-tuned", "oversample-rare-tuned", "steps-of-oversample-rare-tuned", "separate-models", "separate-data"),
    }
    assert "--set, every arm: model.backbone.kind=baseline_cnn " in printed
    outcomes = printed.split("\noutcomes\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in outcomes if line[0].isdigit()] == ["6", "12"]
    assert sum(line.endswith("unequal work") for line in outcomes) == 3
    assert "\ntraining people against held-out people\n" in printed
    assert "\none seed: " in printed
    assert "| 6 | oversampling the men is worse than plain" in page.read_text(encoding="utf-8")

    with pytest.raises(StoreError, match="exists already"):
        cli(*words)
    assert cli(*words, "--force") == printed


@pytest.mark.parametrize(
    "words, error",
    [
        (["--only", "13"], UserError),
        (["--set", "train.epochz=1"], RecipeError),
        (["--set", "seed=1"], RecipeError),
        ([], UserError),
    ],
    ids=["claim", "key", "seed", "folder"],
)
def test_bad_words_are_refused_before_anything_is_read(words: list[str], error: type[UserError]) -> None:
    with pytest.raises(error) as caught:
        CliRunner().invoke(app, ["claims", "--data", "nowhere", *words], catch_exceptions=False)
    assert len(caught.value.problems) == 1


def test_no_seed_is_bad_usage(cli: Callable[..., str]) -> None:
    with pytest.raises(UserError, match=r"--seeds must .*, got '0'"):
        cli("claims", "--data", "nowhere", "--seeds", "0")
