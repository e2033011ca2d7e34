"""Detected faces kept by file contents, so that a detector runs once for each photo, whatever crops are tried."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from maskwise.faces.detection import DETECTOR_VERSION, find_face
from maskwise.records import FaceBox, Image

Finder = Callable[[Image], FaceBox | None]

BOXES_FILE = "faces.sqlite"
"""Where detected faces lie, in the cache folder."""

_WAIT_S = 60.0


class BoxStore:
    """An SQLite file of (detector, content hash) → face or none; safe between threads, processes and after kills."""

    def __init__(self, path: Path, find: Finder = find_face, detector: str = DETECTOR_VERSION) -> None:
        self.path, self.find, self.detector = path, find, detector
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS faces (detector TEXT, content TEXT, face TEXT, "
                "PRIMARY KEY (detector, content)) WITHOUT ROWID"
            )

    def face(self, content: str, photo_HWC: Image) -> FaceBox | None:
        """The face of the photo whose file has the hash ``content``; found now where it is not known."""
        with closing(self._connect()) as database, database:
            query = "SELECT face FROM faces WHERE detector = ? AND content = ?"
            row = database.execute(query, (self.detector, content)).fetchone()
            if row is not None:
                return _from_text(row[0])
            face = self.find(photo_HWC)
            database.execute("INSERT OR REPLACE INTO faces VALUES (?, ?, ?)", (self.detector, content, _to_text(face)))
            return face

    def known(self) -> dict[str, FaceBox | None]:
        """Every photo that was looked at, by the hash of its file."""
        with closing(self._connect()) as database:
            query = "SELECT content, face FROM faces WHERE detector = ?"
            return {content: _from_text(text) for content, text in database.execute(query, (self.detector,))}

    def count_faceless(self, contents: Iterable[str]) -> int:
        """How many of ``contents`` are known to show no face."""
        with closing(self._connect()) as database:
            query = "SELECT content FROM faces WHERE detector = ? AND face = 'null'"
            faceless = {row[0] for row in database.execute(query, (self.detector,))}
        return sum(content in faceless for content in contents)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=_WAIT_S)
        # With a write-ahead log this loses the last faces at a power loss and spoils nothing; FULL waits for the disk.
        database.execute("PRAGMA synchronous=NORMAL")
        return database


def _to_text(face: FaceBox | None) -> str:
    return json.dumps(None if face is None else [face.box_xyxy_px, face.landmarks_px, face.score])


def _from_text(text: str) -> FaceBox | None:
    fields = json.loads(text)
    if fields is None:
        return None
    box, points, score = fields
    return FaceBox(tuple(box), tuple((x, y) for x, y in points), score)
