"""What the mirrored view gains of a finished run, for twice the time: ``python benchmarks/views_pay.py``.

Every fold's models predict their held-out people again in the first view alone, from cached features and maps where
they were trained on such; the run's own predictions, in all views, against these, in pairs by person.

    python benchmarks/views_pay.py RUN --data DIR
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from maskwise.cli.options import cache_folder
from maskwise.evaluation.comparison import compare_arms
from maskwise.evaluation.shared_photos import align_arms
from maskwise.fitting.cached_features import predict_from_features
from maskwise.fitting.fold_job import FoldJob
from maskwise.fitting.parts import Factor, join_folds, multiplied_parts, read_parts
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.listeners import Silent
from maskwise.models.build import MaskwiseModel
from maskwise.probabilities import Probabilities
from maskwise.records import Predictions
from maskwise.seeds import rng_for
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import read_split
from maskwise.store.runs import StoredRun, read_finished
from maskwise.training.inference import Inference, predict_table
from maskwise.workflows.join_runs import read_members
from maskwise.workflows.run_models import load_run, read_recipe


def predicted(job: FoldJob, model: MaskwiseModel, how: Inference) -> Predictions:
    """The held-out people of a fold as one of its models sees them."""
    photos = job.photos.take(job.held_out_N)
    if job.recipe.train.cached_views is None:
        found: Probabilities = predict_table(model, photos.read, len(photos.table), how)
    else:
        found = predict_from_features(job, model, photos, how)
    table, probs_NC = photos.table, found.probs_NC
    seen_N = np.full(len(table), "held_out", dtype=object)
    return Predictions(table.photo_N, table.person_N, table.class_N, probs_NC, seen_N, age_years_N=found.age_years_N)


def main() -> None:
    """Predict with each choice of views, then compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="id, name or folder of a run that was trained on photos")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=None, help="only so many")
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--cache", type=Path, default=None)
    words = parser.parse_args()
    folder, cache = find_run(words.store, words.run), cache_folder(words.cache)
    recipe, fold_of = read_recipe(folder), read_split(folder)
    manifest = read_labels(recipe, words.data)
    fold_N = np.array([fold_of.get(str(person), -1) for person in manifest.table.person_N])
    photos = read_photos(recipe, manifest, cache, Silent()).labelled
    parts = read_parts(recipe, photos, manifest.root, cache, Silent())
    loaded = load_run(folder).members[0].parts
    views = loaded[0].how.views
    folds = []
    for fold in range(words.folds or int(fold_N.max()) + 1):
        factors = []
        for part, models in zip(parts, loaded, strict=True):
            job = FoldJob(part.model, part.photos, fold_N == fold, fold, folder, Silent())
            how = dataclasses.replace(models.how, views=views[:1], backbone_precision=None)
            factors.append(Factor(job.recipe.task, predicted(job, models.models[fold], how)))
        folds.append(multiplied_parts(recipe.task, factors))
    (of_run,), task = read_members([StoredRun(folder, read_finished(folder))])
    first = join_folds(folds)
    of_run = of_run.take(np.isin(of_run.photo_N.astype(str), first.photo_N.astype(str)))
    found = compare_arms(align_arms([[first], [of_run]], task), rng_for(0, "intervals"))
    print(f"{found.n_people} people; {' and '.join(views)} against {views[0]} alone, for {len(views)} times the time:")
    for name, score in (("macro F1", found.joint.macro_f1), ("accuracy", found.joint.accuracy)):
        gain = score.gain
        print(f"{name} {score.a:.3f} → {score.b:.3f}: {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")


if __name__ == "__main__":
    main()
