from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from evaluation.conftest import MakePredictions
from maskwise.errors import DataError
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.truth_file import read_truth, with_truth
from maskwise.labels import Task


def written(folder: Path, text: str) -> Path:
    path = folder / "answers.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "ImageID,ans\na.jpg,5\nb.jpg,12\n",
        "photo,class\na.jpg,5\nb.jpg,12\n",
        "\ufeffphoto,class\r\na.jpg,5\r\nb.jpg,12\r\n",
        "photo,mask,gender,age_group\na.jpg,worn,female,60 and over\nb.jpg,not_worn,male,under 30\n",
        "photo,mask,gender,age_group\na.jpg,0,1,2\nb.jpg,2,0,0\n",
        "photo,mask,gender,age\na.jpg,worn,female,60\nb.jpg,not_worn,male,29\n",
        "extra,age_years,gender,mask,ImageID\n!,61,female,worn,a.jpg\n!,1,male,not_worn,b.jpg\n",
    ],
)
def test_every_way_of_telling_the_truth(tmp_path: Path, text: str) -> None:
    truth = read_truth(written(tmp_path, text), Task())
    assert truth.photo_N.tolist() == ["a.jpg", "b.jpg"]
    assert truth.class_N.tolist() == [5, 12]
    assert truth.person_N is None


def test_joint_class_wins_over_attributes(tmp_path: Path) -> None:
    truth = read_truth(written(tmp_path, "photo,class,gender\na,0,female\n"), Task())
    assert truth.class_N.tolist() == [0]


def test_all_bad_rows_are_named_with_their_lines(tmp_path: Path) -> None:
    text = 'photo,mask,gender,age,person\n"a\nb",worn,male,30,p\nc,half,male,30,p\n\nd,worn,male,old,\nc,worn,boy,3,p\n'
    with pytest.raises(DataError) as refusal:
        read_truth(written(tmp_path, text), Task())
    problems = refusal.value.problems
    # The first row spans lines 2 and 3; line 5 is blank.
    assert any(re.match("answers.csv:4: mask .*worn, incorrect, not_worn", line) for line in problems)
    assert any(line.startswith("answers.csv:6: age must be whole years") and "'old'" in line for line in problems)
    assert any(line.startswith("answers.csv:6: person must be a name") for line in problems)
    assert any(line.startswith("answers.csv:7: gender must be one of male, female") for line in problems)
    assert any(line.startswith("answers.csv:7: a photo must stand once") and "line 4" in line for line in problems)
    assert len(problems) == 5


@pytest.mark.parametrize("cell", ["18", "-1", "", "3.0", "x", "³"])
def test_bad_joint_class(tmp_path: Path, cell: str) -> None:
    with pytest.raises(DataError, match=r"answers.csv:2: class must be 0 to 17, got"):
        read_truth(written(tmp_path, f"photo,class\na,{cell}\n"), Task())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a CSV file with a header"),
        ("photo,class\n", "at least one photo"),
        ("name,class\na,1\n", "column photo or ImageID"),
        ("photo,ImageID,class\na,a,1\n", "got photo and ImageID"),
        ("photo,class,ans\na,1,1\n", "got class and ans"),
        ("photo,mask,gender\na,worn,male\n", r"Add what is missing \(age\)"),
        ("photo,mask,gender,age,age_years\na,worn,male,3,3\n", "got age_years and age"),
        ("photo,class,class\na,1,1\n", "'class' twice"),
        ("photo,class\na,1,2\nb\n", "answers.csv:3: the row must be of 2 values, got 1"),
        ('photo,class\n"a,1\n', "answers.csv:2: the row must be proper CSV"),
        ("ImageID,ans\na,0\nb,0\n", "as in a file to be filled in"),
    ],
)
def test_files_that_hold_no_truth(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        read_truth(written(tmp_path, text), Task())


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_truth(tmp_path / "nowhere.csv", Task())


def test_matched_by_path_or_unique_file_name_in_any_order(tmp_path: Path, make_predictions: MakePredictions) -> None:
    predictions = make_predictions(4)
    text = "photo,class,person\n00003.jpg,3,x\nimages/00001.jpg,1,y\n00000.jpg,0,x\nelsewhere/00002.jpg,2,y\n"
    matched = with_truth(predictions, read_truth(written(tmp_path, text), Task()))
    assert matched.class_N.tolist() == [0, 1, 2, 3]
    assert matched.person_N.tolist() == ["x", "y", "y", "x"]
    np.testing.assert_array_equal(matched.probs_NC, predictions.probs_NC)
    assert evaluate(matched, Task(), np.random.default_rng(0), resamples=5).n_people == 2


def test_people_of_the_predictions_stay_where_the_file_names_none(
    tmp_path: Path, make_predictions: MakePredictions
) -> None:
    predictions = make_predictions(1, photos_each=2)
    truth = read_truth(written(tmp_path, "photo,class\n00000.jpg,1\n00001.jpg,0\n"), Task())
    assert with_truth(predictions, truth).person_N.tolist() == predictions.person_N.tolist()


def test_what_does_not_match_is_listed(tmp_path: Path, make_predictions: MakePredictions) -> None:
    predictions = make_predictions(3)
    text = "photo,class\n00000.jpg,1\nother/00000.jpg,2\nstray.jpg,3\n00001.jpg,4\n"
    with pytest.raises(DataError) as refusal:
        with_truth(predictions, read_truth(written(tmp_path, text), Task()))
    problems = "\n".join(refusal.value.problems)
    assert "got 3 that do not fit" in problems
    assert "answers.csv:3: 'other/00000.jpg' must fit a prediction" in problems
    assert "answers.csv:4: 'stray.jpg' must be predicted" in problems
    assert "prediction 'images/00002.jpg' must have a true class" in problems


def test_a_file_name_that_fits_several_photos_is_refused(tmp_path: Path, make_predictions: MakePredictions) -> None:
    predictions = make_predictions(2)
    predictions.photo_N[:] = ["one/a.jpg", "two/a.jpg"]
    with pytest.raises(DataError, match="several of that file name"):
        with_truth(predictions, read_truth(written(tmp_path, "photo,class\na.jpg,1\n"), Task()))
    by_path = read_truth(written(tmp_path, "photo,class\ntwo/a.jpg,1\none/a.jpg,2\n"), Task())
    assert with_truth(predictions, by_path).class_N.tolist() == [2, 1]


def test_long_lists_are_capped_and_counted(tmp_path: Path, make_predictions: MakePredictions) -> None:
    truth = read_truth(written(tmp_path, "photo,class\n00000.jpg,1\n"), Task())
    with pytest.raises(DataError) as refusal:
        with_truth(make_predictions(120), truth)
    # 119 predictions without a true class and the line that counts them; 50 are shown.
    assert len(refusal.value.problems) == 51
    assert refusal.value.problems[-1] == "… and 70 more problems of this kind."
