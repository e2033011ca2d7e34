"""``maskwise bench views``: what averaging over a photo and its mirror image gains, and what it costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from maskwise.cli.bench_predict import RoundsOption
from maskwise.cli.options import (
    DEFAULT_STORE,
    CacheOption,
    JsonOption,
    OwnDataOption,
    QuietOption,
    RunArgument,
    StoreOption,
    cache_folder,
    needed_data_of_run,
)

if TYPE_CHECKING:
    from maskwise.evaluation.comparison import Verdict
    from maskwise.speed.rates import Rate
    from maskwise.speed.views import SecondView

_PAYS: dict[Verdict, str] = {
    "holds": "The second view pays.",
    "does not hold": "The second view does not pay.",
    "inconclusive": "Whether the second view pays is inconclusive.",
}


def views(
    run: RunArgument,
    data: OwnDataOption = None,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    rounds: RoundsOption = 5,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure what predicting each photo and its mirror image gains a run on its held-out people, and what it costs."""
    from maskwise.store.find_run import find_run

    folder = find_run(store, run)
    data = needed_data_of_run(folder, data)

    from maskwise.cli.progress import listener
    from maskwise.speed.views import measure_second_view

    with listener(quiet) as progress:
        found = measure_second_view(folder, data, cache_folder(cache), rounds, progress)
    typer.echo(_as_json(found) if as_json else "\n".join(_lines(found, rounds)))


def _as_json(found: SecondView) -> str:
    joint = found.comparison.joint
    scores = {"macro_f1": joint.macro_f1, "accuracy": joint.accuracy}
    gains = {
        name: {"as_is": score.a, "both": score.b, "gain": score.gain.to_dict()}
        | {"gain_for_a_second": found.for_a_second(score.gain).to_dict()}
        for name, score in scores.items()
    }
    milliseconds = {"as_is": found.one.processor_ms, "both": found.both.processor_ms}
    if found.in_turn is not None:
        milliseconds["in_turn"] = found.in_turn.processor_ms
    counts = {"photos": found.comparison.n_photos, "people": found.comparison.n_people}
    return json.dumps({**counts, **gains, "processor_ms": milliseconds}, indent=1)


def _lines(found: SecondView, rounds: int) -> list[str]:
    from maskwise.evaluation.comparison import verdict
    from maskwise.evaluation.format_comparison import signed
    from maskwise.text_table import aligned, wrapped

    compared = found.comparison
    rows = [("", "as is", "and mirrored", "gain")]
    for name, score in (("macro F1", compared.joint.macro_f1), ("accuracy", compared.joint.accuracy)):
        rows.append((name, f"{score.a:.3f}", f"{score.b:.3f}", signed(score.gain)))
    one, both = found.one, found.both
    rows.append(("processor, ms per photo", f"{one.processor_ms:.2f}", f"{both.processor_ms:.2f}", ""))
    rows.append(("photos/s", f"{one.photos_per_second:.0f}", f"{both.photos_per_second:.0f}", ""))
    gain = compared.joint.macro_f1.gain
    shared = [] if found.in_turn is None else [_shared_out(found.in_turn)]
    sentences = [
        f"{_PAYS[verdict(gain)]} It takes {found.seconds:.1f} s of the processor for 1,000 photos: "
        f"macro F1 {signed(found.for_a_second(gain), 4)} for each of these seconds.",
        *shared,
        f"{compared.n_photos:,} held-out photos of {compared.n_people:,} people; times: medians of {rounds} rounds of "
        f"{one.photos} photos, decoding not included",
    ]
    return [*aligned(rows, left=(0, 3)), "", *wrapped(sentences)]


def _shared_out(rate: Rate) -> str:
    return (
        "For new photos the run shares the views out among its folds (predict.fold_views): "
        f"{rate.processor_ms:.2f} ms per photo, {rate.photos_per_second:.0f} photos/s."
    )
