"""Where a study's trials are written down: a journal file beside the runs, or a database. Optuna is imported here."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from pathlib import Path
from typing import Any

from maskwise.errors import StoreError, UserError, extra_missing, must
from maskwise.files import locked

SWEEPS = ".sweeps"
JOURNAL = "journal.log"
_PASSWORD = re.compile(r"(?P<before>://[^/@\s:]*:)\S*(?=@)|(?P<query>\bpassword=)[^&\s]*", re.IGNORECASE)


def needed_optuna() -> Any:
    """The package optuna, set to be quiet. ``UserError`` where it is not installed."""
    try:
        optuna = importlib.import_module("optuna")
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise UserError(extra_missing("sweep", "optuna")) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def sweep_folder(store: Path, study_name: str) -> Path:
    """Locks and, without a database, the journal of a study."""
    return store / SWEEPS / study_name


def study_names(store: Path) -> list[str]:
    """The studies that were begun on a store."""
    folder = store / SWEEPS
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def check_url(url: str | None) -> None:
    """``UserError`` for an address that is none, before anything slow is done."""
    if url is None:
        return
    needed_optuna()
    import sqlalchemy

    try:
        sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        # Their words hold parts of the address, which may be those of a password.
        raise UserError(_refused(url, "the address of a database", "signs like @ in a password are %40")) from None


def open_storage(url: str | None, store: Path, study_name: str) -> Any:
    """The database at ``url``, or the study's journal file. ``UserError`` says why not, never with a password."""
    optuna = needed_optuna()
    if url is None:
        return open_journal(optuna, sweep_folder(store, study_name) / JOURNAL)
    import sqlalchemy.exc

    try:
        # A connection that the server closed while a training ran is noticed and made anew.
        return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except ModuleNotFoundError as error:
        remedy = 'Install it; for PostgreSQL pip install "maskwise[postgres]" and postgresql+psycopg://…'
        raise UserError(f"--storage {hidden(url)} needs the package {error.name}. {remedy}") from None
    except ImportError as error:
        raise UserError(_refused(url, "one whose driver is installed", str(error))) from None
    except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.DBAPIError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ or error
        raise UserError(_refused(url, "a database that can be used", str(getattr(cause, "orig", cause)))) from None


def open_journal(optuna: Any, path: Path) -> Any:
    """Optuna's journal in a file, with a lock that a killed process leaves nothing of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.journal
    try:
        return optuna.storages.JournalStorage(journal.JournalFileBackend(str(path), FileLock(path)))
    except ValueError as error:
        raise StoreError(
            f"{path} must be the journal of a sweep, got something else ({error}). Move it away."
        ) from None


class FileLock:
    """A lock for Optuna's journal: the kernel's, gone with its process. Whoever has it repairs a torn last line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.held = contextlib.ExitStack()

    def acquire(self) -> bool:
        """Wait for the lock; cut off what a killed process left of a line, so that the next begins on its own."""
        self.held.enter_context(locked(self.path.with_name(f"{self.path.name}.lock")))
        _cut_torn_line(self.path)
        return True

    def release(self) -> None:
        """Let others write."""
        self.held.close()


def hidden(text: str) -> str:
    """``text`` with the passwords of all URLs in it replaced by ``***``."""
    return _PASSWORD.sub(lambda found: f"{found['before'] or found['query']}***", text)


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return
        file.seek(size - 1)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _refused(url: str, rule: str, reason: str) -> str:
    first = hidden(reason.strip().splitlines()[0]) if reason.strip() else "no answer"
    remedy = "As sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME or mysql+pymysql://USER@HOST/NAME."
    return must("--storage", rule, f"{hidden(url)} ({first})", remedy)
