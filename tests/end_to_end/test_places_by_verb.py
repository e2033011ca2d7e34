"""Places, tables and damaged runs × every verb: one line and exit code 2, or the work goes on, or a reason."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.odd_inputs import VERBS, OddPlace, Table, run_command

WRITES_NOTHING = "it writes nothing"
KEEPS_NOTHING = "it keeps no cache"
NO_RUN = "it needs no run"
NO_TABLE = "it reads no table of a set"
OWN_TABLES = "of a set it reads what `data check` and `train` read: the same reader"
BUNDLE = "a bundle has its own checksums: tests/export/test_bundles.py"
SERVICE = "it serves until it is stopped: tests/serving/test_run_service.py"

Words = Sequence[str | Path]


def commands(place: OddPlace, out: Path, data: Path | str, run: Path | str, cache: Path | str) -> dict[str, Words]:
    """A command of each verb, with these for what it reads and writes."""
    at = place.folder
    return {
        "data check": ("data", "check", data),
        "data import": ("data", "import", "competition", data, out),
        "data masks": ("data", "masks", data, out),
        "eda": ("eda", data, "--out", out, "--no-faces", "--no-photos", "--cache", cache),
        "train": ("train", at / "tiny.yaml", "--data", data, "--store", out, "--cache", cache, "--skip-unreadable"),
        "export": ("export", run, out, "--data", data),
        "predict run": ("predict", run, data, "--out", f"{out}.csv"),
        "predict bundle": ("predict", at / "export", data, "--out", f"{out}.csv"),
        "evaluate": ("evaluate", at / "run.csv", "--answers", f"{data}/answers.csv"),
        "submit": ("submit", run, "--data", data, "--out", f"{out}.csv"),
        "report": ("report", run, "--data", data, "--out", f"{out}.html", "--cache", cache, "--no-photos"),
        "data audit": ("data", "audit", run, "--data", data, "--out", out),
    }


REASONS: dict[str, dict[str, str]] = {
    "an output below a file": {"data check": WRITES_NOTHING, "evaluate": WRITES_NOTHING, "serve": SERVICE},
    "~ in paths": {"serve": SERVICE},
    "a cache that is a file": {
        **dict.fromkeys(VERBS, KEEPS_NOTHING),
        "serve": "of a run its bundle lies there: `maskwise export` makes one elsewhere",
    },
    "a table with semicolons": {"data masks": NO_TABLE, "serve": SERVICE},
    "a table in cp949": {"data masks": NO_TABLE, "serve": SERVICE},
    "an empty table": {"data masks": NO_TABLE, "serve": SERVICE},
    "a damaged run": {
        **dict.fromkeys(("data check", "data import", "data masks", "eda", "train", "evaluate"), NO_RUN),
        "predict bundle": BUNDLE,
        "serve": SERVICE,
    },
}
"""Why there is no check; all other cells have one below."""
for _verb in ("eda", "train", "report"):
    del REASONS["a cache that is a file"][_verb]
CELLS = {kind: [verb for verb in VERBS if verb not in reasons] for kind, reasons in REASONS.items()}


def cells(kind: str) -> pytest.MarkDecorator:
    """A test of each verb that has a check for ``kind``."""
    return pytest.mark.parametrize("verb", CELLS[kind])


@pytest.fixture
def run(odd_table: Table) -> Path:
    """The trained run."""
    return odd_table.record().parent


@cells("an output below a file")
def test_an_output_that_cannot_be_written(odd_table: Table, run: Path, tmp_path: Path, verb: str) -> None:
    place = odd_table.place
    (tmp_path / "file").touch()
    data = place.photos if verb == "data masks" else place.data
    done = run_command(*commands(place, tmp_path / "file/out", data, run, tmp_path / "cache")[verb])
    done.assert_exit(2)
    assert str(tmp_path / "file") in done.err
    assert "photos: " not in done.err  # no photo was opened for it


@cells("~ in paths")
def test_the_home_folder_is_meant(
    odd_table: Table, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    done = run_command(*commands(odd_table.place, tmp_path / "out", "~/nowhere", run, "~/cache")[verb])
    done.assert_exit(2, str(tmp_path / "nowhere"))


@cells("a cache that is a file")
def test_a_cache_only_spares_work(odd_table: Table, run: Path, tmp_path: Path, verb: str) -> None:
    (tmp_path / "cache").touch()
    place = odd_table.place
    done = run_command(*commands(place, tmp_path / "out", place.data, run, tmp_path / "cache")[verb])
    done.assert_exit(0)
    assert verb == "eda" or "cannot be used" in done.err  # without faces it keeps nothing


def with_tables(place: OddPlace, folder: Path, content: bytes | None) -> Path:
    """The odd set with other tables; None puts semicolons for commas."""
    (folder / "train").mkdir(parents=True)
    (folder / "eval").mkdir()
    for part in ("train", "eval"):
        (folder / part / "images").symlink_to(place.data / part / "images")
    tables = {
        "train/train.csv": place.data / "train/train.csv",
        "eval/info.csv": place.data / "eval/info.csv",
        "answers.csv": place.folder / "answers.csv",
    }
    for name, source in tables.items():
        data = source.read_bytes()
        (folder / name).write_bytes(data.replace(b",", b";") if content is None else content and data + content)
    return folder


TABLES = {
    "a table with semicolons": (None, "separated by commas"),
    "a table in cp949": ("사람".encode("cp949"), "UTF-8"),
    "an empty table": (b"", "must be"),
}


@pytest.mark.parametrize("kind, verb", [(kind, verb) for kind in TABLES for verb in CELLS[kind]])
def test_a_table_that_cannot_be_read(odd_table: Table, run: Path, tmp_path: Path, kind: str, verb: str) -> None:
    content, words = TABLES[kind]
    data = with_tables(odd_table.place, tmp_path / "data", content)
    done = run_command(*commands(odd_table.place, tmp_path / "out", data, run, tmp_path / "cache")[verb])
    if verb == "evaluate" and kind == "a table in cp949":
        done.assert_exit(2, "must")  # names need not be UTF-8 there: the row itself is odd
        return
    done.assert_exit(1 if verb == "data check" else 2, words)


NOT_NEEDED = {
    ("report", "fold-0/input.json"),
    ("report", "fold-0/weights.safetensors"),
    ("data audit", "recipe.yaml"),
    ("data audit", "fold-0/input.json"),
    ("data audit", "fold-0/weights.safetensors"),
}
"""Numbers alone come from the predictions that the run kept."""


@pytest.mark.parametrize("file", ["run.json", "recipe.yaml", "fold-0/input.json", "fold-0/weights.safetensors"])
@cells("a damaged run")
def test_a_damaged_run(odd_table: Table, run: Path, tmp_path: Path, verb: str, file: str) -> None:
    damaged = shutil.copytree(run, tmp_path / "runs" / run.name)
    (damaged / file).write_bytes(b"{: \xff nothing")
    place = odd_table.place
    done = run_command(*commands(place, tmp_path / "out", place.data, damaged, place.folder / "cache")[verb])
    done.assert_exit(0 if (verb, file) in NOT_NEEDED else 2)


@pytest.mark.parametrize("kind", REASONS)
def test_no_cell_is_empty(kind: str) -> None:
    assert all(len(reason) > 10 for reason in REASONS[kind].values())
    assert set(CELLS[kind]) | set(REASONS[kind]) == set(VERBS)
