"""Imports from the first photo to a data set that can be trained on; kills, joins, copies and damaged files."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskwise.data.checks import check_data
from maskwise.data.importing.config import TableWords
from maskwise.data.importing.formats import ImportFormat
from maskwise.data.importing.target import REPORT, ImportTarget
from maskwise.data.manifest import read_train
from maskwise.data.pixels import decode_photo
from maskwise.data.sources import SOURCES, Source, describe_sources, read_sources
from maskwise.data.splits import k_fold
from maskwise.errors import DataError, StoreError, UserError
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.tables import read_csv
from maskwise.workflows.draw_import import DRAWN_LOG
from maskwise.workflows.import_faces import ImportRequest, import_faces
from support.face_sets import (
    portrait,
    utk_name,
    write_agedb,
    write_fairface,
    write_own_table,
    write_utkface,
)
from support.fits import Killed, Remember
from support.quirks import PEOPLE, Person, encode, huge_png, noise, write_quirky


def bare(kind: str, source: Path, out: Path, **more: Any) -> ImportRequest:
    """An import of faces as they are, without masks."""
    request = ImportRequest(ImportFormat(kind), source, out, draw_masks=False)
    return dataclasses.replace(request, **more)


def files_of(out: Path) -> dict[str, bytes]:
    """Everything below ``out`` but the lock."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def report(out: Path) -> dict[str, str]:
    """Reason by file."""
    columns = read_csv(out / REPORT).columns
    return dict(zip(columns["file"], columns["reason"], strict=True))


@pytest.fixture
def utk(tmp_path: Path) -> Path:
    return write_utkface(tmp_path / "utk")


def test_bare_faces_become_a_data_set(utk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = import_faces(bare("utkface", utk, out), Silent())
    assert (made.people, made.photos, made.rejected, made.finished) == (5, 5, 10, True)
    manifest = read_train(out, Task())
    assert sorted(manifest.table.age_years_N.tolist()) == [25, 35, 44, 61, 110]
    assert set(manifest.table.mask_N) == {2}
    assert set(manifest.table.origin_N) == {"Unknown"}
    assert manifest.notes[0].startswith("source utkface (utkface, non-commercial ")
    reasons = report(out)
    assert "an empty file" in reasons[utk_name(30, 0, 90)]
    assert reasons[utk_name(52, 0, 91)].endswith(f"got 'a copy of {utk_name(25, 0, 0)}'.")
    assert "18 or more" in reasons[utk_name(16, 1, 4)]
    assert len(reasons) == 10
    # The photo itself, byte for byte; only a missing eval part is worth a word.
    contents = {path.read_bytes() for path in out.rglob("normal.jpg")}
    assert contents < {path.read_bytes() for path in utk.glob("*.jpg")}
    assert [problem.where for problem in check_data(out, Task())] == ["eval"]


def test_what_is_there_is_the_same_after_any_kill(utk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    import_faces(bare("utkface", utk, whole), Silent())
    write, left = ImportTarget.write_person, [2]

    def write_or_die(target: ImportTarget, *what: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            (target.root / "train/images/.writing-half").mkdir(exist_ok=True)
            raise Killed
        write(target, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(ImportTarget, "write_person", write_or_die)
    with pytest.raises(Killed):
        import_faces(bare("utkface", utk, stopped), Silent())
    assert not (stopped / "train/train.csv").exists()
    assert not read_sources(stopped)[0].finished
    assert 0 < len(list((stopped / "train/images").glob("utkface*"))) < 5
    monkeypatch.undo()
    listener = Remember()
    import_faces(bare("utkface", utk, stopped), listener)
    assert listener.notes == ["2 of 6 people are there already"]
    assert files_of(stopped) == files_of(whole)
    # And once more when all is done: nothing changes, photos that came since are added.
    import_faces(bare("utkface", utk, stopped), Silent())
    assert files_of(stopped) == files_of(whole)
    (utk / utk_name(33, 0, 77)).write_bytes(encode(noise(np.random.default_rng(77))))
    assert import_faces(bare("utkface", utk, stopped), Silent()).people == 6


def test_a_kill_before_the_source_is_noted_leaves_no_folder_that_is_refused(
    utk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(target: ImportTarget, source: object) -> None:
        raise Killed

    monkeypatch.setattr(ImportTarget, "_note_source", die)
    with pytest.raises(Killed):
        import_faces(bare("utkface", utk, tmp_path / "out"), Silent())
    monkeypatch.undo()
    assert import_faces(bare("utkface", utk, tmp_path / "out"), Silent()).people > 0


def test_another_request_needs_force_and_then_leaves_no_trace(utk: Path, tmp_path: Path) -> None:
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    import_faces(bare("utkface", utk, out), Silent())
    before = files_of(out)
    with pytest.raises(StoreError, match="min_age_years was 18, is 40"):
        import_faces(bare("utkface", utk, out, min_age_years=40), Silent())
    assert files_of(out) == before
    import_faces(bare("utkface", utk, out, min_age_years=40, force=True), Silent())
    import_faces(bare("utkface", utk, fresh, min_age_years=40), Silent())
    assert files_of(out) == files_of(fresh)


def test_sources_are_joined_and_a_person_is_never_parted(utk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_faces(bare("utkface", utk, out), Silent())
    import_faces(bare("fairface", write_fairface(tmp_path / "ff"), out, license="mine"), Silent())
    made = import_faces(bare("agedb", write_agedb(tmp_path / "db"), out), Silent())
    assert [source.name for source in read_sources(out)] == ["utkface", "fairface", "agedb"]
    assert (made.people, made.age_is_bin) == (4, False)
    second = describe_sources(out)[1]
    assert second.startswith("source fairface (fairface, mine): 6 people, ")
    assert second.endswith(", masks none, ages from bins")
    table = read_train(out, Task()).table
    assert len(table) == 15
    assert sorted(Counter(table.person_N).values())[-2:] == [1, 3]
    assert not any("Anna" in text for text in (*table.person_N, *table.photo_N))
    columns = read_csv(out / "train/train.csv").columns
    bins = [
        (low, age, high)
        for low, age, high in zip(columns["age_low"], columns["age"], columns["age_high"], strict=True)
        if low != high
    ]
    assert bins[0] == ("20", "24", "29")
    # Importing the first once more changes nothing, not even an order: splits depend on it.
    before = files_of(out)
    import_faces(bare("utkface", utk, out), Silent())
    import_faces(bare("utkface", utk, out, force=True), Silent())
    assert files_of(out) == before
    assert Counter(read_csv(out / REPORT).columns["source"]) == {"utkface": 10, "fairface": 6, "agedb": 2}


def test_a_table_of_ones_own_links_and_limits(tmp_path: Path) -> None:
    words = TableWords(
        columns={"picture": "file", "sex": "gender", "years": "age", "subject": "person"},
        genders={"1": "male", "2": "female"},
    )
    path, out = write_own_table(tmp_path / "own"), tmp_path / "out"
    made = import_faces(bare("csv", path, out, words=words, link=True, source_name="mine"), Silent())
    assert (made.people, made.age_is_bin) == (3, True)
    (photo,) = (out / "train/images").glob("*_male_Unknown_25/normal.jpg")
    assert photo.is_symlink()
    assert photo.resolve() == (tmp_path / "own/a/é1.jpg").resolve()
    assert "No such file or directory" in report(out)["faces.csv: gone.jpg"]
    limited = import_faces(bare("csv", path, tmp_path / "two", words=words, limit=2), Silent())
    assert limited.people <= 2


def test_the_competitions_people_are_taken_as_they_are(tmp_path: Path) -> None:
    source, out = write_quirky(tmp_path / "own"), tmp_path / "out"
    broken = next((source / "train/images" / PEOPLE[1].folder).glob("mask2.*"))
    broken.write_bytes(b"")
    request = ImportRequest(ImportFormat.COMPETITION, source, out)
    made = import_faces(request, Silent())
    assert (made.people, made.photos, made.rejected) == (len(PEOPLE), 7 * len(PEOPLE) - 1, 1)
    ours, theirs = read_train(out, Task(), ("consensus",)).table, read_train(source, Task(), ("consensus",)).table
    theirs = theirs.take(
        np.array([not photo.endswith(broken.name) or PEOPLE[1].folder not in photo for photo in theirs.photo_N])
    )
    for column in ("class_N", "age_years_N", "person_N"):
        assert getattr(ours, column).tolist() == getattr(theirs, column).tolist()
    assert import_faces(request, Silent()).rejected == 1
    # Another set of the same layout gets ids of its own by its name.
    with pytest.raises(StoreError, match="Give it another --source-name"):
        import_faces(dataclasses.replace(request, source=write_quirky(tmp_path / "second")), Silent())
    import_faces(dataclasses.replace(request, source=tmp_path / "second", source_name="second"), Silent())
    ids = read_csv(out / "train/train.csv").columns["id"]
    assert ids[:2] == ["000001", "000020"]
    assert ids[len(PEOPLE) : len(PEOPLE) + 2] == ["second-000001", "second-000020"]


def test_rows_that_would_share_a_folder_are_refused(tmp_path: Path) -> None:
    twice = (Person("7", "male", 30, "A"), Person("7", "male", 30, "B"))
    source = write_quirky(tmp_path / "own", twice)
    with pytest.raises(DataError, match="one row for each gender and age, got '7_male_Unknown_30'"):
        import_faces(ImportRequest(ImportFormat.COMPETITION, source, tmp_path / "out"), Silent())
    assert not (tmp_path / "out").exists()


def test_faces_with_masks_drawn_on_have_seven_photos(tmp_path: Path) -> None:
    source, out = tmp_path / "utk", tmp_path / "out"
    source.mkdir()
    (source / utk_name(25, 1, 1)).write_bytes(portrait(25, "female", 1))
    (source / utk_name(65, 0, 2)).write_bytes(portrait(65, "male", 2))
    (source / utk_name(40, 0, 8)).write_bytes(encode(noise(np.random.default_rng(0), 200, 150)))
    made = import_faces(ImportRequest(ImportFormat.UTKFACE, source, out), Silent())
    assert (made.people, made.photos, made.masks) == (2, 14, "drawn")
    assert "no face found" in report(out)[utk_name(40, 0, 8)]
    assert Counter(read_train(out, Task()).table.mask_N) == {0: 10, 1: 2, 2: 2}
    assert [problem.where for problem in check_data(out, Task())] == ["eval"]
    (log,) = (out / "train/images").glob(f"*_25/{DRAWN_LOG}")
    drawn = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["photo"] for entry in drawn][-2:] == ["incorrect_mask", "normal"]
    assert drawn[-1]["mask"] is None
    again = tmp_path / "again"
    import_faces(ImportRequest(ImportFormat.UTKFACE, source, again), Silent())
    assert files_of(again) == files_of(out)
    other = tmp_path / "other"
    import_faces(ImportRequest(ImportFormat.UTKFACE, source, other, seed=1), Silent())
    assert files_of(other) != files_of(out)


def test_every_kind_of_odd_file_is_taken_or_reported(tmp_path: Path) -> None:
    """The catalog: damaged, disguised, oversized, unreachable; what is only unusual is read."""
    source, out = tmp_path / "utk", tmp_path / "out"
    source.mkdir()
    photo = noise(np.random.default_rng(3), 60, 44)
    whole, picture = encode(photo), PillowImage.fromarray(photo)
    odd = {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"hello",
        "animated gif": b"GIF89a" + bytes(40),
        "bomb": huge_png(10_000, 10_000),
    }
    fine = {"png named jpg": encode(photo, "PNG"), "long": encode(photo[:50])}
    names = {}
    for number, (what, data) in enumerate({**odd, **fine}.items()):
        names[what] = utk_name(30 + number, 0, number)
        (source / names[what]).write_bytes(data)
    for number, mode in enumerate(("CMYK", "L")):
        picture.convert(mode).save(source / utk_name(50 + number, 1, 50 + number), "JPEG")
    (source / (loop := utk_name(70, 0, 70))).symlink_to(loop)
    (source / (gone := utk_name(71, 0, 71))).symlink_to("nowhere.jpg")
    made = import_faces(bare("utkface", source, out), Silent())
    reasons = report(out)
    assert set(reasons) == {*(names[what] for what in odd), loop, gone}
    for what, reason in {
        "truncated": "a whole JPEG file",
        "empty": "an empty file",
        "text": "something else",
        "animated gif": "a sound GIF file",
        "bomb": "at most 50 million pixels",
    }.items():
        assert reason in reasons[names[what]]
    assert "symbolic links" in reasons[loop]
    assert made.people == 4
    assert len(read_train(out, Task()).table) == 4


def test_photos_turned_by_exif_give_the_same_pixels_as_upright_ones(tmp_path: Path) -> None:
    source, out = tmp_path / "utk", tmp_path / "out"
    source.mkdir()
    upright = noise(np.random.default_rng(3), 60, 44)
    turn = {6: np.rot90(upright), 3: np.rot90(upright, 2), 8: np.rot90(upright, 3)}
    exif = PillowImage.Exif()
    for number, (orientation, stored) in enumerate(turn.items()):
        exif[0x0112] = orientation
        data = encode(np.ascontiguousarray(stored), "PNG", exif=exif.tobytes())
        (source / utk_name(30 + number, 0, number)).write_bytes(data)
    import_faces(bare("utkface", source, out), Silent())
    read = [decode_photo(path.read_bytes(), "x") for path in out.rglob("normal.jpg")]
    assert len(read) == 3
    assert all(np.array_equal(photo, upright) for photo in read)


def test_strange_folders_and_pointless_options_are_refused(utk: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match="by an import, got 'a folder with other files"):
        import_faces(bare("utkface", utk, mine, force=True), Silent())
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    with pytest.raises(StoreError, match="got 'a file'"):
        import_faces(bare("utkface", utk, mine / "thesis.txt"), Silent())
    out = tmp_path / "out"
    nonsense = bare(
        "competition", tmp_path / "nowhere", out, words=TableWords(columns={"a": "file"}), source_name="a/b"
    )
    with pytest.raises(UserError) as caught:
        import_faces(nonsense, Silent())
    assert [line.partition(" must")[0] for line in caught.value.problems] == [
        "--no-masks",
        "--map",
        "--source-name",
        f"SRC {tmp_path / 'nowhere'}",
    ]
    with pytest.raises(UserError, match="--link must be used with --no-masks"):
        import_faces(ImportRequest(ImportFormat.UTKFACE, utk, out, link=True), Silent())
    assert not out.exists()


def test_a_folder_without_usable_photos_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "utk"
    source.mkdir()
    with pytest.raises(DataError, match="got 'no photo'"):
        import_faces(bare("utkface", source, tmp_path / "out"), Silent())
    (source / utk_name(30, 0)).write_bytes(b"")
    with pytest.raises(DataError, match="an empty file"):
        import_faces(bare("utkface", source, tmp_path / "out"), Silent())
    assert len(report(tmp_path / "out")) == 1


def test_a_joined_set_splits_by_the_named_people(tmp_path: Path) -> None:
    out, rng = tmp_path / "out", np.random.default_rng(0)
    source = tmp_path / "db"
    source.mkdir()
    for number in range(24):
        name = f"{number}_P{number // 3}_{40 + number}_f.jpg"
        (source / name).write_bytes(encode(noise(rng)))
    import_faces(bare("agedb", source, out), Silent())
    table = read_train(out, Task(age_borders_years=(100,))).table
    fold_N = k_fold(table, np.random.default_rng(0), folds=2)
    assert len(table) == 24
    assert all(len(set(fold_N[table.person_N == person])) == 1 for person in set(table.person_N))


def test_a_broken_list_of_sources_is_reported(tmp_path: Path) -> None:
    (tmp_path / SOURCES).write_text('{"format": 1, "sources": [{"name": 3}]}')
    with pytest.raises(DataError, match="must list the data set's sources"):
        read_sources(tmp_path)
    assert any(problem.where == SOURCES for problem in check_data(write_quirky(tmp_path), Task()))
    (tmp_path / SOURCES).write_text('{"format": 9}')
    with pytest.raises(DataError, match="of format 1, got 9"):
        read_sources(tmp_path)
    assert describe_sources(tmp_path) == []
    assert str(Source("a", "csv", "", "x", "none", 0, 18, None, False)).endswith("masks none, not finished")


def test_a_mask_column_is_read_and_other_systems_names_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    source, apart = tmp_path / "own", "철수"  # NFC here, NFD on the disk
    (source / "sub").mkdir(parents=True)
    names = ("a.jpg", "b.jpg", "sub/c.jpg", f"{unicodedata.normalize('NFD', apart)}.jpg", "e.jpg")
    for name in names:
        (source / name).write_bytes(encode(noise(rng)))
    person = unicodedata.normalize("NFC", "김가영")
    rows = [
        "file,mask,gender,age,person",
        f"a.jpg,worn,male,33,{person}",
        f"b.jpg,Incorrect,male,33,{unicodedata.normalize('NFD', person)}",
        "sub\\c.jpg,no_mask,male,53.0,y",
        f"{unicodedata.normalize('NFC', apart)}.jpg,not_worn,female,44,z",
        "e.jpg,perhaps,female,44,z",
        ",,,,",
    ]
    (source / "faces.csv").write_text("\r\n".join(rows), encoding="utf-8-sig")
    out = tmp_path / "out"
    made = import_faces(bare("csv", source / "faces.csv", out), Silent())
    assert (made.people, made.rejected) == (4, 1)
    assert any("mask must be worn, incorrect or not_worn" in reason for reason in report(out).values())
    table = read_train(out, Task()).table
    assert sorted(table.mask_N.tolist()) == [0, 1, 2, 2]
    assert len(set(table.person_N.tolist())) == 3
    assert not [problem for problem in check_data(out, Task()) if problem.severity == "error"]


def test_bare_faces_get_masks_that_alone_can_be_learned(tmp_path: Path) -> None:
    source, out = tmp_path / "faces", tmp_path / "out"
    source.mkdir()
    for number in range(4):
        (source / f"{number}.jpg").write_bytes(portrait(40 + number, "male", number))
    made = import_faces(ImportRequest(ImportFormat.BARE, source, out), Silent())
    assert (made.people, made.photos) == (4, 28)
    assert [problem for problem in check_data(out, Task()) if problem.severity == "error"] == []
    manifest = read_train(out, Task())
    with pytest.raises(DataError, match=r"Learn what is known: --set 'task\.attributes=\[mask\]'"):
        k_fold(manifest.table, np.random.default_rng(0), 2)
    table = Task(attributes=("mask",)).label(manifest.table)
    assert np.bincount(table.class_N).tolist() == [20, 4, 4]
    again = import_faces(ImportRequest(ImportFormat.COMPETITION, out, tmp_path / "again"), Silent())
    assert (again.people, again.photos) == (4, 28)


def test_bare_faces_without_masks_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--no-masks must be for a format with labels"):
        import_faces(bare("bare", tmp_path, tmp_path / "out"), Silent())
