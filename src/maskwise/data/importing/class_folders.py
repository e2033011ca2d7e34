"""Photos in folders: a folder a class, or bare faces without any label."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from maskwise.data.importing.ages import parse_age
from maskwise.data.importing.by_name import files_below
from maskwise.data.importing.by_table import GENDER_OF_WORD, MASK_OF_WORD, PHOTO_OF_MASK
from maskwise.data.importing.config import TableWords
from maskwise.data.importing.faces import PORTRAIT, ImportedFace, Listed
from maskwise.data.layout import NOT_KNOWN
from maskwise.errors import DataError, counted, must, printable
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES

NOTHING = "-"
"""The meaning of a folder that says nothing of its photos: train, part1."""
_PARTS_OF_SETS = ("train", "training", "val", "valid", "validation", "test", "images", "data")


def read_class_folders(source: Path, words: TableWords) -> Listed:
    """Every photo below ``source``, labeled by the folders that it lies in, at any depth: ``with_mask``, ``male/30``.

    Usual words for masks and genders are known, as are ages; others, or several in one name, are given by
    ``words.folders``. A photo whose folders say nothing of its mask shows a bare face. Every photo counts as a person
    of its own. ``DataError`` names every folder without a meaning.
    """
    listed = Listed()
    paths = files_below(source, listed)
    photos_in = Counter(name for path in paths for name in dict.fromkeys(path.split("/")[:-1]))
    meaning_of = {name: _meaning(name, words) for name in photos_in}
    _refuse_unclear(source, photos_in, meaning_of, words)
    masks_are_known = any("mask" in meaning for meaning in meaning_of.values() if meaning)
    for path in paths:
        labels: dict[str, str] = {}
        for name in path.split("/")[:-1]:
            labels |= meaning_of[name] or {}
        if not labels or (masks_are_known and "mask" not in labels):
            wanted = "mask" if masks_are_known else "class"
            listed.reject(path, None, "the photo", f"in a folder that names its {wanted}", "none", "Move it into one.")
            continue
        photo = {PHOTO_OF_MASK[labels.get("mask", "not_worn")]: source / path}
        age_years = parse_age(labels["age"]) if "age" in labels else None
        face = ImportedFace(photo, labels.get("gender", NOT_KNOWN), age_years, path, as_it_is=masks_are_known)
        listed.faces.append(face)
    listed.notes.extend(_understood(photos_in, meaning_of))
    return listed


def read_bare_faces(source: Path) -> Listed:
    """Every photo below ``source`` as a bare face of unknown gender and age, each a person of its own."""
    listed = Listed()
    paths = files_below(source, listed)
    listed.faces.extend(ImportedFace({PORTRAIT: source / path}, NOT_KNOWN, None, path) for path in paths)
    return listed


def _meaning(name: str, words: TableWords) -> dict[str, str] | None:
    """What a folder says, by attribute; {} for nothing, None where it is not known."""
    text = words.folders.get(name)
    if text is None:
        if name.lower() in _PARTS_OF_SETS:
            return {}
        label = _label(name)
        return None if label is None else dict([label])
    labels = [_label(part) for part in text.split("+") if part != NOTHING]
    return None if None in labels else dict(label for label in labels if label is not None)


def _label(word: str) -> tuple[str, str] | None:
    """The attribute and its class that ``word`` means."""
    word = word.strip()
    if mask := MASK_OF_WORD.get(word.lower()):
        return "mask", mask
    if gender := GENDER_OF_WORD.get(word.lower()):
        return "gender", gender
    return ("age", word) if parse_age(word) else None


def _refuse_unclear(
    source: Path, photos_in: Counter[str], meaning_of: dict[str, dict[str, str] | None], words: TableWords
) -> None:
    rule = f"{', '.join((*MASK_CLASSES, *GENDER_CLASSES))}, an age or {NOTHING}, joined by +"
    problems = [
        must(f"--map {name}=", f"the name of a folder below {source}", name, f"There are: {', '.join(photos_in)}.")
        for name in words.folders
        if name not in photos_in
    ]
    for name, meaning in meaning_of.items():
        if meaning is not None:
            continue
        thing = f"the folder {printable(name)} ({counted(photos_in[name], 'photo')})"
        got = words.folders.get(name, "an unknown name")
        problems.append(must(thing, rule, got, f"Add --map {printable(name)}=CLASS, or {NOTHING} for nothing."))
    if problems:
        raise DataError(problems)


def _understood(photos_in: Counter[str], meaning_of: dict[str, dict[str, str] | None]) -> list[str]:
    return [
        f"{printable(name)}/ ({counted(photos_in[name], 'photo')}): {', '.join((meaning or {}).values()) or 'nothing'}"
        for name, meaning in meaning_of.items()
    ]
