"""FairFace (Kärkkäinen & Joo 2021, CC BY 4.0): ``fairface_label_train.csv`` and ``…_val.csv`` beside the photos.

Columns ``file,age,gender,race,service_test``; ages only in bins: "20-29", "more than 70". People are not named.
"""

from __future__ import annotations

from pathlib import Path

from maskwise.data.importing.by_table import add_row, photo_at, refuse_no_label_file, sound_label_rows
from maskwise.data.importing.faces import Listed
from maskwise.data.layout import list_folder

PATTERN = "fairface_label_train.csv or another CSV file of labels"


def read_fairface(source: Path) -> Listed:
    """The rows of every label file in ``source``; the column race is not read."""
    listed = Listed()
    tables = [name for name in list_folder(source).others if name.lower().endswith(".csv") and "label" in name.lower()]
    if not tables:
        refuse_no_label_file(source, PATTERN)
    for name in tables:
        table = sound_label_rows(source / name, ("file", "age", "gender"), listed)
        columns = (table.columns[column] for column in ("file", "gender", "age"))
        for file, gender, age, line in zip(*columns, table.line_R, strict=True):
            add_row(listed, name, line, (photo_at(source, file), file), gender, age)
    return listed
