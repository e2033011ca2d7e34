"""Files that are either whole or not there: a temporary name in the same folder, flushed, then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskwise.errors import StoreError

_SEAL = ',\n "seal": "'
TEMPORARY_PREFIX = ".writing-"
"""Names that begin so are unfinished files of a killed process; they may be deleted at any time."""


class BusyError(StoreError):
    """Another process holds what is needed."""

    def __init__(self, problems: str | Sequence[str], lock: Path | None = None) -> None:
        super().__init__(problems)
        self.lock = lock
        """Whoever waits for this file's lock waits for that process."""


def at_home(path: str | Path) -> Path:
    """``path`` with a leading ``~`` or ``~user`` replaced by that home folder; as it is where there is no such home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (Path.expanduser raises where there is no home)


def user_cache_folder() -> Path:
    """Where this user's machine keeps what can be made or brought again; a user without a home has a folder in /tmp."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        return at_home(given) / "maskwise"
    home = at_home("~")
    return (
        home / ".cache" / "maskwise" if home.is_absolute() else Path(tempfile.gettempdir()) / f"maskwise-{os.getuid()}"
    )


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` so that a reader, a kill or a power loss sees the old file or the new one, never a part.

    What a killed process left of an earlier attempt at ``path`` is removed. Bytes of a name that are not UTF-8 are
    escaped in text, as on a terminal and as JSON has them; a table that must keep them comes as bytes.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path)
    handle, name = _temporary_file(path)
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:  # which says what, and not where
                raise OSError(error.errno, error.strerror, str(path)) from error
            # mkstemp makes private files; results are as readable as any other file of the user.
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)  # there only if something failed before the rename
    sync_folder(path.parent)


@contextlib.contextmanager
def draft_folder(target: Path) -> Iterator[Path]:
    """A new folder beside ``target``, to be filled and renamed; removed afterwards if it was not.

    What a killed process left of an earlier attempt at ``target`` is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target)
    draft = Path(tempfile.mkdtemp(prefix=temporary_prefix(target), dir=target.parent))
    handle = os.open(draft, os.O_RDONLY)
    try:
        _hold(handle)
        draft.chmod(0o777 & ~_umask())  # mkdtemp makes private folders
        yield draft
    finally:
        os.close(handle)
        shutil.rmtree(draft, ignore_errors=True)


def place_folder(out: Path, files: Mapping[str, bytes | str]) -> None:
    """Let the folder ``out`` appear as a whole with ``files`` by name; a folder that was there before goes."""
    with draft_folder(out) as draft:
        for name, data in files.items():
            write_atomically(draft / name, data)
        replaced = draft.with_name(f"{draft.name}-replaced")
        if out.exists():
            out.rename(replaced)
        draft.rename(out)
        sync_folder(out.parent)
        shutil.rmtree(replaced, ignore_errors=True)


def temporary_prefix(target: Path) -> str:
    """How names of unfinished files of ``target`` begin; short, as a name of 250 bytes leaves no room for more."""
    return f"{TEMPORARY_PREFIX}{zlib.crc32(os.fsencode(target.name)):08x}-"


def remove_leftovers(target: Path) -> None:
    """Remove unfinished files and folders of ``target`` whose process is gone: nobody holds their lock."""
    with os.scandir(target.parent) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(temporary_prefix(target))]
    for path in left:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()
        except OSError:
            continue  # in use, not ours, or on a disk without locks, where nobody can say whether it is in use
        finally:
            os.close(handle)


def _temporary_file(path: Path) -> tuple[int, str]:
    while True:
        handle, name = tempfile.mkstemp(prefix=temporary_prefix(path), dir=path.parent)
        _hold(handle)
        if os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)  # another process took it for a leftover before it was held


def _hold(handle: int) -> None:
    """Lock the open file as long as it is open, where the disk knows locks."""
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_inner(name: str) -> bool:
    """Whether ``name`` is a plain path below a folder, with forward slashes: files from elsewhere may name any."""
    return name.isprintable() and not set(name) & set("\\:") and not {"", ".", ".."} & set(name.split("/"))


def parse_json(text: str | bytes) -> Any:
    """``json.loads``, whose every refusal is a ``ValueError``: of brackets nested too deeply, too."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("brackets nested too deeply") from None


def sealed(text: str) -> str:
    """The JSON object ``text`` with one key more, ``seal``: the SHA-256 of all that stands before it."""
    body = text.rstrip().removesuffix("}").rstrip()
    return f'{body}{_SEAL}{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'


def unsealed(data: bytes) -> bytes | None:
    """What ``sealed`` was given; None where it was changed since. ``data`` where it has no seal (earlier versions)."""
    body, seal, digest = data.rpartition(_SEAL.encode())
    if not seal:
        return None if b'"seal": "' in data else data
    return body + b"\n}" if digest == f'{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode() else None


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
def locked(path: Path, busy: str | None = None, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file ``path``. Waits for its holder; with ``busy`` set, refuses at once with that message.
    Several may hold it at once who hold it ``shared``. ``StoreError`` on disks without locks, as some network mounts.

    The lock belongs to the process and goes with it, so a kill leaves nothing to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise BusyError(busy or "busy", path) from None
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
