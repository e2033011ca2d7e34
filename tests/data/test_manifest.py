from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskwise.data.manifest import read_eval, read_folder, read_train
from maskwise.errors import DataError
from maskwise.labels import Task
from support.quirks import PEOPLE, STEMS, eval_names, write_quirky


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_quirky(tmp_path)


def test_every_photo_of_every_person_is_read_once_in_order(root: Path) -> None:
    table = read_train(root, Task()).table
    assert len(table) == len(PEOPLE) * 7
    assert [path.rpartition("/")[2].partition(".")[0] for path in table.photo_N] == list(STEMS) * len(PEOPLE)
    assert [path.split("/")[2] for path in table.photo_N[::7]] == [person.folder for person in PEOPLE]
    assert all((root / path).is_file() for path in table.photo_N)
    assert len({path.rpartition(".")[2] for path in table.photo_N[:7]}) == 4
    assert not any("/._" in path for path in table.photo_N)


def test_labels_of_one_person_worked_by_hand(root: Path) -> None:
    table = read_train(root, Task(train_age_borders_years=(30, 45))).table
    # A woman of 45: worn 0·6 + 1·3 + 1 = 4, incorrect 10, not worn 16; at the training border of 45 one more each.
    assert table.mask_N[:7].tolist() == [1, 0, 0, 0, 0, 0, 2]
    assert table.class_N[:7].tolist() == [10, 4, 4, 4, 4, 4, 16]
    assert table.train_class_N[:7].tolist() == [11, 5, 5, 5, 5, 5, 17]
    assert table.age_years_N[0] == 45
    assert table.origin_N[8 * 7] == "Black"
    oldest = np.array([path.startswith(f"train/images/{PEOPLE[-1].folder}/normal.") for path in table.photo_N])
    assert table.class_N[oldest].tolist() == [14]


def test_ids_that_may_be_one_person_are_one_person(root: Path) -> None:
    manifest = read_train(root, Task())
    person_P = manifest.table.person_N[::7].tolist()
    assert person_P[2:8] == ["000748", "000748", "001009", "001498", "003397", "003397"]
    assert manifest.table.age_years_N[6 * 7 : 8 * 7 : 7].tolist() == [19, 20]
    assert manifest.notes == ("ids in several rows, each taken as one person (1): 003397",)


def test_a_missing_photo_and_a_missing_person_are_only_noted(root: Path) -> None:
    next((root / "train/images" / PEOPLE[0].folder).glob("mask3.*")).unlink()
    (root / "train/images" / PEOPLE[1].folder).rename(root / "elsewhere")
    (root / "train/images" / PEOPLE[2].folder / "selfie.jpg").write_bytes(b"")
    manifest = read_train(root, Task())
    assert len(manifest.table) == len(PEOPLE) * 7 - 8
    assert manifest.notes[1:] == (
        f"people without a folder, left out (1): {PEOPLE[1].folder}",
        f"people with missing photos (1): {PEOPLE[0].folder} (mask3)",
        f"photos of unknown name, skipped (1): train/images/{PEOPLE[2].folder}/selfie.jpg",
    )


def test_all_bad_rows_are_refused_together_with_their_lines(root: Path) -> None:
    csv = root / "train/train.csv"
    lines = csv.read_text(encoding="utf-8-sig").splitlines()
    lines[1] = lines[1].replace(",female,", ",woman,").replace(",45,", ",0,")
    lines[3] += ",more"
    lines[5] = lines[5].replace(PEOPLE[4].folder, "../../etc")
    lines[7] = lines[7].replace(PEOPLE[6].folder, PEOPLE[5].folder)
    csv.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_train(root, Task())
    problems = caught.value.problems
    assert [problem.split(":")[0] for problem in problems] == [
        f"train/train.csv, line {line}" for line in (2, 2, 4, 6, 8)
    ]
    assert "gender must be male or female, got 'woman'" in problems[0]
    assert "from 1 to 120, got '0'" in problems[1]
    assert "the row must be of 5 values, got 6" in problems[2]
    assert "another folder than in line 7" in problems[4]


@pytest.mark.parametrize(
    "content, message",
    [
        (b"id;gender;race;age;path\n1;male;A;20;x\n", "separated by commas, got 'semicolons'"),
        (b"", "a CSV file with a header"),
        (b"id,gender,race,age\n", "Missing: path"),
        (b"id,id,gender,age,path\n", "all different"),
        (b"id,gender,age,path\n", "got 'no rows'"),
        (b"id,gender,age,path\n\xb1\xe8,male,20,x\n", "line 2: the text must be UTF-8"),
        (b'id,gender,age,path\n1,male,20,x\n2,"male,20,y\n', "line 3: the row must be proper CSV"),
        (b"id,gender,age,path\n1,male,20.5,x\n", "got '20.5'"),
    ],
)
def test_an_unusable_csv_is_refused_with_the_reason(root: Path, content: bytes, message: str) -> None:
    (root / "train/train.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"train/train\.csv") as caught:
        read_train(root, Task())
    assert message in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_wrong_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_train(tmp_path, Task())
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["train/train.csv", "train/images"]


def test_the_eval_part_keeps_the_order_of_its_csv(root: Path) -> None:
    table = read_eval(root, Task())
    assert table.photo_N.tolist() == [f"eval/images/{name}" for name in eval_names()]
    assert table.photo_N.tolist() != sorted(table.photo_N)
    assert table.person_N.tolist() == table.photo_N.tolist()
    for codes_N in (table.class_N, table.train_class_N, table.mask_N, table.gender_N, table.age_years_N):
        assert np.all(codes_N == -1)


def test_eval_rows_without_a_photo_are_refused_together(root: Path) -> None:
    first = eval_names()[0]
    (root / "eval/info.csv").write_text(f"ImageID,ans\n{first},0\nnowhere.jpg,0\n{first},0\n../x.jpg,0\n")
    with pytest.raises(DataError) as caught:
        read_eval(root, Task())
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        f"eval/info.csv, line {line}" for line in (3, 4, 5)
    ]


def test_a_folder_is_read_to_the_bottom_sorted_and_unlabeled(root: Path) -> None:
    (root / "train/images/loop").symlink_to(root)
    table = read_folder(root)
    assert table.photo_N.tolist() == sorted(table.photo_N)
    assert len(table) == len(PEOPLE) * 7 + 4
    assert np.all(table.class_N == -1)
    empty = root / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no photo below it"):
        read_folder(empty)
    with pytest.raises(DataError, match="no folder"):
        read_folder(root / "absent")


def test_the_consensus_list_is_applied_only_when_asked(root: Path) -> None:
    plain = read_train(root, Task())
    corrected = read_train(root, Task(), ("consensus",))
    changed_N = plain.table.class_N != corrected.table.class_N
    person_N = plain.table.person_N
    assert set(person_N[changed_N]) == {"000020", "001009", "001498", "005223", "006359"}
    swapped = corrected.table.take(person_N == "000020")
    assert swapped.mask_N.tolist() == [2, 0, 0, 0, 0, 0, 1]
    assert set(corrected.table.gender_N[person_N == "006359"]) == {0}
    assert set(corrected.table.gender_N[person_N == "001498"]) == {1}
    assert set(corrected.table.age_years_N[person_N == "001009"]) == {29}
    assert corrected.notes[1] == "corrections consensus: 5 of 17 rows applied"
    assert corrected.notes[2].startswith("corrections consensus: ids not found: 001064, 001637, 001666, 001852, 004418")


def test_bad_rows_of_a_correction_list_are_refused_with_their_lines(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(
        "id,attribute,value\n000001,gender,male\n000001,gender,female\n000001,age,old\n"
        "000020,photos,swap normal normal\n000020,face,x\n,age,3\n000020,gender,man\n"
    )
    with pytest.raises(DataError) as caught:
        read_train(root, Task(), (mine,))
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        f"{mine}, line {line}" for line in range(3, 9)
    ]
    with pytest.raises(DataError, match=r"absent\.csv"):
        read_train(root, Task(), ("absent.csv",))


def test_a_later_list_overrules_an_earlier(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("id,attribute,value\n006359,gender,female\n003397,age,61\n000001,photos,swap mask1 normal\n")
    table = read_train(root, Task(), ("consensus", mine)).table
    assert set(table.gender_N[table.person_N == "006359"]) == {1}
    assert table.age_years_N[table.person_N == "003397"].tolist() == [61] * 14
    assert table.mask_N[:7].tolist() == [1, 2, 0, 0, 0, 0, 0]
