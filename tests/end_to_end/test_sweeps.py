"""Sweeps on drawn people: the verb, and several processes of which one is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import Workplace
from maskwise.recipe.load import load_recipe
from maskwise.store.runs import list_runs
from maskwise.sweeps.results import find_study, read_results
from maskwise.sweeps.storage import study_names

SPACE = """
name: tiny-sweep
base: tiny.yaml
changes: {train.checkpoint: {kind: inner_hold_out, share: 0.3}, train.epochs: 2}
search:
  train.batch_size: [8, 16]
  train.optimizer.rate: [0.001, 0.01]
sampler: {kind: grid}
pruning: {kind: median, startup_runs: 2}
"""


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    (workplace.recipe.parent / "space.yaml").write_text(SPACE)
    return workplace.with_store(tmp_path / "runs")


def words_of(place: Workplace, *options: str) -> list[str]:
    folders = ["--data", str(place.data), "--store", str(place.store), "--cache", str(place.cache)]
    return ["sweep", str(place.recipe.parent / "space.yaml"), *folders, *options]


def test_a_sweep_from_the_command_line(place: Workplace, cli: Callable[..., str], tmp_path: Path) -> None:
    printed = cli(
        *words_of(place, "--runs", "3", "--confirm", "1", "--confirm-seeds", "1", "--out", str(tmp_path / "out"))
    )
    (name,) = [line.split(":")[0] for line in printed.splitlines() if line.startswith("tiny-sweep-")]
    study = find_study(place.store, None, name)
    assert len(study.trials) == 4, "one point of the grid waits"
    assert {trial.state.name for trial in study.trials} <= {"COMPLETE", "PRUNED", "WAITING"}
    found = read_results(study, place.store)
    assert all(row.gain is not None for row in found.rows)
    assert [trial.last_step for trial in study.trials if trial.state.name == "COMPLETE"] == [2] * len(found.rows)
    assert "trained again with 1 other seed on another split" in printed
    assert load_recipe(str(tmp_path / "out" / "best.yaml")).name == "tiny-sweep-best"
    assert not [run for run in list_runs(place.store).runs if run.record.status != "finished"]
    # Shown without data or training; and the same command trains the rest only.
    assert cli("sweep", "show", "tiny-sweep", "--store", str(place.store)).splitlines()[0] == printed.splitlines()[0]
    before = {run.record.run_id for run in list_runs(place.store).runs}
    cli(*words_of(place))
    assert before <= {run.record.run_id for run in list_runs(place.store).runs}
    assert {trial.state.name for trial in find_study(place.store, None, name).trials} <= {"COMPLETE", "PRUNED"}


def start(place: Workplace, *options: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "maskwise", *words_of(place, "--quiet", *options)]
    return subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill_while_training(place: Workplace, process: subprocess.Popen[str], rng: np.random.Generator) -> None:
    """Once two trials are begun and a state is saved, kill it somewhere in the middle."""
    while process.poll() is None:
        begun = list((place.store / ".sweeps").glob("*/trial-1.lock"))
        if begun and any(place.store.glob("[0-9a-f]*/fold-0/checkpoints.json")):
            break
        time.sleep(0.02)
    time.sleep(float(rng.uniform(0, 0.6)))
    process.kill()
    process.wait()


def refuse_lost_or_double(place: Workplace, storage: str | None, printed: list[str]) -> None:
    """Every point of the grid was trained to its end or given up once, and every run is one of theirs."""
    (study,) = [find_study(place.store, storage, name) for name in study_names(place.store)]
    trials = study.trials
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "PRUNED"}, printed
    assert len({json.dumps(trial.params, sort_keys=True) for trial in trials}) == 4
    finished = {trial.user_attrs["run"] for trial in trials if trial.state.name == "COMPLETE"}
    runs = list_runs(place.store)
    assert not runs.skipped
    assert finished <= {run.record.run_id for run in runs.runs}
    assert all(run.record.status == "finished" for run in runs.runs)
    # What a process says it finished, no other says.
    ends = [line for text in printed for line in text.splitlines() if ": macro F1" in line or ": given up" in line]
    numbers = [line.split(":")[0] for line in ends if line.startswith("trial ")]
    assert len(numbers) == len(set(numbers)), ends


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_one_of_two_processes_is_killed(place: Workplace, seed: int) -> None:
    stays, dies = start(place), start(place)
    kill_while_training(place, dies, np.random.default_rng(seed))
    out, err = stays.communicate(timeout=300)
    assert stays.returncode == 0, err
    assert "4 runs" in out
    refuse_lost_or_double(place, None, [err])


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


def server_program(name: str) -> str | None:
    """A program of the server, on the path or where Debian puts it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


def as_server(words: list[str]) -> list[str]:
    """The server refuses to run as root; then it runs as the user postgres."""
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """A server of its own on a free port of this machine; gives its address."""
    initdb, postgres = server_program("initdb"), server_program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL server is installed")
    # Not in pytest's folder, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        with serving(Path(folder), initdb, postgres) as url:
            yield url


@contextlib.contextmanager
def serving(folder: Path, initdb: str, postgres: str) -> Iterator[str]:
    secret = folder / "secret"
    secret.write_text("a secret/word@here\n")
    secret.chmod(0o644)
    data = folder / "data"
    init = [initdb, "-D", str(data), "-U", "sweeper", "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    subprocess.run(as_server(init), check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [postgres, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-F"]
    server = subprocess.Popen(as_server(words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_it_listens(port)
        yield f"postgresql+psycopg://sweeper:a%20secret%2Fword%40here@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_until_it_listens(port: int) -> None:
    for _ in range(300):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.5)
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


@pytest.mark.postgres
def test_two_workers_on_postgresql(place: Workplace) -> None:
    with postgres_server() as url:
        stays, dies = start(place, "--storage", url), start(place, "--storage", url)
        kill_while_training(place, dies, np.random.default_rng(0))
        out, err = stays.communicate(timeout=300)
        assert stays.returncode == 0, err
        refuse_lost_or_double(place, url, [err])
    written = [path.read_bytes() for path in place.store.rglob("*") if path.is_file()]
    assert not any(b"secret" in content for content in (*written, out.encode(), err.encode()))
    assert any(b"sweeper:***@127.0.0.1" in content for content in written), "the command is kept without its password"
    assert not list((place.store / ".sweeps").glob("*/journal.log"))
