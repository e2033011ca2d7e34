"""Where everything lies in a run folder ``<store>/<run_id>/``; a fold's own files are named in ``fold_files``."""

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
INPUT = "input.json"
PSEUDO_LABELS = "pseudo_labels.csv"
"""What a round of self-training gives to the next, in the round's folder."""


def record_path(run_folder: Path) -> Path:
    """The run's description and status."""
    return run_folder / RECORD


def recipe_path(run_folder: Path) -> Path:
    """The validated recipe, everything spelt out."""
    return run_folder / RECIPE


def split_path(run_folder: Path) -> Path:
    """Which fold holds out which person."""
    return run_folder / SPLIT


def predictions_path(run_folder: Path) -> Path:
    """The held-out predictions of all folds."""
    return run_folder / PREDICTIONS


def scores_path(run_folder: Path) -> Path:
    """The evaluation of the held-out predictions."""
    return run_folder / SCORES


def log_path(run_folder: Path, fold: int) -> Path:
    """What happened while a fold was trained, one JSON object a line."""
    return fold_folder(run_folder, fold) / LOG


def lock_path(run_folder: Path) -> Path:
    """Held by the process that works on the run."""
    return run_folder / LOCK


def fold_folder(run_folder: Path, fold: int) -> Path:
    """What one fold's training leaves; folds count from 0."""
    return run_folder / f"fold-{fold}"


def weights_path(run_folder: Path, fold: int) -> Path:
    """The trained weights of a fold."""
    return fold_folder(run_folder, fold) / WEIGHTS


def input_path(run_folder: Path, fold: int) -> Path:
    """How a photo becomes the input of a fold's model (an ``InputSpec``)."""
    return fold_folder(run_folder, fold) / INPUT


def round_folder(fold: Path, number: int) -> Path:
    """A round of self-training before the last, in the folder of its fold; the last one's files lie in ``fold``."""
    return fold / f"round-{number}"
