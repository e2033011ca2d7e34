"""The files of a bundle, from a folder or a .zip, each checked against its SHA-256 before it is used.

A bundle may come from anywhere. A .zip is read in memory and never unpacked, so no name in it can lead out of a
folder; what is read is counted as it comes, whatever the archive says of its sizes.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from maskwise.errors import DataError, must
from maskwise.export.manifest import MANIFEST
from maskwise.files import is_inner

CHECKSUMS = "SHA256SUMS"
"""One line per file, as ``sha256sum`` writes and checks them: ``sha256sum -c SHA256SUMS``."""
MOST_FILE_BYTES = 2**31
"""No file of a bundle is larger: ONNX itself ends there."""
MOST_TEXT_BYTES = 16 * 2**20
"""The same for the list of checksums and the manifest."""
MOST_FILES = 10_000
_LARGEST_RATIO = 20
"""Networks hardly compress. A .zip that holds more bytes than this many times its size is not one of ours."""
_ZIP_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError),
    *(ValueError, IndexError, OverflowError),
)
"""What Python's reader is known to raise on damaged bytes; ``NotImplementedError`` is a ``RuntimeError``."""
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Other ways of packing reserve as much memory as the file says."""
_REMEDY = "Export the run again, or copy the bundle again."
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENCRYPTED = 1


class BundleFiles:
    """``read(name)`` gives the checked bytes of a file."""

    def __init__(self, place: str, raw: Callable[[str], bytes | None]) -> None:
        self.place, self._raw = place, raw
        sums = raw(CHECKSUMS)
        if sums is None:
            raise DataError(must(place, "a bundle", f"something without {CHECKSUMS}", _REMEDY))
        self.sha256_of = parse_checksums(sums, place)
        self._checked: set[str] = set()

    def read(self, name: str) -> bytes:
        """The bytes of the file ``name``. ``DataError`` where it is missing, not listed, or not what it was."""
        data = self._raw(name)
        thing = f"{name} of the bundle {self.place}"
        if data is None:
            raise DataError(must(thing, "there", "no such file", _REMEDY))
        expected = self.sha256_of.get(name)
        if hashlib.sha256(data).hexdigest() != expected:
            got = "one without a checksum" if expected is None else "one of another SHA-256"
            raise DataError(must(thing, "the file that was exported", got, _REMEDY))
        self._checked.add(name)
        return data

    def check_all(self) -> None:
        """Check the files that were not read yet; ``DataError`` for the first that is missing or changed."""
        for name in sorted(self.sha256_of.keys() - self._checked):
            self.read(name)


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
        sums = {name: digest for digest, name in pairs}
    except ValueError:
        sums, pairs = {}, []
    sound = all(is_inner(name) and _DIGEST.fullmatch(digest) for name, digest in sums.items())
    if not sums or not sound or len(sums) != len(pairs) or len(sums) > MOST_FILES:
        raise DataError(must(f"{CHECKSUMS} of {place}", "lines of `sha256sum`", "others", _REMEDY))
    return sums


def _read_plain(path: Path) -> bytes | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    most = MOST_TEXT_BYTES if path.name in (CHECKSUMS, MANIFEST) else MOST_FILE_BYTES
    if not stat.S_ISREG(found.st_mode) or found.st_size > most:
        got = "one that is too large" if stat.S_ISREG(found.st_mode) else "something else"
        raise DataError(must(str(path), f"a file of at most {most:,} bytes", got, _REMEDY))
    return path.read_bytes()


def _zip_members(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _refuse_odd_members(path, infos)
            members: dict[str, bytes] = {}
            left = _LARGEST_RATIO * path.stat().st_size
            for info in infos:
                with archive.open(info) as member:
                    members[info.filename] = member.read(min(info.file_size, left) + 1)
                left -= len(members[info.filename])
                if left < 0:
                    got = f"one that unpacks to more than {_LARGEST_RATIO} times its size"
                    raise DataError(must(str(path), "a .zip that export wrote", got, _REMEDY))
            return members
    except _ZIP_DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(must(str(path), "a whole .zip of a bundle", f"a damaged one ({reason})", _REMEDY)) from None


def _refuse_odd_members(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    kinds = {stat.S_IFMT(info.external_attr >> 16) for info in infos}
    got = (
        "one with names that lead out of it"
        if not all(map(is_inner, names))
        else "one with the same name twice"
        if len(set(names)) < len(names)
        else "one with links"
        if kinds - {0, stat.S_IFREG}
        else "one packed in another way than deflate"
        if {info.compress_type for info in infos} - _PACKED
        else "an encrypted one"
        if any(info.flag_bits & _ENCRYPTED for info in infos)
        else f"one of {len(infos):,} files"
        if len(infos) > MOST_FILES
        else None
    )
    if got is not None:
        raise DataError(must(str(path), "a .zip that export wrote", got, _REMEDY))
