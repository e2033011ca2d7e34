"""The description of a run, and its JSON form."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from maskwise.errors import StoreError, must
from maskwise.recipe.parts import part_name
from maskwise.score import Score

if TYPE_CHECKING:
    from maskwise.evaluation.scores import Evaluation
    from maskwise.labels import Task

FORMAT = 1
"""Raised when run.json changes so that older readers would misread it."""

Status = Literal["running", "finished"]

_KINDS: dict[str, type | tuple[type, ...]] = {
    "recipe": dict,
    "seed": int,
    "versions": dict,
    "folds": int,
    "n_held_out_people": int,
    "n_held_out_photos": int,
    "optimistic": bool,
    "seconds": (int, float),
}


@dataclass(frozen=True)
class RunData:
    """The data set that a run was trained on."""

    name: str
    checksum: str
    """Equal for equal photos and labels: only runs on one checksum are ranked against each other."""
    n_photos: int
    n_people: int
    unlabelled_checksum: str = ""
    """The same of the unlabelled photos that self-training learnt from; "" where there are none."""
    sources: tuple[str, ...] = ()
    """Where imported photos come from, a line each with the licence."""

    @property
    def decisive(self) -> str:
        """All data that the run's numbers, and so its id, depend on."""
        return "+".join(filter(None, [self.checksum, self.unlabelled_checksum]))


_DATA_FIELDS = {each.name for each in dataclasses.fields(RunData)}


@dataclass(frozen=True)
class ScoreSummary:
    """Held-out scores, as far as the board shows them; the whole evaluation is in scores.json."""

    macro_f1: Score
    accuracy: Score
    attribute_accuracy: dict[str, float]
    age_borders_years: tuple[int, ...]
    """Borders of the scored age groups; empty where age is not scored. Other groups are another task."""


@dataclass(frozen=True)
class RunRecord:
    """One run. ``scores`` and the held-out counts are filled in by ``finish_run``."""

    run_id: str
    """12 or more hex digits: a hash of the recipe, the data and the seed."""
    name: str
    created_utc: str
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

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise StoreError(problems)

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
        return tuple(part_name(part["attributes"]) for part in self.recipe.get("parts") or ()) or ("",)

    def to_json(self) -> str:
        """All of it as JSON text, NaN as null."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON types, NaN as null."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["data"] = dataclasses.asdict(self.data)
        fields["scores"] = None if self.scores is None else _summary_to_dict(self.scores)
        return {"format": FORMAT, **fields}

    @staticmethod
    def from_json(text: str) -> RunRecord:
        """The record that ``to_json`` wrote. ``StoreError`` where the text is anything else."""
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise _no_run(error) from error
        return RunRecord.from_dict(fields)

    @staticmethod
    def as_checked(fields: dict[str, Any], **more: Any) -> RunRecord:
        """A record of fields that were one's before: they are not checked again. All fields must be there."""
        record = object.__new__(RunRecord)
        record.__dict__.update(fields, **more)
        return record

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> RunRecord:
        """The record that ``to_dict`` gave; ``fields`` are used up. ``StoreError`` for anything else."""
        try:
            written_as = fields.pop("format")
            if written_as != FORMAT:
                raise StoreError(
                    must("the format of run.json", str(FORMAT), written_as, "Read it with the maskwise that wrote it.")
                )
            fields["data"] = data_from_dict(fields["data"])
            fields["scores"] = None if fields["scores"] is None else summary_from_dict(fields["scores"])
            fields["command"] = tuple(fields["command"])
            return RunRecord(**fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_run(error) from error


def summarise(evaluation: Evaluation, task: Task) -> ScoreSummary:
    """The part of an evaluation that the board shows."""
    return ScoreSummary(
        macro_f1=evaluation.joint.macro_f1,
        accuracy=evaluation.joint.accuracy,
        attribute_accuracy={name: scores.accuracy.value for name, scores in evaluation.per_attribute.items()},
        age_borders_years=task.age_borders_years if "age" in task.attributes else (),
    )


def _no_run(error: Exception) -> StoreError:
    return StoreError(f"run.json must describe a run, got something else ({error}).")


def _problems(record: RunRecord) -> list[str]:
    """What is wrong with a record that was built or read."""
    problems = []
    if not (isinstance(record.run_id, str) and re.fullmatch(r"[0-9a-f]{12,}", record.run_id)):
        problems.append(must("run_id", "12 or more hex digits", record.run_id, "Take maskwise's own run id."))
    if not (isinstance(record.name, str) and record.name.strip() and record.name.isprintable()):
        problems.append(must("name of a run", "one line of plain text", record.name, "Take a short name, as baseline."))
    problems += [
        f"{name} must be of another type, got {getattr(record, name)!r}. Train the run again."
        for name, kind in _KINDS.items()
        if not isinstance(getattr(record, name), kind)
    ]
    if record.status not in ("running", "finished"):
        problems.append(must("status", "running or finished", record.status, "Train the run again."))
    if record.status == "finished" and isinstance(record.recipe, dict):
        if record.holds_people_out and record.scores is None:
            problems.append("a finished run must have scores, got none. Train the run again.")
        if not record.holds_people_out and record.scores is not None:
            problems.append("a run that was trained on everyone must have no scores, got some. Train the run again.")
    if not _is_utc(record.created_utc):
        problems.append(
            must("created_utc", "an ISO time in UTC", record.created_utc, "For example 2025-01-31T12:00:00+00:00.")
        )
    return problems


def _is_utc(text: object) -> bool:
    try:
        moment = datetime.datetime.fromisoformat(cast("str", text))
    except (TypeError, ValueError):
        return False
    return moment.utcoffset() == datetime.timedelta(0)


def data_from_dict(fields: dict[str, Any]) -> RunData:
    """The data set of ``RunRecord.to_dict``. KeyError, TypeError or ValueError for anything else."""
    if unknown := fields.keys() - _DATA_FIELDS:
        raise KeyError(*sorted(unknown))
    return RunData(
        str(fields["name"]),
        str(fields["checksum"]),
        int(fields["n_photos"]),
        int(fields["n_people"]),
        str(fields.get("unlabelled_checksum", "")),
        tuple(map(str, fields.get("sources", ()))),
    )


def _summary_to_dict(summary: ScoreSummary) -> dict[str, Any]:
    return {
        "macro_f1": summary.macro_f1.to_dict(),
        "accuracy": summary.accuracy.to_dict(),
        "attribute_accuracy": summary.attribute_accuracy,
        "age_borders_years": list(summary.age_borders_years),
    }


def summary_from_dict(fields: dict[str, Any]) -> ScoreSummary:
    """The scores of ``RunRecord.to_dict``. KeyError, TypeError or ValueError for anything else."""
    return ScoreSummary(
        macro_f1=Score.from_dict(fields["macro_f1"]),
        accuracy=Score.from_dict(fields["accuracy"]),
        attribute_accuracy={str(name): float(value) for name, value in fields["attribute_accuracy"].items()},
        age_borders_years=tuple(int(age) for age in fields["age_borders_years"]),
    )
