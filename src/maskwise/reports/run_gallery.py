"""A run's report: the hardest people, where the models look, what augmentation does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from maskwise.data.readable import read_photo
from maskwise.data.shards import bytes_of
from maskwise.errors import DataError
from maskwise.records import Floats, Image
from maskwise.reports.charts import photo
from maskwise.reports.explained import AugmentedPhoto, ExplainedPhoto
from maskwise.reports.page import paragraph
from maskwise.reports.pick_photos import HardPerson, hardest_people
from maskwise.reports.run_story import RunStory

PEOPLE = 10
_HEIGHT_PX = 220
_STRONGEST = 0.7
"""How far the colors of a map cover the photo at the most."""

STYLE = """<style>
.person { border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem 0.7rem; margin: 0.5rem 0; }
.person summary { overflow-wrap: anywhere; } .person .faces { margin-top: 0.5rem; }
.views { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 1.2rem; }
.views .tiles { margin-bottom: 0.3rem; } .views figure { margin: 0; } .views figcaption { font-size: 0.85rem; }
.views .tiles img { max-width: 31%; } .samples .tiles img { max-width: 15%; } .samples figure { margin: 0 0 0.7rem; }
@media print { .person, .views figure, .samples figure { break-inside: avoid; } }
</style>"""

Opener = Callable[[str], Image | None]
"""A photo's name → the photo, small; None where it cannot be had."""


def opener(root: Path | None) -> Opener:
    """How photos below ``root`` are opened for the page; without a folder there are none."""
    if root is None:
        return without_photos
    contents = bytes_of(root)

    def read(name: str) -> Image | None:
        try:
            return enlarged(read_photo(contents, name)[1], _HEIGHT_PX)
        except DataError:
            return None

    return read


def without_photos(_name: str) -> Image | None:
    """Opens nothing: the page then has words alone."""
    return None


def people(story: RunStory, open_photo: Opener) -> list[str]:
    """The people whose labels got the least probability, with all of their photos."""
    hardest = hardest_people(story.predictions, PEOPLE)
    return [
        paragraph("Those whose labels got the least probability, in the mean over all of their photos."),
        *(_person(story, person, open_photo, opened=rank < 2) for rank, person in enumerate(hardest)),
    ]


def looks(story: RunStory, explained: Sequence[ExplainedPhoto]) -> list[str]:
    """Grad-CAM of wrong and right predictions."""
    if not explained:
        return [paragraph("There are no maps: no photos were wanted or at hand, or the net has no map of places.")]
    guessed_N = story.predictions.probs_NC.argmax(axis=1)
    parts = [
        paragraph(
            "Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391), place by place (HiResCAM, Draelos and Carin 2020, "
            "arXiv 2011.08891): the brighter a place, the more it speaks for the prediction. Gray says nothing, or "
            "speaks against it. The model never saw the person. Such maps are coarse: they show where a model looks, "
            "not why."
        )
    ]
    for heading, wanted in (
        ("Predicted wrongly, the surest mistakes", False),
        ("Predicted rightly, one of each of the commonest classes", True),
    ):
        chosen = [
            each for each in explained if (guessed_N[each.place] == story.predictions.class_N[each.place]) == wanted
        ]
        if chosen:
            views = "".join(_view(story, each) for each in chosen)
            parts.append(f'<h3>{heading}</h3><div class="views">{views}</div>')
    return parts


def augmentation(samples: Sequence[AugmentedPhoto]) -> list[str]:
    """A photo and what training saw of it."""
    if not samples:
        return [paragraph("Nothing is shown: no photos were wanted or at hand, or the recipe changes none.")]
    lines = []
    for sample in samples:
        words = " · ".join(filter(None, [_short(sample.photo), sample.model]))
        tiles = photo(enlarged(sample.plain_HWC, _HEIGHT_PX), f"{words}, as it is") + "".join(
            photo(enlarged(drawn, _HEIGHT_PX), f"{words}, sample {number}")
            for number, drawn in enumerate(sample.drawn, start=1)
        )
        lines.append(f'<figure><div class="tiles">{tiles}</div><figcaption>{escape(words)}</figcaption></figure>')
    return [
        paragraph(
            "Training photos as the model is given them: first as they are, then five samples of the augmentation."
        ),
        f'<div class="samples">{"".join(lines)}</div>',
    ]


def _person(story: RunStory, person: HardPerson, open_photo: Opener, *, opened: bool) -> str:
    predictions, names = story.predictions, story.task.class_names
    shown, rows = [], []
    for place in person.rows.tolist():
        name, guessed = str(predictions.photo_N[place]), int(predictions.probs_NC[place].argmax())
        words = f"{PurePosixPath(name).stem}: appears {names[guessed]} ({predictions.probs_NC[place, guessed]:.2f})"
        image = open_photo(name)
        if image is None:
            rows.append(words)
        else:
            shown.append(f"<figure>{photo(image, words)}<figcaption>{escape(words)}</figcaption></figure>")
    head = (
        f"{person.person}: {person.wrong} of {len(person.rows)} photos wrong, log loss {person.log_loss:.2f}; labeled "
        f"{_labels(story, person)}"
    )
    faces = f'<div class="faces">{"".join(shown)}</div>' if shown else ""
    words = "".join(f"<li>{escape(row)}</li>" for row in rows)
    listed = f'<ul class="list">{words}</ul>' if rows else ""
    return (
        f'<details class="person"{" open" if opened else ""}><summary>{escape(head)}</summary>{faces}{listed}</details>'
    )


def _labels(story: RunStory, person: HardPerson) -> str:
    """What is said of the person on all photos alike: gender and age group."""
    codes = story.task.codes(story.predictions.class_N[person.rows])
    phrases = [
        story.task.classes(name)[codes[name][0]]
        for name in story.task.attributes
        if name != "mask" and len(set(codes[name].tolist())) == 1
    ]
    return ", ".join(phrases) or "differently from photo to photo"


def _view(story: RunStory, each: ExplainedPhoto) -> str:
    names = story.task.class_names
    guessed, labeled = int(story.predictions.probs_NC[each.place].argmax()), int(story.predictions.class_N[each.place])
    caption = f"what speaks for {names[guessed]}"
    tiles = photo(enlarged(each.pixels_HWC, _HEIGHT_PX), f"{_short(str(story.predictions.photo_N[each.place]))}")
    tiles += photo(heated(each.pixels_HWC, each.for_predicted_HW, _HEIGHT_PX), caption)
    words = f"appears {names[guessed]}"
    if each.for_label_HW is not None:
        label = f"what speaks for the label, {names[labeled]}"
        tiles += photo(heated(each.pixels_HWC, each.for_label_HW, _HEIGHT_PX), label)
        words += f" (middle); labeled {names[labeled]} (right)"
    elif guessed != labeled:
        words += f"; labeled {names[labeled]}, which this model does not distinguish"
    return (
        f'<figure><div class="tiles">{tiles}</div>'
        f"<figcaption>{escape(words)}. By {escape(each.model)}.</figcaption></figure>"
    )


def _short(name: str) -> str:
    """The end of a photo's path: whose folder, which photo."""
    return "/".join(PurePosixPath(name).parts[-2:])


def heated(photo_HWC: Image, map_HW: Floats, height_px: int) -> Image:
    """The photo in gray, ``height_px`` high, with ``map_HW`` (0 to 1) in colors from violet to yellow over it."""
    width_px = max(1, round(photo_HWC.shape[1] * height_px / photo_HWC.shape[0]))
    size = (width_px, height_px)
    photo = np.asarray(cv2.resize(photo_HWC, size, interpolation=cv2.INTER_LINEAR))
    gray = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.float32)
    heat_HW = np.clip(np.asarray(cv2.resize(map_HW.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)), 0, 1)
    colors_BGR = cv2.applyColorMap((heat_HW * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    share_HW1 = _STRONGEST * heat_HW[..., None]
    mixed = gray * (1 - share_HW1) + colors_BGR[..., ::-1].astype(np.float32) * share_HW1
    return np.asarray(mixed.round(), dtype=np.uint8)


def enlarged(photo_HWC: Image, height_px: int) -> Image:
    """The photo ``height_px`` high."""
    width_px = max(1, round(photo_HWC.shape[1] * height_px / photo_HWC.shape[0]))
    smooth = cv2.INTER_AREA if photo_HWC.shape[0] > height_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo_HWC, (width_px, height_px), interpolation=smooth), dtype=np.uint8)
