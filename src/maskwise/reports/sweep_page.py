"""A sweep as files: a page with its tables, the picture of parallel coordinates, and the best recipe."""

from __future__ import annotations

from html import escape

from maskwise.reports import line_charts, parallel_coordinates
from maskwise.reports.charts import STYLE, bars
from maskwise.reports.page import page, paragraph, preformatted, section, table
from maskwise.reports.parallel_coordinates import alone
from maskwise.reports.parallel_coordinates import parallel_coordinates as parallel_svg
from maskwise.reports.sweep_charts import by_setting, history
from maskwise.store.recipe_difference import describe_difference
from maskwise.sweeps.confirm import Confirmation
from maskwise.sweeps.format_sweep import (
    best_recipe,
    best_row,
    confirmation_heading,
    confirmed_rows,
    heading,
    remarks,
    setting_names,
    table_rows,
    value_in_words,
)
from maskwise.sweeps.results import SweepResults


def sweep_files(found: SweepResults, confirmation: Confirmation | None) -> dict[str, str]:
    """The files by name: sweep.html, parallel.svg, and best.yaml where a run is finished."""
    files = {"parallel.svg": alone(parallel_svg(found)), "sweep.html": sweep_page(found, confirmation)}
    recipe = best_recipe(found, confirmation)
    return files if recipe is None else {**files, "best.yaml": recipe}


def sweep_page(found: SweepResults, confirmation: Confirmation | None) -> str:
    """One self-contained HTML document: the best first, then what the settings did, then every run."""
    parts = [STYLE, line_charts.STYLE, parallel_coordinates.STYLE, paragraph(heading(found))]
    parts += _best(found, confirmation)
    if confirmation is not None:
        head, *again = confirmed_rows(confirmation)
        note = paragraph(confirmation_heading(confirmation))
        parts.append(section("The best trained again", note, table(head, again)))
    words = (
        "Each line is a run: its settings from left to right, its macro F1 at the right; the best in orange. Dashed: "
        "given up on the way."
    )
    picture = f'<figure class="scroll" tabindex="0">{parallel_svg(found)}</figure>'
    parts.append(section("Settings and scores", picture, paragraph(words)))
    if found.importance:
        shares = [(name, round(1000 * share), f"{share:.0%}") for name, share in found.importance.items()]
        parts.append(section("Importance for being among the best tenth", bars(shares, "share")))
    if found.rows:
        parts.append(section("History", history(found)))
        parts.append(section("Macro F1 by setting", by_setting(found)))
    head, *rows = table_rows(found)
    parts.append(section("Runs, best first", table(head, rows)))
    if found.pruned:
        parts.append(section("Given up on the way", _pruned_table(found)))
    parts.append(section("To know", *map(paragraph, remarks(found, confirmation))))
    return page(f"Sweep {found.study_name}", *parts)


def _best(found: SweepResults, confirmation: Confirmation | None) -> list[str]:
    """The lines in which the best recipe differs from the base, and the whole of it folded."""
    row, recipe = best_row(found, confirmation), best_recipe(found, confirmation)
    if row is None or recipe is None:
        return []
    best = found.sweep.recipe(row.params, found.sweep.base.name).model_dump(mode="json")
    changes = describe_difference(best, found.sweep.base.model_dump(mode="json"))
    whole = f"<details><summary>The whole recipe, for maskwise train</summary>{preformatted(recipe)}</details>"
    words = f"Trial {row.number}, macro F1 {row.macro_f1.value:.3f}, differs from {found.sweep.base.name} in:"
    listed = "".join(f"<li><code>{escape(change)}</code></li>" for change in changes) or "<li>nothing</li>"
    return [section("The best recipe", f"<p>{escape(words)}</p><ul>{listed}</ul>", whole)]


def _pruned_table(found: SweepResults) -> str:
    names = setting_names(found)
    rows = [
        (
            str(each.number),
            str(each.steps),
            f"{each.last_value:.4f}",
            *(value_in_words(each.params[name]) if name in each.params else "" for name in names),
        )
        for each in sorted(found.pruned, key=lambda each: -each.last_value)
    ]
    return table(("trial", "epochs", "macro F1 of the validation people", *names), rows)
