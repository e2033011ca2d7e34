"""Everything that is kept, damaged and then used: refused in a line, said, or without effect; never other numbers.

The default is a short form; ``MASKWISE_DAMAGES=500`` damages 500 files.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import TINY_RECIPE
from maskwise.drawing.demo_set import write_demo_set
from maskwise.recipe.load import load_recipe
from maskwise.store.runs import list_runs
from maskwise.workflows.run_recipe import Place, run_recipe
from support.damage import Use, trials
from support.fits import KillAt, Killed

TOTAL = int(os.environ.get("MASKWISE_DAMAGES", "66"))
SEED = 2025
SMALL = ("input.height_px=24", "input.width_px=24", "train.epochs=2", "split={kind: hold_out, share: 0.5}")
FEATURES = ("train.freeze_backbone_epochs=2", "train.cached_views=2")
FACE_CROP, WIDER_CROP = "input.crop={kind: face}", "input.crop={kind: face, margin_top: 0.9}"
STOPPED = (*SMALL[:3], "split={kind: k_fold, folds: 2}", "name=stopped")
TAKEN_UP = ("weights.safetensors", "log.jsonl", "fold.json")


class Made(NamedTuple):
    """A whole folder of everything, and what its parts are called."""

    template: Path
    data: Path
    run: str
    other: str
    ensemble: str
    stopped: str


def settings(*changes: str) -> tuple[str, ...]:
    return tuple(word for change in changes for word in ("--set", change))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., str]) -> Made:
    """Two runs, their ensemble, a stopped training, a cache of all kinds, a bundle as a folder and as a .zip."""
    root = tmp_path_factory.mktemp("damage")
    data, template = root / "data", root / "template"
    write_demo_set(data, 12, 2, 0, print, workers=1)
    template.mkdir()
    (template / "tiny.yaml").write_text(TINY_RECIPE)
    store = ("--store", str(template / "runs"))

    def train(*changes: str, to: Path = template / "runs") -> None:
        places = ("--data", str(data), "--store", str(to), "--cache", str(template / "cache"))
        cli("train", str(template / "tiny.yaml"), *places, "--quiet", *settings(*SMALL, *changes))

    train("name=a")
    train("name=b", "seed=1")
    train("name=features", *FEATURES, to=root / "unused")
    train("name=faces", FACE_CROP, to=root / "unused")
    cli("ensemble", "a", "b", "--name", "both", *store)
    cli("tag", "a", "--add", "good", "--note", "the first one", *store)
    cli("submit", "a", "--data", str(data), "--out", str(root / "submission.csv"), *store, "--quiet")
    for out in ("bundle", "bundle.zip"):
        zipped = ("--zip",) if out.endswith(".zip") else ()
        words = ("--data", str(data), "--parity-photos", "2", "--quiet")
        cli("export", "a", str(template / out), *store, *words, *zipped)
    place = Place(data, template / "stopped", template / "cache")
    with pytest.raises(Killed):  # in the second epoch of the second fold
        run_recipe(load_recipe(str(template / "tiny.yaml"), STOPPED), place, ["train"], KillAt(10))
    id_of = {run.record.name: run.record.run_id for run in list_runs(template / "runs").runs}
    (stopped,) = [run.folder.name for run in list_runs(template / "stopped").runs]
    return Made(template, data, id_of["a"], id_of["b"], id_of["both"], stopped)


def below(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


def uses_of_runs(made: Made) -> list[Use]:
    """The verbs that read a finished run; together 355 of 500 damages."""
    photos = [str(path) for path in sorted((made.data / "eval" / "images").iterdir())[:2]]
    data, store = ("--data", str(made.data)), ("--store", "{at}/runs")
    run, ensemble = f"runs/{made.run}", f"runs/{made.ensemble}"
    models = below(run, "recipe.yaml", "framing.json", "fold-0/weights.safetensors", "fold-0/input.json", "run.json")
    shown = below(run, "predictions.parquet", "scores.json", "recipe.yaml", "fold-0/log.jsonl", "run.json")
    page = ("--no-photos", "--quiet", "--out", "{at}/page.html")
    audit = (*data, "--out", "{at}/audit", "--quiet", "--force")
    like = (*data, "--cache", "{at}/cache", "--store", "{at}/new", "--quiet", "--everyone", "--like", f"{{at}}/{run}")
    tiny = settings("input.height_px=24", "input.width_px=24")
    both = below(ensemble, "ensemble.json", "run.json")
    return [
        Use("predict", 110, models, ("predict", "a", *photos, *store, "--json")),
        Use("predict with an ensemble", 20, both, ("predict", "both", *photos, *store, "--json")),
        Use("compare", 40, below(run, "predictions.parquet"), ("compare", "a", "b", *store, "--json")),
        Use("report", 50, shown, ("report", "a", *store, *page), ("page.html",), says=False),
        Use("data audit", 15, below(run, "split.csv"), ("data", "audit", "a", "b", *store, *audit), ("audit/*.csv",)),
        Use("board", 80, below(run, "run.json", "marks.jsonl"), ("board", *store), may_leave_out=True),
        Use("submissions", 30, ("runs/submissions.jsonl",), ("submissions", *store), may_leave_out=True),
        Use(
            "train --like",
            10,
            below(run, "fold-0/fold.json"),
            ("train", "{at}/tiny.yaml", *like, *tiny),
            ("new/*/recipe.yaml", "new/*/fold-0/weights.safetensors"),
            says=False,
        ),
    ]


def uses_of_the_rest(made: Made) -> list[Use]:
    """A stopped training, caches and bundles; together 145 of 500 damages."""
    photos = [str(path) for path in sorted((made.data / "eval" / "images").iterdir())[:2]]
    train = ("train", "{at}/tiny.yaml", "--data", str(made.data), "--cache", "{at}/cache", "--quiet", "--store")
    results = ("fold-*/weights.safetensors", "predictions.parquet", "scores.json")
    saved = ("checkpoints.json", "checkpoint-a.pt", "checkpoint-b.pt", "weights.safetensors", "log.jsonl")
    unfinished = (*below("fold-1", *saved), *below("fold-0", "weights.safetensors", "log.jsonl", "fold.json"))
    stopped = f"stopped/{made.stopped}"
    new = (*train, "{at}/new", *settings(*SMALL, "seed=7"))
    kept = below("new/*", *results)
    seen = "cache/seen.sqlite"
    return [
        Use(
            "train, resumed",
            50,
            below(stopped, *unfinished, "run.json", "recipe.yaml", "split.csv"),
            (*train, "{at}/stopped", *settings(*STOPPED)),
            below(stopped, *results),
            says=False,
        ),
        Use("train on pixels", 25, ("cache/*/pixels.u8", seen), new, kept, says=False),
        Use("train on features", 15, ("cache/*/features.f32", seen), (*new, *settings(*FEATURES)), kept, says=False),
        Use("train on boxes", 15, (seen,), (*new, *settings(WIDER_CROP)), kept, says=False),
        Use(
            "predict with a bundle",
            25,
            ("bundle/*.*", "bundle/SHA256SUMS", "bundle/networks/*"),
            ("predict", "{at}/bundle", *photos, "--json"),
        ),
        Use("predict with a .zip", 15, ("bundle.zip",), ("predict", "{at}/bundle.zip", *photos, "--json")),
    ]


@pytest.mark.faults
def test_no_damage_goes_unseen(made: Made, tmp_path: Path) -> None:
    every = [*uses_of_runs(made), *uses_of_the_rest(made)]
    assert sum(use.of_500 for use in every) == 500
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for use in every:
        for name, kind, outcome, words in trials(use, made.template, tmp_path / "at", share(use), SEED):
            counts[use.name, outcome] += 1
            if outcome not in ("refused", "said", "no effect"):
                wrong.append(f"{use.name}: {name}, {kind}: {outcome}: {words}")
    for use in every:  # shown by -rP
        print(use.name, {outcome: n for (name, outcome), n in counts.items() if name == use.name})
    assert not wrong, f"{len(wrong)} of {counts.total()} damages:\n" + "\n".join(wrong)


def share(use: Use) -> int:
    """How many of this test's damages are of ``use``."""
    return max(1, round(use.of_500 * TOTAL / 500))
