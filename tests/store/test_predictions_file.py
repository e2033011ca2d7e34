from __future__ import annotations

import csv
import dataclasses
import resource
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from maskwise.errors import DataError
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.store.predictions_file import read_predictions, refuse_unknown_ending, write_predictions
from maskwise.store.task_columns import attribute_columns, joint_columns
from store.conftest import random_predictions

AWKWARD = [
    "=1+1.jpg",
    "-a.jpg",
    "@b.jpg",
    "+c.jpg",
    'qu"ote.jpg',
    "com,ma.jpg",
    "line\nbreak.jpg",
    "cr\rx.jpg",
    "얼굴.jpg",
    " .jpg",
]


def test_parquet_loses_nothing(tmp_path: Path) -> None:
    path, task = tmp_path / "seed=3" / "p.parquet", Task(train_age_borders_years=(30, 58))
    years_N = np.linspace(18, 60, 40).astype(np.float32)
    predictions = random_predictions(age_years_N=years_N, optimistic=True)
    write_predictions(predictions, task, path)
    back, back_task = read_predictions(path)
    assert back_task == task
    for field in dataclasses.fields(predictions):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(predictions, field.name))
    assert back.probs_NC.dtype == np.float32


def test_columns_of_the_two_kinds(tmp_path: Path) -> None:
    predictions = random_predictions(age_years_N=np.full(40, 30.5))
    expected = ["photo", "class", "mask", "gender", "age_group", "age_years", "confidence"]
    expected += ["p_worn", "p_incorrect", "p_not_worn", "p_male", "p_female"]
    expected += ["p_under_30", "p_30_to_59", "p_60_and_over"]
    expected += [
        f"p_{mask}_{gender}_{age}"
        for mask in ("worn", "incorrect", "not_worn")
        for gender in ("male", "female")
        for age in ("under_30", "30_to_59", "60_and_over")
    ]
    write_predictions(predictions, Task(), tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        assert next(csv.reader(file)) == expected
    write_predictions(predictions, Task(), tmp_path / "p.parquet")
    names = pyarrow.parquet.ParquetFile(tmp_path / "p.parquet").schema_arrow.names
    assert names == [*expected, "person", "true_class", "seen"]


def test_a_row_by_hand(tmp_path: Path) -> None:
    # Class 10 = incorrect (1 · 6) + female (1 · 3) + 30 to 59 (1).
    probs_NC = np.full((1, 18), 0.5 / 17)
    probs_NC[0, 10] = 0.5
    one = random_predictions(2).take(np.array([0]))
    write_predictions(dataclasses.replace(one, probs_NC=probs_NC), Task(), tmp_path / "p.csv")
    row = (tmp_path / "p.csv").read_text().splitlines()[1].split(",")
    assert row[:6] == ["images/00000.jpg", "10", "incorrect", "female", "30 to 59", "0.5"]
    rest = 0.5 / 17
    # Worn has 6 of the 17 others, incorrect 5 beside its own, female 8, 30 to 59 5.
    assert [float(cell) for cell in row[6:14]] == pytest.approx(
        [6 * rest, 0.5 + 5 * rest, 6 * rest, 9 * rest, 0.5 + 8 * rest, 6 * rest, 0.5 + 5 * rest, 6 * rest]
    )
    assert row[14] == f"{rest:.9g}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_csv_round_trip(tmp_path: Path, dtype: type[np.floating]) -> None:
    predictions = random_predictions()
    predictions = dataclasses.replace(
        predictions, probs_NC=predictions.probs_NC.astype(dtype), age_years_N=np.where(np.arange(40) % 2, np.nan, 31.25)
    )
    write_predictions(predictions, Task(), tmp_path / "p.csv")
    back, task = read_predictions(tmp_path / "p.csv")
    assert task == Task()
    np.testing.assert_array_equal(back.probs_NC.astype(np.float32), predictions.probs_NC.astype(np.float32))
    np.testing.assert_array_equal(back.age_years_N, predictions.age_years_N)
    np.testing.assert_array_equal(back.photo_N, predictions.photo_N)
    assert set(back.seen_N) == {"test"}
    assert set(back.class_N) == {-1}
    assert set(back.person_N) == {""}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_photo_names_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"p.{ending}"
    write_predictions(random_predictions(10, photo_N=np.array(AWKWARD, object)), Task(), path)
    assert read_predictions(path)[0].photo_N.tolist() == AWKWARD


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    predictions = random_predictions(2, photo_N=np.array([name, "b.jpg"], object))
    write_predictions(predictions, Task(), tmp_path / "p.csv")
    assert b"caf\xe9.jpg" in (tmp_path / "p.csv").read_bytes()
    assert read_predictions(tmp_path / "p.csv")[0].photo_N[0] == name
    with pytest.raises(DataError, match="must be UTF-8, got 1"):
        write_predictions(predictions, Task(), tmp_path / "p.parquet")


@pytest.mark.parametrize(
    "task",
    [
        Task(attributes=("mask",)),
        Task(attributes=("gender", "mask")),
        Task(attributes=("age",), age_borders_years=(20, 40, 50)),
        Task(attributes=("mask", "age"), age_borders_years=(45,)),
    ],
)
def test_the_task_is_read_off_the_columns(tmp_path: Path, task: Task) -> None:
    write_predictions(random_predictions(200, task=task), task, tmp_path / "p.csv")
    assert read_predictions(tmp_path / "p.csv")[1] == task


def numbered(path: Path, predictions: Predictions, task: Task) -> None:
    """A file as versions before 0.2 wrote it: joint classes by number, and no probabilities of attributes."""
    write_predictions(predictions, task, path)
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    kept = [place for place, name in enumerate(header) if name not in attribute_columns(task)]
    names = dict(zip(joint_columns(task), [f"p_{code}" for code in range(task.n_classes)], strict=True))
    table = [[names.get(row[place], row[place]) for place in kept] for row in (header, *rows)]
    path.write_text("".join(",".join(row) + "\n" for row in table))


def test_files_with_numbered_classes_are_read(tmp_path: Path) -> None:
    predictions = random_predictions()
    numbered(tmp_path / "p.csv", predictions, Task())
    assert "p_17" in (tmp_path / "p.csv").read_text()
    back, task = read_predictions(tmp_path / "p.csv")
    assert task == Task()
    np.testing.assert_array_equal(back.probs_NC.astype(np.float32), predictions.probs_NC.astype(np.float32))


def test_unclear_borders_of_numbered_classes_are_the_default_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    predictions = random_predictions(4, probs_NC=np.eye(18)[[0, 0, 3, 6]])
    numbered(path, predictions, Task())
    assert read_predictions(path)[1] == Task()  # only "under 30" occurs, which goes with the default (30, 60)
    numbered(path, predictions, Task(age_borders_years=(25, 60)))
    with pytest.raises(DataError, match="must imply 2 borders, got under 25"):
        read_predictions(path)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_no_photos(tmp_path: Path, ending: str) -> None:
    nobody = random_predictions(2).take(np.zeros(0, np.int64))
    write_predictions(nobody, Task(), tmp_path / f"p.{ending}")
    if ending == "parquet":
        assert len(read_predictions(tmp_path / "p.parquet")[0]) == 0
    else:
        assert len(read_predictions(tmp_path / "p.csv")[0]) == 0


def test_bad_cells_are_reported_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    write_predictions(random_predictions(3), Task(), path)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0] + ",high"
    lines[3] = lines[3].rsplit(",", 1)[0] + ","
    path.write_text("\n".join(lines))
    with pytest.raises(DataError) as refusal:
        read_predictions(path)
    first, second = refusal.value.problems
    for line, got, problem in ((2, "'high'", first), (4, "''", second)):
        assert problem.startswith(f"p.csv:{line}: p_not_worn_female_60_and_over must ")
        assert f"a number, got {got}" in problem


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p.csv", b"photo,class\na,1\n", "must have the columns of predictions"),
        ("p.csv", b"photo,mask,p_0,p_1,p_3\na,worn,1,0,0\n", "must have the columns p_2"),
        ("p.csv", b"photo,mask,p_0\na,worn,1\n", "must be 3, got 1"),
        ("p.csv", b"photo,mask,p_0,p_1,p_2\na,worn,1,1,1\n", "sum to 1"),
        ("p.csv", b"", "a CSV file with a header"),
        ("p.parquet", b"PAR1 not really", "predictions that maskwise wrote"),
        ("p.parquet", b"", "predictions that maskwise wrote"),
        ("p.txt", b"", "named .csv or .parquet"),
    ],
)
def test_files_that_are_no_predictions(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_predictions(tmp_path / name)


def test_a_parquet_file_of_somebody_else(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"photo": ["a"]}), tmp_path / "p.parquet")
    with pytest.raises(DataError, match="predictions that maskwise wrote"):
        read_predictions(tmp_path / "p.parquet")
    with pytest.raises(DataError, match="got none there"):
        read_predictions(tmp_path / "q.parquet")


@pytest.mark.parametrize("rows, text, got", [(10**7, "x", "far more rows"), (10**5, "x" * 10**5, "far more text")])
def test_a_small_parquet_file_that_would_fill_the_memory(tmp_path: Path, rows: int, text: str, got: str) -> None:
    same = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(rows, np.int32)), pyarrow.array([text]))
    path = tmp_path / "p.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"photo": same}), path, compression="zstd")
    del same
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=got):
        read_predictions(path)
    assert path.stat().st_size < 10**5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000


def test_a_parquet_file_whose_task_is_nested_too_deeply(tmp_path: Path) -> None:
    table = pyarrow.table({"photo": ["a"]}).replace_schema_metadata({"maskwise": "[" * 200_000})
    pyarrow.parquet.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(DataError, match="nested too deeply"):
        read_predictions(tmp_path / "p.parquet")


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be 6, got 18"):
        write_predictions(random_predictions(), Task(attributes=("mask", "gender")), tmp_path / "p.csv")
    with pytest.raises(DataError, match=r"named \.csv or \.parquet"):
        write_predictions(random_predictions(), Task(), tmp_path / "p.json")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_ending_can_be_refused_before_the_work() -> None:
    for name in ("p.csv", "p.parquet"):
        refuse_unknown_ending(Path(name))
    for name in ("p.CSV", "p", ".csv"):
        with pytest.raises(DataError, match=r"named \.csv or \.parquet"):
            refuse_unknown_ending(Path(name))
