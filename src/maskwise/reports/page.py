"""The frame of every page: one file without links to elsewhere, light and dark, readable on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #27313f; --paper: #fdfdfb; --faint: #5f6a77; --line: #d9dee3;
  --shade: rgb(0 0 0 / 18%); }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #171b20; --faint: #9aa5b1; --line: #38414b;
  --shade: rgb(0 0 0 / 70%); } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 64rem; margin: 0 auto; padding: 1.2rem; }
body.wide { max-width: 110rem; } main { min-width: 0; } a { color: inherit; }
:lang(ko) { word-break: keep-all; }
h1 { font-size: 1.6rem; margin: 0.4em 0; } h2 { font-size: 1.15rem; margin: 1.6em 0 0.4em; }
p.note, figcaption { color: var(--faint); font-size: 0.92rem; }
section { scroll-margin-top: 0.5rem; } details > summary { cursor: pointer; }
.fold { margin-top: 1.6em; } .fold > summary { color: var(--faint); margin-bottom: 0.4em; }
.fold > summary h2 { display: inline; color: var(--ink); }
figure { margin: 0.6em 0; } .row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
img { max-width: 100%; height: auto; background: var(--line); border-radius: 6px; }
.scroll { overflow-x: auto; max-width: 100%;
  background: linear-gradient(to left, var(--paper) 40%, transparent) right / 2.4rem 100% no-repeat local,
    linear-gradient(to left, var(--shade), transparent) calc(100% + 2px) 0 / 0.8rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3em 0.55em; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.scroll th:first-child, .scroll td:first-child { position: sticky; left: 0; background: var(--paper); z-index: 1; }
@media (max-width: 40rem) { .scroll th:first-child, .scroll td:first-child { white-space: normal; max-width: 40vw; } }
pre { overflow-x: auto; padding: 0.8em; border: 1px solid var(--line); border-radius: 6px; font-size: 0.85rem; }
code { overflow-wrap: anywhere; }
button, select, .chip { font: inherit; font-size: 0.88rem; color: inherit; background: transparent;
  border: 1px solid var(--faint); border-radius: 1rem; padding: 0.15em 0.8em; cursor: pointer; }
button[aria-pressed="true"], .chip[aria-pressed="true"] { background: var(--ink); color: var(--paper); }
:focus-visible { outline: 3px solid var(--fill, currentColor); outline-offset: 2px; }
nav.contents { font-size: 0.9rem; display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin: 0.8rem 0; }
nav.contents a { color: var(--fill, inherit); }
@media (max-width: 40rem) { .fold { margin: 0; } .fold > summary { margin: 0; padding: 0.65rem 0;
  border-bottom: 1px solid var(--line); } .fold[open] { padding-bottom: 1.2rem; }
  nav.contents { flex-wrap: nowrap; overflow-x: auto; white-space: nowrap; gap: 1.1rem; padding: 0.4rem 0;
  margin: 0; } }
@media (min-width: 1100px) {
  body.listed { max-width: 90rem; display: grid; grid-template-columns: 12.5rem minmax(0, 1fr); gap: 2rem; }
  body.listed nav.contents { position: sticky; top: 0; align-self: start; flex-flow: column; margin: 4.2rem 0 0;
    max-height: 100vh; overflow-y: auto; padding-bottom: 1rem; box-sizing: border-box; } }
@media print { body, body.wide { max-width: none; } figure, tr { break-inside: avoid; } nav.contents { display: none; }
  .fold > summary { list-style: none; }
  details.fold::details-content { content-visibility: visible; block-size: auto; }
  .scroll { overflow: visible; background: none; } .scroll th:first-child, .scroll td:first-child { position: static; }
  body.wide table { table-layout: fixed; width: 100%; font-size: 0.5rem; overflow-wrap: anywhere; }
  body.wide th, body.wide td { min-width: 0; padding: 0.15em; white-space: normal; overflow-wrap: anywhere; }
  body:not(.wide) table { font-size: 0.72rem; }
  body:not(.wide) :is(th, td) { padding: 0.2em 0.4em; white-space: normal; } pre { white-space: pre-wrap; } }
"""


_SCRIPT = """{
const folds = [...document.querySelectorAll('details.fold')];
if (matchMedia('(max-width: 40rem)').matches) for (const each of folds) each.open = false;
const reveal = () => {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = part?.querySelector(':scope > details.fold') ?? part; at; at = at.parentElement)
    if (at instanceof HTMLDetailsElement) at.open = true;
};
addEventListener('hashchange', reveal);
document.addEventListener('click', event => event.target.closest('a[href^="#"]') && setTimeout(reveal));
addEventListener('beforeprint', () => { for (const each of folds) each.open = true; });
reveal();
}
"""
"""A phone shows the headings of what folds; links and paper open it. Without scripts all stands open."""


def page(
    title: str,
    *parts: str,
    contents: Sequence[tuple[str, str]] = (),
    wide: bool = False,
    script: str = "",
    head: str = "",
) -> str:
    """A whole HTML document of ``parts``, which are HTML already.

    ``contents`` (anchor, words) is a list of links that stays beside the page where there is room. ``script`` is
    JavaScript that runs at the end; it must not use the network. ``head`` is HTML for the document's head.
    """
    links = "".join(f'<a href="#{escape(anchor)}">{escape(words)}</a>' for anchor, words in contents)
    listed = f'<nav class="contents" aria-label="Contents">{links}</nav>' if contents else ""
    kinds = " ".join(kind for kind, is_so in (("listed", bool(contents)), ("wide", wide)) if is_so)
    script = f"{_SCRIPT}{script}" if contents else script
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"{head}"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f'<body class="{kinds}">{listed}<main><h1>{escape(title)}</h1>\n'
        + "\n".join(parts)
        + f"\n</main>{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def section(heading: str, *parts: str) -> str:
    """A heading and what stands below it."""
    return f"<section><h2>{escape(heading)}</h2>\n" + "\n".join(parts) + "</section>"


def listed_sections(
    sections: Sequence[tuple[str, str, Sequence[str]]], unfolded: int = 1
) -> tuple[list[str], list[tuple[str, str]]]:
    """Sections of (anchor, heading, parts) as HTML, and the ``contents`` that lead to them.

    All but the first ``unfolded`` can be folded, and are on a phone, so that what matters most is seen at once.
    """
    shown = []
    for place, (anchor, heading, parts) in enumerate(sections):
        inner, head = "\n".join(parts), f"<h2>{escape(heading)}</h2>"
        if place >= unfolded:
            head, inner = "", f'<details class="fold" open><summary>{head}</summary>\n{inner}</details>'
        shown.append(f'<section id="{escape(anchor)}">{head}\n{inner}</section>')
    return shown, [(anchor, heading) for anchor, heading, _ in sections]


def paragraph(text: str) -> str:
    """A note."""
    return f'<p class="note">{escape(text)}</p>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text; the first column names them."""
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' if cell else "<td></td>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    inner = f"<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="scroll" tabindex="0"><table>{inner}</table></div>'


def side_by_side(*parts: str) -> str:
    """Parts beside each other where there is room."""
    return f'<div class="row">{"".join(parts)}</div>'


def preformatted(text: str) -> str:
    """Text as a terminal shows it."""
    return f'<pre tabindex="0">{escape(text)}</pre>'
