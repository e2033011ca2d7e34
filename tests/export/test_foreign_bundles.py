"""Untrusted bundles and weights: none runs code, reads another file or outgrows its bound; one line says why."""

from __future__ import annotations

import io
import json
import os
import pickle
import resource
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, numpy_helper
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskwise.errors import UserError
from maskwise.export.bundle_files import CHECKSUMS, checksum_lines, open_bundle
from maskwise.export.manifest import MANIFEST
from maskwise.export.onnx_content import unsafe_content
from maskwise.export.reader import load
from maskwise.models.build import build_model
from maskwise.recipe.load import load_recipe
from maskwise.training.checkpoints import load_weights
from support.small_bundle import NETWORK, write_small_bundle

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A sound bundle."""
    folder = write_small_bundle(tmp_path_factory.mktemp("sound") / "bundle")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def signed(files: Files) -> Files:
    """With checksums that fit: whoever writes a bad bundle writes these, too."""
    rest = {name: data for name, data in files.items() if name != CHECKSUMS}
    return {**rest, CHECKSUMS: checksum_lines(rest).encode()}


def on_disk(files: Files, folder: Path) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(files: Files, path: Path, change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            change(info)
            archive.writestr(info, data)
    return path


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load(path)
    (line,) = caught.value.problems
    assert "\n" not in line
    return line


# --- networks --------------------------------------------------------------------------------------------------------


def external(tensor: TensorProto, location: str = "secret.bin") -> TensorProto:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    return tensor


def in_initializer(model: ModelProto) -> None:
    external(model.graph.initializer[0])


def absolute(model: ModelProto) -> None:
    external(model.graph.initializer[0], "/etc/passwd")


def above(model: ModelProto) -> None:
    external(model.graph.initializer[0], "../../secret.bin")


def location_alone(model: ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def entries_alone(model: ModelProto) -> None:
    external(model.graph.initializer[0]).ClearField("data_location")


def in_attribute(model: ModelProto) -> None:
    value = external(numpy_helper.from_array(np.zeros(3, np.float32), "v"))
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=value))


def in_list_of_tensors(model: ModelProto) -> None:
    value = external(numpy_helper.from_array(np.zeros(3, np.float32), "v"))
    model.graph.node[0].attribute.append(helper.make_attribute("list", [value]))


def in_sparse(model: ModelProto) -> None:
    values = external(numpy_helper.from_array(np.zeros(1, np.float32), "v"))
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "i")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3]))


def subgraph() -> onnx.GraphProto:
    value = external(numpy_helper.from_array(np.zeros(3, np.float32), "v"))
    return helper.make_graph([helper.make_node("Constant", [], ["inner"], value=value)], "inner", [], [])


def in_branch(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("If", ["one"], ["x"], then_branch=subgraph(), else_branch=subgraph()))


def in_list_of_graphs(model: ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("graphs", [subgraph()]))


def endless_loop(model: ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", "one"], ["x"], body=body))


def in_function(model: ModelProto) -> None:
    value = external(numpy_helper.from_array(np.zeros(3, np.float32), "v"))
    node = helper.make_node("Constant", [], ["y"], value=value)
    model.functions.append(helper.make_function("", "f", [], ["y"], [node], [helper.make_opsetid("", 18)]))


def in_training(model: ModelProto) -> None:
    model.training_info.add().algorithm.CopyFrom(subgraph())


def foreign_operators(model: ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.node.append(helper.make_node("EPContext", [], ["x"], domain="com.microsoft", ep_cache_context="/etc/x"))


def renamed_probs(model: ModelProto) -> None:
    """Let the last step give ``before``, so that another can give ``probs``."""
    (last,) = [node for node in model.graph.node if "probs" in node.output]
    last.output[0] = "before"


def of_any_size(model: ModelProto) -> None:
    """Some bytes that name a tensor of 4 TB, which nothing says before the network runs."""
    renamed_probs(model)
    model.graph.initializer.append(numpy_helper.from_array(np.array([10**12], np.int64), "size"))
    model.graph.node.append(helper.make_node("ReduceMax", ["before"], ["highest"], keepdims=0))
    model.graph.node.append(helper.make_node("Expand", ["highest", "size"], ["large"]))
    model.graph.node.append(helper.make_node("ReduceMin", ["large"], ["lowest"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["before", "lowest"], ["probs"]))


def fewer_classes(model: ModelProto) -> None:
    renamed_probs(model)
    model.graph.initializer.append(numpy_helper.from_array(np.arange(3), "three"))
    model.graph.node.append(helper.make_node("Gather", ["before", "three"], ["probs"], axis=1))
    model.graph.output[0].type.tensor_type.shape.dim[1].ClearField("dim_value")


def more_rows(model: ModelProto) -> None:
    renamed_probs(model)
    model.graph.node.append(helper.make_node("Concat", ["before", "before"], ["probs"], axis=0))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "m"


def no_numbers(model: ModelProto) -> None:
    renamed_probs(model)
    model.graph.node.append(helper.make_node("Div", ["none", "none"], ["nan"]))
    model.graph.node.append(helper.make_node("Add", ["before", "nan"], ["probs"]))


def two_inputs(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n"]))


def other_pixels(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


ODD_MODELS = (of_any_size, fewer_classes, more_rows, no_numbers, two_inputs, other_pixels)


@pytest.mark.parametrize("change", ODD_MODELS, ids=lambda change: change.__name__)
def test_networks_that_give_something_else_or_take_all_memory(
    files: Files, change: Callable[[ModelProto], None], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = onnx.load_from_string(files[NETWORK])
    change(model)
    place = on_disk(signed({**files, NETWORK: model.SerializeToString()}), tmp_path / "bundle")
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as caught, load(place) as bundle:
        bundle.predict(np.zeros((60, 50, 3), np.uint8))
    (line,) = caught.value.problems
    assert line.startswith(f"{NETWORK} of")
    assert "\n" not in line
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000
    assert capfd.readouterr().err == ""  # the runtime says nothing by itself


BAD_MODELS = (
    *(in_initializer, absolute, above, location_alone, entries_alone, in_attribute, in_list_of_tensors, in_sparse),
    *(in_branch, in_list_of_graphs, endless_loop, in_function, in_training, foreign_operators),
)


@pytest.mark.parametrize("change", BAD_MODELS, ids=lambda change: change.__name__)
def test_networks_that_do_more_than_compute(
    files: Files, change: Callable[[ModelProto], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(4096))
    monkeypatch.chdir(tmp_path)
    model = onnx.load_from_string(files[NETWORK])
    change(model)
    bad = on_disk(signed({**files, NETWORK: model.SerializeToString()}), tmp_path / "bundle")
    assert f"{NETWORK} of" in refused(bad)


def test_the_same_field_in_other_bytes(files: Files, tmp_path: Path) -> None:
    """Numbers of protobuf may be written longer than needed, and a message in two halves."""
    model = onnx.load_from_string(files[NETWORK])
    entry = b"\x0a\x88\x00location\x12\x0asecret.bin"  # the length 8 in two bytes
    tensor = b"\x08\x03\x10\x01\x42\x01w" + b"\x70\x81\x80\x00" + b"\x6a" + bytes([len(entry)]) + entry
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    data = model.SerializeToString() + b"\x3a" + bytes([len(graph)]) + graph
    assert len(onnx.load_from_string(data).graph.initializer) == len(model.graph.initializer) + 1
    assert "names other files" in str(unsafe_content(data))
    bad = on_disk(signed({**files, NETWORK: data}), tmp_path / "bundle")
    assert "names other files" in refused(bad)


def test_text_that_looks_like_it_is_not_refused(files: Files) -> None:
    model = onnx.load_from_string(files[NETWORK])
    model.doc_string = "\n\x08location is only a word here"
    assert unsafe_content(model.SerializeToString()) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no network at all",
        pickle.dumps(os.getcwd),
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a graph of 2**64 bytes
        b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",  # a length of too many bytes
        b"\x3b\x3b\x3b\x3b" * 1000,  # groups in groups
        b"\x1c\0\0\0ORTM" + bytes(64),  # ONNX Runtime's own format
    ],
    ids=["empty", "text", "pickle", "huge", "long-number", "groups", "ort"],
)
def test_files_that_are_no_network(files: Files, data: bytes, tmp_path: Path) -> None:
    assert f"{NETWORK} of" in refused(on_disk(signed({**files, NETWORK: data}), tmp_path / "bundle"))


# --- archives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "networks/../../evil", "..\\evil", "C:/evil", "a//b", "./x", "e\x1b[31mvil", "a\nb"],
)
def test_names_that_lead_out_of_an_archive(files: Files, name: str, tmp_path: Path) -> None:
    line = refused(zipped({**files, name: b"x"}, tmp_path / "bundle.zip"))
    assert "lead out of it" in line
    assert not (tmp_path.parent / "evil").exists()


def test_links_devices_and_doubles_in_an_archive(files: Files, tmp_path: Path) -> None:
    for number, kind in enumerate((stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO)):

        def change(info: zipfile.ZipInfo, kind: int = kind) -> None:
            info.external_attr = (kind | 0o777) << 16

        assert "links" in refused(zipped(files, tmp_path / f"{number}.zip", change))
    path = zipped(files, tmp_path / "twice.zip")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MANIFEST, b"{}")
    assert "twice" in refused(path)


def bomb(stated: int) -> bytes:
    """A .zip of some 65 kB whose one member unpacks to 64 MB, though it says ``stated`` bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content, body, checksum = bytes(2**20), b"", 0
    for _ in range(64):
        body += packer.compress(content)
        checksum = zlib.crc32(content, checksum)
    body += packer.flush()
    name = CHECKSUMS.encode()
    sizes = (checksum, len(body), stated, len(name))
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 0) + name + body
    entry = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, *sizes, 0, 0, 0, 0, 0, 0) + name
    return head + entry + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(head), 0)


@pytest.mark.parametrize("stated", [1000, 64 * 2**20, 2**32 - 2])
def test_bombs_take_no_memory(stated: int, tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(bomb(stated))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(tmp_path / "bomb.zip")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # kB


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_export_packs_with_is_unpacked(files: Files, packing: int, tmp_path: Path) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.compress_type = packing

    assert "another way than deflate" in refused(zipped(files, tmp_path / "bundle.zip", change))


@given(
    places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4), tail=st.booleans()
)
def test_every_byte_of_an_archive_changed(
    files: Files, tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]], tail: bool
) -> None:
    """In the archive's own list of files, or anywhere: refused in one line, or without effect."""
    path = tmp_path_factory.mktemp("changed") / "bundle.zip"
    data = bytearray(zipped(files, path).read_bytes())
    begin = data.rindex(b"PK\1\2") - 200 if tail else 0
    for place, value in places:
        data[begin + place % (len(data) - begin)] = value
    path.write_bytes(data)
    assert refused_or_the_same(path, files)


def refused_or_the_same(path: Path, files: Files) -> bool:
    try:
        read = open_bundle(path)
        read.check_all()
    except UserError as error:
        return len(error.problems) == 1
    return all(read.read(name) == files[name] for name in read.sha256_of)


def test_an_archive_in_an_archive_is_only_bytes(files: Files, tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("../evil", b"x")
    path = zipped(signed({**files, "more.zip": inner.getvalue()}), tmp_path / "bundle.zip")
    assert load(path).manifest.name == "small"


# --- folders ---------------------------------------------------------------------------------------------------------


def test_a_pipe_or_a_device_is_not_waited_for(files: Files, tmp_path: Path) -> None:
    folder = on_disk(files, tmp_path / "bundle")
    for make in (lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")):
        (folder / NETWORK).unlink()
        make(folder / NETWORK)
        assert "must be a file" in refused(folder)


def test_every_listed_file_is_checked_though_it_is_not_needed(files: Files, tmp_path: Path) -> None:
    folder = on_disk(files, tmp_path / "bundle")
    (folder / "LICENCES.md").write_text("do as you like")
    assert "LICENCES.md of the bundle" in refused(folder)
    (folder / "LICENCES.md").unlink()
    assert "LICENCES.md of the bundle" in refused(folder)


@pytest.mark.parametrize(
    "line",
    [
        "0" * 64 + "  ../../etc/passwd",
        "0" * 64 + "  /etc/passwd",
        "nonsense",
        "0" * 63 + "  bundle.json",
        "",
        "0" * 64 + "  a\x1b[2J",
        "\xff",
    ],
)
def test_lists_of_checksums(files: Files, line: str, tmp_path: Path) -> None:
    content = line.encode("latin-1")
    assert "SHA256SUMS" in refused(on_disk({**files, CHECKSUMS: content}, tmp_path / "bundle"))


# --- manifests -------------------------------------------------------------------------------------------------------


def changed(files: Files, **fields: Any) -> Files:
    manifest = {**json.loads(files[MANIFEST]), **fields}
    return signed({**files, MANIFEST: json.dumps(manifest).encode()})


def test_manifests_that_ask_for_too_much(files: Files, tmp_path: Path) -> None:
    manifest = json.loads(files[MANIFEST])
    (shown,), (member,), framing = manifest["inputs"], manifest["members"], manifest["framing"]
    part = member["parts"][0]
    cases: list[dict[str, Any]] = [
        {"inputs": [{**shown, "height_px": 10**9}]},
        {"framing": {**framing, "height_px": 10**5, "width_px": 10**5}},
        {"framing": {**framing, "wide": 1e-300}},
        {"temperature": float("nan")},
        {"members": [{**member, "weight": float("inf")}]},
        {"members": [{**member, "parts": [{**part, "views": ["as_is"] * 100_000}]}]},
        {"members": [{**member, "parts": [{**part, "networks": part["networks"] * 2000}]}]},
        {"task": {**manifest["task"], "age_borders_years": list(range(1, 3000))}},
        {"extra": "<script>"},
    ]
    for number, fields in enumerate(cases):
        assert MANIFEST in refused(on_disk(changed(files, **fields), tmp_path / str(number)))


def test_a_manifest_nested_beyond_reason(files: Files, tmp_path: Path) -> None:
    deep = b'{"format": 1, "name": ' + b"[" * 200_000
    assert MANIFEST in refused(on_disk(signed({**files, MANIFEST: deep}), tmp_path / "bundle"))


# --- weights of runs -------------------------------------------------------------------------------------------------


class Runs:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def header(size: int, text: bytes) -> bytes:
    return struct.pack("<Q", size) + text


def test_weights_that_are_none(tmp_path: Path) -> None:
    recipe = load_recipe("demo", ["model.backbone={kind: baseline_cnn}", "model.weights={kind: none}"])
    model = build_model(recipe.model, recipe.task, load_weights=False)
    touched = tmp_path / "touched"
    huge = b'{"x":{"dtype":"F32","shape":[1000000000,1000000000],"data_offsets":[0,4]}}'
    cases = {
        "pickle": pickle.dumps(Runs(touched)),
        "huge header": header(2**63, b"{}"),
        "long header": header(90 * 2**20, b"{" * 1000),
        "huge tensor": header(len(huge), huge) + bytes(4),
        "backwards": header(len(huge), huge.replace(b"[0,4]", b"[4,0]")),
        "empty": b"",
        "nested": header(100_000, b"[" * 100_000),
    }
    for name, data in cases.items():
        (tmp_path / "weights.safetensors").write_bytes(data)
        with pytest.raises(UserError) as caught:
            load_weights(tmp_path / "weights.safetensors", model)
        assert "weights.safetensors" in caught.value.problems[0], name
    assert not touched.exists()


# --- names that are printed ------------------------------------------------------------------------------------------


def test_names_of_photos_do_nothing_to_the_terminal(files: Files, tmp_path: Path) -> None:
    bundle, photos = on_disk(files, tmp_path / "bundle"), tmp_path / "photos"
    photos.mkdir()
    for name in ("a\x1b]0;title\x07\x1b[31m.jpg", "b\nall is well.jpg", "c\u202egpj.jpg", "d\x9b31m.jpg"):
        (photos / name).write_bytes(b"no photo")
    words = ["predict", str(bundle), str(photos), "--out", str(tmp_path / "x.csv")]
    for extra in ([], ["--skip-unreadable"], ["--quiet"]):
        done = subprocess.run(
            [sys.executable, "-m", "maskwise", *words, *extra], capture_output=True, text=True, check=False
        )
        shown = done.stdout + done.stderr
        assert all(letter.isprintable() for line in shown.split("\n") for letter in line), shown
        assert not any(line.startswith("all is well") for line in shown.split("\n"))
        assert "Traceback" not in shown
        assert open_bundle(bundle).place == str(bundle)


def test_readers_of_photos_say_nothing_by_themselves(files: Files, tmp_path: Path) -> None:
    """Pillow warns of every entry of EXIF that leads out of it, OpenCV of a chunk that it leaves out."""
    bundle, photos = on_disk(files, tmp_path / "bundle"), tmp_path / "photos"
    photos.mkdir()
    entries = b"".join(struct.pack("<HHII", 1000 + tag, 1, 60_000, 8) for tag in range(500))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 500) + entries
    Image.new("RGB", (60, 50)).save(photos / "a.jpg", exif=exif)
    large = PngInfo()
    large.add(b"eXIf", b"II*\0" + bytes(9_000_000))
    Image.new("RGB", (60, 50)).save(photos / "b.png", pnginfo=large)
    words = [sys.executable, "-m", "maskwise", "predict", str(bundle), str(photos), "--out", str(tmp_path / "x.csv")]
    done = subprocess.run([*words, "--quiet"], capture_output=True, text=True, check=False)
    assert "Warn" not in done.stderr
    assert "WARN" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3
