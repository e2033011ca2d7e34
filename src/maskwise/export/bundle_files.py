"""The files of a bundle, from a folder or a .zip, each checked against its SHA-256 before it is used.

A .zip is read in memory and never unpacked, so no name in it can lead out of a folder.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from maskwise.errors import DataError, must
from maskwise.export.manifest import MANIFEST

CHECKSUMS = "SHA256SUMS"
"""One line a file, as ``sha256sum`` writes and checks them: ``sha256sum -c SHA256SUMS``."""
_LARGEST_RATIO = 20
"""Networks hardly compress. A .zip that promises more bytes than this many times its size is not one of ours."""
_ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_REMEDY = "Export the run again, or copy the bundle again."


class BundleFiles:
    """``read(name)`` gives the checked bytes of a file."""

    def __init__(self, place: str, raw: Callable[[str], bytes | None]) -> None:
        self.place, self._raw = place, raw
        sums = raw(CHECKSUMS)
        if sums is None:
            raise DataError(must(place, "a bundle", f"something without {CHECKSUMS}", _REMEDY))
        self.sha256_of = parse_checksums(sums, place)

    def read(self, name: str) -> bytes:
        """The bytes of the file ``name``. ``DataError`` where it is missing, not listed, or not what it was."""
        data = self._raw(name)
        if data is None:
            raise DataError(must(f"{name} of the bundle {self.place}", "there", "no such file", _REMEDY))
        expected, got = self.sha256_of.get(name), hashlib.sha256(data).hexdigest()
        if got != expected:
            listed = "no checksum at all" if expected is None else f"SHA-256 {expected[:12]}…"
            thing = f"{name} of the bundle {self.place}"
            raise DataError(must(thing, f"the file that was exported ({listed})", f"SHA-256 {got[:12]}…", _REMEDY))
        return data


def is_bundle(path: Path) -> bool:
    """Whether ``path`` looks like a bundle: a folder with bundle.json, or a .zip file."""
    return (path / MANIFEST).is_file() or (path.suffix == ".zip" and path.is_file())


def open_bundle(path: Path) -> BundleFiles:
    """The files of the bundle at ``path``; ``DataError`` where there is none, or a .zip that is not whole."""
    if path.is_dir():
        return BundleFiles(str(path), lambda name: _read_plain(path / name))
    if not path.is_file():
        raise DataError(must(f"bundle {path}", "a folder or a .zip that export wrote", "nothing", "Check the path."))
    return BundleFiles(str(path), _zip_members(path).get)


def checksum_lines(files: Mapping[str, bytes]) -> str:
    """The content of SHA256SUMS for ``files``."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))


def parse_checksums(text: bytes, place: str) -> dict[str, str]:
    """name → SHA-256 in hex digits."""
    try:
        pairs = [line.split("  ", 1) for line in text.decode("utf-8").splitlines()]
        return {name: digest for digest, name in pairs}
    except ValueError:
        raise DataError(must(f"{CHECKSUMS} of {place}", "lines of `sha256sum`", "others", _REMEDY)) from None


def _read_plain(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None


def _zip_members(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            promised = sum(info.file_size for info in infos)
            if promised > _LARGEST_RATIO * path.stat().st_size:
                got = f"one that unpacks to {promised:,} bytes"
                raise DataError(must(str(path), "a .zip that export wrote", got, _REMEDY))
            return {info.filename: archive.read(info) for info in infos}
    except _ZIP_DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(must(str(path), "a whole .zip of a bundle", f"a damaged one ({reason})", _REMEDY)) from None
