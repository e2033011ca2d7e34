"""AgeDB (Moschoglou et al. 2017): ``n_Name_age_m|f.jpg``, many photos of each person at different ages.

Every photo becomes a row of its own, with the age at which it was taken; the rows of one name are one person, whom no
split parts.
"""

from __future__ import annotations

import re
from pathlib import Path

from maskwise.data.importing.by_name import read_names
from maskwise.data.importing.faces import Listed

EXAMPLE = "0_SomeName_35_f.jpg"
_NAME = re.compile(r"(?:.*/)?\d+_(?P<identity>[^/]+)_(?P<age>\d{1,3})_(?P<gender>[mfMF])\.[^./]+")


def read_agedb(source: Path) -> Listed:
    """Every photo below ``source``; the name is only used to keep a person's photos together."""
    return read_names(source, _NAME, lambda letter: "male" if letter in "mM" else "female", EXAMPLE)
