"""The description of a run, and its JSON form."""

from __future__ import annotations

import datetime
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from maskwise.errors import StoreError, must
from maskwise.files import sealed, unsealed
from maskwise.score import Score

if TYPE_CHECKING:
    from pathlib import Path

    from maskwise.evaluation.scores import Evaluation
    from maskwise.labels import Task

RECORD_FORMAT: Literal[1] = 1
"""Raised when run.json changes so that older readers would misread it."""

Status = Literal["running", "finished"]

_STRICT = ConfigDict(strict=True, extra="forbid")


def _plain_name(name: str) -> str:
    """Names may come from a command line: StoreError, which pydantic passes on, says it in one line."""
    if not (name.strip() and name.isprintable()):
        raise StoreError(must("name of a run", "one line of plain text", name, "Take a short name, as baseline."))
    return name


def _in_utc(text: str) -> str:
    if datetime.datetime.fromisoformat(text).utcoffset() != datetime.timedelta(0):
        raise ValueError("must be an ISO time in UTC, as 2025-01-31T12:00:00+00:00")
    return text


def _as_score(value: object) -> object:
    """A score from its JSON form."""
    if not isinstance(value, dict):
        return value
    try:
        return Score.from_dict(value)
    except (KeyError, TypeError) as error:
        raise ValueError(f"must be a score, got {type(error).__name__}") from None


_Score = Annotated[Score, BeforeValidator(_as_score)]


@dataclass(frozen=True, config=_STRICT)
class RunData:
    """The data set that a run was trained on."""

    name: str
    checksum: str
    """Equal for equal photos and labels: only runs on one checksum are ranked against each other."""
    n_photos: int
    n_people: int
    unlabelled_checksum: str = ""
    """The same of the unlabeled photos that self-training learned from; "" where there are none."""
    sources: tuple[str, ...] = ()
    """Where imported photos come from, one line each with the license."""
    absent_classes: tuple[str, ...] = ()
    """Classes without a single photo in it, by ``Task.absent_classes``."""
    folder: str = field(default="", compare=False)
    """Where the data set was; "" where nobody knows. For convenience alone: it may have moved."""

    @property
    def decisive(self) -> str:
        """All data that the run's numbers, and so its id, depend on."""
        return "+".join(filter(None, [self.checksum, self.unlabelled_checksum]))


def folder_text(folder: Path) -> str:
    """``RunData.folder`` of a data set in ``folder``; bytes that are not UTF-8 are escaped: JSON cannot hold them."""
    return str(folder.resolve()).encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, config=_STRICT)
class ScoreSummary:
    """Held-out scores, as far as the board shows them; the whole evaluation is in scores.json."""

    macro_f1: _Score
    accuracy: _Score
    attribute_accuracy: dict[str, float]
    age_borders_years: tuple[int, ...]
    """Borders of the scored age groups; empty where age is not scored. Other groups are another task."""


@dataclass(frozen=True, config=_STRICT)
class RunRecord:
    """One run. ``scores`` and the held-out counts are filled in by ``finish_run``."""

    run_id: Annotated[str, Field(pattern=r"^[0-9a-f]{12,}$")]
    """12 or more hex digits: a hash of the recipe, the data and the seed."""
    name: Annotated[str, AfterValidator(_plain_name)]
    created_utc: Annotated[str, AfterValidator(_in_utc)]
    """When it was begun: ISO 8601 with the offset +00:00 (or Z)."""
    recipe: dict[str, Any]
    """The validated recipe in JSON form."""
    seed: int
    data: RunData
    versions: dict[str, str]
    """Of maskwise, torch, python …"""
    command: tuple[str, ...]
    """The words of the command line that began it."""
    folds: int
    """Folds that are trained: fold-0 … fold-(folds - 1)."""
    status: Status = "running"
    n_held_out_people: int = 0
    n_held_out_photos: int = 0
    optimistic: bool = False
    """True when the checkpoint was chosen on the scored people."""
    seconds: float = 0.0
    """Wall time of the training."""
    scores: ScoreSummary | None = None
    """None until the run is finished, and always where it was trained on everybody."""
    checksums: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every kept file by its path in the run's folder; empty until the run is finished, and in records of
    maskwise 1.0."""
    format: Literal[1] = RECORD_FORMAT

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.status == "finished" and self.holds_people_out and self.scores is None:
            raise StoreError("a finished run must have scores, got none. Train the run again.")
        if self.status == "finished" and not self.holds_people_out and self.scores is not None:
            raise StoreError("a run that was trained on everyone must have no scores, got some. Train the run again.")
        return self

    @property
    def created(self) -> datetime.datetime:
        """``created_utc`` as a moment, for sorting."""
        return datetime.datetime.fromisoformat(self.created_utc)

    @property
    def holds_people_out(self) -> bool:
        """Whether there are people to score it on; not where ``split.kind`` is everyone."""
        split = self.recipe.get("split")
        return not (isinstance(split, dict) and split.get("kind") == "everyone")

    @property
    def part_names(self) -> tuple[str, ...]:
        """The names of the models of a fold: those of the recipe's parts, or "" alone for a recipe without."""
        from maskwise.recipe.parts import (
            part_names,  # only where it is used: it needs numpy, and the board does not
        )

        return part_names([part["attributes"] for part in self.recipe.get("parts") or ()]) or ("",)

    def to_json(self) -> str:
        """All of it as JSON text, NaN as null, with a checksum of its own."""
        return sealed(_JSON.dump_json(self, indent=1).decode())

    @staticmethod
    def from_json(text: str | bytes) -> RunRecord:
        """The record that ``to_json`` wrote. ``StoreError`` names all that is wrong with any other text."""
        data = unsealed(text.encode() if isinstance(text, str) else text)
        if data is None:
            raise StoreError("run.json must be as the run wrote it, got one that was changed or damaged.")
        try:
            return _JSON.validate_json(data)
        except ValidationError as error:
            raise StoreError([_problem(each["loc"], each["msg"], each["input"]) for each in error.errors()]) from None


_JSON = TypeAdapter(RunRecord)


def summarize(evaluation: Evaluation, task: Task) -> ScoreSummary:
    """The part of an evaluation that the board shows."""
    return ScoreSummary(
        macro_f1=evaluation.joint.macro_f1,
        accuracy=evaluation.joint.accuracy,
        attribute_accuracy={name: scores.accuracy.value for name, scores in evaluation.per_attribute.items()},
        age_borders_years=task.age_borders_years if "age" in task.attributes else (),
    )


def _problem(place: tuple[int | str, ...], message: str, got: object) -> str:
    if place == ("format",):
        return must("the format of run.json", str(RECORD_FORMAT), got, "Read it with the maskwise that wrote it.")
    reason = ".".join(map(str, place)) + ": " if place else ""
    return f"run.json must describe a run, got something else ({reason}{message})."
