"""``maskwise.load`` of runs and bundles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import maskwise
from conftest import Workplace
from export.conftest import Exported
from maskwise.errors import DataError, UserError
from maskwise.export.load_model import LoadedRun
from maskwise.export.prepare_photos import AnyImage
from maskwise.export.reader import Bundle


def test_a_run_and_its_bundle_predict_alike(single: Exported, place: Workplace) -> None:
    photos = sorted((place.data / "eval" / "images").iterdir())[:3]
    images: list[AnyImage] = [photos[0], str(photos[1]), photos[2].read_bytes()]
    with maskwise.load(single.run) as run, maskwise.load(single.bundle) as bundle:
        assert isinstance(run, LoadedRun)
        assert isinstance(bundle, Bundle)
        assert run.task == bundle.task
        for ours, theirs in zip(run.predict(images), bundle.predict(images), strict=True):
            np.testing.assert_allclose(ours.probs_C, theirs.probs_C, atol=1e-4)
            assert (ours.mask, ours.gender, ours.age_group) == (theirs.mask, theirs.gender, theirs.age_group)
        assert len(run.predict(photos[0])) == 1
        assert run.predict([]) == []
        with pytest.raises(DataError) as caught:
            run.predict([b"no photo", photos[0], "nowhere.jpg"])
        assert [line.split(" must")[0] for line in caught.value.problems] == ["image 1", "nowhere.jpg"]


def test_what_only_bundles_know_is_refused(single: Exported, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="used with a bundle"):
        maskwise.load(single.run, "int8")
    with pytest.raises(DataError, match="must be a bundle"):
        maskwise.load(tmp_path)
