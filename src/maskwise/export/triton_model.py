"""The Python backend of Triton Inference Server for a bundle: files' bytes in, classes and probabilities out.

Copied into a model repository by ``maskwise export --layout triton``; maskwise has to be installed where Triton runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as triton

import maskwise
from maskwise.errors import DataError


class TritonPythonModel:
    """What Triton looks for in model.py."""

    def initialize(self, args: dict[str, str]) -> None:
        """Called once; the bundle lies beside this file."""
        self.bundle = maskwise.load(Path(args["model_repository"]) / args["model_version"] / "bundle")

    def execute(self, requests: list[Any]) -> list[Any]:
        """One response for each request; a request with a photo that cannot be read gets the reason."""
        return [self._respond(request) for request in requests]

    def finalize(self) -> None:
        """Called when the model is unloaded."""
        self.bundle.close()

    def _respond(self, request: Any) -> Any:
        images = [bytes(image) for image in triton.get_input_tensor_by_name(request, "image").as_numpy().ravel()]
        try:
            predictions = self.bundle.predict(images)
        except DataError as error:
            return triton.InferenceResponse(output_tensors=[], error=triton.TritonError(str(error)))
        ages = [np.nan if each.age_years is None else each.age_years for each in predictions]
        columns = {
            "class": np.array([[each.class_code] for each in predictions], np.int32),
            "probs": np.array([each.probs_C for each in predictions], np.float32),
            "age_years": np.array(ages, np.float32)[:, None],
        }
        return triton.InferenceResponse(output_tensors=[triton.Tensor(name, rows) for name, rows in columns.items()])
