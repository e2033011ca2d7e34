"""From the name of a format to its reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

from maskwise.data.importing.afad import read_afad
from maskwise.data.importing.agedb import read_agedb
from maskwise.data.importing.all_age_faces import read_all_age_faces
from maskwise.data.importing.appa_real import read_appa_real
from maskwise.data.importing.class_folders import read_bare_faces, read_class_folders
from maskwise.data.importing.competition import read_competition
from maskwise.data.importing.config import TableWords
from maskwise.data.importing.faces import Listed
from maskwise.data.importing.fairface import read_fairface
from maskwise.data.importing.formats import ImportFormat
from maskwise.data.importing.own_table import read_own_table
from maskwise.data.importing.utkface import read_utkface

Reader = Callable[[Path], Listed]
"""``read(source) → Listed``: labels alone; no photo is opened."""


def build_reader(kind: ImportFormat, words: TableWords) -> Reader:
    """The reader of a format; ``words`` are for tables and folders of one's own."""
    match kind:
        case ImportFormat.UTKFACE:
            return read_utkface
        case ImportFormat.FAIRFACE:
            return read_fairface
        case ImportFormat.AFAD:
            return read_afad
        case ImportFormat.ALL_AGE_FACES:
            return read_all_age_faces
        case ImportFormat.AGEDB:
            return read_agedb
        case ImportFormat.APPA_REAL:
            return read_appa_real
        case ImportFormat.COMPETITION:
            return read_competition
        case ImportFormat.CSV:
            return partial(read_own_table, words=words)
        case ImportFormat.FOLDERS:
            return partial(read_class_folders, words=words)
        case ImportFormat.BARE:
            return read_bare_faces
    assert_never(kind)
