"""Files that are either whole or not there: a temporary name in the same folder, flushed, then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from maskwise.errors import StoreError

TEMPORARY_PREFIX = ".writing-"
"""Names that begin so are unfinished files of a killed process; they may be deleted at any time."""


def user_cache_folder() -> Path:
    """Where this user's machine keeps what can be made or brought again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maskwise"


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` so that a reader, a kill or a power loss sees the old file or the new one, never a part.

    What a killed process left of an earlier attempt at ``path`` is removed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    handle, name = _temporary_file(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            # mkstemp makes private files; results are as readable as any other file of the user.
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)  # there only if something failed before the rename
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def refuse_overwrite(path: Path, force: bool) -> None:
    """Nothing is ever overwritten without ``--force``; nor is work begun whose result could not be written."""
    if path.exists() and not force:
        raise StoreError(f"{path} exists already. Choose another name, or add --force to replace it.")
    refuse_unwritable(path.parent)


def refuse_unwritable(folder: Path) -> None:
    """``StoreError`` where no file could be written into ``folder``, which need not be there yet."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise StoreError(f"{there} must be a folder, got a file. Remove it, or write elsewhere than to {folder}.")
    if not os.access(there, os.W_OK | os.X_OK):
        rule = "must be writable, got a folder in which this user may not write"
        raise StoreError(f"{there} {rule}. Change its mode, or write elsewhere than to {folder}.")


@contextlib.contextmanager
def locked(path: Path, busy: str | None = None) -> Iterator[None]:
    """Hold the lock file ``path``. Waits for its holder; with ``busy`` set, refuses at once with that message.
    ``StoreError`` on disks without locks, as some network mounts are.

    The lock belongs to the process and goes with it, so a kill leaves nothing to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise StoreError(busy or "busy") from None
        except OSError as error:
            got = f"one that does not ({error.strerror})"
            raise StoreError(
                f"{path.parent} must lie on a disk that keeps locks, got {got}. Name a folder on another disk."
            ) from error
        yield


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
