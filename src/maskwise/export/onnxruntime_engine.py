"""Networks in 32 and 8 bits, computed by ONNX Runtime."""

from __future__ import annotations

from functools import cache

import onnxruntime

from maskwise.errors import DataError, must
from maskwise.export.opened_network import EXPORT_AGAIN, Opened
from maskwise.machine import memory_bytes, memory_limit_bytes
from maskwise.records import Floats, Image

_ONLY_ERRORS, _NOTHING = 3, 4
_faults = onnxruntime.capi.onnxruntime_pybind11_state
_RUNTIME_FAULTS = (
    _faults.Fail,
    _faults.InvalidArgument,
    _faults.InvalidGraph,
    _faults.InvalidProtobuf,
    _faults.NotImplemented,
    _faults.RuntimeException,
)
_SHARE_OF_MEMORY = 0.75
_UNKNOWN_BYTES = 8 * 2**30
"""Of a machine that does not say how much memory it has."""


def open_in_onnxruntime(data: bytes, thing: str) -> Opened:
    """The ONNX network in ``data``; ``DataError`` that names ``thing`` for anything else, also where it runs."""
    _bound_memory()
    options = onnxruntime.SessionOptions()
    # One core per call: photos are dealt to as many threads as there are cores, which need not wait for each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    options.add_session_config_entry("session.load_model_format", "ONNX")  # never its own format, which is not checked
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except _RUNTIME_FAULTS as error:
        raise _refused(thing, error) from None
    if len(session.get_inputs()) != 1:
        raise DataError(must(thing, "a network of photos alone", f"{len(session.get_inputs())} inputs", EXPORT_AGAIN))
    (pixels,) = session.get_inputs()
    outputs = [each.name for each in session.get_outputs()]
    quiet = onnxruntime.RunOptions()
    quiet.log_severity_level = _NOTHING  # what goes wrong is said once, below

    def run(pixels_NHWC: Image) -> list[Floats]:
        try:
            computed: list[Floats] = session.run(None, {pixels.name: pixels_NHWC}, quiet)
        except _RUNTIME_FAULTS as error:
            raise _refused(thing, error) from None
        return computed

    return Opened(outputs, pixels.shape[1:], run)


@cache
def _bound_memory() -> None:
    """Let all networks of this process together take no more than most of the memory: a few bytes can name any size."""
    machine = memory_bytes()
    sizes = [memory_limit_bytes(), machine and machine[0]]
    most = int(_SHARE_OF_MEMORY * min(filter(None, sizes), default=_UNKNOWN_BYTES))
    kind, place = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    about = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, place)
    onnxruntime.create_and_register_allocator(about, onnxruntime.OrtArenaCfg({"max_mem": most}))


def _refused(thing: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(must(thing, "a network that ONNX Runtime takes", reason, EXPORT_AGAIN))
