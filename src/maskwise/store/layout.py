"""Where everything lies in a run folder ``<store>/<run_id>/``; a fold's own files are named in ``fold_files``.

A recipe with parts trains several models per fold: each has a folder of its part's name in that of the fold.
"""

from __future__ import annotations

from pathlib import Path

from maskwise.training.fold_files import LOG, WEIGHTS

RECORD = "run.json"
"""The run's description and status."""
RECIPE = "recipe.yaml"
"""The validated recipe, everything spelled out."""
SPLIT = "split.csv"
"""Which fold holds out which person: columns person, fold."""
PREDICTIONS = "predictions.parquet"
"""The held-out predictions of all folds."""
SCORES = "scores.json"
ENSEMBLE = "ensemble.json"
"""In place of a recipe: the members, the vote and its weights."""
LOCK = ".lock"
"""Held by the process that works on the run."""
MARKS = "marks.jsonl"
"""The tags and notes that people gave the run."""
MARKS_LOCK = ".marks.lock"
"""Held while tags and notes are written; not the run's own lock, so a run in training can be tagged."""
INPUT = "input.json"
SPEED = "speed.json"
"""What ``train.precision: auto`` measured and chose."""
FRAMING = "framing.json"
"""Where faces lie in the photos that the run learned from; not there where too few were found."""
PSEUDO_LABELS = "pseudo_labels.csv"
"""What a round of self-training gives to the next, in the round's folder."""
TEACHER = "teacher.csv"
"""What the teacher of a distillation predicts for a fold's training photos, softened, in the fold's folder."""


def log_path(run_folder: Path, fold: int, part: str = "") -> Path:
    """What happened while a fold was trained, one JSON object per line."""
    return fold_folder(run_folder, fold) / part / LOG


def fold_folder(run_folder: Path, fold: int) -> Path:
    """What one fold's training leaves; folds count from 0."""
    return run_folder / f"fold-{fold}"


def weights_path(run_folder: Path, fold: int, part: str = "") -> Path:
    """The trained weights of a fold."""
    return fold_folder(run_folder, fold) / part / WEIGHTS


def input_path(run_folder: Path, fold: int, part: str = "") -> Path:
    """How a photo becomes the input of a fold's model (an ``InputSpec``)."""
    return fold_folder(run_folder, fold) / part / INPUT


def round_folder(fold: Path, number: int) -> Path:
    """A round of self-training before the last, in the folder of its fold; the last one's files lie in ``fold``."""
    return fold / f"round-{number}"
