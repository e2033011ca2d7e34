"""From a photo in any form to what a bundle's networks are shown: the very functions that training used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskwise.data.pixels import decode_photo, resize
from maskwise.errors import DataError, must
from maskwise.export.manifest import Manifest
from maskwise.faces.build import build_crop, needs_faces
from maskwise.faces.config import decodes_reduced
from maskwise.faces.detection import find_face, find_faces
from maskwise.faces.framing import frame_face
from maskwise.records import FaceBox, Image

AnyImage = str | Path | bytes | NDArray[np.uint8]
"""A path, a file's bytes, or height × width × 3 pixels, uint8 RGB."""


@dataclass(frozen=True)
class Prepared:
    """One face, or one whole photo, ready for the networks."""

    pixels: tuple[Image, ...]
    """One for each of the manifest's inputs."""
    face: FaceBox | None
    """The face that was cut out, in pixels of the photo as given; None for a whole photo."""


class Preparer:
    """What a manifest says about inputs, bound to functions. Safe to use from several threads."""

    def __init__(self, manifest: Manifest) -> None:
        self.inputs, self.framing = manifest.inputs, manifest.framing
        self.crops = [build_crop(each.crop) for each in manifest.inputs]
        self.face_crops = [needs_faces(each.crop) for each in manifest.inputs]
        self.least_px = [
            (each.height_px, each.width_px) if decodes_reduced(each.crop) else None for each in manifest.inputs
        ]

    def whole(self, image: AnyImage, name: str) -> Prepared:
        """The photo as training saw it: for photos of one person in the framing of the training photos."""
        photo_of = {least_px: decode(image, name, least_px) for least_px in set(self.least_px)}
        # Faces are looked for in the whole photo, which is what their crops are cut from.
        face = find_face(photo_of[None]) if any(self.face_crops) else None
        photos = [photo_of[least_px] for least_px in self.least_px]
        return Prepared(self._inputs(photos, [face] * len(self.inputs), name), None)

    def each_face(self, image: AnyImage, name: str) -> list[Prepared]:
        """Every face that the detector finds, surest first; an empty list where there is none."""
        self.refuse_unframed()
        photo = decode(image, name)
        return [self._face(photo, face, name) for face in find_faces(photo)]

    def refuse_unframed(self) -> None:
        """Refuse to cut faces out where nobody measured how training photos are cut."""
        if self.framing is None and not all(self.face_crops):
            raise DataError(
                "a bundle for photos of several faces must know where the face stands in training photos, got one that "
                "does not. Export the run again with --data."
            )

    def _face(self, photo: Image, face: FaceBox, name: str) -> Prepared:
        # A crop around the face needs no framing: it finds its window in any photo.
        framed = (photo, face) if self.framing is None else frame_face(photo, face, self.framing)
        pairs = [(photo, face) if by_face else framed for by_face in self.face_crops]
        return Prepared(self._inputs([pair[0] for pair in pairs], [pair[1] for pair in pairs], name), face)

    def _inputs(self, photos: list[Image], faces: list[FaceBox | None] | list[FaceBox], name: str) -> tuple[Image, ...]:
        try:
            cropped = [crop(photo, face) for crop, photo, face in zip(self.crops, photos, faces, strict=True)]
        except DataError as error:
            raise DataError([f"{name}: {problem}" for problem in error.problems]) from None
        pairs = zip(cropped, self.inputs, strict=True)
        return tuple(resize(photo, each.height_px, each.width_px) for photo, each in pairs)


def decode(image: AnyImage, name: str, least_px: tuple[int, int] | None = None) -> Image:
    """The pixels of ``image``, H × W × 3; ``DataError`` names ``name`` where it is no photo.

    ``least_px`` as for ``decode_photo``; pixels are taken as they are.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            got = f"{image.dtype} {' × '.join(map(str, image.shape))}"
            raise DataError(must(name, "uint8 pixels, height × width × 3, RGB", got, "Convert it."))
        return image
    if isinstance(image, bytes):
        return decode_photo(image, name, least_px)
    try:
        return decode_photo(Path(image).read_bytes(), name, least_px)
    except OSError as error:
        raise DataError(must(name, "a readable file", error.strerror or "an error", "Check the path.")) from None
