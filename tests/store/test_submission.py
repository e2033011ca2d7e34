from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.store.submission import write_submission
from store.conftest import random_predictions


def test_predictions_stand_in_the_given_order(tmp_path: Path) -> None:
    predictions = random_predictions(5, probs_NC=np.eye(18)[[3, 0, 17, 5, 9]])
    write_submission(predictions, ["00002.jpg", "00000.jpg", "00004.jpg"], tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text() == "ImageID,ans\n00002.jpg,17\n00000.jpg,3\n00004.jpg,9\n"


def test_images_without_one_prediction_are_listed(tmp_path: Path) -> None:
    predictions = random_predictions(2)
    with pytest.raises(DataError) as refusal:
        write_submission(predictions, ["00000.jpg", "x.jpg", "00000.jpg", "y.jpg"], tmp_path / "s.csv")
    printed = refusal.value.problems
    assert [problem.split("'")[1] for problem in printed] == ["x.jpg", "y.jpg", "00000.jpg"]
    assert "must stand once" in printed[2]
    assert not (tmp_path / "s.csv").exists()


def test_two_photos_of_one_file_name_are_refused(tmp_path: Path) -> None:
    predictions = random_predictions(2, photo_N=np.array(["a/x.jpg", "b/x.jpg"], object))
    with pytest.raises(DataError, match="several of that file name"):
        write_submission(predictions, ["x.jpg"], tmp_path / "s.csv")
