from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.selftraining.pseudo_label_file import read_pseudo_labels, write_pseudo_labels
from maskwise.selftraining.select import PseudoLabels


def equal(one: PseudoLabels, two: PseudoLabels) -> bool:
    return all(np.array_equal(a, b) and a.shape == b.shape for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("count", [0, 1, 50])
def test_nothing_is_rounded_on_the_way(tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    names = [f"eval/images/ä, {k}\udcff.jpg" for k in range(count)]  # a comma, and a byte that is not UTF-8
    labels = PseudoLabels(np.array(names, object), rng.dirichlet([0.1] * 18, count), rng.random(count))
    write_pseudo_labels(labels, tmp_path / "labels.csv")
    read = read_pseudo_labels(tmp_path / "labels.csv", 18)
    assert equal(read, labels)
    assert read.photo_id_M.dtype == object


def test_the_file_by_hand(tmp_path: Path) -> None:
    labels = PseudoLabels(np.array(["a.jpg"], object), np.array([[0.25, 0.75]]), np.array([0.5]))
    write_pseudo_labels(labels, tmp_path / "labels.csv")
    assert (tmp_path / "labels.csv").read_text() == "photo,weight,p_0,p_1\na.jpg,0.5,0.25,0.75\n"


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_pseudo_labels(PseudoLabels(np.array(["a"], object), np.array([[0.25, 0.75]]), np.array([1.0])), path)
    path.write_text(path.read_text().replace("0.75", "0.74"))
    with pytest.raises(DataError, match=r"labels\.csv must be as .*Delete it"):
        read_pseudo_labels(path, 2)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("photo,weight,p_0,p_1\na.jpg,heavy,0.25,0.75\n")
    with pytest.raises(DataError, match="must hold numbers"):
        read_pseudo_labels(path, 2)
    with pytest.raises(DataError, match="p_2"):
        read_pseudo_labels(path, 3)
