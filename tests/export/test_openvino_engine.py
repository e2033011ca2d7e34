"""OpenVINO in bf16: near fp32, from any thread, silent towards its maker, and refused where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from maskwise.errors import DataError, UserError
from maskwise.export import openvino_engine
from maskwise.export.onnxruntime_engine import open_in_onnxruntime
from maskwise.export.opened_network import Opened
from maskwise.export.openvino_engine import core_with_bf16, open_in_openvino
from support.small_bundle import HEIGHT, NETWORK, WIDTH, write_small_bundle

THREADS = 4
DIGITS = 2.0**-8
"""bf16 numbers have 8 binary digits, the first of which is not written."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return (write_small_bundle(tmp_path_factory.mktemp("small"), layers=1) / NETWORK).read_bytes()


@pytest.fixture(scope="module")
def opened(bf16: None, network: bytes) -> Opened:
    return open_in_openvino(network, THREADS, "the network")


def photos(number: int) -> np.ndarray:
    """Each of another color."""
    colors_N3 = np.random.default_rng(number).integers(0, 256, (number, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(colors_N3, (number, HEIGHT, WIDTH, 3)).copy()


@pytest.mark.parametrize("number", [1, 5, 16])
def test_bf16_is_near_fp32_and_differs(opened: Opened, network: bytes, number: int) -> None:
    (probs_NC, age_N), (fine_NC, fine_N) = (
        each.run(photos(number)) for each in (opened, open_in_onnxruntime(network, "the network"))
    )
    assert probs_NC.dtype == age_N.dtype == np.float32
    assert probs_NC.shape == (number, 18)
    # A logit of up to 30 is off by up to two roundings; a probability then by as many parts of itself.
    np.testing.assert_allclose(probs_NC, fine_NC, atol=2 * 30 * DIGITS)
    np.testing.assert_allclose(age_N, fine_N, rtol=2 * DIGITS)
    assert (probs_NC.argmax(axis=1) == fine_NC.argmax(axis=1)).mean() >= 0.8
    assert not np.array_equal(age_N, fine_N)


def test_an_opened_network_knows_its_shape(opened: Opened, network: bytes) -> None:
    other = open_in_onnxruntime(network, "the network")
    assert (
        (opened.outputs, opened.shape_HWC) == (other.outputs, other.shape_HWC) == (["probs", "age"], [HEIGHT, WIDTH, 3])
    )


def test_predictions_of_many_threads_are_those_of_one(opened: Opened) -> None:
    batches = [photos(number) for number in (3, 16, 1, 7) * 6]
    alone = [opened.run(batch) for batch in batches]
    with ThreadPoolExecutor(2 * THREADS) as pool:
        together = list(pool.map(opened.run, batches))
    for one, other in zip(alone, together, strict=True):
        for said, again in zip(one, other, strict=True):
            np.testing.assert_allclose(said, again, atol=1e-6)


OTHER_FORMAT = b'<?xml version="1.0"?><net name="x" version="11"><layers/><edges/></net>'


@pytest.mark.parametrize("data", [b"no network at all", b"", OTHER_FORMAT])
def test_what_is_no_onnx_network_is_refused(bf16: None, data: bytes) -> None:
    with pytest.raises(DataError, match=r"^its file must .* OpenVINO .*, got '.+'\. Export the run"):
        open_in_openvino(data, 1, "its file")


def test_a_processor_without_bf16_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    core = SimpleNamespace(get_property=lambda *_: ["FP32", "INT8"])
    monkeypatch.setattr(openvino_engine, "_import_openvino", lambda: SimpleNamespace(Core=lambda: core))
    with pytest.raises(UserError, match=r"precision bf16 must .* this processor, .* Use fp32"):
        core_with_bf16()


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r'`openvino` must .* pip install "maskwise\[openvino\]"'):
        core_with_bf16()
    assert "openvino_telemetry" not in sys.modules


def test_nothing_is_reported_to_the_maker(tmp_path: Path) -> None:
    """With its telemetry, importing OpenVINO sends an event and leaves files in the home folder."""
    code = (
        "import sys\nfrom maskwise.export.openvino_engine import _import_openvino\n_import_openvino().Core()\n"
        "print(sorted({'openvino', 'openvino_telemetry', 'torch'} & set(sys.modules)))"
    )
    home = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=home)
    assert done.stdout == "['openvino']\n", done.stderr
    assert list(tmp_path.iterdir()) == []
