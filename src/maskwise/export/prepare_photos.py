"""From a photo in any form to the inputs of a bundle's networks: the very functions that training used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from maskwise.data.pixels import decode_photo, decode_picture
from maskwise.errors import DataError, must
from maskwise.export.manifest import Manifest
from maskwise.faces.detection import find_faces
from maskwise.faces.framing import frame_face
from maskwise.fitting.photo_inputs import ModelInput, PhotoInputs
from maskwise.records import FaceBox, Image
from maskwise.workflows.frame_photos import LikeTraining

AnyImage = str | Path | bytes | NDArray[np.uint8] | PillowImage.Image
"""A path, a file's bytes, height × width × 3 pixels (uint8 RGB), or a picture of Pillow."""


@dataclass(frozen=True)
class Prepared:
    """One face, or one whole photo, ready for the networks."""

    pixels: tuple[Image, ...]
    """One for each of the manifest's inputs."""
    face: FaceBox | None
    """The face that was cut out, in pixels of the photo as given; None for a whole photo."""
    found: int | None = None
    """How many faces the detector found in the photo; None where nobody looked."""


class Preparer:
    """What a manifest says about inputs, bound to functions. Safe to use from several threads."""

    def __init__(self, manifest: Manifest) -> None:
        self.inputs = PhotoInputs([ModelInput(each.crop, each.height_px, each.width_px) for each in manifest.inputs])
        self.framing = manifest.framing

    def whole(self, image: AnyImage, name: str, like_training: LikeTraining | None = None) -> Prepared:
        """The photo as training saw it: for photos of one person in the framing of the training photos.

        With ``like_training``, a photo whose face lies elsewhere is cut around its largest face.
        """
        if like_training is None:
            return Prepared(self.inputs.whole(lambda least_px: decode(image, name, least_px), name), None)
        framed = like_training(decode(image, name))
        return Prepared(self.inputs.whole(lambda _least_px: framed.photo, name), framed.face, framed.faces)

    def like_training(self) -> LikeTraining | None:
        """Cuts photos like those of training; None where nobody measured that, or all crops find the face anyway."""
        if self.framing is None or self.framing.spread is None or all(self.inputs.face_crops):
            return None
        return LikeTraining(self.framing)

    def each_face(self, image: AnyImage, name: str) -> list[Prepared]:
        """Every face that the detector finds, most confident first; an empty list where there is none."""
        self.refuse_unframed()
        photo = decode(image, name)
        return [self._face(photo, face, name) for face in find_faces(photo)]

    def refuse_unframed(self) -> None:
        """Refuse to cut faces out where nobody measured how training photos are cut."""
        if self.framing is None and not all(self.inputs.face_crops):
            raise DataError(
                "a bundle for photos of several faces must know where the face stands in training photos, got one that "
                "does not. Export the run again with --data."
            )

    def _face(self, photo: Image, face: FaceBox, name: str) -> Prepared:
        # A crop around the face needs no framing: it finds its window in any photo.
        framed = (photo, face) if self.framing is None else frame_face(photo, face, self.framing)
        pairs = [(photo, face) if by_face else framed for by_face in self.inputs.face_crops]
        return Prepared(self.inputs.cropped([pair[0] for pair in pairs], [pair[1] for pair in pairs], name), face)


def as_list(images: AnyImage | Sequence[AnyImage]) -> list[AnyImage]:
    """One image, or several, as a list."""
    return [images] if isinstance(images, str | Path | bytes | np.ndarray | PillowImage.Image) else list(images)


def decode(image: AnyImage, name: str, least_px: tuple[int, int] | None = None) -> Image:
    """The pixels of ``image``, H × W × 3; ``DataError`` names ``name`` where it is no photo.

    ``least_px`` as for ``decode_photo``; pixels are taken as they are.
    """
    if isinstance(image, PillowImage.Image):
        return decode_picture(image, name)
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
