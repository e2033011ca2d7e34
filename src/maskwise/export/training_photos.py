"""Photos of a run's data set that an export looks at: for parity and for 8-bit ranges."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskwise.data.manifest import read_train
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError, must
from maskwise.fitting.photos import photo_reader
from maskwise.fitting.training_framing import spaced
from maskwise.records import Image, InputSpec, PhotoTable, Predictions
from maskwise.seeds import rng_for
from maskwise.store.kept_files import read_split
from maskwise.workflows.run_models import MemberModels


def held_out_photos(predictions: Predictions | None, table: PhotoTable, data: Path, most: int | None) -> list[str]:
    """Up to ``most`` photos (None: all) that a run held out, evenly spaced; of all photos where it held nobody out.

    ``DataError`` where ``data`` is not the data set that the run was trained on.
    """
    names = table.photo_N if predictions is None else predictions.photo_N
    there = set(table.photo_N.tolist())
    absent = [name for name in names.tolist() if name not in there]
    if absent:
        got = f"one without {len(absent):,} of its photos, first {absent[0]}"
        raise DataError(must(f"--data {data}", "the data set that the run was trained on", got, "Name that one."))
    return [str(name) for name in names[spaced(len(names), most)]]


def calibration_pixels(
    member: MemberModels, fold: int, spec: InputSpec, data: Path, table: PhotoTable, most: int
) -> Image:
    """Pixels of ``most`` random photos of people whom the fold did not hold out, as its model saw them."""
    training = {person for person, held in read_split(member.folder).items() if held != fold}
    places = np.flatnonzero([person in training for person in table.person_N.tolist()])
    chosen = np.sort(rng_for(0, "8-bit ranges", fold).permutation(places)[:most])
    read, crop = bytes_of(data), photo_reader(spec)
    pixels = []
    for name in table.photo_N[chosen].tolist():
        try:
            pixels.append(crop(read(name), name))
        except (DataError, OSError):
            continue  # the training left it out, too
    if not pixels:
        raise DataError(must(f"--data {data}", "photos that can be read", "none of those chosen", "Check the folder."))
    return np.stack(pixels)


def read_table(member: MemberModels, data: Path) -> PhotoTable:
    """The labeled photos of ``data`` as the member's recipe reads them."""
    return read_train(data, member.recipe.task, member.recipe.data.corrections).table
