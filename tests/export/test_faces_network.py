"""The face network with its published heads, in ONNX: the same numbers, and no output besides probabilities and age."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import torch

from maskwise.export.onnx_graph import to_onnx
from maskwise.labels import Task
from maskwise.losses.age_distribution import expected_age
from maskwise.models import config
from maskwise.models.build import MaskwiseModel, build_model
from maskwise.models.grad_cam import grad_cam
from maskwise.records import InputSpec
from maskwise.training.batches import normalize

SIZE = (72, 61)


def face_model() -> MaskwiseModel:
    torch.manual_seed(0)
    chosen = config.ModelConfig(
        backbone=config.Faces(),
        head=config.AttributesHead(gender="published"),
        age_head=config.PublishedAgeHead(),
        weights=config.NoWeights(),
    )
    return build_model(chosen, Task(), load_weights=False).eval()


def test_onnx_gives_the_same_numbers_and_no_features() -> None:
    model = face_model()
    spec = InputSpec(*SIZE, crop={"kind": "full_frame"}, mean_C=model.mean_C, std_C=model.std_C)
    network = to_onnx(model, spec, first_age_years=1)
    assert [output.name for output in onnx.load_from_string(network).graph.output] == ["probs", "age"]
    pixels_NHWC = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    probs_NC, age_years_N = session.run(None, {"pixels": pixels_NHWC})
    images_NCHW = torch.from_numpy(pixels_NHWC).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        wanted = model(normalize(images_NCHW, model.mean_C, model.std_C))
    np.testing.assert_allclose(probs_NC, wanted.logits_NC.softmax(1).numpy(), atol=1e-6)
    assert wanted.age_logits_NA is not None
    np.testing.assert_allclose(age_years_N, expected_age(wanted.age_logits_NA, 1).numpy(), atol=1e-4)


def test_its_last_maps_show_what_speaks_for_a_class() -> None:
    model = face_model()
    maps = grad_cam(model, torch.rand(2, 3, 200, 176) * 200 - 100, torch.tensor([0, 7]))
    assert maps is not None
    assert maps.shape == (2, 200, 176)
    assert float(maps.max()) <= 1 + 1e-6
