"""A trained model as an ONNX network: uint8 pixels in, probabilities (and the expected age) out.

The dynamo exporter of torch 2.15 gives the same numbers but takes 30 s for an EfficientNet-Lite0 where the tracing one
takes 2 s, and needs two more packages. Models here have no control flow that depends on data, so a trace is the model;
the parity report of every export says whether it was.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from maskwise.export.fixed_padding import fix_padding
from maskwise.losses.age_distribution import expected_age
from maskwise.records import InputSpec, Output
from maskwise.training.batches import normalize

OPSET = 18
_TRACED_PHOTOS = 2  # with one photo, the size of the batch could be taken for a constant


class ExportedModel(nn.Module):
    """pixels_NHWC (uint8, RGB) → probs_NC, and age_years_N where the model has an age head."""

    def __init__(self, model: nn.Module, spec: InputSpec, first_age_years: int | None) -> None:
        super().__init__()
        self.model, self.spec, self.first_age_years = model, spec, first_age_years

    def forward(self, pixels_NHWC: Tensor) -> tuple[Tensor, ...]:
        """The softmax of the joint logits; the expected age in years."""
        images_NCHW = normalize(pixels_NHWC.permute(0, 3, 1, 2).float() / 255, self.spec.mean_C, self.spec.std_C)
        output: Output = self.model(images_NCHW)
        probs_NC = output.logits_NC.float().softmax(1)
        if output.age_logits_NA is None or self.first_age_years is None:
            return (probs_NC,)
        return probs_NC, expected_age(output.age_logits_NA.float(), self.first_age_years)


def to_onnx(model: nn.Module, spec: InputSpec, first_age_years: int | None) -> bytes:
    """``model`` in ONNX for any number of photos of ``spec``'s size; ``model`` is moved to the CPU."""
    exported = ExportedModel(model.cpu().to(memory_format=torch.contiguous_format), spec, first_age_years).eval()
    pixels_NHWC = torch.zeros((_TRACED_PHOTOS, spec.height_px, spec.width_px, 3), dtype=torch.uint8)
    outputs = ["probs"] if first_age_years is None else ["probs", "age"]
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.inference_mode():
        file = Path(scratch) / "network.onnx"
        # Of the tracing exporter being the older one, and of the mean and deviation becoming constants, as they should.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="torch.tensor results are registered as constants")
        torch.onnx.export(
            exported,
            (pixels_NHWC,),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=["pixels"],
            output_names=outputs,
            dynamic_axes={name: {0: "photos"} for name in ("pixels", *outputs)},
        )
        return fix_padding(file.read_bytes(), pixels_NHWC.shape[1:])
