"""What this machine's processor lacks for a precision."""

from __future__ import annotations

import platform
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_MULTIPLIES_BYTES = {"avx512_vnni", "avx_vnni", "amx_int8"}
"""Any of these sums products of bytes in 32 bits."""

SATURATES = (
    "8-bit predictions are inexact on this processor: without VNNI, ONNX Runtime adds up products of bytes in 16 bits, "
    "which overflow. Use fp32 here, or int8 on a processor that has avx_vnni or avx512_vnni."
)


def saturates_in_8_bits() -> bool:
    """Whether sums of 8-bit networks overflow here: on x86 with AVX2 and without VNNI, as far as Linux reports.

    ONNX Runtime's documentation, "Quantize ONNX models", section "When and why do I need to try U8U8?".
    """
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        lines = _CPUINFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    flags = {flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split()}
    return "avx2" in flags and not flags & _MULTIPLIES_BYTES
