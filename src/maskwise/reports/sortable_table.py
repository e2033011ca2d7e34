"""A table that is sorted by a click on a heading, whose columns can be hidden, and whose rows say what differs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

STYLE = """<style>
.sortable th[aria-sort] button { border: 0; padding: 0.1em 0; border-radius: 0; font-weight: 600; font-size: inherit; }
.sortable th[aria-sort] button::after { content: " ↕"; color: var(--faint); font-weight: normal; }
.sortable th[aria-sort="ascending"] button::after { content: " ↑"; color: inherit; }
.sortable th[aria-sort="descending"] button::after { content: " ↓"; color: inherit; }
.sortable .lane { display: block; position: relative; width: 9rem; height: 1em;
  background: linear-gradient(var(--line), var(--line)) 0 50% / 100% 1px no-repeat; }
.sortable .lane i { position: absolute; top: 50%; height: 0.4em; margin-top: -0.2em; border-radius: 0.2em;
  background: var(--fill); opacity: 0.45; } .sortable .lane b { position: absolute; top: 50%; width: 0.6em;
  height: 0.6em; margin: -0.3em 0 0 -0.3em; border-radius: 50%; background: var(--fill); }
.sortable .differs { white-space: normal; min-width: 16rem; text-align: left; }
.sortable .differs span { display: inline-block; border: 1px solid var(--faint); border-radius: 1rem;
  padding: 0 0.6em; margin: 0.1em 0.2em 0.1em 0; font-size: 0.85em; overflow-wrap: anywhere; }
.sortable tr.base td { box-shadow: inset 0 2px var(--fill), inset 0 -2px var(--fill); }
.sortable thead th:nth-child(3) { text-align: left; }
.sortable td:nth-child(2), .sortable th:nth-child(2) { text-align: left; }
.scroll .sortable :is(td, th):first-child { position: static; }
.scroll .sortable :is(td, th):nth-child(2) { position: sticky; left: 0; background: var(--paper); z-index: 1; }
.columns { display: flex; flex-wrap: wrap; gap: 0.3rem; margin: 0.4em 0; }
@media (max-width: 40rem) { .sortable :is(td, th):first-child { white-space: nowrap; }
  .sortable td:nth-child(2) { white-space: normal; overflow-wrap: break-word; min-width: 6.5rem;
  max-width: 9rem; } }
@media print { .columns, .sorting label { display: none; }
  .scroll .sortable :is(td, th):nth-child(2) { position: static; } }
</style>"""

SCRIPT = """
for (const box of document.querySelectorAll('.sorting')) {
  const table = box.querySelector('table'), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const key = cell => { const value = cell.dataset.sort ?? cell.textContent; return value === '' ? null : value; };
  heads.forEach((head, column) => head.querySelector('button')?.addEventListener('click', () => {
    const up = head.getAttribute('aria-sort') === 'descending';
    heads.forEach(each => each.hasAttribute('aria-sort') && each.setAttribute('aria-sort', 'none'));
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const rows = [...body.rows].map((row, place) => [key(row.cells[column]), place, row]);
    rows.sort(([one, a], [other, b]) => {
      if (one === null || other === null) return (one === null) - (other === null) || a - b;
      const numbers = one !== '' && other !== '' && !isNaN(one) && !isNaN(other);
      const order = numbers ? one - other : String(one).localeCompare(other);
      return (up ? order : -order) || a - b;
    });
    body.append(...rows.map(([, , row]) => row));
  }));
  const [against] = box.getElementsByTagName('select'), place = Number(box.dataset.differs);
  const show = (column, shown) => { for (const row of table.rows) row.cells[column].hidden = !shown; };
  box.querySelector('.columns')?.addEventListener('click', event => {
    const button = event.target.closest('button'); if (!button) return;
    const shown = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', shown);
    show(button.dataset.column, shown);
  });
  show(place, false);
  against.addEventListener('change', () => {
    const base = [...body.rows].find(row => row.dataset.run === against.value);
    show(place, !!base);
    const theirs = base ? JSON.parse(base.dataset.settings) : {};
    for (const row of body.rows) {
      const mine = JSON.parse(row.dataset.settings), cell = row.querySelector('.differs');
      row.classList.toggle('base', row === base);
      const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])]
        .filter(name => mine[name] !== theirs[name]);
      cell.replaceChildren(...names.map(name => {
        const chip = document.createElement('span');
        chip.textContent = name in mine ? `${name}=${mine[name]}` : `no ${name}`; return chip;
      }));
      if (!names.length) cell.textContent = row === base ? 'this run' : 'nothing';
    }
  });
}
"""


_DIFFERS = 2
"""The place of the column that says what differs."""


class Cell(NamedTuple):
    """What stands in a cell: text or HTML, and what it is sorted by where that is not the text."""

    html: str
    sort: str | None = None


def text_cell(text: str) -> Cell:
    """Text as it is, sorted as numbers where it is one."""
    return Cell(escape(text))


def lane_cell(value: float, low: float, high: float, axis: tuple[float, float]) -> Cell:
    """A score's dot and interval on the axis that all rows of the table share; sorted by the score."""
    left, right, middle = (100 * (at - axis[0]) / max(axis[1] - axis[0], 1e-9) for at in (low, high, value))
    bar = f'<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>' if low == low else ""
    return Cell(f'<span class="lane" aria-hidden="true">{bar}<b style="left:{middle:.1f}%"></b></span>', f"{value:.6f}")


class Compared(NamedTuple):
    """What a row is, for whoever chooses it as the one that others are compared with."""

    key: str
    name: str
    settings: Mapping[str, Any]


def sortable_table(head: Sequence[str], rows: Sequence[Sequence[Cell]], compared: Sequence[Compared]) -> str:
    """``rows`` under ``head``, whose first two columns are a rank and a name.

    After these stands a column that says how each row's settings differ from a chosen row's, once one is chosen.
    """
    titles = [
        f'<th scope="col" aria-sort="none"><button type="button">{escape(name) or "rank"}</button></th>'
        for name in head
    ]
    titles.insert(_DIFFERS, '<th scope="col">differs in</th>')
    lines = []
    for cells, (key, _, settings) in zip(rows, compared, strict=True):
        inner = [*map(_cell, cells)]
        inner.insert(_DIFFERS, '<td class="differs"></td>')
        words = escape(json.dumps(flat(settings)))
        lines.append(f'<tr data-run="{escape(key)}" data-settings="{words}">{"".join(inner)}</tr>')
    toggles = "".join(
        f'<button type="button" aria-pressed="true" data-column="{column}">{escape(name)}</button>'
        for column, name in enumerate(head[_DIFFERS:], start=_DIFFERS + 1)
    )
    choices = "".join(f'<option value="{escape(each.key)}">{escape(each.name)}</option>' for each in compared)
    select = f'<label>differences to <select><option value="">no run</option>{choices}</select></label>'
    return (
        f'<div class="sorting" data-differs="{_DIFFERS}">{select}'
        f'<div class="columns" role="group" aria-label="Columns">{toggles}</div>'
        f'<div class="scroll" tabindex="0"><table class="sortable"><thead><tr>{"".join(titles)}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div></div>"
    )


def _cell(cell: Cell) -> str:
    key = "" if cell.sort is None else f' data-sort="{escape(cell.sort)}"'
    return f"<td{key}>{cell.html}</td>"


def flat(settings: Any, address: str = "") -> dict[str, str]:
    """Settings by address, as text: ``{"train.epochs": "6"}``."""
    if isinstance(settings, Mapping) and settings:
        parts = [flat(value, f"{address}.{name}" if address else str(name)) for name, value in settings.items()]
    elif isinstance(settings, list | tuple) and settings:
        parts = [flat(value, f"{address}.{place}") for place, value in enumerate(settings)]
    else:
        return {address: settings if isinstance(settings, str) else json.dumps(settings, ensure_ascii=False)}
    return {name: value for part in parts for name, value in part.items()}
