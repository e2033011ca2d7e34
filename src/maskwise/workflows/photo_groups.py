"""Which photos show the same person, as ``predict --group`` says: those of a folder, or of a value in a column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from maskwise.data.layout import EVAL_CSV
from maskwise.errors import DataError, must
from maskwise.records import Strings
from maskwise.tables import read_csv

FOLDER = "folder"


def groups_of(photo_N: Strings, by: str, sources: Sequence[Path]) -> Strings:
    """The group of each photo: the folder that it lies in, or its value in the column ``by`` of eval/info.csv.

    ``DataError`` where there is no such table or column.
    """
    if by == FOLDER:
        return np.array([str(PurePosixPath(photo).parent) for photo in photo_N.tolist()], dtype=object)
    path = sources[0] / EVAL_CSV
    if len(sources) > 1 or not path.is_file():
        rule = f"{FOLDER}, or a column of the data set's {EVAL_CSV}"
        raise DataError(must("--group", rule, by, f"Use --group {FOLDER}, one folder per person."))
    columns = read_csv(path, ("ImageID", by)).columns
    group_of = dict(zip(columns["ImageID"], columns[by], strict=True))
    return np.array([group_of[PurePosixPath(photo).name] for photo in photo_N.tolist()], dtype=object)
