"""``maskwise demo``: the whole story on drawn people, from an empty folder to a submission and a report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from maskwise.drawing.demo_set import write_demo_set
from maskwise.errors import StoreError
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.format_table import format_table
from maskwise.evaluation.truth_file import read_truth, with_truth
from maskwise.files import write_atomically
from maskwise.listeners import Listener
from maskwise.recipe.load import load_recipe
from maskwise.reports.run_report import run_report
from maskwise.reports.words import in_language
from maskwise.seeds import rng_for
from maskwise.store.predictions_file import write_predictions
from maskwise.text_table import aligned
from maskwise.workflows.predict_photos import predict_photos, write_submission_of
from maskwise.workflows.run_recipe import Place, run_recipe

PEOPLE, EVAL_PEOPLE = 120, 40
"""Enough for three age groups of both genders, few enough for minutes on two cores."""


def run_demo(out: Path, force: bool, command: Sequence[str], listener: Listener) -> str:
    """Draw, train, score, predict, submit and report below ``out``; returns what to print."""
    _clear(out, force)
    place = Place(data=out / "data", store=out / "runs", cache=out / "cache")
    listener.on_stage("drawing photos", 7 * (PEOPLE + EVAL_PEOPLE))
    write_demo_set(place.data, PEOPLE, EVAL_PEOPLE, 0, listener.on_advance)

    recipe = load_recipe("demo")
    run, held_out = run_recipe(recipe, place, command, listener)
    assert held_out is not None  # the demo's recipe holds people out

    predictions, task = predict_photos(run, [place.data], skip_unreadable=False, listener=listener)
    write_predictions(predictions, task, out / "predictions.csv")
    write_submission_of(predictions, place.data, out / "submission.csv")
    scored = with_truth(predictions, read_truth(place.data / "eval_answers.csv", task))
    on_eval = evaluate(scored, task, rng_for(0, "intervals"))

    report = run_report(run, place.data, place.cache, listener).text
    write_atomically(out / "report.html", in_language(report, None))
    return "\n".join(
        [
            "Held-out people of the training part:",
            format_table(held_out),
            "",
            "The eval part, by its true classes:",
            format_table(on_eval),
            "",
            *aligned(
                [
                    (f"{out}/report.html", "scores, groups, mistakes, a model card"),
                    (f"{out}/submission.csv", "ImageID,ans in the order of eval/info.csv"),
                    (f"{out}/predictions.csv", "probabilities of every eval photo"),
                    (str(run), "the run: recipe, weights, scores, log"),
                ],
                left=(0, 1),
            ),
        ]
    )


def _clear(out: Path, force: bool) -> None:
    """An empty place for the demo; only what a demo made is ever deleted."""
    if not out.exists():
        return
    if not force:
        raise StoreError(f"{out} exists already. Choose another folder with --out, or add --force to make it anew.")
    if any(out.iterdir()) and not (out / "data" / "eval_answers.csv").is_file():
        raise StoreError(f"{out} must be the folder of an earlier demo, got another one. Choose a new one with --out.")
    shutil.rmtree(out)
