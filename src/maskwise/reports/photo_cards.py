"""Photos on cards that say only what differs, with an arrow, and chips that filter them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from maskwise.labels import Task

_MOST_KINDS = 8

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
.differs .right { color: var(--line-0); font-weight: 600; } .differs .wrong { color: var(--line-1); font-weight: 600; }
.chips { display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.6em 0; }
@media (max-width: 40rem) { .cases { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
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
    """One attribute in which two joint classes differ."""

    attribute: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.attribute} {self.before} → {self.after}"


def differing_attributes(task: Task, before: int, after: int) -> list[Differing]:
    """In which attributes the joint class ``after`` is another than ``before``."""
    codes = task.codes(np.array([before, after]))
    return [
        Differing(name, task.classes(name)[codes[name][0]], task.classes(name)[codes[name][1]])
        for name in task.attributes
        if codes[name][0] != codes[name][1]
    ]


def difference_lines(found: Sequence[Differing], *, after_is_right: bool = False) -> str:
    """As HTML, a line an attribute; the right class in blue, the wrong one in orange."""
    before, after = ("wrong", "right") if after_is_right else ("right", "wrong")
    return "".join(
        f'<span class="differs"><em>{escape(each.attribute)}</em> <span class="{before}">{escape(each.before)}</span>'
        f' → <span class="{after}">{escape(each.after)}</span></span>'
        for each in found
    )


def card(found: Sequence[Differing], summary: str, inner: str) -> str:
    """A card that opens; both parts are HTML. What differs is what chips choose it by."""
    attributes, kinds = "|".join(each.attribute for each in found), "|".join(map(str, found))
    return (
        f'<details class="case" data-attributes="{escape(attributes)}" data-kinds="{escape(kinds)}">'
        f"<summary>{summary}</summary>{inner}</details>"
    )


def chips(found_of_cards: Sequence[Sequence[Differing]], label: str) -> str:
    """All cards, each attribute and the commonest kinds to choose from; to stand beside the cards in one element."""
    found = [each for of_card in found_of_cards for each in of_card]
    of_attribute = Counter(each.attribute for each in found)
    of_kind = Counter(map(str, found)).most_common(_MOST_KINDS)
    buttons = [f'<button type="button" aria-pressed="true" data-kind="">all {len(found_of_cards)}</button>']
    buttons += [_chip("attributes", name, count) for name, count in of_attribute.items()]
    buttons += [_chip("kinds", name, count) for name, count in of_kind]
    return f'<div class="chips" role="group" aria-label="{escape(label)}">{"".join(buttons)}</div>'


def _chip(kind: str, value: str, count: int) -> str:
    return (
        f'<button type="button" aria-pressed="false" data-kind="{kind}" data-value="{escape(value)}">'
        f"{escape(value)} ({count})</button>"
    )
