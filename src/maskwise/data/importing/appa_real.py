"""APPA-REAL (Agustsson et al. 2017): real ages in ``gt_avg_<part>.csv``, genders in ``allcategories_<part>.csv``.

Photos lie in ``<part>/`` as ``000000.jpg`` and, cut around the face, ``000000.jpg_face.jpg``, which is taken where it
is there. The real age is read, not the apparent one.
"""

from __future__ import annotations

from pathlib import Path

from maskwise.data.importing.by_table import add_row, refuse_no_label_file, sound_label_rows
from maskwise.data.importing.faces import Listed

PARTS = ("train", "valid", "test")


def read_appa_real(source: Path) -> Listed:
    """The photos of every part of which ``source`` has the ages; a photo without a gender is rejected."""
    listed = Listed()
    parts = [part for part in PARTS if (source / f"gt_avg_{part}.csv").is_file()]
    if not parts:
        refuse_no_label_file(source, "gt_avg_train.csv")
    for part in parts:
        name = f"gt_avg_{part}.csv"
        gender_of = _genders(source, part, listed)
        table = sound_label_rows(source / name, ("file_name", "real_age"), listed)
        rows = zip(table.columns["file_name"], table.columns["real_age"], table.line_R, strict=True)
        for file, age, line in rows:
            face = f"{part}/{file}_face.jpg"
            where = face if (source / face).is_file() else f"{part}/{file}"
            add_row(listed, name, line, (source / where, where), gender_of.get(file, ""), age)
    return listed


def _genders(source: Path, part: str, listed: Listed) -> dict[str, str]:
    """The gender of each photo of a part; none at all without its file, which only a download of its own has."""
    path = source / f"allcategories_{part}.csv"
    if not path.is_file():
        remedy = "Download the additional annotations of APPA-REAL into this folder."
        listed.reject(path.name, None, "the file of genders", "there", "none", remedy)
        return {}
    table = sound_label_rows(path, ("file", "gender"), listed)
    return dict(zip(table.columns["file"], table.columns["gender"], strict=True))
