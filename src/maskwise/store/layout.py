"""Where everything lies in a run folder ``<store>/<run_id>/``; a fold's own files are named in ``fold_files``.

A recipe with parts trains several models per fold: each has a folder of its part's name in that of the fold.
"""

from __future__ import annotations

from pathlib import Path

from maskwise.training.fold_files import LOG, WEIGHTS

RECORD = "run.json"
RECIPE = "recipe.yaml"
SPLIT = "split.csv"
"""Columns person, fold."""
PREDICTIONS = "predictions.parquet"
SCORES = "scores.json"
ENSEMBLE = "ensemble.json"
"""In place of a recipe: the members, the vote and its weights."""
LOCK = ".lock"
MARKS = "marks.jsonl"
"""Tags and notes."""
MARKS_LOCK = ".marks.lock"
INPUT = "input.json"
SPEED = "speed.json"
FRAMING = "framing.json"
PSEUDO_LABELS = "pseudo_labels.csv"
"""What a round of self-training gives to the next, in the round's folder."""
TEACHER = "teacher.csv"
"""What the teacher of a distillation predicts for a fold's training photos, softened, in the fold's folder."""


def record_path(run_folder: Path) -> Path:
    """The run's description and status."""
    return run_folder / RECORD


def recipe_path(run_folder: Path) -> Path:
    """The validated recipe, everything spelt out."""
    return run_folder / RECIPE


def split_path(run_folder: Path) -> Path:
    """Which fold holds out which person."""
    return run_folder / SPLIT


def speed_path(run_folder: Path) -> Path:
    """What ``train.precision: auto`` measured and chose."""
    return run_folder / SPEED


def framing_path(run_folder: Path) -> Path:
    """Where faces lie in the photos that the run learned from; not there where too few were found."""
    return run_folder / FRAMING


def predictions_path(run_folder: Path) -> Path:
    """The held-out predictions of all folds."""
    return run_folder / PREDICTIONS


def scores_path(run_folder: Path) -> Path:
    """The evaluation of the held-out predictions."""
    return run_folder / SCORES


def log_path(run_folder: Path, fold: int, part: str = "") -> Path:
    """What happened while a fold was trained, one JSON object per line."""
    return fold_folder(run_folder, fold) / part / LOG


def lock_path(run_folder: Path) -> Path:
    """Held by the process that works on the run."""
    return run_folder / LOCK


def marks_path(run_folder: Path) -> Path:
    """The tags and notes that people gave the run."""
    return run_folder / MARKS


def marks_lock_path(run_folder: Path) -> Path:
    """Held while tags and notes are written; not the run's own lock, so a run in training can be tagged."""
    return run_folder / MARKS_LOCK


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
