"""From a finished run and photos on disk to predictions: the same crop, size and scaling as in training."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path

import numpy as np
from torch import nn

from maskwise.data.layout import EVAL_CSV
from maskwise.data.manifest import eval_names, read_eval, read_folder
from maskwise.data.problems import refuse
from maskwise.errors import DataError, StoreError
from maskwise.fitting.parts import Factor, multiplied
from maskwise.fitting.photos import inference, photo_reader
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.memory import keep_freed_memory
from maskwise.models.build import build_model
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import parse_recipe
from maskwise.recipe.single_recipes import SingleRecipe, single_recipes
from maskwise.records import InputSpec, Ints, PhotoTable, Predictions
from maskwise.store.layout import input_path, recipe_path, weights_path
from maskwise.store.runs import read_finished
from maskwise.store.submission import write_submission
from maskwise.training.checkpoints import load_weights
from maskwise.training.devices import choose_device, place_model
from maskwise.training.folding import folded
from maskwise.training.inference import Answers, Inference, averaged, joined, predict_batch
from maskwise.workflows.join_runs import join_answers, member_folders, read_joined
from maskwise.workflows.photo_batches import photo_batches


def predict_photos(run: Path, source: Path, skip_unreadable: bool, listener: Listener) -> tuple[Predictions, Task]:
    """Probabilities for all photos of ``source``: a folder of images, or a data set, of which the eval part is taken.

    A run of several folds answers with the mean of its models, an ensemble with its members' answers combined as it
    was told to when they were joined. Unreadable photos are all named in one ``DataError``, or left out and noted with
    ``skip_unreadable``.
    """
    read_finished(run)
    ensemble = read_joined(run)
    members = [run] if ensemble is None else member_folders(run, ensemble)
    recipes = [read_recipe(member) for member in members]
    task = recipes[0].task
    table = read_eval(source, task) if (source / EVAL_CSV).is_file() else read_folder(source)
    answers = [_predict_parts(*member, source, table, listener) for member in zip(members, recipes, strict=True)]
    predictions, problems = answers[0]  # what cannot be read is the same for all members
    if problems and not skip_unreadable:
        raise DataError([*problems, f"{len(problems)} photos must be readable. Mend them, or add --skip-unreadable."])
    for problem in problems:
        listener.on_note(f"left out: {problem}")
    if ensemble is not None:
        predictions = join_answers(ensemble, [answer for answer, _ in answers])
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


def load_models(run: Path, recipe: Recipe, part: str = "") -> tuple[list[nn.Module], Inference]:
    """The trained model of every fold, in eval mode, and how to ask them: with the input spec saved beside them.

    ``recipe`` is of a single model: of a run with parts, that of the part of the name ``part`` (``single_recipes``).
    """
    device = choose_device(recipe.runtime.device)
    models: list[nn.Module] = []
    specs: list[InputSpec] = []
    for fold in range(read_finished(run).folds):
        model = build_model(recipe.model, recipe.task.sizes, load_weights=False)
        load_weights(weights_path(run, fold, part), model)
        models.append(place_model(model, device).eval())
        specs.append(read_input_spec(input_path(run, fold, part)))
    if any(spec != specs[0] for spec in specs):
        raise StoreError(f"all folds of {run} must have one input spec, got several. Train the run again with --force.")
    return models, inference(recipe, specs[0])


def read_input_spec(path: Path) -> InputSpec:
    """The input spec that training saved beside the weights."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    return InputSpec(**{**fields, "mean_C": tuple(fields["mean_C"]), "std_C": tuple(fields["std_C"])})


def _predict_parts(
    run: Path, recipe: Recipe, root: Path, table: PhotoTable, listener: Listener
) -> tuple[Predictions, list[str]]:
    """As ``_predict_table``, each part by its own models and its own crop, joined; without parts there is one."""
    parts = single_recipes(recipe)
    answers = [_predict_table(run, part, root, table, listener) for part in parts]
    # A crop may refuse a photo without a face that another one takes: such a photo gets no answer at all.
    photo_M = reduce(np.intersect1d, [predictions.photo_N.astype(str) for predictions, _ in answers])
    kept = [predictions.take(np.isin(predictions.photo_N.astype(str), photo_M)) for predictions, _ in answers]
    factors = [Factor(part.recipe.task, answer) for part, answer in zip(parts, kept, strict=True)]
    problems = dict.fromkeys(problem for _, problems in answers for problem in problems)
    return multiplied(recipe.task, factors), list(problems)


def _predict_table(
    run: Path, part: SingleRecipe, root: Path, table: PhotoTable, listener: Listener
) -> tuple[Predictions, list[str]]:
    """The mean answer of the part's models for every readable photo, and one line for each photo that is not."""
    keep_freed_memory()
    recipe = part.recipe
    models, how = load_models(run, recipe, part.name)
    quicker = [folded(model, how.spec) for model in models]
    listener.on_stage(" ".join(filter(None, ["predicting photos", part.name])), len(table))
    blocks: list[Answers] = []
    readable: list[Ints] = []
    problems: list[str] = []
    for batch in photo_batches(root, table.photo_N, photo_reader(how.spec)):
        if len(batch.index_M):
            blocks.append(averaged([predict_batch(model, batch.pixels_MHWC, how) for model in quicker]))
            readable.append(batch.index_M)
        problems += batch.problems
        listener.on_advance(batch.asked)
    kept = table.take(np.concatenate(readable) if readable else np.zeros(0, dtype=np.int64))
    answers = joined(blocks)
    predictions = Predictions(
        photo_N=kept.photo_N,
        person_N=kept.person_N,
        class_N=kept.class_N,
        probs_NC=answers.probs_NC if len(kept) else np.zeros((0, recipe.task.n_classes), dtype=np.float32),
        seen_N=np.full(len(kept), "test", dtype=object),
        age_years_N=answers.age_years_N,
    )
    return predictions, problems
