"""Which of the faces that a reader found are taken over."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwise.data.importing.ages import unusable_age
from maskwise.data.importing.faces import ImportedFace, Listed, Rejected
from maskwise.errors import DataError, must


def choose_faces(listed: Listed, min_age_years: int, borders_years: tuple[int, ...]) -> Listed:
    """The faces of a usable age, each photo once; the others join the rejected."""
    chosen = Listed(rejected=list(listed.rejected), notes=listed.notes)
    first_line: dict[str, int | None] = {}
    for face in listed.faces:
        if face.where in first_line:
            got = f"in line {first_line[face.where]}, too"
            chosen.reject(face.place, face.line, "the photo", "labeled once", got, "Delete one of the rows.")
        elif fault := unusable_age(face.age_years, min_age_years, borders_years):
            chosen.rejected.append(Rejected.because(face.place, face.line, fault))
        else:
            chosen.faces.append(face)
        first_line.setdefault(face.where, face.line)
    return chosen


def refuse_empty(listed: Listed, source: Path) -> None:
    """``DataError`` when nothing is left to take over, with the first reason."""
    if listed.faces:
        return
    first = next(iter(listed.rejected), None)
    got = "no photo" if first is None else f"{len(listed.rejected)} rejected, the first for: {first.reason}"
    raise DataError(must(str(source), "a source of usable faces", got, "Check FORMAT, SRC and --min-age."))


def draw_some(faces: list[ImportedFace], limit: int | None, rng: np.random.Generator) -> list[ImportedFace]:
    """``limit`` of the faces, drawn at random, in their old order; all of them without a limit."""
    if limit is None or limit >= len(faces):
        return faces
    return [faces[place] for place in np.sort(rng.permutation(len(faces))[:limit]).tolist()]
