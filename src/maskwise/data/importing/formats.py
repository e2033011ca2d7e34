"""Which formats can be imported. Imports nothing heavy: the command line lists them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ImportFormat(StrEnum):
    """Where the labels of a source stand."""

    UTKFACE = "utkface"
    FAIRFACE = "fairface"
    AFAD = "afad"
    ALL_AGE_FACES = "all-age-faces"
    AGEDB = "agedb"
    APPA_REAL = "appa-real"
    COMPETITION = "competition"
    CSV = "csv"
    FOLDERS = "folders"
    BARE = "bare"


LICENSES: Mapping[ImportFormat, str] = {
    ImportFormat.UTKFACE: "non-commercial research only, says the data set's page",
    ImportFormat.FAIRFACE: "CC BY 4.0",
}
"""What is said of a source's license unless the user says more. Nothing is said where it is not known."""
