"""The script and style of a page on which suggestions are accepted, rejected or skipped, by click and by keys.

The page holds a list of rows as JSON in ``#rows`` (the first is the head, ``accept`` its first column), and an element
``.item`` with ``data-row`` for each row that can be decided. Decisions stay in the browser's own storage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from html import escape

STYLE = """<style>
.bar { position: sticky; top: 0; z-index: 3; background: var(--paper); border-bottom: 1px solid var(--line);
  padding: 0.5rem 0; display: flex; flex-wrap: wrap; gap: 0.4rem 0.8rem; align-items: center; }
.bar output { font-weight: 600; } .bar kbd, .note kbd { border: 1px solid var(--faint); border-radius: 4px;
  padding: 0 0.35em; font: inherit; font-size: 0.85em; }
.item { scroll-margin: 7rem 0 2rem; border: 1px solid var(--line); border-radius: 8px; padding: 0.5rem 0.7rem;
  margin: 0.4rem 0; display: flex; flex-wrap: wrap; gap: 0.4rem 0.8rem; align-items: center; }
.item p { margin: 0; flex: 1 1 16rem; } .item small { color: var(--faint); }
.item.now { outline: 3px solid var(--fill); outline-offset: 1px; }
.item[data-said] p::before { font-weight: 700; margin-right: 0.4em; }
.item[data-said="yes"] p::before { content: "✓ accepted"; } .item[data-said="no"] p::before { content: "✗ rejected"; }
.item[data-said="skip"] p::before { content: "– skipped"; }
.list tr { scroll-margin-top: 7rem; } .list tr:target { outline: 2px solid var(--fill); outline-offset: -2px; }
.item[data-said="yes"] p:lang(ko)::before { content: "✓ 수락"; }
.item[data-said="no"] p:lang(ko)::before { content: "✗ 거절"; }
.item[data-said="skip"] p:lang(ko)::before { content: "– 건너뜀"; }
@media print { .bar, .item button { display: none; } }
</style>"""

SCRIPT = """
const rows = JSON.parse(document.getElementById('rows').textContent);
const items = [...document.querySelectorAll('.item')];
const place = 'maskwise-review-' + document.body.querySelector('.bar').dataset.key;
let state = {said: {}, order: [], now: 0};
try { state = {...state, ...JSON.parse(localStorage.getItem(place) || '{}')}; } catch (error) { /* begin anew */ }
const keep = () => {
  try { localStorage.setItem(place, JSON.stringify(state)); } catch (error) { /* a private window */ }
};
function show(scroll) {
  const counts = {yes: 0, no: 0, skip: 0};
  items.forEach((item, number) => {
    const said = state.said[item.dataset.row];
    if (said) { item.dataset.said = said; counts[said] += 1; } else delete item.dataset.said;
    item.classList.toggle('now', number === state.now);
    for (const button of item.querySelectorAll('button'))
      button.setAttribute('aria-pressed', button.dataset.say === said);
    const line = document.getElementById('line-' + (Number(item.dataset.row) + 2));
    line.cells[1].textContent = said === 'yes' ? 'yes' : 'no';
  });
  const done = counts.yes + counts.no + counts.skip;
  document.querySelector('.bar output').textContent =
    `${done} of ${items.length} decided: ${counts.yes} accepted, ${counts.no} rejected, ${counts.skip} skipped`;
  if (scroll && items[state.now]) items[state.now].scrollIntoView({block: 'center'});
  keep();
}
function go(number) { state.now = Math.max(0, Math.min(items.length - 1, number)); show(true); }
function say(number, word) {
  const row = items[number].dataset.row;
  state.order.push([row, state.said[row] || null, number]);
  state.said[row] = word;
  go(number + 1);
}
function undo() {
  const last = state.order.pop(); if (!last) return;
  const [row, before, number] = last;
  if (before) state.said[row] = before; else delete state.said[row];
  go(number);
}
function corrections() {
  const cell = text => /[",\\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  return rows.map((row, number) => number ? [state.said[number - 1] === 'yes' ? 'yes' : 'no', ...row.slice(1)] : row)
    .map(row => row.map(cell).join(',')).join('\\n') + '\\n';
}
function download() {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([corrections()], {type: 'text/csv'}));
  link.download = 'corrections.csv'; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
document.addEventListener('click', event => {
  const button = event.target.closest('button'); const item = event.target.closest('.item');
  if (button && item) say(items.indexOf(item), button.dataset.say);
  else if (button && button.dataset.act === 'undo') undo();
  else if (button && button.dataset.act === 'download') download();
  else if (item && !event.target.closest('a')) { state.now = items.indexOf(item); show(false); }
});
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !items.length) return;
  const words = {a: 'yes', r: 'no', s: 'skip'}, key = event.key.toLowerCase();
  if (words[key]) say(state.now, words[key]);
  else if (key === 'u' || key === 'backspace') undo();
  else if (key === 'arrowdown' || key === 'arrowright') go(state.now + 1);
  else if (key === 'arrowup' || key === 'arrowleft') go(state.now - 1);
  else return;
  event.preventDefault();
});
show(false);
"""


def list_key(rows: Sequence[Sequence[str]]) -> str:
    """What the browser keeps the decisions about ``rows`` under."""
    return hashlib.blake2b(_as_json(rows).encode(), digest_size=8).hexdigest()


def review_bar(rows: Sequence[Sequence[str]]) -> str:
    """Count, undo and download, and the rows that are downloaded; ``rows`` begin with the head."""
    return (
        f'<div class="bar" data-key="{list_key(rows)}"><output aria-live="polite"></output>'
        '<button type="button" data-act="undo">Undo</button>'
        '<button type="button" data-act="download">Download corrections.csv</button>'
        "<small><kbd>a</kbd> accept <kbd>r</kbd> reject <kbd>s</kbd> skip <kbd>u</kbd> undo <kbd>↑</kbd> <kbd>↓</kbd> "
        f'go</small></div><script type="application/json" id="rows">{_as_json(rows)}</script>'
    )


def review_item(row: int, words: str) -> str:
    """A row of the list, from 0 for the first after the head, to be decided."""
    buttons = "".join(
        f'<button type="button" data-say="{say}" aria-pressed="false">{name}</button>'
        for say, name in (("yes", "Accept"), ("no", "Reject"), ("skip", "Skip"))
    )
    return (
        f'<div class="item" data-row="{row}" id="row-{row}"><p>{escape(words)} '
        f'<small><a href="#line-{row + 2}">line {row + 2} of corrections.csv</a></small></p>{buttons}</div>'
    )


def review_list(rows: Sequence[Sequence[str]], items: int) -> str:
    """The list as it would be downloaded now; the first ``items`` lines lead back to where they are decided."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in ("line", *rows[0]))
    lines = []
    for row, (accept, *cells) in enumerate(rows[1:]):
        inner = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        back = f'<a href="#row-{row}">{row + 2}</a>' if row < items else row + 2
        lines.append(f'<tr id="line-{row + 2}"><td>{back}</td><td>{escape(accept)}</td>{inner}</tr>')
    return (
        f'<div class="scroll" tabindex="0"><table class="list" translate="no"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _as_json(rows: Sequence[Sequence[str]]) -> str:
    return json.dumps([list(row) for row in rows]).replace("<", "\\u003c")
