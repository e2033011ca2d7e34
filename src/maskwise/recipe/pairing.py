"""Settings of different rooms that only make sense together. The rooms do not know each other; the recipe does."""

from __future__ import annotations

import itertools

from maskwise.errors import must
from maskwise.faces.config import decodes_reduced
from maskwise.losses.config import (
    ArcFace,
    AttributesCrossEntropy,
    Ldam,
    LossConfig,
    PerAttribute,
    SingleLoss,
    SoftAgeBorder,
    WeightedSum,
)
from maskwise.models.config import Faces
from maskwise.recipe.fields import RecipeFields
from maskwise.recipe.parts import part_names, part_problems, with_part

_MOST_CACHED_BLOCKS = 8


def problems_of(recipe: RecipeFields) -> list[str]:
    """One line for each pair of settings of ``recipe`` that cannot work together or would have no effect.

    With parts, each is judged with what it has from the recipe, and its lines begin with its place and name.
    """
    if not recipe.parts:
        return _problems_of_model(recipe)
    if problems := part_problems(recipe):
        return problems
    names = part_names([part.attributes for part in recipe.parts])
    return [
        f"parts.{position} ({names[position]}): {line}"
        for position, part in enumerate(recipe.parts)
        for line in _problems_of_model(with_part(recipe, part))
    ]


def _problems_of_model(recipe: RecipeFields) -> list[str]:
    problems = [*_age_head_problems(recipe), *_self_training_problems(recipe), *_distillation_problems(recipe)]
    problems += [*_everyone_problems(recipe), *_fold_vote_problems(recipe)]
    problems += [*_cached_views_problems(recipe), *_decoding_problems(recipe)]
    for address, loss in _losses(recipe.loss):
        if isinstance(loss, ArcFace | Ldam):
            problems += _cosine_problems(address, loss, "cosine", recipe)
        if isinstance(loss, PerAttribute) and isinstance(loss.loss, ArcFace):
            problems += _cosine_problems(f"{address}.loss", loss.loss, "cosine_attributes", recipe)
        if isinstance(loss, Ldam):
            problems += _reweight_problems(address, loss, recipe)
        if isinstance(loss, AttributesCrossEntropy | PerAttribute):
            problems += _attribute_problems(address, loss, recipe)
    for position, target in enumerate(recipe.targets):
        if isinstance(target, SoftAgeBorder):
            problems += _border_problems(f"targets.{position}", target, recipe)
    return problems


def _losses(loss: LossConfig) -> list[tuple[str, SingleLoss]]:
    """(address in the recipe, loss) of the loss or of each term of the sum."""
    if isinstance(loss, WeightedSum):
        return [(f"loss.terms.{position}.loss", term.loss) for position, term in enumerate(loss.terms)]
    return [("loss", loss)]


def _age_head_problems(recipe: RecipeFields) -> list[str]:
    if recipe.auxiliary is not None and recipe.model.age_head is None:
        remedy = "Set model.age_head.kind to linear, or leave auxiliary out."
        return [must("model.age_head", f"given for auxiliary {recipe.auxiliary.kind}", None, remedy)]
    if recipe.model.head.kind == "cosine_attributes" and getattr(recipe.model.age_head, "kind", None) == "published":
        rule = "linear with model.head cosine_attributes (its years join the joint logits, not those of the attributes)"
        return [must("model.age_head.kind", rule, "published", "Choose another head.")]
    if recipe.auxiliary is None and recipe.model.age_head is not None:
        rule = "age_distribution with model.age_head (which would learn nothing)"
        return [must("auxiliary", rule, None, "Set auxiliary.kind to age_distribution, or leave model.age_head out.")]
    return []


def _self_training_problems(recipe: RecipeFields) -> list[str]:
    if recipe.self_training is None or recipe.data.only is None:
        return []
    rule = "left out with self_training (nobody knows which unlabeled photos are of that group)"
    return [must("data.only", rule, f"{{{recipe.data.only}}}", "Leave one of them out.")]


def _distillation_problems(recipe: RecipeFields) -> list[str]:
    """The teacher predicts labeled photos as they are."""
    if recipe.distillation is None:
        return []
    others = {"self_training": recipe.self_training, "data.draw_masks": recipe.data.draw_masks}
    problems = [
        f"{address} must be left out with distillation, got both. Leave one of them out."
        for address, value in others.items()
        if value is not None
    ]
    if recipe.mixing.kind != "none":
        rule = "none with distillation (the teacher predicts whole photos)"
        problems.append(must("mixing.kind", rule, recipe.mixing.kind, "Leave one of them out."))
    return problems


def _decoding_problems(recipe: RecipeFields) -> list[str]:
    """Masks are drawn on whole photos, and what is drawn is never decoded again."""
    if recipe.data.draw_masks is None or not decodes_reduced(recipe.input.crop):
        return []
    rule = "full with data.draw_masks (drawn photos would be shrunk in another way than the others)"
    return [must("input.crop.decoding", rule, "reduced", "Leave one of them out.")]


def _everyone_problems(recipe: RecipeFields) -> list[str]:
    """Where nobody is held out, nobody is scored; and a seed that draws nobody would have no effect."""
    if recipe.split.kind != "everyone":
        return []
    checkpoint, remedy = recipe.train.checkpoint.kind, "Set it to last, or to inner_hold_out."
    if checkpoint == "scored_people":
        rule = "last or inner_hold_out with split everyone (nobody is scored)"
        return [must("train.checkpoint.kind", rule, checkpoint, remedy)]
    if checkpoint == "last" and recipe.split.seed:
        rule = "left out with split everyone and train.checkpoint last (it would have no effect)"
        return [must("split.seed", rule, recipe.split.seed, "Leave it out; seed is the training's own.")]
    return []


def _fold_vote_problems(recipe: RecipeFields) -> list[str]:
    if recipe.predict.fold_vote == "soft" or recipe.split.kind == "k_fold":
        return []
    rule = f"soft with split {recipe.split.kind} (which trains one model)"
    return [must("predict.fold_vote", rule, recipe.predict.fold_vote, "Leave it out, or set split.kind to k_fold.")]


def _cached_views_problems(recipe: RecipeFields) -> list[str]:
    """Cached features are of whole photos, so nothing can be mixed; and views differ by what augments them."""
    views, problems = recipe.train.cached_views, []
    if views is None:
        return []
    frozen, backbone = recipe.train.frozen_blocks, recipe.model.backbone
    if frozen and not isinstance(backbone, Faces):
        rule = "faces with train.cached_views and train.frozen_blocks"
        problems.append(must("model.backbone.kind", rule, backbone.kind, "Leave train.cached_views out."))
    elif frozen > _MOST_CACHED_BLOCKS:
        rule = f"at most {_MOST_CACHED_BLOCKS} with train.cached_views (the stem and seven blocks)"
        problems.append(must("train.frozen_blocks", rule, frozen, "Lower it."))
    if recipe.mixing.kind != "none":
        rule = "none with train.cached_views (features are of one photo each)"
        problems.append(must("mixing.kind", rule, recipe.mixing.kind, "Leave one of them out."))
    if views == 1 and recipe.augment:
        kinds = ", ".join(each.kind for each in recipe.augment)
        remedy = "Leave augment out, or cache more views."
        problems.append(must("augment", "empty with one view in train.cached_views", kinds, remedy))
    if views > 1 and not recipe.augment:
        remedy = "Set it to 1: without augmentations all views are alike."
        problems.append(must("train.cached_views", "1 without augment", views, remedy))
    return problems


def _cosine_problems(address: str, loss: ArcFace | Ldam, head: str, recipe: RecipeFields) -> list[str]:
    if recipe.model.head.kind == head:
        return []
    rule = f"{head} for {address}.kind {loss.kind}"
    return [must("model.head.kind", rule, recipe.model.head.kind, "Change it, or choose another loss.")]


def _reweight_problems(address: str, loss: Ldam, recipe: RecipeFields) -> list[str]:
    epochs = recipe.train.epochs
    if loss.reweight_from is None or loss.reweight_from <= (epochs - 1) / epochs:
        return []
    rule = f"at most {(epochs - 1) / epochs:.3g}, where the last of {epochs} epochs begins (train.epochs)"
    return [must(f"{address}.reweight_from", rule, loss.reweight_from, "Lower it, train longer, or set it to null.")]


def _attribute_problems(address: str, loss: AttributesCrossEntropy | PerAttribute, recipe: RecipeFields) -> list[str]:
    weights = {"mask": loss.mask_weight, "gender": loss.gender_weight, "age": loss.age_weight}
    return [
        must(f"{address}.{name}_weight", f"left out, as {name} is none of task.attributes", weight, "Leave it out.")
        for name, weight in weights.items()
        if name not in recipe.task.attributes and weight != 1
    ]


def _border_problems(address: str, target: SoftAgeBorder, recipe: RecipeFields) -> list[str]:
    if "age" not in recipe.task.attributes:
        rule = "a kind that has an effect: task.attributes has no age"
        return [must(f"{address}.kind", rule, target.kind, f"Leave {address} out.")]
    borders_years = recipe.task.train_age_borders_years or recipe.task.age_borders_years
    gaps_years = [high - low for low, high in itertools.pairwise(borders_years)]
    if gaps_years and 2 * target.margin_years > min(gaps_years):
        rule = f"at most half of the {min(gaps_years)} years between two training borders"
        return [must(f"{address}.margin_years", rule, target.margin_years, "Lower it.")]
    return []
