"""UTKFace (susanqq.github.io/UTKFace): ``age_gender_race_datetime.jpg``, ``….jpg.chip.jpg`` where aligned and cut.

A handful of names of the published set lack a part; which one is unknown, so they are rejected. People are not
named: two photos of one person count as two people.
"""

from __future__ import annotations

import re
from pathlib import Path

from maskwise.data.importing.by_name import read_names
from maskwise.data.importing.faces import Listed

EXAMPLE = "25_0_2_20170116174525125.jpg.chip.jpg"
_NAME = re.compile(r"(?:.*/)?(?P<age>\d{1,3})_(?P<gender>[01])_[0-4]_\d{17}\.jpe?g(?:\.chip\.jpe?g)?", re.IGNORECASE)


def read_utkface(source: Path) -> Listed:
    """Every photo below ``source``; gender 0 is male, 1 female; the race in the name is not read."""
    return read_names(source, _NAME, {"0": "male", "1": "female"}, EXAMPLE)
