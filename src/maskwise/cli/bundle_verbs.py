"""Verbs on bundles: write one, and what ``predict`` does with one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    ForceOption,
    QuietOption,
    RunArgument,
    StoreOption,
    data_of_run,
    refuse_missing_folder,
)
from maskwise.errors import UserError, must

if TYPE_CHECKING:
    from maskwise.export.engines import BundlePrecision
    from maskwise.export.reader import Bundle
    from maskwise.listeners import Listener
    from maskwise.records import Predictions


DEFAULT_WORKERS = 2


class LayoutWord(StrEnum):
    """The words of ``--layout``."""

    BUNDLE = "bundle"
    TRITON = "triton"
    MLFLOW = "mlflow"


class FacesWord(StrEnum):
    """The words of ``--faces``."""

    WHOLE = "whole"
    EACH = "each"


class PrecisionWord(StrEnum):
    """The words of ``--precision``."""

    FP32 = "fp32"
    INT8 = "int8"
    BF16 = "bf16"


class EngineWord(StrEnum):
    """The words of ``--engine``."""

    THREADS = "threads"
    RAY = "ray"


FacesOption = Annotated[
    FacesWord | None,
    typer.Option(
        help="Bundles only. `each`: detect the faces of every photo and predict each one, with its box.",
        show_default="whole, the photo as it is",
    ),
]
AbstainOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="P", help="Bundles only. Write `abstain` below this confidence."),
]
CalibratedOption = Annotated[
    bool, typer.Option("--calibrated", help="Bundles only. Calibrate the probabilities on held-out people.")
]
PrecisionOption = Annotated[
    PrecisionWord | None,
    typer.Option(
        help="Bundles only. Numeric precision for inference. `int8` needs `export --int8`; `bf16` needs the extra "
        "`openvino` and a processor with bf16.",
        show_default="fp32",
    ),
]

EngineOption = Annotated[
    EngineWord | None,
    typer.Option(
        help="Bundles only. `ray` predicts in worker processes, on one machine or a cluster.",
        show_default="threads, one per core",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="With --engine ray: worker processes, one core each.",
        show_default=str(DEFAULT_WORKERS),
    ),
]


class BundleOptions(NamedTuple):
    """The options of ``predict`` that only a bundle knows."""

    faces: FacesWord | None
    abstain_below: float | None
    calibrated: bool
    precision: PrecisionWord | None
    engine: EngineWord | None
    workers: int | None

    @property
    def precision_or_default(self) -> BundlePrecision:
        """The precision, with its default."""
        return "fp32" if self.precision is None else self.precision.value


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
        LayoutWord, typer.Option(help="Format: a bundle, a Triton model repository or an MLflow model.")
    ] = LayoutWord.BUNDLE,
    parity_photos: Annotated[
        int, typer.Option(min=0, metavar="N", help="Photos of --data to verify on; 0 for all held-out ones.")
    ] = 256,
    store: StoreOption = DEFAULT_STORE,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Export a run or an ensemble as a bundle: ONNX networks and everything needed to use them without PyTorch."""
    from maskwise.store.find_run import find_run
    from maskwise.store.kept_for import record_need

    if data is not None:
        refuse_missing_folder("--data", data)
    folder = find_run(store, run)
    data = data_of_run(folder, data)

    from maskwise.cli.progress import listener, loading

    loading("PyTorch", quiet)

    from maskwise.cli.endings import next_lines
    from maskwise.export.cpu_features import SATURATES, saturates_in_8_bits
    from maskwise.export.write_bundle import ExportOptions, export_run

    options = ExportOptions(data, int8, bf16, zip_, layout.value, parity_photos or None, force)
    with listener(quiet) as progress:
        if int8 and saturates_in_8_bits():
            progress.on_note(SATURATES)
        written = export_run(folder, out, options, progress)
    record_need(folder.parent, f"the export {written.place}", [folder.name])
    for each in written.parity:
        typer.echo(
            f"{each.precision}: {each.photos} photos ({each.inputs}), largest difference "
            f"{each.largest_difference:.1e}, decisions equal for {each.decisions_equal:.2%}"
        )
    typer.echo(f"{written.place}: {written.n_bytes / 1e6:.1f} MB")
    if not quiet and layout is LayoutWord.BUNDLE:
        verbs = [f"predict {written.place} PHOTOS --out predictions.csv", f"serve {written.place}"]
        typer.echo(f"\n{next_lines(verbs)}", err=True)


def refuse_bundle_options(options: BundleOptions) -> None:
    """``UserError`` for options that a run does not know."""
    given = [f"--{name.replace('_', '-')}" for name, value in options._asdict().items() if value not in (None, False)]
    if given:
        remedy = "Export the run first: maskwise export RUN OUT."
        raise UserError(must(", ".join(given), "used with a bundle", "a run", remedy))


def predict_with_bundle(
    path: Path, source: Path, out: Path, options: BundleOptions, skip_unreadable: bool, progress: Listener
) -> str:
    """Write the predictions of the bundle at ``path`` for the photos of ``source`` to ``out``; a line to print."""
    from maskwise.export.cpu_features import SATURATES, saturates_in_8_bits
    from maskwise.export.predict_folder import predict_folder
    from maskwise.export.reader import load
    from maskwise.memory import keep_freed_memory
    from maskwise.store.predictions_file import write_predictions

    each = options.faces is FacesWord.EACH
    if (each or options.abstain_below is not None) and out.suffix != ".csv":
        rule = "a .csv with --faces each or --abstain-below"
        raise UserError(must("--out", rule, str(out), "Name a .csv."))
    if not source.exists():
        raise UserError(must(f"INPUT {source}", "a photo or a folder of photos", "nothing", "Check the path."))
    _refuse_odd_engine(options)
    keep_freed_memory()
    if options.precision_or_default == "int8" and saturates_in_8_bits():
        progress.on_note(SATURATES)
    with load(path, options.precision_or_default) as bundle:
        if each:
            return _write_faces(bundle, source, out, options, skip_unreadable, progress)
        predictions = (
            _predict_with_ray(path, source, options, skip_unreadable, progress)
            if options.engine is EngineWord.RAY
            else predict_folder(bundle, source, skip_unreadable, progress, calibrated=options.calibrated)
        )
        if options.abstain_below is None:
            write_predictions(predictions, bundle.task, out)
        else:
            _write_abstaining(bundle, predictions, out, options.abstain_below)
    return f"{out}: {len(predictions)} photos"


def _refuse_odd_engine(options: BundleOptions) -> None:
    by_ray = options.engine is EngineWord.RAY
    if by_ray and options.faces is FacesWord.EACH:
        raise UserError(must("--engine ray", "used with whole photos", "--faces each", "Leave one of the two out."))
    if options.workers is not None and not by_ray:
        remedy = "Add --engine ray; threads are one a core by themselves."
        raise UserError(must("--workers", "used with --engine ray", f"--workers {options.workers} alone", remedy))


def _predict_with_ray(
    path: Path, source: Path, options: BundleOptions, skip_unreadable: bool, progress: Listener
) -> Predictions:
    from maskwise.export.ray_pipeline import predict_with_ray

    workers = options.workers or DEFAULT_WORKERS
    return predict_with_ray(
        path, options.precision_or_default, source, workers, skip_unreadable, progress, calibrated=options.calibrated
    )


def _write_faces(
    bundle: Bundle, source: Path, out: Path, options: BundleOptions, skip_unreadable: bool, progress: Listener
) -> str:
    from maskwise.export.predict_folder import predict_faces
    from maskwise.export.prediction_table import predictions_csv
    from maskwise.files import write_atomically

    found = predict_faces(bundle, source, skip_unreadable, progress, calibrated=options.calibrated)
    with_age = any(each.age_years is not None for photo in found for each in photo.predictions)
    text = predictions_csv(found, bundle.task, boxes=True, with_age=with_age, abstain_below=options.abstain_below)
    write_atomically(out, text.encode("utf-8", errors="surrogateescape"))
    without, faces = sum(not each.predictions for each in found), sum(len(each.predictions) for each in found)
    return f"{out}: {faces} faces in {len(found)} photos, {without} without a face"


def _write_abstaining(bundle: Bundle, predictions: Predictions, out: Path, abstain_below: float) -> None:
    from maskwise.export.prediction import Prediction
    from maskwise.export.prediction_table import predictions_csv
    from maskwise.files import write_atomically

    years_N = predictions.age_years_N
    rows = [
        (photo, [Prediction(bundle.task, probs_C, None if years_N is None else float(years_N[row]))])
        for row, (photo, probs_C) in enumerate(zip(predictions.photo_N.tolist(), predictions.probs_NC, strict=True))
    ]
    text = predictions_csv(rows, bundle.task, boxes=False, with_age=years_N is not None, abstain_below=abstain_below)
    write_atomically(out, text.encode("utf-8", errors="surrogateescape"))
