"""What each format's reader finds in a source with the flaws of that format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from maskwise.data.importing.build import build_reader
from maskwise.data.importing.choose import choose_faces, draw_some, refuse_empty
from maskwise.data.importing.config import TABLE_FIELDS, TableField, TableWords
from maskwise.data.importing.faces import Listed, Rejected
from maskwise.data.importing.formats import ImportFormat
from maskwise.errors import DataError
from support.face_sets import (
    UTK_MALFORMED,
    UTK_PEOPLE,
    write_afad,
    write_agedb,
    write_all_age_faces,
    write_appa_real,
    write_fairface,
    write_own_table,
    write_utkface,
)
from support.quirks import PEOPLE, encode, noise, write_quirky

OWN = TableWords(
    columns={"picture": "file", "sex": "gender", "years": "age", "subject": "person"},
    genders={"1": "male", "2": "female"},
)


def read(kind: str, source: Path, words: TableWords | None = None) -> Listed:
    return build_reader(ImportFormat(kind), words or TableWords())(source)


def labels(listed: Listed) -> list[tuple[str, str, tuple[int, int] | None]]:
    return [(face.where, face.gender, face.age_years) for face in listed.faces]


def reasons(listed: Listed) -> dict[str, str]:
    return {rejected.where: rejected.reason for rejected in listed.rejected}


def test_utkface_names_are_read_and_the_malformed_rejected(tmp_path: Path) -> None:
    listed = read("utkface", write_utkface(tmp_path / "utk"))
    found = Counter((face.age_years, face.gender) for face in listed.faces)
    expected = Counter(((age, age), ("male", "female")[gender]) for age, gender in (*UTK_PEOPLE, (30, 0), (52, 0)))
    assert found == expected
    assert set(reasons(listed)) == {*UTK_MALFORMED, "31_0_2_20170116000000099.gif"}
    assert all(face.photos["normal"].is_file() and not face.identity for face in listed.faces)


def test_fairface_bins_and_bad_rows(tmp_path: Path) -> None:
    listed = read("fairface", write_fairface(tmp_path))
    assert labels(listed)[2:] == [
        ("train/2.jpg", "male", (10, 19)),
        ("train/3.jpg", "female", (20, 29)),
        ("train/4.jpg", "male", (30, 39)),
        ("train/5.jpg", "female", (50, 59)),
        ("train/6.jpg", "male", (60, 69)),
        ("train/7.jpg", "female", (70, 120)),
        ("val/1.jpg", "male", (40, 49)),
    ]
    places = [(rejected.where, rejected.line) for rejected in listed.rejected]
    table = "fairface_label_train.csv"
    assert places == [(table, 12), (f"{table}: train/90.jpg", 10), (f"{table}: train/91.jpg", 11)]
    with pytest.raises(DataError, match="fairface_label_train"):
        read("fairface", write_afad(tmp_path / "afad"))


def test_tables_of_spreadsheets_on_windows_and_what_systems_leave(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg", "3.jpg", "._1.jpg", "__MACOSX/1.jpg"):
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / name).write_bytes(encode(noise(np.random.default_rng(len(name)))))
    rows = ["file,age,gender", "train\\1.jpg,more than 70,Male", "train/2.jpg,0-2,Female", ",,"]
    (tmp_path / "fairface_label_train.csv").write_bytes("\r\n".join(rows).encode("utf-8-sig"))
    listed = read("fairface", tmp_path)
    assert [(face.age_years, face.photos["normal"].is_file()) for face in listed.faces] == [
        ((70, 120), True),
        ((0, 2), True),
    ]
    rows = ["file,gender,age,person", "1.jpg,m,53.0,007", "2.jpg,f,116,7", "3.jpg,f,0,x"]
    (tmp_path / "train/own.csv").write_bytes("\r\n".join(rows).encode())
    own = read("csv", tmp_path / "train/own.csv")
    assert [(face.age_years[0], face.identity) for face in own.faces if face.age_years] == [
        (53, "7"),
        (116, "7"),
        (0, "x"),
    ]
    assert [face.where for face in choose_faces(own, 18, (30, 60)).faces] == ["1.jpg", "2.jpg"]


def test_afad_folders_are_ages_and_genders(tmp_path: Path) -> None:
    listed = read("afad", write_afad(tmp_path))
    assert labels(listed) == [
        ("AFAD-Full/15/112/3-0.jpg", "female", (15, 15)),
        ("AFAD-Full/18/111/1-0.jpg", "male", (18, 18)),
        ("AFAD-Full/40/112/2-0.jpg", "female", (40, 40)),
    ]
    assert set(reasons(listed)) == {"AFAD-Full/40/113/4-0.jpg"}


def test_all_age_faces_serials_tell_the_gender_and_count_once(tmp_path: Path) -> None:
    listed = read("all-age-faces", write_all_age_faces(tmp_path))
    assert labels(listed) == [
        ("aglined faces/07380A45.jpg", "female", (45, 45)),
        ("aglined faces/07381A30.jpg", "male", (30, 30)),
        ("original images/00001A02.jpg", "female", (2, 2)),
        ("original images/13321A75.jpg", "male", (75, 75)),
    ]
    rejected = reasons(listed)
    assert "the same name as aglined faces/07380A45.jpg" in rejected["original images/07380A45.jpg"]
    assert "like 00000A02.jpg" in rejected["original images/7381A30.jpg"]
    assert len(rejected) == 3


def test_agedb_keeps_the_photos_of_a_name_together(tmp_path: Path) -> None:
    listed = read("agedb", write_agedb(tmp_path))
    assert [face.identity for face in listed.faces] == ["AnnaLee"] * 3 + ["Bo_Oh"] * 2
    assert [face.age_years and face.age_years[0] for face in listed.faces] == [25, 41, 63, 30, 9]
    assert [face.gender for face in listed.faces] == ["female"] * 3 + ["male"] * 2
    assert set(reasons(listed)) == {"5_Carl_x_m.jpg"}


def test_appa_real_takes_real_ages_and_cut_faces(tmp_path: Path) -> None:
    listed = read("appa-real", write_appa_real(tmp_path))
    assert labels(listed) == [
        ("train/000000.jpg_face.jpg", "female", (21, 21)),
        ("train/000001.jpg", "male", (59, 59)),
        ("train/000003.jpg", "male", (40, 40)),
    ]
    assert [rejected.where for rejected in listed.rejected] == [
        "gt_avg_train.csv: train/000002.jpg",
        "allcategories_test.csv",
        "gt_avg_test.csv: test/000009.jpg",
    ]
    with pytest.raises(DataError, match="gt_avg_train"):
        read("appa-real", tmp_path / "train")


def test_the_competition_layout_keeps_photos_ids_and_people_together(tmp_path: Path) -> None:
    root = write_quirky(tmp_path / "own")
    folder = root / "train/images" / PEOPLE[0].folder
    (folder / "selfie.jpg").write_bytes(b"x")
    table = root / "train/train.csv"
    table.write_bytes(table.read_bytes().replace(b"000020,male", b"000020,man"))
    listed = read("competition", root)
    assert len(listed.faces) == len(PEOPLE) - 1
    assert all(len(face.photos) == 7 for face in listed.faces)
    assert [face.id_hint for face in listed.faces][:3] == ["000001", "000748", "000748-1"]
    assert listed.faces[1].identity == listed.faces[2].identity == "000748"
    assert [rejected.where for rejected in listed.rejected] == [
        "train/train.csv",
        f"train/images/{PEOPLE[0].folder}/selfie.jpg",
    ]
    with pytest.raises(DataError, match=r"train/train\.csv"):
        read("competition", tmp_path)


def test_a_table_of_ones_own_is_read_by_its_words(tmp_path: Path) -> None:
    path = write_own_table(tmp_path)
    listed = read("csv", path, OWN)
    assert [(face.where, face.line, face.identity) for face in listed.faces] == [
        ("a/é1.jpg", 2, "p1"),
        ("a/2.jpg", 3, "p1"),
        ("b.jpg", 4, "p2"),
        ("b.jpg", 5, "p2"),
        ("gone.jpg", 8, "p4"),
    ]
    assert [(each.where, each.line) for each in listed.rejected] == [("faces.csv", 6), ("faces.csv: c.jpg", 7)]
    with pytest.raises(DataError, match="Missing: file, gender, age"):
        read("csv", path)
    with pytest.raises(DataError, match="got 'a folder'"):
        read("csv", tmp_path, OWN)
    nobody = TableWords(columns={"picture": "file", "sex": "gender", "years": "age", "who": "person"})
    with pytest.raises(DataError, match="must be with who, got"):
        read("csv", path, nobody)


def test_a_table_of_masks_may_do_without_gender_and_age(tmp_path: Path) -> None:
    path = tmp_path / "masks.csv"
    path.write_text("file,mask\na.jpg,with_mask\nb.jpg,no\n")
    listed = read("csv", path)
    assert [(dict(face.photos), face.gender, face.age_years) for face in listed.faces] == [
        ({"mask1": tmp_path / "a.jpg"}, "Unknown", None),
        ({"normal": tmp_path / "b.jpg"}, "Unknown", None),
    ]
    path.write_text("file,mask,sex\na.jpg,with_mask,male\n")
    with pytest.raises(DataError, match="--map sex=gender"):
        read("csv", path)


def test_words_of_a_table_are_checked() -> None:
    assert get_args(TableField) == TABLE_FIELDS
    assert TableWords(columns={"sex": "gender"}).column_of == {
        "file": "file",
        "gender": "sex",
        "age": "age",
        "person": "person",
        "mask": "mask",
    }
    with pytest.raises(ValidationError, match="one column for gender"):
        TableWords(columns={"sex": "gender", "m_f": "gender"})


@pytest.mark.parametrize(
    "content, message",
    [
        (b"file;gender;age\na.jpg;m;3\n", "separated by commas, got 'semicolons'"),
        (b"file,file,gender,age\n", "all different, got 'file' twice"),
        (b'file,gender,age\na.jpg,m,20\nb.jpg,"m,20\n', "line 3: the row must be proper CSV"),
        (b"file,gender,age\n\xb1,m,20\n", "line 2: the text must be UTF-8"),
        (b"\xff\xfef\x00", "UTF-8"),
        (b"", "an empty file"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read("csv", tmp_path / "t.csv")
    assert len(caught.value.problems) == 1
    assert message in caught.value.problems[0]
    assert str(tmp_path / "t.csv") in caught.value.problems[0]


def test_children_straddling_bins_and_doubled_rows_are_left_out(tmp_path: Path) -> None:
    listed = read("csv", write_own_table(tmp_path), OWN)
    chosen = choose_faces(listed, 26, (30, 60))
    assert [face.where for face in chosen.faces] == ["a/2.jpg", "b.jpg", "gone.jpg"]
    assert [(each.line, each.reason) for each in chosen.rejected[2:]] == [
        (2, "age must be 26 or more, got '25'."),
        (5, "the photo must be labeled once, got 'in line 4, too'."),
    ]
    nobody = choose_faces(listed, 120, (30, 60))
    with pytest.raises(DataError, match="a source of usable faces, got"):
        refuse_empty(nobody, tmp_path)


def test_a_limit_draws_by_chance_and_keeps_the_order(tmp_path: Path) -> None:
    faces = read("utkface", write_utkface(tmp_path / "utk")).faces
    some = draw_some(faces, 4, np.random.default_rng(0))
    assert len(some) == 4
    assert [faces.index(face) for face in some] == sorted(faces.index(face) for face in some)
    assert draw_some(faces, 4, np.random.default_rng(0)) == some
    assert draw_some(faces, None, np.random.default_rng(0)) == faces
    firsts = {draw_some(faces, 1, np.random.default_rng(seed))[0].where for seed in range(20)}
    assert len(firsts) > 3


def test_a_message_is_taken_apart_into_reason_and_remedy() -> None:
    rejected = Rejected.because("a.jpg", 3, "age must be 18 or more, got '3'. Leave it out, or lower --min-age.")
    assert (rejected.reason, rejected.remedy) == (
        "age must be 18 or more, got '3'.",
        "Leave it out, or lower --min-age.",
    )


def test_links_to_folders_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    root = write_afad(tmp_path / "afad")
    (root / "loop").symlink_to(root)
    far = tmp_path / "far"
    far.mkdir()
    (far / "9-0.jpg").write_bytes(b"x")
    (root / "AFAD-Full/41").mkdir()
    (root / "AFAD-Full/41/111").symlink_to(far)
    (root / "AFAD-Full/40/112/self.jpg").symlink_to("self.jpg")
    listed = read("afad", root)
    assert [face.where for face in listed.faces][-2:] == ["AFAD-Full/40/112/self.jpg", "AFAD-Full/41/111/9-0.jpg"]
    assert len(listed.faces) == 5
    assert [(rejected.where, "circle" in rejected.reason) for rejected in listed.rejected if "loop" in rejected.where]
