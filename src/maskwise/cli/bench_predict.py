"""``maskwise bench predict`` and ``bench decode``: photos per second, beside what bounds them."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from maskwise.cli.options import JsonOption, refuse_missing_folder
from maskwise.cli.predict_verb import PrecisionWord

RoundsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Rounds of interleaved measurements.")]
PhotosArgument = Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of photos.")]


class Decoding(StrEnum):
    """The words of ``input.crop.decoding``."""

    FULL = "full"
    REDUCED = "reduced"


def predict(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    photos: PhotosArgument,
    precision: Annotated[PrecisionWord, typer.Option(help="Numeric precision for inference.")] = PrecisionWord.FP32,
    plain: Annotated[
        str, typer.Option(metavar="NAME", help="timm model for the plain loop; choose the bundle's own.")
    ] = "tf_efficientnet_lite0",
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Use at most N photos.")] = 512,
    rounds: RoundsOption = 5,
    as_json: JsonOption = False,
) -> None:
    """Measure `predict`, its two halves, and a plain loop of Pillow, torchvision and timm."""
    refuse_missing_folder("PHOTOS", photos)

    from maskwise.export.reader import load
    from maskwise.memory import keep_freed_memory
    from maskwise.speed.prediction import measure_prediction, processor_ratios

    chosen = _photos_below(photos, most)
    keep_freed_memory()
    with load(bundle, precision.value) as loaded:
        found = measure_prediction(loaded, chosen, plain, rounds)
        threads = loaded.threads
    by_processor = processor_ratios(found.rates)
    if as_json:
        rates = {
            name: {"photos_per_second": rate.photos_per_second, "processor_ms": rate.processor_ms}
            for name, rate in found.rates.items()
        }
        ratios = {name: {"clock": found.ratios[name], "processor": by_processor[name]} for name in found.ratios}
        typer.echo(json.dumps({"threads": threads, "photos": len(chosen), "rates": rates, "ratios": ratios}, indent=1))
        return
    rows = [("", "photos/s", "processor, ms per photo")]
    rows += [(name, f"{rate.photos_per_second:.0f}", f"{rate.processor_ms:.2f}") for name, rate in found.rates.items()]
    _print_table(rows)
    typer.echo("")
    rows = [("ratio", "by the clock", "by the processor")]
    rows += [(name, f"{value:.2f}", f"{by_processor[name]:.2f}") for name, value in found.ratios.items()]
    _print_table(rows)
    typer.echo(f"\nmedians of {rounds}, {len(chosen)} photos, {threads} threads")


def decode(
    photos: PhotosArgument,
    height: Annotated[int, typer.Option(min=8, metavar="PX", help="Height of the cached photos.")] = 128,
    width: Annotated[int, typer.Option(min=8, metavar="PX", help="Width of the cached photos.")] = 112,
    decoding: Annotated[
        Decoding, typer.Option(help="How JPEGs are decoded, as input.crop.decoding in a recipe.")
    ] = Decoding.FULL,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Use at most N photos.")] = 2000,
    rounds: RoundsOption = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast photos are decoded and cached, beside the bare decoder, and how fast batches are read."""
    refuse_missing_folder("PHOTOS", photos)

    from maskwise.memory import keep_freed_memory
    from maskwise.speed.decoding import measure_decoding

    chosen = _photos_below(photos, most)
    keep_freed_memory()
    found = measure_decoding(chosen, height, width, rounds, decoding.value)
    if as_json:
        ratios = {"ratio": found.ratio, "processor_ratio": found.processor_ratio}
        typer.echo(json.dumps({"photos": len(chosen), **found._asdict(), **ratios}, indent=1))
        return
    _print_table(
        [
            ("", "photos/s", "processor, ms per photo"),
            ("building the cache", f"{found.cache_per_second:.0f}", f"{found.cache_processor_ms:.3f}"),
            ("bare decoder, whole photos", f"{found.bare_per_second:.0f}", f"{found.bare_processor_ms:.3f}"),
            ("bare decoder and resize", f"{found.resized_per_second:.0f}", f"{found.resized_processor_ms:.3f}"),
            ("ratio to the decoder", f"{found.ratio:.2f}", f"{found.processor_ratio:.2f}"),
        ]
    )
    typer.echo(f"\na batch of 64 from the cache: {found.batch_ms:.2f} ms; medians of {rounds}, {len(chosen)} photos")


def _photos_below(folder: Path, most: int) -> list[Path]:
    from maskwise.data.manifest import read_folder

    return [folder / name for name in read_folder(folder).photo_N[:most].tolist()]


def _print_table(rows: list[tuple[str, str, str]]) -> None:
    from maskwise.text_table import aligned

    for line in aligned(rows):
        typer.echo(line)
