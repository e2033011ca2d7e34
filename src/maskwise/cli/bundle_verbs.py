"""``maskwise export``: a run becomes a bundle."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    ForceOption,
    JsonOption,
    QuietOption,
    RunArgument,
    SkippedAnywayOption,
    StoreOption,
    data_of_run,
    refuse_missing_folder,
)

if TYPE_CHECKING:
    from maskwise.export.write_bundle import Written


SingleOption = Annotated[
    bool,
    typer.Option(
        "--single", help="Export instead the single network that `maskwise distill RUN` trained; it is faster."
    ),
]


class LayoutWord(StrEnum):
    """The words of ``--layout``."""

    BUNDLE = "bundle"
    HUB = "hub"
    TRITON = "triton"
    MLFLOW = "mlflow"


def export(
    run: RunArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; a .zip file with --zip.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "-d", metavar="DIR", help="The run's data set; needed for --int8, and to verify on real photos."
        ),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Add 8-bit networks, calibrated on --data.")] = False,
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Also verify bf16 inference. Needs the extra `openvino`.")
    ] = False,
    zip_: Annotated[bool, typer.Option("--zip", help="Write one .zip file instead of a folder.")] = False,
    layout: Annotated[
        LayoutWord,
        typer.Option(help="Output format: a bundle, or a layout for the Hugging Face Hub, Triton or MLflow."),
    ] = LayoutWord.BUNDLE,
    parity_photos: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of photos of --data to verify on; 0 for all held-out ones.")
    ] = 256,
    single: SingleOption = False,
    store: StoreOption = DEFAULT_STORE,
    _skip_unreadable: SkippedAnywayOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Export a run or an ensemble as a bundle: ONNX networks and everything needed to use them without PyTorch."""
    from maskwise.store.find_run import find_run
    from maskwise.store.kept_for import record_need
    from maskwise.workflows.distilled_recipe import find_single

    if data is not None:
        refuse_missing_folder("--data", data)
    found = find_run(store, run)
    folder = find_single(found) if single else found
    data = data_of_run(folder, data)

    from maskwise.cli.endings import beside_the_result, next_lines
    from maskwise.cli.progress import listener
    from maskwise.export.cpu_features import SATURATES, saturates_in_8_bits
    from maskwise.export.write_bundle import ExportOptions, export_run

    options = ExportOptions(data, int8, bf16, zip_, layout.value, parity_photos or None, force)
    with listener(quiet) as progress:
        if int8 and saturates_in_8_bits():
            progress.on_note(SATURATES)
        written = export_run(folder, out, options, progress)
    with beside_the_result(written.place):
        record_need(folder.parent, f"the export {written.place}", [folder.name])
    _print_written(written, as_json=as_json)
    if not (quiet or as_json) and layout in (LayoutWord.BUNDLE, LayoutWord.HUB):
        verbs = [f"predict {written.place} PHOTOS", f"serve {written.place}"]
        typer.echo(f"\n{next_lines(verbs)}", err=True)


def _print_written(written: Written, *, as_json: bool) -> None:
    from maskwise.cli.plain_json import plain_json
    from maskwise.text_table import screen_width, wrapped

    if as_json:
        typer.echo(plain_json(written))
        return
    parity = (
        f"{each.precision}: {each.photos:,} photos ({each.inputs}), decisions equal for {each.decisions_equal:.2%}, "
        f"difference ≤ {each.largest_difference:.1e}"
        for each in written.parity
    )
    for line in wrapped(parity, screen_width()):
        typer.echo(line)
    typer.echo(f"{written.place}: {written.n_bytes / 1e6:.1f} MB")
