"""A run's report: the surest mistakes as cards that say only what differs, and can be filtered."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import PurePosixPath

import numpy as np

from maskwise.reports.charts import photo
from maskwise.reports.page import paragraph, table
from maskwise.reports.photo_cards import Differing, card, chips, difference_lines, differing_attributes
from maskwise.reports.pick_photos import surest_mistakes
from maskwise.reports.run_gallery import Opener
from maskwise.reports.run_story import RunStory

SHOWN, TELLING = 24, 6
_LIKELIEST = 4

STYLE = """<style>
.telling { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 0.7rem; margin: 0.6em 0; }
.telling figure { margin: 0; }
.telling img { width: 100%; aspect-ratio: 1; object-fit: cover; object-position: 50% 35%; }
.telling figcaption { color: inherit; font-size: 0.82rem; line-height: 1.3; }
@media (max-width: 40rem) { .telling { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
</style>"""


def telling_mistakes(story: RunStory, open_photo: Opener) -> str:
    """A few sure mistakes as pictures, of as many kinds as there are; nothing where no photo can be had."""
    # The first of each kind, then the second of each, and so on; within a round the surest first.
    seen, round_of = Counter[str](), dict[int, int]()
    for place in surest_mistakes(story.predictions, 10 * TELLING).tolist():
        kind = ", ".join(map(str, _differing(story, place)))
        round_of[place] = seen[kind]
        seen[kind] += 1
    figures = []
    for place in sorted(round_of, key=lambda place: round_of[place])[:TELLING]:
        image = open_photo(str(story.predictions.photo_N[place]))
        if image is not None:
            words = ", ".join(map(str, _differing(story, place)))
            caption = f"<figcaption>{_in_words(story, place)}</figcaption>"
            figures.append(f"<figure>{photo(image, words)}{caption}</figure>")
    return f'<div class="telling">{"".join(figures)}</div>' if figures else ""


def mistakes(story: RunStory, open_photo: Opener) -> list[str]:
    """The photos that are predicted wrongly with the highest probability, one a person."""
    places = surest_mistakes(story.predictions, SHOWN).tolist()
    if not places:
        return [paragraph("There are none.")]
    wrong = int(np.sum(story.predictions.probs_NC.argmax(axis=1) != story.predictions.class_N))
    return [
        paragraph(
            f"{wrong:,} of {len(story.predictions):,} photos are predicted wrongly. Here, one photo per person, the "
            "surest first: labeled → predicted, and the probability of the prediction. A sure mistake is often a "
            "wrong label: maskwise data audit looks for those. Open a card for the probabilities."
        ),
        chips([_differing(story, place) for place in places], "Which mistakes are shown"),
        f'<div class="cases">{"".join(_card(story, place, open_photo) for place in places)}</div>',
    ]


def _card(story: RunStory, place: int, open_photo: Opener) -> str:
    predictions, names = story.predictions, story.task.class_names
    probs_C, labeled = predictions.probs_NC[place], int(predictions.class_N[place])
    name, found = str(predictions.photo_N[place]), _differing(story, place)
    likeliest = np.argsort(-probs_C, kind="stable")[:_LIKELIEST].tolist()
    codes = likeliest if labeled in likeliest else [*likeliest, labeled]
    rows = [[names[code] + (" (label)" if code == labeled else ""), f"{probs_C[code]:.3f}"] for code in codes]
    image = open_photo(name)
    shown = "" if image is None else photo(image, ", ".join(map(str, found)))
    inner = f"{table(['class', 'probability'], rows)}<p>{escape('/'.join(PurePosixPath(name).parts[-2:]))}</p>"
    return card(found, f"{shown}{_in_words(story, place)}", inner)


def _in_words(story: RunStory, place: int) -> str:
    return f"{difference_lines(_differing(story, place))}{story.predictions.probs_NC[place].max():.2f}"


def _differing(story: RunStory, place: int) -> list[Differing]:
    predictions = story.predictions
    return differing_attributes(story.task, int(predictions.class_N[place]), int(predictions.probs_NC[place].argmax()))
