"""The board as a CSV table, one row a run and nothing cut."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from maskwise.score import Score
from maskwise.store.board import BoardRow
from maskwise.store.recipe_difference import describe_difference
from maskwise.store.run_record import RunRecord
from maskwise.store.spread import MeanScore, Spread
from maskwise.tables import csv_text


def board_csv(rows: Sequence[BoardRow], *, against: RunRecord | None = None, price_an_hour: float | None = None) -> str:
    """All columns of all ``rows``. A score without a meaning is an empty cell; rows of one ``data`` and ``task`` and
    one letter in ``people_set`` may be compared.
    """
    attributes = list(dict.fromkeys(name for row in rows for name in row.scores.attribute_accuracy))
    lines = [_cells(row, attributes, against, price_an_hour) for row in rows]
    head = list(lines[0]) if lines else ["rank", "name", "run"]
    return csv_text([head, *(list(line.values()) for line in lines)])


def spread_csv(spreads: Sequence[Spread]) -> str:
    """One row for each group of runs that are equal but for a setting; run ids are separated by spaces."""
    head = ["heading", "names", "runs", *(f"{score}_{part}" for score in ("macro_f1", "accuracy") for part in _PARTS)]
    rows = [
        [
            *(each.heading, ", ".join(each.names), len(each.run_ids), *_mean(each.macro_f1), *_mean(each.accuracy)),
            *(each.people, each.seconds, " ".join(each.run_ids)),
        ]
        for each in spreads
    ]
    return csv_text([[*head, "people_set", "seconds", "run_ids"], *rows])


_PARTS = ("mean", "deviation", "lowest", "highest")


def _mean(score: MeanScore) -> list[object]:
    return [_plain(value) for value in (score.mean, score.deviation, score.low, score.high)]


def _cells(
    row: BoardRow, attributes: Sequence[str], against: RunRecord | None, price_an_hour: float | None
) -> dict[str, object]:
    record, data = row.record, row.record.data
    cells: dict[str, object] = {
        "rank": row.rank,
        "name": record.name,
        "run": record.run_id,
        **dict(_score("macro_f1", row.scores.macro_f1)),
        **dict(_score("accuracy", row.scores.accuracy)),
        "leaderboard_macro_f1": _plain(row.leaderboard_macro_f1),
        **{f"accuracy_{name}": _plain(row.scores.attribute_accuracy.get(name, math.nan)) for name in attributes},
        "people": record.n_held_out_people,
        "people_set": row.people,
        "folds": record.folds,
        "seed": record.seed,
        "data": data.name,
        "data_checksum": data.checksum,
        "task": " × ".join(row.scores.attribute_accuracy),
        "age_borders_years": " ".join(map(str, row.scores.age_borders_years)),
        "seconds": round(record.seconds, 3),
        "optimistic": record.optimistic,
        "created_utc": record.created_utc,
        "tags": " ".join(row.marks.tags),
        "notes": " | ".join(note.text for note in row.marks.notes),
        "command": " ".join(record.command),
    }
    if price_an_hour is not None:
        cells["cost"] = round(record.seconds / 3600 * price_an_hour, 4)
    if against is not None:
        cells[f"differs_from_{against.run_id}"] = "; ".join(describe_difference(record.recipe, against.recipe))
    return cells


def _score(name: str, score: Score) -> Iterator[tuple[str, object]]:
    yield name, _plain(score.value)
    yield f"{name}_low", _plain(score.low)
    yield f"{name}_high", _plain(score.high)


def _plain(value: float) -> object:
    return "" if math.isnan(value) else round(value, 6)
