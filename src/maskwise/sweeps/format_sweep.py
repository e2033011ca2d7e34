"""A sweep's ranking as plain text, and its best recipe as a file that can be trained."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from maskwise.evaluation.comparison import verdict
from maskwise.evaluation.format_comparison import signed
from maskwise.recipe.load import dump_recipe
from maskwise.sweeps.config import NoPruning, Space
from maskwise.sweeps.confirm import Confirmation
from maskwise.sweeps.dimensions import Label, changes_of
from maskwise.sweeps.results import GivenUp, SweepResults, TrialRow
from maskwise.text_table import ABSENT, duration, fitted, number, score, wrapped

CHANCE_TO_HOLD = 0.025
"""Of a run that changes nothing: the share of a 95 % interval's misses that lie above."""


def format_sweep_plan(sweep_space: Space, runs: int) -> str:
    """What will be done, in a line."""
    pruning = "" if isinstance(sweep_space.pruning, NoPruning) else f", pruning {sweep_space.pruning.kind}"
    return f"{sweep_space.name}: up to {runs} runs, sampler {sweep_space.sampler.kind}{pruning}"


def format_results(found: SweepResults, confirmation: Confirmation | None, width: int) -> str:
    """The tables, the importance of the settings, and what a reader must know, within ``width`` columns.

    Ends without a line break.
    """
    table = _table(found, width) if found.rows else ["no finished run yet"]
    blocks = [[*wrapped([heading(found)], width), "", *table]]
    if confirmation is not None:
        confirmed = fitted(confirmed_rows(confirmation), width, left=(3, 4, 5))
        blocks.append([*wrapped([confirmation_heading(confirmation)], width), "", *confirmed])
    if found.importance:
        shares = [(name, f"{share:.0%}") for name, share in found.importance.items()]
        blocks.append(["importance of the settings for being among the best tenth", *fitted(shares, width)])
    blocks.append(wrapped(remarks(found, confirmation), width))
    return "\n\n".join("\n".join(block) for block in blocks)


def heading(found: SweepResults) -> str:
    """What was tried on what."""
    tried = len(found.rows) + len(found.pruned) + sum(not each.was_skipped for each in found.failed)
    people = ""
    if found.base is not None:
        record = found.base.record
        people = f" on {record.n_held_out_photos:,} held-out photos of {record.n_held_out_people:,} people"
    return (
        f"{found.study_name}: {tried} runs ({len(found.rows)} finished, {len(found.pruned)} given up) around "
        f"{found.sweep.base.name}{people} of {found.data_name}; [low, high] is the 95 % interval over people, and the "
        "difference is that of pairs with the base"
    )


def confirmation_heading(confirmation: Confirmation) -> str:
    """Who scored the runs that were trained again."""
    who = (
        "none of whom the sweep scored"
        if confirmation.of_new_people
        else "whom the sweep scored, too, as it held all out"
    )
    return (
        f"trained again with {confirmation.seeds} other seed{'s' * (confirmation.seeds > 1)} on another split: "
        f"{confirmation.n_photos:,} photos of {confirmation.n_people:,} people, {who}"
    )


def table_rows(found: SweepResults) -> list[tuple[str, ...]]:
    """The table with its head: the base among the finished trials, best first."""
    names = setting_names(found)
    lines = [(row.macro_f1.value, _cells(row, [_word(row.params, name) for name in names])) for row in found.rows]
    return [_head(*names), *_ranked(found, lines, len(names))]


def settings_in_words(params: Mapping[str, Label]) -> str:
    """``train.optimizer sgd (rate 0.01, momentum 0.9), loss focal``."""
    words: list[str] = []
    for name, value in params.items():
        if "[" in name:
            continue
        inner = [
            f"{place.rpartition('].')[2]} {value_in_words(number)}"
            for place, number in params.items()
            if place.startswith(f"{name}[")
        ]
        words.append(f"{name} {value_in_words(value)}" + (f" ({', '.join(inner)})" if inner else ""))
    return ", ".join(words)


def _head(*settings: str) -> tuple[str, ...]:
    return ("trial", "macro F1", "difference", "better?", "time", "run", *settings)


def _ranked(found: SweepResults, lines: list[tuple[float, tuple[str, ...]]], n_settings: int) -> list[tuple[str, ...]]:
    """The lines with that of the base among them, best first."""
    if found.base is not None and found.base.record.scores is not None:
        record, macro_f1 = found.base.record, found.base.record.scores.macro_f1
        cells = ("base", score(macro_f1), ABSENT, ABSENT, duration(record.seconds), record.run_id[:8])
        lines = [*lines, (macro_f1.value, (*cells, *("" for _ in range(n_settings))))]
    # Python's sort is stable: of equals a trial stands before the base.
    return [cells for _, cells in sorted(lines, key=lambda line: -line[0])]


def confirmed_rows(confirmation: Confirmation) -> list[tuple[str, ...]]:
    """The table of the runs that were trained again, with its head."""
    head = ("trial", "macro F1", "base", "difference", "better?", "in the sweep")
    rows = [
        (
            str(each.row.number),
            number(each.again.b),
            number(each.again.a),
            signed(each.again.gain),
            verdict(each.again.gain),
            ABSENT if each.row.gain is None else signed(each.row.gain),
        )
        for each in confirmation.rows
    ]
    return [head, *rows]


def setting_names(found: SweepResults) -> list[str]:
    """The parameters that occur, in the order of the space."""
    order = {dimension.address: place for place, dimension in enumerate(found.sweep.dimensions)}
    trials: list[TrialRow | GivenUp] = [*found.rows, *found.pruned]
    names = dict.fromkeys(name for trial in trials for name in trial.params)
    return sorted(names, key=lambda name: order.get(name.partition("[")[0], len(order)))


def value_in_words(value: Label) -> str:
    """A value as the tables show it."""
    return f"{value:.4g}" if isinstance(value, float) else "null" if value is None else str(value)


def best_row(found: SweepResults, confirmation: Confirmation | None) -> TrialRow | None:
    """The best of those that were confirmed, else the first of the table."""
    if confirmation is not None:
        return confirmation.rows[0].row
    return found.rows[0] if found.rows else None


def best_recipe(found: SweepResults, confirmation: Confirmation | None) -> str | None:
    """The best recipe as YAML that ``maskwise train`` takes, headed by its score; None without a finished run."""
    row = best_row(found, confirmation)
    if row is None:
        return None
    recipe = found.sweep.recipe(row.params, f"{found.sweep.space.name}-best")
    words = "" if row.gain is None else f", {signed(row.gain)} over the base"
    lines = [f"# Trial {row.number} of the sweep {found.study_name}: macro F1 {score(row.macro_f1)}{words}."]
    if confirmation is not None:
        again = next(each.again for each in confirmation.rows if each.row.number == row.number)
        lines.append(
            f"# Trained again on other people: macro F1 {number(again.b)}, {signed(again.gain)} over the base."
        )
    else:
        lines.append("# It was chosen by this score, so the score is too high; nothing has confirmed it yet.")
    return "\n".join([*lines, dump_recipe(recipe)])


def remarks(found: SweepResults, confirmation: Confirmation | None) -> list[str]:
    """What went wrong, how to have the best again, and how far to believe it."""
    lines = _what_failed(found)
    row = best_row(found, confirmation)
    if row is not None:
        changes = changes_of(found.sweep.dimensions, row.params)
        if (
            found.base is not None
            and (scores := found.base.record.scores)
            and scores.macro_f1.value > row.macro_f1.value
        ):
            lines.append("no trial scored higher than the base")
        lines.append(f"settings of trial {row.number}: " + " ".join(f"--set {shlex.quote(each)}" for each in changes))
    if found.base is None:
        lines.append("no differences: the base has no finished run in this store")
    n = len(found.rows)
    if n:
        lines.append(
            f"{n} runs were compared with the base, and the best of many looks better than it is: if none changed "
            f"anything, {CHANCE_TO_HOLD * n:.1f} of them would be said to hold by chance"
        )
    if n and confirmation is None:
        lines.append("add --confirm 3 to train the first three again, on people who did not choose them")
    if found.optimistic:
        lines.append("optimistic: checkpoints were chosen on the scored people, so all of this is too high")
    return lines


def _what_failed(found: SweepResults) -> list[str]:
    lines = [f"trial {each.number} failed: {each.reason}" for each in found.failed if not each.was_skipped]
    skipped = [each for each in found.failed if each.was_skipped]
    twins = sum(each.reason.startswith("the same as") for each in skipped)
    if twins:
        lines.append(f"{twins} proposals were the same as earlier ones, and were not trained again")
    refused = Counter(each.reason for each in skipped if not each.reason.startswith("the same as"))
    lines += [f"{count} skipped: {reason}" for reason, count in refused.items()]
    if found.running:
        lines.append(f"still running: {', '.join(f'trial {each}' for each in found.running)}")
    return lines


def _table(found: SweepResults, width: int) -> list[str]:
    lines = [(row.macro_f1.value, _cells(row, [settings_in_words(row.params)])) for row in found.rows]
    return fitted([_head("settings"), *_ranked(found, lines, 1)], width, left=(1, 2, 3, 5, 6))


def _cells(row: TrialRow, settings: Sequence[str]) -> tuple[str, ...]:
    gain = (ABSENT, ABSENT) if row.gain is None else (signed(row.gain), verdict(row.gain))
    return (str(row.number), score(row.macro_f1), *gain, duration(row.seconds), row.run_id[:8], *settings)


def _word(params: Mapping[str, Label], name: str) -> str:
    return value_in_words(params[name]) if name in params else ""
