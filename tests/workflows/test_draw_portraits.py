"""``maskwise data masks``: a folder of portraits → photos with masks, a log and the refused ones."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.data.pixels import decode_photo
from maskwise.drawing.draw_masks import draw_mask
from maskwise.drawing.mask_plan import MaskPlan
from maskwise.errors import DataError, UserError
from maskwise.records import Image
from maskwise.workflows.draw_portraits import draw_portraits
from support.faces_drawn import bare_face


def write(path: Path, photo_HWC: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), photo_HWC[..., ::-1])


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, one of them in two files whose names differ in their ending alone, a wall and a broken file."""
    folder = tmp_path_factory.mktemp("portraits")
    write(folder / "anna.png", bare_face(1)[0])
    write(folder / "more" / "ben.png", bare_face(0)[0])
    write(folder / "more" / "ben.jpg", bare_face(0)[0])
    write(folder / "wall.png", np.full((90, 70, 3), 128, dtype=np.uint8))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


@pytest.fixture(scope="module")
def drawn(portraits: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., str]) -> tuple[Path, str]:
    """(the folder written by the verb, what it printed)."""
    out = tmp_path_factory.mktemp("drawn") / "out"
    return out, cli("data", "masks", str(portraits), str(out), "--per-portrait", "4", "--seed", "3", "--quiet")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_portrait_gets_a_folder_of_its_photos(drawn: tuple[Path, str]) -> None:
    out, advanced = drawn
    names = ("mask1", "mask2", "incorrect_mask", "normal")
    photos = {f"{who}/{name}.jpg" for who in ("anna", "more/ben.jpg", "more/ben.png") for name in names}
    assert set(files(out)) == photos | {"drawn.jsonl", "refused.csv"}
    assert advanced.splitlines()[-1] == f"{out}: 3 portraits, 4 photos each; 2 refused"


def test_the_refused_are_reported_with_the_reason(drawn: tuple[Path, str]) -> None:
    out, advanced = drawn
    rows = list(csv.DictReader((out / "refused.csv").open(encoding="utf-8")))
    assert [row["photo"] for row in rows] == ["broken.jpg", "wall.png"]
    assert "whole JPEG" in rows[0]["reason"]
    assert rows[1]["reason"] == "no face found"
    assert "wall.png: refused: no face found" in advanced.splitlines()


def test_the_log_has_a_line_for_each_photo_and_draws_it_again(drawn: tuple[Path, str]) -> None:
    out, _ = drawn
    lines = [json.loads(line) for line in (out / "drawn.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    by_photo = {(line["folder"], line["photo"]): line for line in lines}
    line = by_photo["anna", "mask1"]
    assert line["portrait"] == "anna.png"
    fields = line["mask"] | {name: tuple(line["mask"][name]) for name in ("colour_rgb", "accent_rgb")}
    photo_HWC = decode_photo((out / "anna" / "mask1.jpg").read_bytes(), "mask1")
    # Drawn once more on the finished photo, the same mask lies in the same place: next to nothing changes.
    again_HWC = draw_mask(photo_HWC, np.array(line["landmarks_px"]), MaskPlan(**fields))
    assert np.abs(again_HWC.astype(int) - photo_HWC).mean() < 3


def test_the_seed_and_the_portrait_alone_decide(portraits: Path, drawn: tuple[Path, str], tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    write(alone / "renamed.png", bare_face(1)[0])
    draw_portraits(alone, tmp_path / "same", 4, 3, lambda _: None)
    draw_portraits(alone, tmp_path / "other", 4, 4, lambda _: None)
    same, other = files(tmp_path / "same"), files(tmp_path / "other")
    assert same["renamed/mask1.jpg"] == files(drawn[0])["anna/mask1.jpg"]
    assert same["renamed/mask1.jpg"] != other["renamed/mask1.jpg"]


def test_nothing_is_overwritten_and_nothing_half_done_stays(portraits: Path, drawn: tuple[Path, str]) -> None:
    out, _ = drawn
    before = files(out)
    with pytest.raises(DataError, match="OUT must be a folder that does not exist yet"):
        draw_portraits(portraits, out, 4, 3, lambda _: None)
    assert files(out) == before

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_portraits(portraits, out.parent / "stopped", 4, 3, interrupt)
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_folder_without_photos_is_refused(tmp_path: Path, cli: Callable[..., str]) -> None:
    with pytest.raises(DataError, match="folder of photos"):
        draw_portraits(tmp_path, tmp_path / "out", 7, 0, lambda _: None)
    with pytest.raises(UserError, match="SRC"):
        cli("data", "masks", str(tmp_path / "nowhere"), str(tmp_path / "out"))
