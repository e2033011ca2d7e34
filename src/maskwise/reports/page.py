"""The frame of every page: one file without scripts or links to elsewhere, light and dark, readable on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #27313f; --paper: #fdfdfb; --faint: #66717e; --line: #d9dee3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #171b20; --faint: #9aa5b1; --line: #38414b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 64rem; margin: 0 auto; padding: 1.2rem; }
h1 { font-size: 1.6rem; margin: 0.4em 0; } h2 { font-size: 1.15rem; margin: 1.6em 0 0.4em; }
p.note, figcaption { color: var(--faint); font-size: 0.92rem; }
figure { margin: 0.6em 0; } .row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3em 0.55em; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; padding: 0.8em; border: 1px solid var(--line); border-radius: 6px; font-size: 0.85rem; }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } .scroll { overflow: visible; }
  table { font-size: 0.72rem; } th, td { padding: 0.2em 0.4em; white-space: normal; } pre { white-space: pre-wrap; } }
"""


def page(title: str, *parts: str) -> str:
    """A whole HTML document of ``parts``, which are HTML already."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</main></body></html>\n"
    )


def section(heading: str, *parts: str) -> str:
    """A heading and what stands below it."""
    return f"<section><h2>{escape(heading)}</h2>\n" + "\n".join(parts) + "</section>"


def paragraph(text: str) -> str:
    """A note."""
    return f'<p class="note">{escape(text)}</p>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of text; the first column names them."""
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    inner = f"<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="scroll" tabindex="0"><table>{inner}</table></div>'


def side_by_side(*parts: str) -> str:
    """Parts beside each other where there is room."""
    return f'<div class="row">{"".join(parts)}</div>'


def preformatted(text: str) -> str:
    """Text as a terminal shows it."""
    return f"<pre>{escape(text)}</pre>"
