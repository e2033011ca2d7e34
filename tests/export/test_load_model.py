"""``maskwise.load`` of runs and bundles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import maskwise
from conftest import Workplace
from export.conftest import Exported
from maskwise.data.pixels import decode_photo
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


def test_every_form_of_an_image_is_predicted_alike(single: Exported, place: Workplace) -> None:
    path = min((place.data / "eval" / "images").iterdir())
    picture = PillowImage.open(path)
    forms: list[AnyImage] = [path, str(path), path.read_bytes(), np.asarray(picture.convert("RGB")), picture]
    with maskwise.load(single.run) as run, maskwise.load(single.bundle) as bundle:
        for model in (run, bundle):
            probs = [each.probs_C for each in model.predict(forms)]
            np.testing.assert_allclose(probs, np.broadcast_to(probs[0], (5, 18)), atol=0.02)
            assert len(model.predict(picture)) == 1
            with pytest.raises(DataError, match="image 1 must be uint8 pixels, height × width × 3, RGB, got"):
                model.predict(np.zeros((4, 4), dtype=np.uint8))


def test_what_only_bundles_know_is_refused(single: Exported, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="used with a bundle"):
        maskwise.load(single.run, "int8")
    with pytest.raises(DataError, match="must be a bundle"):
        maskwise.load(tmp_path)


def test_both_cut_a_photo_of_another_framing_unless_switched_off(single: Exported, place: Workplace) -> None:
    photo = decode_photo(sorted((place.data / "eval" / "images").iterdir())[0].read_bytes(), "photo")
    far = np.full((1400, 1400, 3), 128, np.uint8)
    far[300 : 300 + photo.shape[0], 400 : 400 + photo.shape[1]] = photo
    with maskwise.load(single.run) as run, maskwise.load(single.bundle) as bundle:
        ((auto,), (whole,)), ((cut,), (as_it_is,)) = (
            (model.predict(far), model.predict(far, faces="whole")) for model in (run, bundle)
        )
    assert auto.face is not None
    assert cut.face is not None
    assert auto.face.box_xyxy_px == cut.face.box_xyxy_px
    assert (whole.face, as_it_is.face) == (None, None)
    np.testing.assert_allclose(auto.probs_C, cut.probs_C, atol=1e-4)
    np.testing.assert_allclose(whole.probs_C, as_it_is.probs_C, atol=1e-4)
