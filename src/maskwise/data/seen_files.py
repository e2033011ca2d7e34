"""Which file had which content when it was last read, so unchanged files need not be read again."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.data.contents import CONTENT_BYTES
from maskwise.files import TEMPORARY_PREFIX, locked, write_atomically

SETTLED_SECONDS = 3.0
"""A file changed more recently is not remembered: it could change again within one tick of the file system's clock."""


def stat_key(path: Path, status: os.stat_result) -> bytes | None:
    """16 bytes that change whenever the file at ``path`` is changed or replaced; None while it is too fresh to tell.

    Path, size, inode, and times of change of content and of inode (the latter cannot be set back by a program).
    """
    if status.st_ctime > time.time() - SETTLED_SECONDS:
        return None
    numbers = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    text = f"{os.path.abspath(path)}\0{numbers}"  # noqa: PTH100 - a pure function of text, fast for a million paths
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=CONTENT_BYTES).digest()


@dataclass
class SeenFiles:
    """Contents by stat key, as one file of 32 bytes an entry below the cache's root."""

    file: Path
    content_of_key: dict[bytes, str]
    fresh: dict[bytes, str] = field(default_factory=dict)

    @classmethod
    def load(cls, cache_root: Path) -> SeenFiles:
        """What earlier builds below ``cache_root`` remember, whatever their settings were."""
        file = cache_root / "seen"
        return cls(file, _read(file))

    def content(self, path: Path) -> str:
        """The content of the file at ``path``, "" if it must be read to know."""
        try:
            key = stat_key(path, path.stat())
        except OSError:
            return ""
        return self.content_of_key.get(key, "") if key else ""

    def note(self, key: bytes | None, content: str) -> None:
        """Remember a file that was just read."""
        if key is not None and content:
            self.fresh[key] = content

    def save(self) -> None:
        """Add what this build has read to what others have written meanwhile."""
        if not self.fresh:
            return
        with locked(self.file.with_name("seen.lock")):
            for leftover in self.file.parent.glob(f"{TEMPORARY_PREFIX}*"):
                leftover.unlink()
            merged = _read(self.file) | self.fresh
            data = b"".join(key + bytes.fromhex(content) for key, content in merged.items())
            write_atomically(self.file, data)


def _read(file: Path) -> dict[bytes, str]:
    data = file.read_bytes() if file.exists() else b""
    size = 2 * CONTENT_BYTES
    return {
        data[at : at + CONTENT_BYTES]: data[at + CONTENT_BYTES : at + size].hex()
        for at in range(0, len(data) - size + 1, size)
    }
