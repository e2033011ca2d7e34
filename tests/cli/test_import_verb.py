"""``maskwise data import`` on the command line: what is printed, refused and left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from maskwise.cli.main import app, main
from support.face_sets import portrait, utk_name, write_own_table, write_utkface
from support.quirks import encode, noise


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs a verb that is refused; gives the lines on stderr."""

    def run(*words: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["maskwise", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 2
        return capsys.readouterr().err.splitlines()

    return run


def test_an_import_reports_its_source_and_counts(tmp_path: Path, cli: Callable[..., str]) -> None:
    source, out = write_utkface(tmp_path / "utk"), tmp_path / "out"
    printed = cli("data", "import", "utkface", str(source), str(out), "--no-masks", "--quiet", "--license", "for tests")
    assert printed.splitlines() == [
        "utkface (utkface, for tests): 5 people, masks none",
        f"{out}: 5 people, 5 photos, 10 rejected ({out}/import-report.csv)",
    ]
    checked = CliRunner().invoke(app, ["data", "check", str(out)])
    assert checked.exit_code == 0
    assert checked.stdout.splitlines()[0] == f"source {printed.splitlines()[0]}"
    (out / "train/images").joinpath(next(out.glob("train/images/*")).name, "normal.jpg").write_bytes(b"")
    assert CliRunner().invoke(app, ["data", "check", str(out)]).exit_code == 1
    assert CliRunner().invoke(app, ["data", "check", str(out), "--names-only"]).exit_code == 0


def test_columns_are_named_by_flags_and_by_a_file(tmp_path: Path, cli: Callable[..., str]) -> None:
    table = str(write_own_table(tmp_path / "own"))
    flags = [word for pair in ("picture=file", "sex=gender", "years=age") for word in ("--map", pair)]
    (tmp_path / "words.yaml").write_text('columns: {subject: person}\ngenders: {"1": male, "2": female}\n')
    words = ["--map-file", str(tmp_path / "words.yaml"), "--no-masks", "--quiet"]
    assert "3 people" in cli("data", "import", "csv", table, str(tmp_path / "out"), *flags, *words)


@pytest.mark.parametrize(
    "more, message",
    [
        (["--map", "sex"], "--map must be COL=FIELD, FIELD one of file, gender, age, person, mask, got 'sex'"),
        (["--map", "sex=sex"], "--map must be COL=FIELD"),
        (["--map-file", "words.yaml"], "genders.1 must be 'male' or 'female', got 'man'"),
        (["--map-file", "list.yaml"], "must be a list of columns and genders"),
        (["--map-file", "nowhere.yaml"], "No such file"),
        (["--map-file", "broken.yaml"], "must be YAML"),
    ],
)
def test_columns_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., list[str]], more: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.yaml").write_text('genders: {"1": man}\n')
    (tmp_path / "list.yaml").write_text("[1, 2]\n")
    (tmp_path / "broken.yaml").write_text("{a: b\n")
    lines = refused("data", "import", "csv", str(write_own_table(tmp_path / "own")), "out", "--quiet", *more)
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "out").exists()


def test_usual_names_of_columns_are_offered_as_map(tmp_path: Path, refused: Callable[..., list[str]]) -> None:
    (tmp_path / "own.csv").write_text("Image,sex,years\na.jpg,male,30\n")
    missing, way_out = refused("data", "import", "csv", str(tmp_path / "own.csv"), str(tmp_path / "out"))
    assert "Missing: file, gender, age" in missing
    assert "--map Image=file --map sex=gender --map years=age" in way_out


def test_a_wrong_source_is_one_line(tmp_path: Path, refused: Callable[..., list[str]]) -> None:
    (line,) = refused("data", "import", "afad", str(tmp_path / "nowhere"), str(tmp_path / "out"))
    assert line.startswith(f"SRC {tmp_path / 'nowhere'} must be a folder or a file, got ")
    assert "got 'utkfaces'" in "".join(refused("data", "import", "utkfaces", ".", "out"))


def test_drawn_people_named_as_in_utkface_are_imported_checked_and_trained_on(
    tmp_path: Path, cli: Callable[..., str]
) -> None:
    source, out = tmp_path / "utk", tmp_path / "faces"
    source.mkdir()
    people = [(age + k, gender) for gender in (0, 1) for age in (22, 40, 65) for k in range(2)]
    for number, (age, gender) in enumerate(people):
        drawn = portrait(age, "female" if gender else "male", number)
        (source / utk_name(age, gender, number)).write_bytes(drawn)
    assert "12 people, 84 photos, 0 rejected" in cli("data", "import", "utkface", str(source), str(out), "--quiet")
    assert "0 errors" in cli("data", "check", str(out))
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(
        "name: tiny\nsplit: {kind: hold_out, share: 0.5}\ninput: {height_px: 16, width_px: 12}\n"
        "model: {backbone: {kind: baseline_cnn}, weights: {kind: none}}\n"
        "train: {epochs: 1, checkpoint: {kind: last}}\nruntime: {device: cpu}\n"
    )
    next(out.glob("train/images/*_22/mask3.jpg")).write_bytes(b"spoiled")
    places = ["--store", str(tmp_path / "runs"), "--cache", str(tmp_path / "cache"), "--quiet", "--skip-unreadable"]
    assert "macro F1" in cli("train", str(recipe), "--data", str(out), *places)
    (record,) = (tmp_path / "runs").glob("*/run.json")
    data = json.loads(record.read_text())["data"]
    assert data["n_photos"] == 83
    assert data["sources"][0].startswith("source utkface (utkface, non-commercial ")


def test_an_import_needs_no_torch(tmp_path: Path) -> None:
    source = tmp_path / "utk"
    source.mkdir()
    (source / utk_name(30, 0)).write_bytes(encode(noise(np.random.default_rng(0))))
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom maskwise.cli.main import app\n"
        f"words = ['data', 'import', 'utkface', {str(source)!r}, {str(tmp_path / 'out')!r}, '--no-masks']\n"
        "ended = CliRunner().invoke(app, words)\nprint(ended.exit_code, 'torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == "0 False\n", ended.stderr


def test_photos_whose_masks_are_known_are_taken_as_they_are(tmp_path: Path, cli: Callable[..., str]) -> None:
    for number, folder in enumerate(("with_mask", "without_mask")):
        (tmp_path / "faces" / folder).mkdir(parents=True)
        (tmp_path / "faces" / folder / "a.jpg").write_bytes(encode(noise(np.random.default_rng(number))))
    printed = cli("data", "import", "folders", str(tmp_path / "faces"), str(tmp_path / "out"), "--quiet")
    first = printed.splitlines()[0]
    assert first.startswith("folders (folders, license not stated): ")
    assert first.endswith(": 2 people, masks as they are")
    # The same import again is not another one.
    assert cli("data", "import", "folders", str(tmp_path / "faces"), str(tmp_path / "out"), "--quiet") == printed


def test_the_next_line_names_what_the_set_is_labeled_with_as_every_shell_reads_it(tmp_path: Path) -> None:
    for number, name in enumerate(("with_mask", "without_mask")):
        (tmp_path / "faces" / name).mkdir(parents=True)
        Image.fromarray(noise(np.random.default_rng(number), 64, 48)).save(tmp_path / "faces" / name / "a.png")
    result = CliRunner().invoke(app, ["data", "import", "folders", str(tmp_path / "faces"), str(tmp_path / "out")])
    assert result.stderr.endswith(f"train quick --data {tmp_path}/out --set 'task.attributes=[mask]'\n")
