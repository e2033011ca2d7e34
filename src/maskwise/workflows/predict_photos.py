"""From a finished run and photos on disk to predictions: the same crop, size and scaling as in training."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from maskwise.data.layout import EVAL_CSV
from maskwise.data.manifest import eval_names, read_eval, read_folder
from maskwise.data.problems import refuse
from maskwise.errors import DataError, StoreError
from maskwise.labels import Task
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import parse_recipe
from maskwise.records import Floats, Image, InputSpec, Ints, PhotoTable, Predictions
from maskwise.store.layout import input_path, recipe_path, weights_path
from maskwise.store.runs import read_finished
from maskwise.store.submission import write_submission
from maskwise.training.checkpoints import load_weights
from maskwise.training.devices import choose_device, place_model
from maskwise.training.inference import predict_batch
from maskwise.training.listeners import Listener
from maskwise.workflows.join_runs import join_answers, member_folders, read_joined
from maskwise.workflows.photos import photo_reader

BATCH_PHOTOS = 64
"""Photos a forward pass: enough to keep the model busy, few enough to need little memory."""
DECODING_THREADS = 2


def predict_photos(run: Path, source: Path, skip_unreadable: bool, listener: Listener) -> tuple[Predictions, Task]:
    """Probabilities for all photos of ``source``: a folder of images, or a data set, of which the eval part is taken.

    A run of several folds answers with the mean of its models, an ensemble with its members' answers combined as it
    was told to when they were joined. Unreadable photos are all named in one ``DataError``, or left out and noted with
    ``skip_unreadable``.
    """
    read_finished(run)
    joined = read_joined(run)
    members = [run] if joined is None else member_folders(run, joined)
    recipes = [read_recipe(member) for member in members]
    task = recipes[0].task
    table = read_eval(source, task) if (source / EVAL_CSV).is_file() else read_folder(source)
    answers = [_predict_table(*member, source, table, listener) for member in zip(members, recipes, strict=True)]
    predictions, problems = answers[0]  # what cannot be read is the same for all members
    if problems and not skip_unreadable:
        raise DataError([*problems, f"{len(problems)} photos must be readable. Mend them, or add --skip-unreadable."])
    for problem in problems:
        listener.on_note(f"left out: {problem}")
    if joined is not None:
        predictions = join_answers(joined, [answer for answer, _ in answers])
    return predictions, task


def write_submission_of(predictions: Predictions, data: Path, out: Path) -> int:
    """Write the answers for the eval part of ``data`` in the order of its info.csv; returns their number."""
    names, problems = eval_names(data)
    refuse(problems)
    write_submission(predictions, [name for name, _ in names], out)
    return len(names)


def read_recipe(run: Path) -> Recipe:
    """The recipe that a finished run was trained with."""
    read_finished(run)
    path = recipe_path(run)
    return parse_recipe(path.read_text(encoding="utf-8"), str(path))


def load_models(run: Path, recipe: Recipe, device: torch.device) -> tuple[list[nn.Module], InputSpec]:
    """The trained model of every fold, in eval mode, and the input spec that was saved with the first."""
    models: list[nn.Module] = []
    specs: list[InputSpec] = []
    for fold in range(read_finished(run).folds):
        model = build_model(recipe.model, recipe.task.sizes, load_weights=False)
        load_weights(weights_path(run, fold), model)
        models.append(place_model(model, device).eval())
        specs.append(read_input_spec(input_path(run, fold)))
    if any(spec != specs[0] for spec in specs):
        raise StoreError(f"all folds of {run} must have one input spec, got several. Train the run again with --force.")
    return models, specs[0]


def read_input_spec(path: Path) -> InputSpec:
    """The input spec that training saved beside the weights."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    return InputSpec(**{**fields, "mean_C": tuple(fields["mean_C"]), "std_C": tuple(fields["std_C"])})


def _predict_table(
    run: Path, recipe: Recipe, root: Path, table: PhotoTable, listener: Listener
) -> tuple[Predictions, list[str]]:
    device = choose_device(recipe.runtime.device)
    models, spec = load_models(run, recipe, device)
    listener.on_stage("predicting photos", len(table))
    read = _batch_reader(root, table, photo_reader(spec))
    parts = [np.arange(start, min(start + BATCH_PHOTOS, len(table))) for start in range(0, len(table), BATCH_PHOTOS)]
    blocks: list[Floats] = []
    readable_N = np.ones(len(table), dtype=bool)
    problems: list[str] = []
    with ThreadPoolExecutor(1) as ahead:
        waiting = [ahead.submit(read, part) for part in parts[:2]]
        for number, part in enumerate(parts):
            pixels, good_N, faults = waiting.pop(0).result()
            if number + 2 < len(parts):
                waiting.append(ahead.submit(read, parts[number + 2]))
            readable_N[part], problems = good_N, problems + faults
            if len(pixels):
                votes = [predict_batch(model, pixels, spec, recipe.predict.views, device) for model in models]
                blocks.append(np.mean(votes, axis=0))
            listener.on_advance(len(part))
    kept = table.take(readable_N)
    probs_NC = np.concatenate(blocks) if blocks else np.zeros((0, recipe.task.n_classes), dtype=np.float32)
    return (
        Predictions(
            photo_N=kept.photo_N,
            person_N=kept.person_N,
            class_N=kept.class_N,
            probs_NC=probs_NC,
            seen_N=np.full(len(kept), "test", dtype=object),
        ),
        problems,
    )


def _batch_reader(
    root: Path, table: PhotoTable, prepare: Callable[[bytes, str], Image]
) -> Callable[[Ints], tuple[Image, NDArray[np.bool_], list[str]]]:
    """positions → (pixels of the readable ones, which are readable, one line for each that is not)."""
    pool = ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decoding")

    def read_one(position: int) -> Image | str:
        name = str(table.photo_N[position])
        try:
            return prepare((root / name).read_bytes(), name)
        except DataError as error:
            return error.problems[0]
        except OSError as error:
            return f"{name} must be a readable file, got {error.strerror}. Check it, or leave it out."

    def read(part: Ints) -> tuple[Image, NDArray[np.bool_], list[str]]:
        answers = list(pool.map(read_one, part))
        photos = [answer for answer in answers if not isinstance(answer, str)]
        good_N = np.array([not isinstance(answer, str) for answer in answers])
        faults = [answer for answer in answers if isinstance(answer, str)]
        return np.stack(photos) if photos else np.zeros((0, 1, 1, 3), dtype=np.uint8), good_N, faults

    return read
