"""Prediction: batches, views and models in the right mode."""

from __future__ import annotations

import dataclasses
import json
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from maskwise.fitting.photos import inference, input_spec
from maskwise.labels import Task
from maskwise.models.build import build_model
from maskwise.models.config import ModelConfig
from maskwise.models.face_network import FaceNetwork, share_equal_blocks
from maskwise.probabilities import Probabilities, averaged, joined
from maskwise.recipe.config import Recipe
from maskwise.records import Image, Ints, Output
from maskwise.training.devices import Precision, predicting_precision
from maskwise.training.inference import Inference, predict_batch, predict_batch_of_each, predict_table
from support.fits import HOW, SPEC, TinyModel, tiny_model, tiny_photos

BOTH = Inference(SPEC, ("as_is", "mirrored"), torch.device("cpu"))
_, PIXELS = tiny_photos(23, np.random.default_rng(0))


def read(index: Ints) -> Image:
    return PIXELS[index]


def test_the_batch_size_changes_nothing_and_dropout_is_off() -> None:
    model = tiny_model().train()
    once = predict_table(model, read, 23, HOW, batch_size=23).probs_NC
    assert np.allclose(once, predict_table(model, read, 23, HOW, batch_size=5).probs_NC, atol=1e-6)
    assert once.shape == (23, 3)
    assert np.allclose(once.sum(axis=1), 1, atol=1e-6)


def test_flip_averaging_is_the_mean_of_both_views_by_hand() -> None:
    model = tiny_model()
    as_is = predict_table(model, read, 23, HOW).probs_NC
    mirrored = predict_table(model, lambda index: PIXELS[index][:, :, ::-1].copy(), 23, HOW).probs_NC
    both = predict_table(model, read, 23, BOTH).probs_NC
    assert np.allclose(both, (as_is + mirrored) / 2, atol=1e-6)
    assert not np.allclose(as_is, mirrored, atol=1e-4)


def test_face_models_predict_together_as_each_does_alone() -> None:
    config = ModelConfig.model_validate({"backbone": {"kind": "faces"}, "weights": {"kind": "none"}})
    models = [build_model(config, Task()).eval() for _ in range(2)]
    models[1].backbone.load_state_dict(models[0].backbone.state_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 40, 3), dtype=np.uint8)
    alone = [predict_batch(model, pixels, BOTH).probs_NC for model in models]
    share_equal_blocks([cast(FaceNetwork, model.backbone) for model in models])
    together = predict_batch_of_each([(model, BOTH) for model in models], pixels)
    assert all(np.array_equal(a, b.probs_NC) for a, b in zip(alone, together, strict=True))
    assert not np.array_equal(alone[0], alone[1])


def test_models_of_different_views_predict_together_as_each_does_alone() -> None:
    config = ModelConfig.model_validate({"backbone": {"kind": "faces"}, "weights": {"kind": "none"}})
    models = [build_model(config, Task()).eval() for _ in range(3)]
    for model in models[1:]:
        model.backbone.load_state_dict(models[0].backbone.state_dict())
    hows = [BOTH, HOW, dataclasses.replace(HOW, views=("mirrored",))]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 40, 3), dtype=np.uint8)
    alone = [predict_batch(model, pixels, how).probs_NC for model, how in zip(models, hows, strict=True)]
    share_equal_blocks([cast(FaceNetwork, model.backbone) for model in models])
    together = predict_batch_of_each(list(zip(models, hows, strict=True)), pixels)
    assert all(np.array_equal(a, b.probs_NC) for a, b in zip(alone, together, strict=True))
    as_mirrored = predict_batch(models[2], pixels[:, :, ::-1].copy(), HOW).probs_NC
    assert np.allclose(alone[2], as_mirrored, atol=1e-6)


def test_a_backbone_that_stood_still_has_a_number_format_of_its_own() -> None:
    config = ModelConfig.model_validate({"backbone": {"kind": "faces"}, "weights": {"kind": "none"}})
    model = build_model(config, Task()).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 48, 40, 3), dtype=np.uint8)
    how = dataclasses.replace(HOW, backbone_precision="bf16")
    with torch.inference_mode():
        with torch.autocast("cpu", torch.bfloat16):
            features_ND = model.backbone(how.of_photos(pixels)[0])
        expected_NC = model.of_features(features_ND.float()).logits_NC.softmax(1)
    got_NC = predict_batch(model, pixels, how).probs_NC
    assert np.array_equal(got_NC, expected_NC.numpy())
    assert not np.array_equal(got_NC, predict_batch(model, pixels, HOW).probs_NC)


def test_no_photos_give_no_rows() -> None:
    assert len(predict_table(tiny_model(), read, 0, HOW).probs_NC) == 0


class AgeModel(TinyModel):
    """Says 31 years, whatever it sees."""

    def forward(self, images_NCHW: Tensor) -> Output:
        age_logits_NA = torch.full((len(images_NCHW), 5), -50.0)
        age_logits_NA[:, 1] = 50.0
        return super().forward(images_NCHW)._replace(age_logits_NA=age_logits_NA)


def test_an_age_head_gives_years_counted_from_its_first_bin() -> None:
    how = Inference(SPEC, ("as_is", "mirrored"), torch.device("cpu"), first_age_years=30)
    predictions = predict_table(AgeModel(), read, 23, how, batch_size=10)
    assert predictions.age_years_N is not None
    assert np.allclose(predictions.age_years_N, 31.0)
    assert predict_table(AgeModel(), read, 23, HOW).age_years_N is None


def test_the_mean_of_models_and_the_joining_of_batches_by_hand() -> None:
    one = Probabilities(np.array([[0.2, 0.8]]), np.array([20.0]))
    two = Probabilities(np.array([[0.6, 0.4]]), np.array([40.0]))
    mean = averaged([one, two])
    assert np.allclose(mean.probs_NC, [[0.4, 0.6]])
    assert mean.age_years_N == pytest.approx([30.0])
    both = joined([one, two])
    assert both.probs_NC.shape == (2, 2)
    assert both.age_years_N == pytest.approx([20.0, 40.0])


def assert_precisions_agree(device: str, precision: Precision) -> None:
    """Half a precision moves probabilities by a rounding, and nothing else; they still are float32 and sum to 1."""
    model = tiny_model().to(device)
    halved, whole = (
        predict_table(model, read, 23, Inference(SPEC, ("as_is",), torch.device(device), precision=each)).probs_NC
        for each in (precision, "fp32")
    )
    assert halved.dtype == np.float32
    assert np.allclose(halved.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(halved, whole, atol=0.02)
    assert not np.array_equal(halved, whole)


def test_bf16_on_a_cpu() -> None:
    assert_precisions_agree("cpu", "bf16")


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_on_a_gpu(precision: Precision) -> None:
    assert_precisions_agree("cuda", precision)


def test_runs_predict_in_the_format_that_they_were_trained_in_but_for_fp16_on_a_cpu() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert [predicting_precision(each, cpu) for each in ("fp32", "bf16", "fp16")] == ["fp32", "bf16", "fp32"]
    assert [predicting_precision(each, gpu) for each in ("fp32", "bf16", "fp16")] == ["fp32", "bf16", "fp16"]
    settings = {
        "name": "half",
        "split": {"kind": "hold_out", "share": 0.2},
        "model": {"backbone": {"kind": "baseline_cnn"}, "weights": {"kind": "none"}},
        "train": {"precision": "bf16"},
    }
    recipe = Recipe.model_validate_json(json.dumps(settings))
    assert inference(recipe, input_spec(recipe)).precision == "bf16"
