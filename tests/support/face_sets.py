"""Small sources of faces as people download them, made by code, each with the flaws of its format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from maskwise.drawing.portraits import draw_person, draw_photo
from maskwise.drawing.traits import Gender
from support.quirks import encode, noise

UTK_MALFORMED = (
    "24_0_1_20170116220224657 .jpg.chip.jpg",
    "39_1_20170116174525125.jpg.chip.jpg",
    "55_0_0_20170116232725357jpg.chip.jpg",
    "61_1_20170109142408075.jpg.chip.jpg",
    "61_1_20170109150557335.jpg.chip.jpg",
)
"""The five odd names of the published set."""
UTK_PEOPLE = ((25, 0), (35, 1), (44, 0), (61, 1), (16, 1), (1, 0), (110, 1))
"""(age, gender) of each sound photo: two of them are children."""


def photos() -> Iterator[bytes]:
    """JPEG files without end, no two alike."""
    rng = np.random.default_rng(5)
    while True:
        yield encode(noise(rng))


def portrait(age_years: int, gender: Gender, seed: int) -> bytes:
    """A drawn person's bare face, 256 × 192, as JPEG."""
    rng = np.random.default_rng(seed)
    photo_HWC = draw_photo(draw_person(rng, age_years, gender), "normal", rng)
    return encode(np.asarray(cv2.resize(photo_HWC, (192, 256), interpolation=cv2.INTER_AREA), dtype=np.uint8))


def utk_name(age_years: int, gender: int, number: int = 0) -> str:
    """A name in the way of UTKFace."""
    return f"{age_years}_{gender}_2_{20170116000000000 + number}.jpg.chip.jpg"


def write_utkface(root: Path) -> Path:
    """Seven sound photos, the five malformed names, one empty file, a copy under another age, a GIF, a note."""
    files = photos()
    root.mkdir(parents=True)
    for number, (age, gender) in enumerate(UTK_PEOPLE):
        (root / utk_name(age, gender, number)).write_bytes(next(files))
    for name in UTK_MALFORMED:
        (root / name).write_bytes(next(files))
    (root / utk_name(30, 0, 90)).write_bytes(b"")
    (root / utk_name(52, 0, 91)).write_bytes((root / utk_name(25, 0, 0)).read_bytes())
    (root / "31_0_2_20170116000000099.gif").write_bytes(b"GIF89a")
    (root / "readme.txt").write_text("a note")
    return root


def write_fairface(root: Path) -> Path:
    """Two label files, the first with a byte order mark; bins of all kinds; rows that cannot be used."""
    bins = ("0-2", "3-9", "10-19", "20-29", "30-39", "50-59", "60-69", "more than 70")
    train = [f"train/{k}.jpg,{age},{('Male', 'Female')[k % 2]},Black,True" for k, age in enumerate(bins)]
    train += ["train/90.jpg,20-29,Person,White,False", "train/91.jpg,young,Male,White,False", "train/92.jpg,20-29"]
    header = "file,age,gender,race,service_test"
    _write_photos(root, [f"train/{k}.jpg" for k in (*range(8), 90, 91, 92)] + ["val/1.jpg"])
    (root / "fairface_label_train.csv").write_bytes("\ufeff".encode() + "\r\n".join([header, *train]).encode())
    (root / "fairface_label_val.csv").write_text(f'{header}\n"val/1.jpg","40-49","Male","Indian","False"\n')
    return root


def write_afad(root: Path) -> Path:
    """Folders of ages and genders, a thumbnail database, a folder of no gender."""
    _write_photos(root, ["AFAD-Full/18/111/1-0.jpg", "AFAD-Full/40/112/2-0.jpg", "AFAD-Full/15/112/3-0.jpg"])
    _write_photos(root, ["AFAD-Full/40/113/4-0.jpg"])
    (root / "AFAD-Full/40/112/Thumbs.db").write_bytes(b"x")
    return root


def write_all_age_faces(root: Path) -> Path:
    """The last serial of a woman and the first of a man, a child, a bad name; some photos twice, cut otherwise."""
    originals = ["00001A02.jpg", "07380A45.jpg", "07381A30.jpg", "13321A75.jpg", "7381A30.jpg"]
    _write_photos(root, [f"original images/{name}" for name in originals])
    _write_photos(root, [f"aglined faces/{name}" for name in originals[1:3]], skip=9)
    return root


def write_agedb(root: Path) -> Path:
    """Two people at several ages, one of them with an underscore in the name; a child; a bad name."""
    names = ["0_AnnaLee_25_f.jpg", "1_AnnaLee_41_f.jpg", "2_AnnaLee_63_f.jpg", "3_Bo_Oh_30_m.jpg", "4_Bo_Oh_9_m.jpg"]
    _write_photos(root, [*names, "5_Carl_x_m.jpg"])
    return root


def write_appa_real(root: Path) -> Path:
    """Two parts; one photo has a cut face, one no gender, one is missing; genders of the second part are not there."""
    train = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
    train += "000000.jpg,36,5.4,2.4,21\n000001.jpg,40,30.0,4.0,59\n000002.jpg,40,30.0,4.0,33\n000003.jpg,3,30,4,40\n"
    _write_photos(root, ["train/000000.jpg", "train/000000.jpg_face.jpg", "train/000001.jpg", "train/000002.jpg"])
    (root / "gt_avg_train.csv").write_text(train)
    reported = (
        "000000.jpg,female,asian,makeup,modernphoto,happy\n000001.jpg,male,caucasian,nomakeup,modernphoto,neutral\n"
    )
    reported += "000003.jpg,male,caucasian,nomakeup,modernphoto,neutral\n"
    (root / "allcategories_train.csv").write_text("file,gender,race,makeup,time,happiness\n" + reported)
    (root / "gt_avg_test.csv").write_text("file_name,real_age\n000009.jpg,50\n")
    _write_photos(root, ["test/000009.jpg"], skip=7)
    return root


def write_own_table(root: Path) -> Path:
    """A CSV file with columns and words of its own, and its photos; one row twice, one of no file."""
    rows = ["picture,sex,years,subject", "a/é1.jpg,1,25,p1", "a/2.jpg,2,26,p1", "b.jpg,2,60+,p2", "b.jpg,2,61,p2"]
    rows += [",1,40,p3", "c.jpg,3,40,p3", "gone.jpg,1,40,p4"]
    _write_photos(root, ["a/é1.jpg", "a/2.jpg", "b.jpg", "c.jpg"])
    (root / "faces.csv").write_text("\n".join(rows), encoding="utf-8")
    return root / "faces.csv"


def _write_photos(root: Path, names: list[str], skip: int = 0) -> None:
    """A photo of its own under each name; ``skip`` so many of the series before the first."""
    files = photos()
    for _ in range(skip):
        next(files)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(next(files))
