from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import maskwise
from maskwise.cli.main import app, main
from maskwise.cli.verb_table import VERBS as TABLE
from maskwise.cli.verb_table import load_verb
from maskwise.labels import Task
from maskwise.recipe.load import ladder_names, shipped_names, shipped_text
from maskwise.records import Predictions
from maskwise.store.predictions_file import write_predictions
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.write_runs import start_run
from support.quirks import write_quirky

VERBS = (
    (),
    ("demo",),
    ("data",),
    ("data", "demo"),
    ("data", "check"),
    ("data", "masks"),
    ("data", "audit"),
    ("eda",),
    ("data", "import"),
    ("recipes",),
    ("doctor",),
    ("distill",),
    ("ensemble",),
    ("distill",),
    ("compare",),
    ("ladder",),
    ("claims",),
    ("search",),
    ("sweep",),
    ("batch-size",),
    ("bench",),
    ("bench", "predict"),
    ("bench", "decode"),
    ("bench", "start"),
    ("bench", "train"),
    ("bench", "views"),
    ("train",),
    ("predict",),
    ("submit",),
    ("submissions",),
    ("submissions", "score"),
    ("export",),
    ("serve",),
    ("studio",),
    ("evaluate",),
    ("board",),
    ("tag",),
    ("report",),
    ("weights",),
    ("weights", "add"),
    ("store",),
    ("store", "delete"),
    ("store", "prune"),
    ("store", "pull"),
    ("store", "push"),
)


class Ended(NamedTuple):
    code: int
    out: str
    err: list[str]


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``maskwise WORDS`` in this process, in an empty folder, exit code and all."""
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["maskwise", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Ended(stop.value.code, out, err.splitlines())

    return invoke


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refused(ended: Ended) -> str:
    """The one line of a refusal."""
    assert ended.code == 2
    assert ended.out == ""
    assert len(ended.err) == 1, ended.err
    return ended.err[0]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_a_help_page(verb: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*verb, "--help"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: {' '.join(('maskwise', *verb))} ")
    assert "-h, --help" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert not re.search(r"<(str|int|path|Path|list|[A-Z])|\{[A-Z]", result.stdout)
    assert "..." not in "".join(line for line in result.stdout.splitlines() if not line.startswith(("Usage", "    ")))


def test_the_list_of_verbs_above_is_whole() -> None:
    assert set(TABLE) == {verb[0] for verb in VERBS if verb}
    for group in {verb[0] for verb in VERBS if len(verb) == 2}:
        below = getattr(load_verb(group), "commands", {})
        assert {(group, word) for word in below} == {verb for verb in VERBS if verb[:1] == (group,) and len(verb) == 2}


def test_help_and_cheap_verbs_load_no_torch(tmp_path: Path) -> None:
    """One process for all of them, since each start costs time."""
    verbs = [
        *([*verb, "--help"] for verb in VERBS),
        ["--version"],
        ["weights"],
        ["recipes"],
        ["recipes", "show", "quick"],
        ["board", "--store", str(tmp_path)],
        ["board", "--store", str(tmp_path), "--daily", "--over", "seed", "--html", str(tmp_path / "board.html")],
        ["tag", "unknown", "--add", "x", "--store", str(tmp_path)],
        ["store", "--store", str(tmp_path), "--cache", str(tmp_path)],
        ["compare", "unknown", "others", "--rank", "--store", str(tmp_path)],
        ["train", "quick-imagenet", "--data", str(tmp_path / "nowhere")],
        ["train", "quick-imagenet", "--data", str(tmp_path), "--set", "train.epochz=1"],
        ["batch-size", "quick", "--set", "train.epochz=1"],
        ["claims", "--data", str(tmp_path), "--set", "train.epochz=1"],
        ["sweep", "--list"],
        ["sweep", "loss-ratio", "--data", str(tmp_path / "nowhere")],
        ["sweep", "show", "unknown", "--store", str(tmp_path)],
        ["predict", "unknown", str(tmp_path), "--out", "x.csv", "--store", str(tmp_path)],
        ["submit", "unknown", "--data", str(tmp_path), "--store", str(tmp_path)],
        ["evaluate", "nowhere.csv", "--answers", "nowhere.csv"],
    ]
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom maskwise.cli.main import app\n"
        f"for words in {verbs!r}:\n    CliRunner().invoke(app, words)\n"
        "    assert 'torch' not in sys.modules, words\nprint('free')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == "free\n", ended.stderr


def test_the_module_runs_and_leaves_with_the_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "maskwise"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    assert (version.returncode, version.stdout, version.stderr) == (0, f"maskwise {maskwise.__version__}\n", "")
    bad = subprocess.run(
        [*command, "train", "quick-imagenet", "--data", ".", "--set", "train.epochz=1", "--set", "foo=2"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert [line.split(" must be ")[0] for line in bad.stderr.splitlines()] == [
        "recipe quick-imagenet: train.epochz",
        "recipe quick-imagenet: foo",
    ]
    assert files_below(tmp_path) == []


def test_a_value_that_an_option_does_not_take_is_one_line(run: Run) -> None:
    (line,) = run("train", "quick-imagenet", "--data", ".", "--folds", "1").err
    assert line == "--folds must be greater than or equal to 2, got '1'. See `maskwise train -h`."


@pytest.mark.parametrize("words", [("train",), ()])
def test_wrong_words_are_bad_usage(run: Run, words: tuple[str, ...]) -> None:
    ended = run(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err[0].startswith("Usage: ")


def test_an_unknown_verb_names_the_nearest(run: Run) -> None:
    assert "got 'trian'. Did you mean 'train'?" in refused(run("trian"))


def test_recipes_are_listed_with_their_purpose(run: Run) -> None:
    ended = run("recipes")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines() if line[0] != " "] == [
        *shipped_names(),
        *ladder_names(),
    ]
    assert max(map(len, ended.out.splitlines())) <= 100


@pytest.mark.parametrize("name", ["quick", "demo"])
def test_a_recipe_is_shown_as_it_stands(run: Run, name: str) -> None:
    ended = run("recipes", "show", name)
    assert ended == run("recipes", name)
    assert ended.code == 0
    assert ended.out == shipped_text(name)
    assert yaml.safe_load(ended.out)["name"] == name


def test_an_unknown_recipe_names_the_nearest(run: Run, tmp_path: Path) -> None:
    for words in (("recipes", "show", "quik"), ("train", "quik", "--data", ".")):
        assert "got 'quik'. Did you mean 'quick'?" in refused(run(*words))
    assert "got 'show'" in refused(run("recipes", "show"))
    assert "got 'list quick'" in refused(run("recipes", "list", "quick"))
    assert files_below(tmp_path) == []


def test_every_bad_change_is_a_line_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    ended = run("train", "quick-imagenet", "--data", ".", "--set", "train.epochs=x", "--set", "loss.kind=focul")
    assert ended.code == 2
    kind, epochs = ended.err
    assert kind.startswith("recipe quick-imagenet: loss.kind ")
    assert "got 'focul'. Did you mean 'focal'?" in kind
    assert epochs.startswith("recipe quick-imagenet: train.epochs ")
    assert "a whole number, got 'x'" in epochs
    assert run("train", "quick-imagenet", "--data", ".", "--set", "a", "--set", "b").err == [
        f"--set must be path=value, got '{word}'. For example --set train.epochs=8." for word in "ab"
    ]
    assert files_below(tmp_path) == []


def test_folds_on_the_command_line_and_settings_of_the_split_go_together(run: Run) -> None:
    seed = run("train", "quick-imagenet", "--data", "nowhere", "--set", "split.seed=9", "--folds", "3")
    assert "--data nowhere must be a folder" in refused(seed)
    other = run("train", "quick-imagenet", "--data", ".", "--set", "split.folds=4", "--folds", "3")
    assert refused(other).startswith("--set split.folds must be given once, got 4 and 3.")


def test_a_missing_folder_is_bad_input(run: Run, tmp_path: Path) -> None:
    printed = "nowhere must be a folder, got 'none of that name'. Check the path."
    assert refused(run("train", "quick-imagenet", "--data", "nowhere")) == f"--data {printed}"
    assert refused(run("submit", "a-run", "--data", "nowhere")) == f"--data {printed}"
    assert "got 'a-run'" in refused(run("predict", "a-run", "nowhere", "--out", "p.csv"))
    assert refused(run("data", "check", "nowhere")) == f"DIR {printed}"
    assert files_below(tmp_path) == []


def test_a_folder_without_a_data_set_is_bad_input(run: Run, tmp_path: Path) -> None:
    ended = run("train", "quick-imagenet", "--data", ".", "--cache", "cache", "--quiet")
    assert ended.code == 2
    assert [line.split(":")[0] for line in ended.err] == ["train/train.csv", "train/images"]
    assert files_below(tmp_path) == []


def test_an_unknown_run_names_the_nearest(run: Run, tmp_path: Path) -> None:
    record = RunRecord(
        run_id="0123456789abcdef",
        name="first-try",
        created_utc="2025-01-31T12:00:00+00:00",
        recipe={"seed": 0},
        seed=0,
        data=RunData("faces", "c0ffee" * 4, 70, 10),
        versions={},
        command=("maskwise",),
        folds=1,
    )
    assert "runs holds no runs yet" in refused(run("predict", "first-tri", ".", "--out", "p.csv"))
    start_run(tmp_path / "runs", record)
    for words in (("predict", "first-tri", ".", "--out", "p.csv"), ("submit", "first-tri", "--data", ".")):
        assert refused(run(*words)).endswith("got 'first-tri'. Did you mean first-try?")
    assert not (tmp_path / "p.csv").exists()


def test_an_ending_or_a_file_that_cannot_be_used_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    # Neither the run nor the photos exist: what is refused first was looked at first.
    assert "must be named .csv, .parquet, .jsonl, got 'x.txt'" in refused(run("predict", "a", "b", "--out", "x.txt"))
    (tmp_path / "x.csv").write_text("precious")
    printed = "x.csv exists already. Choose another name, or add --force to replace it."
    assert refused(run("predict", "a", "b", "--out", "x.csv")) == printed
    assert refused(run("submit", "a", "--data", "b", "--out", "x.csv")) == printed
    assert "got 'a'" in refused(run("predict", "a", "b", "--out", "x.csv", "--force"))
    assert (tmp_path / "x.csv").read_text() == "precious"


def test_the_demo_never_writes_into_a_folder_of_somebody_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/photo.jpg").write_bytes(b"precious")
    assert "add --force" in refused(run("demo", "--out", "mine"))
    assert "must be the folder of an earlier demo" in refused(run("demo", "--out", "mine", "--force"))
    assert run("data", "demo", "mine", "--quiet").code == 2
    assert files_below(tmp_path) == ["mine", "mine/photo.jpg"]


TASK = Task(attributes=("mask",))


def write_four(folder: Path, truth: str) -> None:
    """Predictions a 0, b 1, c 1, d 2 in p.csv, and ``truth``."""
    probs_NC = np.full((4, 3), 0.1)
    probs_NC[np.arange(4), [0, 1, 1, 2]] = 0.8
    photo_N = np.array([f"images/{name}.jpg" for name in "abcd"], object)
    same = np.array(["", "", "", ""], object)
    test = np.full(4, "test", object)
    write_predictions(Predictions(photo_N, same, np.full(4, -1), probs_NC, test), TASK, folder / "p.csv")
    (folder / "answers.csv").write_text(truth)


def test_evaluate_prints_the_scores(run: Run, tmp_path: Path) -> None:
    # Truth 0 0 1 2 against 0 1 1 2: F1 2/3, 2/3 and 1, so macro F1 7/9 = 0.778; 3 of 4 are right.
    write_four(tmp_path, "ImageID,ans,person\nd.jpg,2,q\na.jpg,0,p\nb.jpg,0,p\nc.jpg,1,q\n")
    ended = run("evaluate", "p.csv", "--answers", "answers.csv", "--classes")
    assert (ended.code, ended.err) == (0, [])
    assert json.loads(run("evaluate", "p.csv", "--answers", "answers.csv", "--json").out)["n_photos"] == 4
    assert "0.778" in ended.out
    assert "0.750" in ended.out
    assert "not_worn" in ended.out


def test_evaluate_refuses_bad_files_with_their_lines(run: Run, tmp_path: Path) -> None:
    write_four(tmp_path, "ImageID,ans\na.jpg,0\nb.jpg,3\nc.jpg\nd.jpg,2\n")
    assert refused(run("evaluate", "p.csv", "--answers", "answers.csv")).startswith("answers.csv:4: the row must be of")
    write_four(tmp_path, "ImageID,ans\na.jpg,0\nb.jpg,3\nc.jpg,x\nd.jpg,2\n")
    ended = run("evaluate", "p.csv", "--answers", "answers.csv")
    assert ended.code == 2
    assert [line.split(": ")[0] for line in ended.err] == ["answers.csv:3", "answers.csv:4"]
    (tmp_path / "answers.csv").write_text("ImageID;ans\na.jpg;0\n")
    assert "separated by commas, got 'semicolons'" in refused(run("evaluate", "p.csv", "--answers", "answers.csv"))
    assert "answers.csv" in refused(run("evaluate", "answers.csv", "--answers", "answers.csv"))
    assert "No such file" in refused(run("evaluate", "p.csv", "--answers", "nowhere.csv"))


def test_an_empty_store_has_an_empty_board(run: Run, tmp_path: Path) -> None:
    missing = "(not there: the first training makes it)"
    for store, words in (("runs", ("board",)), ("elsewhere", ("board", "--store", "elsewhere"))):
        assert run(*words) == Ended(0, f"no finished run with a score yet\n\nstore: {store} {missing}\n", [])
    (tmp_path / "file").write_text("")
    assert "file must be a store of runs" in refused(run("board", "--store", "file"))
    assert files_below(tmp_path) == ["file"]


def test_data_check_lists_all_and_leaves_with_1_only_for_errors(run: Run, tmp_path: Path) -> None:
    root = write_quirky(tmp_path / "faces")
    sound = run("data", "check", "faces")
    assert (sound.code, sound.err) == (0, [])
    assert sound.out.splitlines()[-1] == "faces: 0 errors, 1 warning"
    table = root / "train/train.csv"
    table.write_bytes(table.read_bytes().replace(b"000020,male", b"000020,man"))
    photo = next((root / "train/images").glob("000001*/mask1.*"))
    photo.write_bytes(b"")
    broken = run("data", "check", "faces")
    assert broken.code == 1
    assert broken.out.splitlines()[-1] == "faces: 2 errors, 1 warning"
    assert re.search(r"train\.csv, line 3: gender .*male or female, got 'man'", broken.out)
    assert photo.relative_to(root).as_posix() in broken.out
    assert broken.err == ["faces has 2 errors. Fix them, then check again."]


def test_a_place_that_cannot_be_used_is_reported_without_a_traceback(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run("data", "demo", "file/below", "--people", "2", "--eval-people", "1", "--quiet")
    assert ended.code == 2
    assert ended.err[-1].startswith("file must be usable, got 'File exists'. ")
    assert not any("Traceback" in line for line in ended.err)
