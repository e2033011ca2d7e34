"""Detected faces kept by file contents, so that a detector runs once for each photo, whatever crops are tried."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from maskwise.faces.detection import DETECTOR_VERSION, find_face
from maskwise.records import FaceBox, Image
from maskwise.seen_files import SeenFiles, no_note

Finder = Callable[[Image], FaceBox | None]
_SUM_BYTES = 8
"""Hex digits of the CRC-32 that each value begins with."""
_KEPT_AT_ONCE = 64
"""So many faces at most are found again after a kill; keeping each by itself would wait for the disk each time."""


class BoxStore:
    """Content hash → face or none, in a folder's memory of seen files; safe between threads and processes."""

    def __init__(
        self,
        folder: Path,
        note: Callable[[str], None] = no_note,
        find: Finder = find_face,
        detector: str = DETECTOR_VERSION,
    ) -> None:
        self.find = find
        self._seen = SeenFiles(folder, f"faces by {detector}", note)
        self._known = {
            content: _from_json(text)
            for content, value in self._seen.all().items()
            if (text := _intact(value, content)) is not None  # else the face is found again
        }
        self._unsaved: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def face(self, content: str, photo_HWC: Image) -> FaceBox | None:
        """The face of the photo whose file has the hash ``content``; found now where it is not known."""
        if content in self._known:
            return self._known[content]
        face = self.find(photo_HWC)
        with self._lock:
            self._known[content] = face
            self._unsaved[content] = _to_bytes(face, content)
            full = len(self._unsaved) >= _KEPT_AT_ONCE
        if full:
            self.save()
        return face

    def save(self) -> None:
        """Keep what was found since the last time; to be called at the end of a work."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
        self._seen.put(unsaved)

    def known(self) -> dict[str, FaceBox | None]:
        """Every photo that was looked at, by the hash of its file."""
        return dict(self._known)

    def count_faceless(self, contents: Iterable[str]) -> int:
        """How many of ``contents`` are known to show no face."""
        return sum(content in self._known and self._known[content] is None for content in contents)


def _to_bytes(face: FaceBox | None, content: str) -> bytes:
    text = json.dumps(None if face is None else [face.box_xyxy_px, face.landmarks_px, face.score]).encode()
    return _sum_of(text, content) + text


def _intact(value: bytes, content: str) -> bytes | None:
    """The JSON in ``value``; None where it is damaged, or of an earlier version, which kept no checksum."""
    sum_of, text = value[:_SUM_BYTES], value[_SUM_BYTES:]
    return text if sum_of == _sum_of(text, content) else None


def _sum_of(text: bytes, content: str) -> bytes:
    return f"{zlib.crc32(text, zlib.crc32(content.encode())):0{_SUM_BYTES}x}".encode()


def _from_json(text: bytes) -> FaceBox | None:
    fields = json.loads(text)
    if fields is None:
        return None
    box, points, score = fields
    return FaceBox(tuple(box), tuple((x, y) for x, y in points), score)
