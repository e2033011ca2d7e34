"""All-Age-Faces (Cheng et al. 2019): ``00000A02.jpg``, a serial number and an age; serials up to 07380 are women.

The set comes twice, in "original images" and in "aglined faces". A serial that is met in both counts once.
"""

from __future__ import annotations

import re
from pathlib import Path

from maskwise.data.importing.by_name import read_names
from maskwise.data.importing.faces import Listed

EXAMPLE = "00000A02.jpg"
LAST_FEMALE_SERIAL = 7380
_NAME = re.compile(r"(?:.*/)?(?P<gender>\d{5})A(?P<age>\d{2,3})\.[^./]+", re.IGNORECASE)


def read_all_age_faces(source: Path) -> Listed:
    """Every photo below ``source``; the gender follows from the serial number."""
    return read_names(source, _NAME, _gender_of_serial, EXAMPLE, named_once=True)


def _gender_of_serial(serial: str) -> str:
    return "female" if int(serial) <= LAST_FEMALE_SERIAL else "male"
