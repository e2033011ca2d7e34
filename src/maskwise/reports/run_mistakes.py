"""A run's report: the surest mistakes as cards that say only what differs, and can be filtered."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from maskwise.reports.charts import photo
from maskwise.reports.page import paragraph, table
from maskwise.reports.pick_photos import surest_mistakes
from maskwise.reports.run_gallery import Opener
from maskwise.reports.run_story import RunStory

SHOWN, TELLING = 24, 6
_LIKELIEST, _MOST_KINDS = 4, 8

STYLE = """<style>
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 11.5rem), 1fr)); gap: 0.9rem;
  align-items: start; }
.case { border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem; min-width: 0; }
.case[hidden] { display: none; } .case summary { list-style: none; font-size: 0.9rem; overflow-wrap: anywhere; }
.case summary::-webkit-details-marker { display: none; }
.case img { display: block; margin: 0 auto 0.4rem; width: 100%; object-fit: cover; }
.case table { font-size: 0.8rem; width: 100%; } .case td, .case th { padding: 0.15em 0.2em; white-space: normal; }
.case p { font-size: 0.8rem; margin: 0.3em 0; overflow-wrap: anywhere; color: var(--faint); }
.differs { display: block; } .differs em { font-style: normal; color: var(--faint); }
.differs .was { color: var(--line-0); font-weight: 600; } .differs .seems { color: var(--line-1); font-weight: 600; }
.chips { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.6em 0; }
.telling { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 0.7rem; margin: 0.6em 0; }
.telling figure { margin: 0; }
.telling img { width: 100%; aspect-ratio: 1; object-fit: cover; object-position: 50% 35%; }
.telling figcaption { color: inherit; font-size: 0.82rem; line-height: 1.3; }
@media (max-width: 40rem) { .telling { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .cases { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media print { .case { break-inside: avoid; } .chips { display: none; } }
</style>"""

SCRIPT = """
for (const chips of document.querySelectorAll('.chips')) {
  chips.addEventListener('click', event => {
    const chip = event.target.closest('button'); if (!chip) return;
    for (const each of chips.querySelectorAll('button')) each.setAttribute('aria-pressed', each === chip);
    const [kind, value] = [chip.dataset.kind, chip.dataset.value];
    for (const card of chips.parentElement.querySelectorAll('.case'))
      card.hidden = !!kind && !card.dataset[kind].split('|').includes(value);
  });
}
"""
"""The chips hide the cards that have not what they say."""


class Differing(NamedTuple):
    """One attribute of a mistake."""

    attribute: str
    labelled: str
    predicted: str

    def __str__(self) -> str:
        return f"{self.attribute} {self.labelled} → {self.predicted}"


def differing_attributes(story: RunStory, place: int) -> list[Differing]:
    """In which attributes the photo at ``place`` is predicted otherwise than labelled."""
    predictions, task = story.predictions, story.task
    codes = task.codes(np.array([predictions.class_N[place], predictions.probs_NC[place].argmax()]))
    return [
        Differing(name, task.classes(name)[codes[name][0]], task.classes(name)[codes[name][1]])
        for name in task.attributes
        if codes[name][0] != codes[name][1]
    ]


def telling_mistakes(story: RunStory, open_photo: Opener) -> str:
    """A few sure mistakes as pictures, of as many kinds as there are; nothing where no photo can be had."""
    # The first of each kind, then the second of each, and so on; within a round the surest first.
    seen, round_of = Counter[str](), dict[int, int]()
    for place in surest_mistakes(story.predictions, 10 * TELLING).tolist():
        kind = ", ".join(map(str, differing_attributes(story, place)))
        round_of[place] = seen[kind]
        seen[kind] += 1
    figures = []
    for place in sorted(round_of, key=lambda place: round_of[place])[:TELLING]:
        image = open_photo(str(story.predictions.photo_N[place]))
        if image is not None:
            words = ", ".join(map(str, differing_attributes(story, place)))
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
            "surest first: labelled → predicted, and the probability of the prediction. A sure mistake is often a "
            "wrong label: maskwise data audit looks for those. Open a card for the probabilities."
        ),
        _chips(story, places),
        f'<div class="cases">{"".join(_card(story, place, open_photo) for place in places)}</div>',
    ]


def _chips(story: RunStory, places: list[int]) -> str:
    found = [each for place in places for each in differing_attributes(story, place)]
    of_attribute = Counter(each.attribute for each in found)
    of_kind = Counter(map(str, found)).most_common(_MOST_KINDS)
    chips = [f'<button type="button" aria-pressed="true" data-kind="">all {len(places)}</button>']
    chips += [_chip("attributes", name, count) for name, count in of_attribute.items()]
    chips += [_chip("kinds", name, count) for name, count in of_kind]
    return f'<div class="chips" role="group" aria-label="Which mistakes are shown">{"".join(chips)}</div>'


def _chip(kind: str, value: str, count: int) -> str:
    return (
        f'<button type="button" aria-pressed="false" data-kind="{kind}" data-value="{escape(value)}">'
        f"{escape(value)} ({count})</button>"
    )


def _card(story: RunStory, place: int, open_photo: Opener) -> str:
    predictions, names = story.predictions, story.task.class_names
    probs_C, labelled = predictions.probs_NC[place], int(predictions.class_N[place])
    name, found = str(predictions.photo_N[place]), differing_attributes(story, place)
    likeliest = np.argsort(-probs_C, kind="stable")[:_LIKELIEST].tolist()
    codes = likeliest if labelled in likeliest else [*likeliest, labelled]
    rows = [[names[code] + (" (label)" if code == labelled else ""), f"{probs_C[code]:.3f}"] for code in codes]
    image = open_photo(name)
    shown = "" if image is None else photo(image, ", ".join(map(str, found)))
    attributes, kinds = "|".join(each.attribute for each in found), escape("|".join(map(str, found)))
    return (
        f'<details class="case" data-attributes="{escape(attributes)}" data-kinds="{kinds}">'
        f"<summary>{shown}{_in_words(story, place)}</summary>"
        f"{table(['class', 'probability'], rows)}<p>{escape('/'.join(PurePosixPath(name).parts[-2:]))}</p></details>"
    )


def _in_words(story: RunStory, place: int) -> str:
    lines = "".join(
        f'<span class="differs"><em>{escape(each.attribute)}</em> <span class="was">{escape(each.labelled)}</span> → '
        f'<span class="seems">{escape(each.predicted)}</span></span>'
        for each in differing_attributes(story, place)
    )
    return f"{lines}{story.predictions.probs_NC[place].max():.2f}"
