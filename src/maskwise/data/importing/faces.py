"""What a reader finds: faces with their labels, and what cannot be used with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.errors import must

PORTRAIT = "normal"
"""The name of the photo that shows the bare face."""

AgeRange = tuple[int, int]
"""The youngest and the oldest age in years that a label leaves open; twice the same where it is exact."""


@dataclass(frozen=True)
class ImportedFace:
    """One person at one age, as a source shows and labels them."""

    photos: Mapping[str, Path]
    """The file of each photo by its name in the competition's layout; ``normal`` alone for a bare face."""
    gender: str
    """male, female or Unknown."""
    age_years: AgeRange | None
    """None where the source does not say."""
    where: str
    """The photo or the folder, below the source's root, with forward slashes. Unique within a source."""
    label_file: str = ""
    """The file that holds the labels, "" where names do."""
    line: int | None = None
    """Its line."""
    identity: str = ""
    """Equal for faces of one person, where the source names people; "" where it does not."""
    id_hint: str = ""
    """The id that the source itself gives, "" where it gives none."""
    as_it_is: bool = False
    """Whether the source says what covers the face, so that no mask is to be drawn on it."""

    @property
    def place(self) -> str:
        """Where to look when something is wrong with it, for the report."""
        return f"{self.label_file}: {self.where}" if self.label_file else self.where


@dataclass(frozen=True)
class Rejected:
    """Something that could not be taken over."""

    where: str
    """The file, below the source's root."""
    line: int | None
    reason: str
    """``<thing> must be <rule>, got <value>.``"""
    remedy: str
    """What to do."""

    @classmethod
    def because(cls, where: str, line: int | None, message: str) -> Rejected:
        """A message of the house's formula, taken apart into the reason and the remedy."""
        reason, stop, remedy = message.partition(". ")
        return cls(where, line, reason + stop.strip(), remedy)


@dataclass
class Listed:
    """What a reader found in a source, in a fixed order."""

    faces: list[ImportedFace] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """How the source was understood, a sentence each."""

    def reject(self, where: str, line: int | None, thing: str, rule: str, got: object, remedy: str) -> None:
        """Note what cannot be taken over."""
        self.rejected.append(Rejected.because(where, line, must(thing, rule, got, remedy)))
