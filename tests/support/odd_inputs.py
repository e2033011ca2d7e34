"""A data set and a folder of photos with everything odd that people have, and every verb run on them once."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from maskwise.cli.main import main
from maskwise.store.layout import PREDICTIONS
from maskwise.store.predictions_file import read_predictions
from support.faces_drawn import bare_face
from support.quirks import Person, encode, noise, write_quirky
from support.running_service import running_service

VERBS = (
    "data check",
    "data import",
    "data masks",
    "eda",
    "train",
    "export",
    "predict run",
    "predict bundle",
    "evaluate",
    "submit",
    "report",
    "data audit",
    "serve",
)
TINY = """
name: tiny
split: {kind: hold_out, share: 0.5}
input: {height_px: 16, width_px: 12}
model:
  backbone: {kind: baseline_cnn}
  weights: {kind: none}
train: {epochs: 1, batch_size: 64, checkpoint: {kind: last}}
runtime: {device: cpu}
"""
NFC, NFD = (unicodedata.normalize(form, "김가영") for form in ("NFC", "NFD"))
CP949 = os.fsdecode("사람.jpg".encode("cp949"))
"""A name that is not UTF-8."""
AGES = (22, 24, 41, 45, 65, 68)
PEOPLE = [Person(f"{2 * k + g:06d}", ("male", "female")[g], age) for k, age in enumerate(AGES * 2) for g in range(2)]
SPOILED, HEIC, BARE, APART, HIDDEN, PIPE = (person.folder for person in PEOPLE[:6])
"""The folder of the person of whom a photo is damaged; is HEIC; has no ending; whose folder is written in NFD; beside
whose photos there is a hidden one, and a named pipe."""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that was printed."""
        return self.out + self.err

    def assert_exit(self, code: int, *words: str) -> None:
        """It ended with ``code`` and without a traceback, and printed ``words``."""
        assert self.code == code, self.text
        assert "Traceback" not in self.err
        assert all(word in self.text for word in words), self.text


def run_command(*words: str | Path) -> Done:
    """The command as it is typed, in this process."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    before, code = sys.argv, 0
    sys.argv = ["maskwise", *map(str, words)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.argv = before
    out, err = (stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in streams)
    return Done(code, out, err)


def no_listing(patch: pytest.MonkeyPatch) -> None:
    """Let nobody list folders called ``closed``, the superuser neither."""
    scan = os.scandir

    def refusing(path: str | Path | int) -> Iterator[os.DirEntry[str]]:
        if not isinstance(path, int) and Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    patch.setattr("maskwise.data.layout.os.scandir", refusing)


def write_damaged(photo: Path) -> None:
    """A JPEG with zeros in its middle: libjpeg by itself would show gray there."""
    data = bytearray(encode(noise(np.random.default_rng(len(photo.name)), 60, 44), quality=95))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    photo.write_bytes(data)


def write_odd_set(root: Path) -> Path:
    """A data set with an odd thing of each kind, in train and eval part."""
    write_quirky(root, tuple(PEOPLE), n_eval=5)
    images = root / "train/images"
    _only(images / SPOILED, "mask1").unlink()
    write_damaged(images / SPOILED / "mask1.jpg")
    _as_heic(_only(images / HEIC, "mask1"))
    photo = _only(images / BARE, "mask1")
    photo.rename(photo.with_suffix(""))
    (images / APART).rename(images / NFD)
    table = root / "train/train.csv"
    table.write_bytes(table.read_bytes().replace(f",{APART}\r".encode(), f",{NFC}\r".encode()))
    (images / HIDDEN / ".mask1.jpg").write_bytes(encode(noise(np.random.default_rng(8))))
    os.mkfifo(images / PIPE / "live.jpg")
    (images / CP949).mkdir()
    _write_odd_eval(root / "eval")
    return root


def write_odd_photos(folder: Path) -> Path:
    """A folder of portraits, odd ones among them, and of what is no photo."""
    folder.mkdir()
    photo_HWC, _ = bare_face()
    data = bytes(cv2.imencode(".jpg", photo_HWC[:, :, ::-1])[1])
    for name in ("plain.jpg", "broken.jpg", "noending", f"{NFD}.jpg", CP949, "b.heic", ".hidden.jpg"):
        (folder / name).write_bytes(data)
    write_damaged(folder / "broken.jpg")
    _as_heic(folder / "b.heic")
    os.mkfifo(folder / "live.jpg")
    (folder / "clip.mp4").write_bytes(bytes(64))
    (folder / "closed").mkdir()
    return folder


def _write_odd_eval(folder: Path) -> None:
    names = [line.split(",")[0] for line in (folder / "info.csv").read_text(encoding="utf-8").splitlines()[1:]]
    images, rows = folder / "images", ["ImageID,ans"]
    for name, new in zip(names, ("plain.jpg", "broken.jpg", "noending", f"{NFC}.jpg", "b.heic"), strict=True):
        on_disk = f"{NFD}.jpg" if new.startswith(NFC) else new
        (images / name).rename(images / on_disk)
        rows.append(f"{new},0")
    write_damaged(images / "broken.jpg")
    _as_heic(images / "b.heic")
    os.mkfifo(images / "live.jpg")
    (images / ".hidden.jpg").write_bytes(b"side file")
    (folder / "info.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _only(folder: Path, stem: str) -> Path:
    (photo,) = [path for path in folder.glob(f"{stem}.*") if not path.name.startswith(".")]
    return photo


def _as_heic(photo: Path) -> None:
    """The photo as HEIC, with the ending of phones."""
    photo_HWC = np.asarray(PillowImage.open(photo).convert("RGB"))
    photo.unlink()
    photo.with_suffix(".heic").write_bytes(encode(photo_HWC, "HEIF"))


@dataclass(frozen=True)
class OddPlace:
    """Where the verbs read and write."""

    folder: Path
    data: Path
    photos: Path

    def words(self, verb: str) -> Sequence[str | Path]:
        """The command of ``verb``; results lie in ``folder`` under the verb's name."""
        at, data = self.folder, self.data
        store, cache = ("--store", at / "runs"), ("--cache", at / "cache")
        commands: dict[str, Sequence[str | Path]] = {
            "data check": ("data", "check", data),
            "data import": ("data", "import", "competition", data, at / "import", "--quiet"),
            "data masks": ("data", "masks", self.photos, at / "masks", "--per-portrait", "3"),
            "eda": ("eda", data, "--out", at / "eda.html", "--no-faces", *cache),
            "train": ("train", at / "tiny.yaml", "--data", data, *store, *cache, "--skip-unreadable"),
            "predict run": ("predict", "tiny", self.photos, *store, "--out", at / "run.csv", "--skip-unreadable"),
            "predict bundle": ("predict", at / "export", self.photos, "--out", at / "bundle.csv", "--skip-unreadable"),
            "evaluate": ("evaluate", at / "run.csv", "--answers", at / "answers.csv"),
            "submit": ("submit", "tiny", "--data", data, *store, "--out", at / "submission.csv", "--skip-unreadable"),
            "export": ("export", "tiny", at / "export", "--data", data, *store, "--parity-photos", "0"),
            "report": ("report", "tiny", "--data", data, *store, *cache, "--out", at / "report.html"),
            "data audit": ("data", "audit", "tiny", "--data", data, *store, "--out", at / "audit"),
        }
        return commands[verb]


class Table:
    """The odd place, and what each verb did there."""

    def __init__(self, place: OddPlace) -> None:
        self.place = place
        self.done: dict[str, Done] = {}
        self.damaged_later = ""
        """A held-out photo that was damaged after the training."""

    def run_all(self) -> None:
        """Every verb, in the order in which people use them."""
        for verb in VERBS[:-1]:
            if verb == "evaluate":
                rows = [f"{name},{k}" for k, name in enumerate(self.names("run.csv"))]
                text = "\n".join(["photo,class", *rows]).replace(NFD, NFC)
                (self.place.folder / "answers.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
            self.done[verb] = run_command(*self.place.words(verb))
            if verb == "train":
                self._damage_held_out()
        self._serve()

    def names(self, file: str) -> list[str]:
        """The first column of a table below the odd place."""
        with (self.place.folder / file).open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            return [row[0] for row in csv.reader(lines)][1:]

    def record(self) -> Path:
        """The run.json of the trained run."""
        (record,) = (self.place.folder / "runs").glob("*/run.json")
        return record

    def _damage_held_out(self) -> None:
        predictions, _ = read_predictions(self.record().parent / PREDICTIONS)
        jpegs = [name for name in predictions.photo_N.tolist() if name.endswith((".jpg", ".JPG"))]
        self.damaged_later = jpegs[0]
        write_damaged(self.place.data / self.damaged_later)

    def _serve(self) -> None:
        with running_service(self.place.folder / "export", self.place.folder) as service, service.client() as client:
            names = ("plain.jpg", "broken.jpg", "b.heic", "noending")
            files = [("image", (name, (self.place.photos / name).read_bytes(), "image/*")) for name in names]
            response = client.post("/v1/predict", files=files, params={"faces": "whole"})
            self.done["serve"] = Done(0, response.text, "")
