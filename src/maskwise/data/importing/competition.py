"""The competition's own layout: people with their photos, masks and all, taken over as they are.

Only the train part is read: the eval part has no labels.
"""

from __future__ import annotations

from pathlib import Path

from maskwise.data.importing.faces import ImportedFace, Listed, Rejected
from maskwise.data.layout import MASK_OF_STEM, NOT_KNOWN, TRAIN_CSV, TRAIN_IMAGES, list_folder, on_disk, photo_stem
from maskwise.data.people import read_people
from maskwise.errors import DataError
from maskwise.labels import GENDER_CLASSES, UNKNOWN


def read_competition(source: Path) -> Listed:
    """The people of ``train/train.csv`` with the photos in their folders; ids are kept, the column race is not.

    ``DataError`` when the table as a whole cannot be used.
    """
    people, problems = read_people(source)
    if not people.id_P:
        raise DataError([str(problem) for problem in problems])
    listed = Listed(rejected=[Rejected.because(p.where, p.line, p.message) for p in problems])
    unusable = {problem.line for problem in problems if problem.message.startswith(("gender", "age"))}
    written = _written_folders(source)
    for row, folder in enumerate(people.folder_P):
        line, age, gender = people.line_P[row], people.age_years_P[row], people.gender_P[row]
        if line in unusable:
            continue
        photos = _photos(source, written.get(folder, folder), line, listed)
        if photos:
            face = ImportedFace(
                photos,
                NOT_KNOWN if gender == UNKNOWN else GENDER_CLASSES[gender],
                None if age == UNKNOWN else (age, age),
                f"{TRAIN_IMAGES}/{folder}",
                TRAIN_CSV,
                line,
                identity=people.person_P[row],
                id_hint=people.id_P[row],
            )
            listed.faces.append(face)
    return listed


def _written_folders(source: Path) -> dict[str, str]:
    """How folders of people are written on the disk; none where they cannot be listed, which is noted for each."""
    try:
        return on_disk(list_folder(source / TRAIN_IMAGES).folders)
    except DataError:
        return {}


def _photos(source: Path, folder: str, line: int, listed: Listed) -> dict[str, Path]:
    where = f"{TRAIN_IMAGES}/{folder}"
    try:
        listing = list_folder(source / TRAIN_IMAGES / folder)
    except DataError as error:
        listed.rejected.append(Rejected.because(TRAIN_CSV, line, str(error)))
        return {}
    photos: dict[str, Path] = {}
    for name in listing.not_read:
        listed.reject(f"{where}/{name}", None, "the file", "a photo, not hidden", name, "Convert or rename it.")
    for name in listing.photos:
        stem = photo_stem(name)
        if stem not in MASK_OF_STEM:
            rule = f"one of {', '.join(MASK_OF_STEM)}"
            listed.reject(f"{where}/{name}", None, "a photo's name", rule, name, "Rename or delete it.")
        elif stem in photos:
            listed.reject(f"{where}/{name}", None, f"photo {stem}", "there once", name, "Keep one of them.")
        else:
            photos[stem] = source / TRAIN_IMAGES / folder / name
    if not listing.photos:
        listed.reject(where, None, "the folder", "of one photo or more", "none", "Copy the photos there.")
    return photos
