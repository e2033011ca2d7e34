"""Predictions as .parquet (nothing lost) or .csv (for people and spreadsheets).

Both have the columns photo, class, one for each attribute, age_years where predicted, confidence, and probabilities:
of each class of each attribute (``p_worn``), then of each joint class (``p_worn_male_under_30``). ``class`` is the most
probable joint class, the attributes are those of that class (so a row never contradicts itself) and ``confidence`` is
its probability. Files of versions before 0.2, with p_0, p_1 … for the joint classes alone, are read, too.
Parquet adds person, true_class and seen, and keeps the task in the file's metadata.

Photo names come back byte for byte; ``tables.csv_text`` says how those that look like formulas are written.
"""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwise.errors import DataError, must
from maskwise.files import parse_json, write_atomically
from maskwise.labels import UNKNOWN, Task
from maskwise.records import Floats, Predictions, Strings
from maskwise.store.task_columns import (
    ATTRIBUTE_COLUMN,
    attribute_columns,
    joint_columns,
    joint_columns_in,
    task_from_columns,
)
from maskwise.tables import CsvTable, capped, csv_text, read_csv

_LARGEST_RATIO, _ALWAYS_BYTES = 100, 64 * 2**20
"""A file that unpacks to more than both so many times its size and so many bytes is not one of ours."""
_NUMBER_BYTES = 8
_METADATA = b"maskwise"
_FORMAT = 1


def write_predictions(predictions: Predictions, task: Task, path: Path) -> None:
    """Write ``predictions`` to ``path``, whose ending (.parquet or .csv) says how; an existing file is replaced.

    The CSV keeps float32 probabilities exactly (9 digits) and leaves out person, true class and seen. ``DataError`` for
    another ending, probabilities that do not fit the task, or (parquet) a photo name that is not UTF-8.
    """
    if predictions.probs_NC.shape[1] != task.n_classes:
        got = predictions.probs_NC.shape[1]
        raise DataError(must("probabilities of each photo", str(task.n_classes), got, "Use the task of the model."))
    refuse_unknown_ending(path)
    render = _to_csv if path.suffix == ".csv" else _to_parquet
    write_atomically(path, render(predictions, task))


def read_predictions(path: Path) -> tuple[Predictions, Task]:
    """The predictions in a file, and their task.

    A CSV has neither people nor truth: persons are "", classes unknown and seen is "test"; its task follows from the
    columns, and probabilities are float64. ``DataError`` for a file that is missing or does not hold predictions.
    """
    refuse_unknown_ending(path)
    if path.suffix == ".parquet":
        return _from_parquet(path)
    # Names of photos need not be UTF-8.
    return _from_csv(read_csv(path, undecodable="surrogateescape"))


def refuse_unknown_ending(path: Path) -> None:
    """Refuse before the work is done what ``write_predictions`` would refuse after it."""
    if path.suffix not in (".csv", ".parquet"):
        rule = "named .csv or .parquet"
        raise DataError(must("a predictions file", rule, str(path), "Choose one of the two endings."))
    if path.suffix == ".parquet":
        importlib.import_module("pyarrow.parquet")


def _shared_columns(predictions: Predictions, task: Task) -> dict[str, Any]:
    """The columns of both kinds of file, in their order, but for the probabilities."""
    class_N = predictions.probs_NC.argmax(axis=1)
    codes = task.codes(class_N)
    columns: dict[str, Any] = {"photo": predictions.photo_N, "class": class_N}
    for attribute in task.attributes:
        columns[ATTRIBUTE_COLUMN[attribute]] = np.array(task.classes(attribute), object)[codes[attribute]]
    if predictions.age_years_N is not None:
        columns["age_years"] = predictions.age_years_N
    columns["confidence"] = predictions.probs_NC[np.arange(len(class_N)), class_N]
    return columns


def _to_csv(predictions: Predictions, task: Task) -> bytes:
    columns = _shared_columns(predictions, task)
    for name in ("age_years", "confidence"):
        if name in columns:
            columns[name] = [_digits(value) for value in columns[name].tolist()]
    probs = probability_table(predictions.probs_NC, task)
    cells = zip(*columns.values(), np.stack(list(probs.values()), axis=1).tolist(), strict=True)
    rows = ([*row, *map(_digits, probs_P)] for *row, probs_P in cells)
    text = csv_text([[*columns, *probs], *rows])
    # Names of files need not be UTF-8; surrogateescape gives their bytes back unchanged.
    return text.encode("utf-8", errors="surrogateescape")


def probability_table(probs_NC: Floats, task: Task) -> dict[str, Floats]:
    """The probabilities of each class of each attribute, then of each joint class, by column."""
    marginals = [task.marginal(probs_NC, attribute) for attribute in task.attributes]
    of_attributes = np.concatenate(marginals, axis=1).T
    columns = dict(zip(attribute_columns(task), of_attributes, strict=True)) if len(marginals) > 1 else {}
    return columns | dict(zip(joint_columns(task), np.ascontiguousarray(probs_NC.T), strict=True))


def _digits(value: float) -> str:
    """Nine digits, which distinguish every float32; nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.9g}"


def _from_csv(table: CsvTable) -> tuple[Predictions, Task]:
    task = task_from_columns(table)
    names = joint_columns_in(table.header, task)
    absent = [name for name in ("photo", *names) if name not in table.header]
    if absent:
        raise DataError(f"{table.name} must have the columns {', '.join(absent)}, got none such. Predict again.")
    problems: list[str] = []
    probs_NC = np.stack([_numbers(table, name, problems) for name in names], axis=1)
    has_age = "age_years" in table.header
    age_years_N = _numbers(table, "age_years", problems, absent=float("nan")) if has_age else None
    if problems:
        raise DataError(capped(problems))
    photo_N = np.array(table.columns["photo"], object)
    return _unlabeled(photo_N, probs_NC, age_years_N), task


def _numbers(table: CsvTable, name: str, problems: list[str], absent: float | None = None) -> Floats:
    """A column of numbers, float64; ``absent`` stands for an empty cell, which is a problem otherwise."""
    cells = table.columns[name]
    numbers_N = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        try:
            numbers_N[row] = absent if not cell and absent is not None else float(cell)
        except ValueError:
            problems.append(
                f"{table.name}:{table.line_R[row]}: {name} must be a number, got {cell!r}. Correct the row."
            )
    return numbers_N


def _unlabeled(photo_N: Strings, probs_NC: Floats, age_years_N: Floats | None) -> Predictions:
    """Predictions of photos whose people and truth are not known."""
    n_photos = len(photo_N)
    return Predictions(
        photo_N=photo_N,
        person_N=np.full(n_photos, "", object),
        class_N=np.full(n_photos, UNKNOWN, np.int64),
        probs_NC=probs_NC,
        seen_N=np.full(n_photos, "test", object),
        age_years_N=age_years_N,
    )


def _to_parquet(predictions: Predictions, task: Task) -> bytes:
    # Loading pyarrow takes a tenth of a second: only where it is needed, so that the board and --help stay quick.
    import pyarrow
    import pyarrow.parquet

    columns = _shared_columns(predictions, task)
    columns |= probability_table(predictions.probs_NC, task)
    columns |= {"person": predictions.person_N, "true_class": predictions.class_N, "seen": predictions.seen_N}
    refuse_foreign_names(predictions.photo_N, predictions.person_N)
    texts = {"photo", "person", "seen", *ATTRIBUTE_COLUMN.values()}
    kinds = {name: pyarrow.string() for name in columns if name in texts}
    table = pyarrow.table({name: pyarrow.array(column, kinds.get(name)) for name, column in columns.items()})
    about = {"format": _FORMAT, "task": task.model_dump(mode="json"), "optimistic": predictions.optimistic}
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata({_METADATA: json.dumps(about)}), sink)
    return sink.getvalue()


def refuse_foreign_names(*columns_N: Sequence[str] | Strings) -> None:
    """``DataError`` for names that a parquet file cannot hold."""
    foreign = sorted({str(name) for column in columns_N for name in column if _is_foreign(str(name))})
    if foreign:
        raise DataError(
            f"names in a parquet file must be UTF-8, got {len(foreign)} that are not, first {foreign[0]!r}. "
            "Rename the photos, or write a .csv."
        )


def _is_foreign(name: str) -> bool:
    return not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name)


def _from_parquet(path: Path) -> tuple[Predictions, Task]:
    import pyarrow

    try:
        table = _read_bounded(path)
        about = parse_json(table.schema.metadata[_METADATA])
        task = Task.model_validate_json(json.dumps(about["task"]))
        optimistic = bool(about["optimistic"])
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        probs_NC = np.stack([columns[name] for name in joint_columns_in(table.column_names, task)], axis=1)
        return _as_predictions(columns, probs_NC, optimistic), task
    except FileNotFoundError:
        raise DataError(f"{path} must be a predictions file, got none there. Check the path.") from None
    except (pyarrow.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path} must be predictions that maskwise wrote, got a file that cannot be read so ({reason}). "
            "Predict again."
        ) from error


def _read_bounded(path: Path) -> Any:
    """The table in ``path``; ``ValueError`` for one far larger than its file. A cell that repeats costs nothing there:
    35 kB can hold two million rows.
    """
    import pyarrow.compute
    import pyarrow.parquet

    most = max(_ALWAYS_BYTES, _LARGEST_RATIO * path.stat().st_size)
    # ParquetFile, because read_table would take folders named a=b on the way for columns.
    with pyarrow.parquet.ParquetFile(path) as file:
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
        texts = sorted({chunk.path_in_schema for chunk in chunks if chunk.physical_type == "BYTE_ARRAY"})
    if sum(chunk.num_values for chunk in chunks) * _NUMBER_BYTES > most:
        raise ValueError("far more rows than its size allows")
    with pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:  # equal texts are read once
        table = file.read()
    lengths = [
        pyarrow.compute.sum(pyarrow.compute.binary_length(chunk.dictionary).take(chunk.indices)).as_py()
        for name in texts
        for chunk in table.column(name).chunks
    ]
    if sum(filter(None, lengths)) > most:
        raise ValueError("far more text than its size allows")
    return table


def _as_predictions(columns: dict[str, Any], probs_NC: Floats, optimistic: bool) -> Predictions:
    return Predictions(
        photo_N=columns["photo"].astype(object),
        person_N=columns["person"].astype(object),
        class_N=columns["true_class"].astype(np.int64),
        probs_NC=probs_NC,
        seen_N=columns["seen"].astype(object),
        age_years_N=columns.get("age_years"),
        optimistic=optimistic,
    )
