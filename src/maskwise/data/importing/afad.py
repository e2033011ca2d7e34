"""AFAD (Asian Face Age Dataset, Niu et al. 2016): ``<age>/<111 male | 112 female>/<id>.jpg``. People are not named."""

from __future__ import annotations

import re
from pathlib import Path

from maskwise.data.importing.by_name import read_names
from maskwise.data.importing.faces import Listed

EXAMPLE = "25/112/123456-0.jpg"
_PATH = re.compile(r"(?:.*/)?(?P<age>\d{1,3})/(?P<gender>11[12])/[^/]+")


def read_afad(source: Path) -> Listed:
    """Every photo below ``source`` that lies in a folder of a gender in a folder of an age."""
    return read_names(source, _PATH, {"111": "male", "112": "female"}, EXAMPLE)
