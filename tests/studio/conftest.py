"""A studio of runs that nobody trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from maskwise.store.runs import StoredRun
from support.finished_runs import add_run
from support.running_studio import RunningStudio, running_studio


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs are."""
    return tmp_path_factory.mktemp("studio") / "runs"


@pytest.fixture(scope="session")
def run(store: Path) -> StoredRun:
    """A finished run."""
    return add_run(store, "good", [True, True, False, True, True, True])


@pytest.fixture(scope="session")
def studio(store: Path, run: StoredRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The studio of the store."""
    add_run(store, "poor", [True, False, False, True, False, True])
    with running_studio(store, tmp_path_factory.mktemp("cache")) as running:
        yield running


@pytest.fixture
def visitor(studio: RunningStudio) -> Iterator[httpx.Client]:
    """A client that has opened the address with the token."""
    client = studio.visitor()
    yield client
    client.close()
