"""One photo as the inputs of several models: decoded once, its face found once. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from maskwise.data.pixels import resize
from maskwise.errors import DataError
from maskwise.faces.build import build_crop, needs_faces
from maskwise.faces.config import CropConfig, decodes_reduced
from maskwise.faces.detection import find_face
from maskwise.records import FaceBox, Image

Decode = Callable[[tuple[int, int] | None], Image]
"""``decode(least_px)`` gives the photo, at least that large; None: at its whole size."""


class ModelInput(NamedTuple):
    """Crop, then resize."""

    crop: CropConfig
    height_px: int
    width_px: int


class PhotoInputs:
    """``inputs`` bound to functions. Safe to use from several threads."""

    def __init__(self, inputs: Sequence[ModelInput]) -> None:
        self.inputs = tuple(inputs)
        self.face_crops = [needs_faces(each.crop) for each in inputs]
        self._crops = [build_crop(each.crop) for each in inputs]
        self._least_px = [(each.height_px, each.width_px) if decodes_reduced(each.crop) else None for each in inputs]

    def whole(self, decode: Decode, name: str) -> tuple[Image, ...]:
        """The photo as training saw it, once for each input; ``DataError`` names ``name`` where a crop refuses it."""
        photo_of = {least_px: decode(least_px) for least_px in set(self._least_px)}
        # Faces are looked for in the whole photo, which is what their crops are cut from.
        face = find_face(photo_of[None]) if any(self.face_crops) else None
        return self.cropped([photo_of[least_px] for least_px in self._least_px], [face] * len(self.inputs), name)

    def cropped(self, photos: Sequence[Image], faces: Sequence[FaceBox | None], name: str) -> tuple[Image, ...]:
        """A photo and a face for each input, cropped and resized."""
        try:
            cropped = [crop(photo, face) for crop, photo, face in zip(self._crops, photos, faces, strict=True)]
        except DataError as error:
            raise DataError([f"{name}: {problem}" for problem in error.problems]) from None
        pairs = zip(cropped, self.inputs, strict=True)
        return tuple(resize(photo, each.height_px, each.width_px) for photo, each in pairs)
