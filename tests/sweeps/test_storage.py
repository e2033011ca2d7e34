"""Where trials are written: passwords stay hidden, and a torn journal is repaired."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.errors import UserError
from maskwise.sweeps.storage import JOURNAL, check_url, hidden, open_storage, study_names, sweep_folder
from support.sweeps import queue_at, sweep_of

RATES = "{train.optimizer.rate: {kind: float, low: 0.001, high: 0.1}}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://me:secret@host:5432/db", "postgresql+psycopg://me:***@host:5432/db"),
        ("mysql://me:se@cr/et@host/db", "mysql://me:***@host/db"),
        ("--storage=mysql://me:secret@host", "--storage=mysql://me:***@host"),
        ("postgresql://host/db?user=me&password=secret&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("sqlite:///trials.db", "sqlite:///trials.db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    assert hidden(text) == shown
    assert "secret" not in hidden(text)


@pytest.mark.parametrize("url", ["wrong", "mysql://me:sec@ret:word@host:1/x", "nodb://me:secret@host/x"])
def test_an_unusable_storage_is_refused_without_its_password(url: str, tmp_path: Path) -> None:
    def use() -> None:
        check_url(url)
        open_storage(url, tmp_path, "study")

    with pytest.raises(UserError) as refused:
        use()
    (line,) = refused.value.problems
    assert line.startswith("--storage must be")
    assert not any(part in line for part in ("secret", "ret:word", "sec@"))


def test_a_torn_last_line_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    sweep = sweep_of(RATES, sampler="{kind: random}")
    queue = queue_at(tmp_path, sweep)
    first = queue.lease()
    path = sweep_folder(tmp_path, queue.name) / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":4,"worker_')  # the kill came here
    again = queue_at(tmp_path, sweep)
    second = again.lease()
    assert not isinstance(first, str)
    assert not isinstance(second, str)
    assert (first.trial.number, second.trial.number) == (0, 1)
    assert path.read_bytes().startswith(whole)
    assert len(queue_at(tmp_path, sweep).trials()) == 2
    assert study_names(tmp_path) == [queue.name]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    sweep = sweep_of(RATES)
    path = sweep_folder(tmp_path, sweep.study_name("c0ffee")) / JOURNAL
    path.parent.mkdir(parents=True)
    path.write_text("hello\nworld\n")
    with pytest.raises(UserError, match="must be the journal of a sweep"):
        queue_at(tmp_path, sweep)
