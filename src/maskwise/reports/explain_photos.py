"""What a run's models look at, and what its augmentation makes of photos: all of a report that needs torch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch
from torch import nn

from maskwise.augment.build import build_augment
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError
from maskwise.faces.box_store import BoxStore
from maskwise.fitting.bind_fit import mix_batches
from maskwise.fitting.photos import input_spec, photo_reader
from maskwise.listeners import Listener
from maskwise.models.grad_cam import grad_cam
from maskwise.recipe.config import Recipe
from maskwise.recipe.single_recipes import SingleRecipe, single_recipes
from maskwise.records import Floats, Image, InputSpec, Ints
from maskwise.reports.explained import AugmentedPhoto, ExplainedPhoto
from maskwise.reports.run_story import DataAtHand, RunStory
from maskwise.seeds import rng_for
from maskwise.store.kept_files import read_split
from maskwise.store.runs import StoredRun
from maskwise.training.batches import normalize, to_images
from maskwise.training.inference import Inference
from maskwise.workflows.run_models import load_models, read_recipe

SHOWN_PHOTOS, SAMPLES_EACH = 4, 5
"""Photos whose augmentation is shown, and how often each is sampled."""
_BATCH = 32
"""Photos of the batch that they are mixed in."""


def heaviest_member(story: RunStory) -> StoredRun | None:
    """The run itself, or the member that counts most in an ensemble; None where the members are gone."""
    if story.joined is None or not story.members:
        return story.members[0] if story.members else None
    return story.members[int(np.argmax(story.joined.weights))]


def explain_photos(story: RunStory, places: Ints, listener: Listener) -> tuple[ExplainedPhoto, ...]:
    """Grad-CAM of the photos at ``places`` by models that held their people out; none where a net has no such maps.

    Of an ensemble it is the heaviest member, of a run with parts each part.
    """
    member = heaviest_member(story)
    if member is None or story.data is None:
        return ()
    fold_of = read_split(member.folder)
    recipe = read_recipe(member.folder)
    found: list[ExplainedPhoto] = []
    parts = single_recipes(recipe)
    listener.on_stage("computing where the models look", len(parts) * len(places))
    for part in parts:
        models, how = load_models(member, part.recipe, part.name)
        read = _reader(story.data, how.spec)
        for place in places.tolist():
            fold = fold_of.get(str(story.predictions.person_N[place]), 0)
            try:
                pixels_HWC = read(str(story.predictions.photo_N[place]))
            except (DataError, OSError):
                continue  # noted when all photos were looked at
            explained = _explain(story, place, part, models[fold], how, pixels_HWC)
            if explained is None:
                return ()
            folds = f"fold {fold} of {member.record.name}" if len(models) > 1 else member.record.name
            found.append(_named(explained, place, " · ".join(filter(None, [folds, part.name]))))
            listener.on_advance(1)
    return tuple(found)


def augmented_photos(story: RunStory, listener: Listener) -> tuple[AugmentedPhoto, ...]:
    """A few training photos of different classes, as the augmentation of each model changes them; none without any."""
    member = heaviest_member(story)
    if member is None or story.data is None:
        return ()
    listener.on_stage("drawing augmentations", SHOWN_PHOTOS)
    found = []
    for part in single_recipes(read_recipe(member.folder)):
        if part.recipe.augment or part.recipe.mixing.kind != "none":
            found += _augmented(story.data, part, _training_places(story.data, member))
    return tuple(found)


def _explain(
    story: RunStory,
    place: int,
    part: SingleRecipe,
    model: nn.Module,
    how: Inference,
    pixels_HWC: Image,
) -> tuple[Image, Floats, Floats | None] | None:
    """(what the model sees, what speaks for the prediction, what speaks for the label where that is another)."""
    classes = [int(story.predictions.probs_NC[place].argmax()), int(story.predictions.class_N[place])]
    codes = story.task.codes(np.array(classes))
    own = part.recipe.task.joint_class({name: codes[name] for name in part.recipe.task.attributes})
    images_NCHW = normalize(to_images(pixels_HWC[None], how.device), how.spec.mean_C, how.spec.std_C)
    maps = grad_cam(model, images_NCHW.repeat(2, 1, 1, 1), torch.from_numpy(own).to(how.device))
    if maps is None:
        return None
    for_predicted, for_label = maps.cpu().numpy()
    return pixels_HWC, for_predicted, for_label if own[0] != own[1] else None


def _named(found: tuple[Image, Floats, Floats | None], place: int, model: str) -> ExplainedPhoto:
    pixels_HWC, for_predicted_HW, for_label_HW = found
    return ExplainedPhoto(place, model, pixels_HWC, for_predicted_HW, for_label_HW)


def _reader(data: DataAtHand, spec: InputSpec) -> Callable[[str], Image]:
    """A photo's name → its pixels as the models see them."""
    contents, prepare = bytes_of(data.root), photo_reader(spec, BoxStore(data.cache))
    return lambda name: prepare(contents(name), name)


def _training_places(data: DataAtHand, member: StoredRun) -> Ints:
    """Positions of the photos that train in fold 0, shuffled, with one of each of ``SHOWN_PHOTOS`` classes first."""
    held_out = {person for person, fold in read_split(member.folder).items() if fold == 0}
    trains = np.flatnonzero([person not in held_out for person in data.table.person_N.tolist()])
    order = rng_for(0, "augmented photos").permutation(trains)
    classes, first = np.unique(data.table.class_N[order], return_index=True)
    spread = np.unique(np.linspace(0, len(classes) - 1, SHOWN_PHOTOS).round().astype(np.int64))
    shown = order[first[spread]]
    return np.concatenate([shown, np.setdiff1d(order, shown, assume_unique=True)])[:_BATCH]


def _augmented(data: DataAtHand, part: SingleRecipe, places: Ints) -> list[AugmentedPhoto]:
    recipe = part.recipe
    spec = input_spec(recipe)
    read = _reader(data, spec)
    pixels: dict[int, Image] = {}
    for place in places.tolist():
        with suppress(DataError, OSError):  # the training left it out, too
            pixels[place] = read(str(data.table.photo_N[place]))
    if not pixels:
        return []
    pixels_NHWC = np.stack([*pixels.values()])
    shown = data.table.take(np.array([*pixels]))
    names, class_N = shown.photo_N.tolist(), recipe.task.label(shown).class_N
    draws = [_draw(recipe, pixels_NHWC, class_N, draw) for draw in range(SAMPLES_EACH)]
    return [
        AugmentedPhoto(part.name, str(names[row]), pixels_NHWC[row], tuple(drawn[row] for drawn in draws))
        for row in range(min(SHOWN_PHOTOS, len(names)))
    ]


def _draw(recipe: Recipe, pixels_NHWC: Image, class_N: Ints, draw: int) -> Image:
    """One draw of augmentation and mixing of a whole batch, as a training step makes it; uint8 N × H × W × 3."""
    images_NCHW = to_images(pixels_NHWC, torch.device("cpu"))
    images_NCHW = build_augment(recipe.augment)(images_NCHW, rng_for(recipe.seed, "shown augmentation", draw))
    target_NC = nn.functional.one_hot(torch.from_numpy(class_N), recipe.task.n_classes).float()
    images_NCHW = mix_batches(recipe)(images_NCHW, target_NC, rng_for(recipe.seed, "shown mixing", draw)).images_NCHW
    mixed: Image = (images_NCHW.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return mixed
