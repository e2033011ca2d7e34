"""Networks in bf16, computed by OpenVINO, an extra of maskwise.

bf16 has the range of 32-bit floats and 8 instead of 24 binary digits. ONNX Runtime computes none of it on x86. The
networks are those of fp32: OpenVINO rounds their weights when it opens them.
"""

from __future__ import annotations

import io
import sys
import threading
from typing import Any

import numpy as np

from maskwise.errors import DataError, UserError, extra_missing, must
from maskwise.export.opened_network import EXPORT_AGAIN, Opened
from maskwise.records import Floats, Image

_TELEMETRY = "openvino_telemetry"


def open_in_openvino(data: bytes, threads: int, thing: str) -> Opened:
    """The ONNX network in ``data``, to be run in bf16 by up to ``threads`` threads at once.

    ``UserError`` without the package or on a processor without bf16; ``DataError`` that names ``thing`` where ``data``
    is no network.
    """
    core = core_with_bf16()
    try:
        compiled = core.compile_model(_read(data), "CPU", _settings(threads))
        outputs = [output.get_any_name() for output in compiled.outputs]
        # Sides that are not fixed and outputs without a name raise, too.
        shape_HWC = [side.get_length() for side in list(compiled.inputs[0].get_partial_shape())[1:]]
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(must(thing, "a network that OpenVINO takes", reason, EXPORT_AGAIN)) from None
    requests = _RequestOfThread(compiled)

    def run(pixels_NHWC: Image) -> list[Floats]:
        computed = requests.request.infer({0: pixels_NHWC})
        return [np.asarray(computed[output]) for output in compiled.outputs]

    return Opened(outputs, shape_HWC, run)


def core_with_bf16() -> Any:
    """OpenVINO's entry; ``UserError`` where it is not installed or this processor has no bf16."""
    core = _import_openvino().Core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        # OpenVINO itself would silently compute in 32 bits, and no faster than ONNX Runtime.
        remedy = "Use fp32, which is as fast here."
        raise UserError(must("precision bf16", "computed by this processor", "one without bf16 instructions", remedy))
    return core


class _RequestOfThread(threading.local):
    """Each thread that calls has a request of its own; ``threading.local`` calls this once in each."""

    def __init__(self, compiled: Any) -> None:
        self.request = compiled.create_infer_request()


def _settings(threads: int) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": "bf16",
        # One core per call, and a call computes in the thread that makes it: as many streams as calling threads.
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_HYPER_THREADING": True,
        # The threads decode, too, and other programs may own the cores that they would be bound to.
        "ENABLE_CPU_PINNING": False,
    }


def _read(data: bytes) -> Any:
    """By the ONNX reader alone: ``Core.read_model`` would take other formats, too, from untrusted bundles."""
    reader = _import_openvino().frontend.FrontEndManager().load_by_framework("onnx")
    model = reader.convert(reader.load(io.BytesIO(data)))
    if len(model.inputs) != 1:
        raise RuntimeError(f"{len(model.inputs)} inputs")
    return model


def _import_openvino() -> Any:
    """OpenVINO without its telemetry, which reports every import to its maker and leaves files in the home folder."""
    own = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # what Python itself reads as "not to be found"
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise UserError(extra_missing("openvino", str(error.name))) from None
    finally:
        del sys.modules[_TELEMETRY]
        if own is not None:
            sys.modules[_TELEMETRY] = own
    return openvino
