"""Which processors overflow in 8 bits, by what Linux says of them."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from maskwise.export import cpu_features as processor
from maskwise.export.cpu_features import saturates_in_8_bits


@pytest.mark.parametrize(
    ("flags", "machine", "saturates"),
    [
        ("fpu avx avx2 fma", "x86_64", True),
        ("fpu avx avx2 avx512f avx512bw", "x86_64", True),
        ("fpu avx avx2 avx_vnni", "x86_64", False),
        ("fpu avx2 avx512f avx512_vnni", "x86_64", False),
        ("fpu sse4_2", "x86_64", False),  # there ONNX Runtime sums in 32 bits
        ("fp asimd", "aarch64", False),
    ],
)
def test_avx2_without_vnni_overflows(
    flags: str, machine: str, saturates: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = tmp_path / "cpuinfo"
    printed.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {flags}\n")
    monkeypatch.setattr(processor, "_CPUINFO", printed)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert saturates_in_8_bits() is saturates


def test_where_linux_says_nothing_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "none")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert not saturates_in_8_bits()
