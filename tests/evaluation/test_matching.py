from __future__ import annotations

from maskwise.evaluation.matching import AMBIGUOUS, MISSING, match_photos


def test_path_first_then_unique_file_name() -> None:
    photos = ["a.jpg", "images/a.jpg", "images/b.jpg", "one/c.jpg", "two/c.jpg"]
    wanted = ["images/a.jpg", "a.jpg", "b.jpg", "train/b.jpg", "c.jpg", "two/c.jpg", "d.jpg"]
    assert match_photos(wanted, photos).tolist() == [1, 0, 2, 2, AMBIGUOUS, 4, MISSING]


def test_a_photo_that_stands_twice_is_ambiguous() -> None:
    assert match_photos(["a.jpg"], ["a.jpg", "a.jpg"]).tolist() == [AMBIGUOUS]


def test_nothing_wanted() -> None:
    assert match_photos([], ["a.jpg"]).shape == (0,)
