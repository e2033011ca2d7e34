"""Networks in 32 and 8 bits, computed by ONNX Runtime."""

from __future__ import annotations

import onnxruntime

from maskwise.errors import DataError, must
from maskwise.export.opened_network import EXPORT_AGAIN, Opened

_ONLY_ERRORS = 3
_faults = onnxruntime.capi.onnxruntime_pybind11_state
_RUNTIME_FAULTS = (
    _faults.Fail,
    _faults.InvalidArgument,
    _faults.InvalidGraph,
    _faults.InvalidProtobuf,
    _faults.NotImplemented,
    _faults.RuntimeException,
)


def open_in_onnxruntime(data: bytes, thing: str) -> Opened:
    """The ONNX network in ``data``; ``DataError`` that names ``thing`` for anything else."""
    options = onnxruntime.SessionOptions()
    # One core per call: photos are dealt to as many threads as there are cores, which need not wait for each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    options.add_session_config_entry("session.load_model_format", "ONNX")  # never its own format, which is not checked
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except _RUNTIME_FAULTS as error:
        reason = str(error).splitlines()[0]
        raise DataError(must(thing, "a network that ONNX Runtime takes", reason, EXPORT_AGAIN)) from None
    (pixels,) = session.get_inputs()
    outputs = [each.name for each in session.get_outputs()]
    return Opened(outputs, pixels.shape[1:], lambda pixels_NHWC: session.run(None, {pixels.name: pixels_NHWC}))
