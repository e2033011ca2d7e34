"""``maskwise predict``: photos in, predictions out, with a run or a bundle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from maskwise.cli.options import DEFAULT_STORE, ForceOption, JsonOption, QuietOption, SkipOption, StoreOption
from maskwise.errors import UserError, must, printable

if TYPE_CHECKING:
    from maskwise.export.engines import BundlePrecision
    from maskwise.export.predict_folder import PhotoFaces
    from maskwise.labels import Task
    from maskwise.listeners import Listener
    from maskwise.records import Predictions

DEFAULT_WORKERS = 2
ENDINGS = (".csv", ".parquet", ".jsonl")


class FacesWord(StrEnum):
    """The words of ``--faces``."""

    AUTO = "auto"
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
        help="`auto`: crop photos that are framed unlike the training photos to match them. `whole`: take photos as "
        "they are. `each` (bundles only): predict every face, with its box.",
        show_default="auto",
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


GroupOption = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="folder|COLUMN",
        help="Pool gender and age over each person's photos: those in one folder, or those that share a value in "
        "a column of eval/info.csv. The mask is predicted per photo.",
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


class _Found(NamedTuple):
    """What was predicted: of whole photos, or of the faces in them."""

    task: Task
    whole: Predictions | None
    faces: list[PhotoFaces] | None


def predict(
    run: Annotated[
        str, typer.Argument(metavar="RUN|BUNDLE", help="A run (id, prefix, name or path) or an exported bundle.")
    ],
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT…", help="Photos, folders of photos, data sets (their eval part), or - for standard input."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File to write: .csv, .parquet or .jsonl.",
            show_default="printed, a line per photo",
        ),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
    skip_unreadable: SkipOption = False,
    faces: FacesOption = None,
    abstain_below: AbstainOption = None,
    calibrated: CalibratedOption = False,
    precision: PrecisionOption = None,
    engine: EngineOption = None,
    workers: WorkersOption = None,
    group: GroupOption = None,
    quiet: QuietOption = False,
    force: ForceOption = False,
) -> None:
    """Predict photos with a trained run, or with an exported bundle, which needs no PyTorch."""
    from maskwise.cli.progress import listener
    from maskwise.export.bundle_files import is_bundle
    from maskwise.store.find_run import find_run

    options = BundleOptions(faces, abstain_below, calibrated, precision, engine, workers)
    _refuse_bad_output(photos, out, as_json, options, force)
    if is_bundle(Path(run)):
        _refuse_odd_engine(options)
        with listener(quiet) as progress:
            found = _predict_with_bundle(Path(run), photos, options, skip_unreadable, progress)
    else:
        _refuse_bundle_options(options)
        folder = find_run(store, run)

        from maskwise.workflows.frame_photos import RunFaces
        from maskwise.workflows.predict_photos import predict_photos

        with listener(quiet) as progress:
            cut = RunFaces.AUTO if faces is None else RunFaces(faces.value)
            predictions, task = predict_photos(folder, photos, skip_unreadable, progress, cut)
        found = _Found(task, predictions, None)
    if group is not None:
        found = _pooled(found, group, photos)
    typer.echo(_print(found, abstain_below, as_json) if out is None else _write(found, out, abstain_below))


def _refuse_bad_output(
    photos: list[Path], out: Path | None, as_json: bool, options: BundleOptions, force: bool
) -> None:
    """Before a photo is read: endings, files that are there already, names and options that do not go together."""
    from maskwise.files import refuse_overwrite
    from maskwise.labels import Task
    from maskwise.store.predictions_file import refuse_foreign_names, refuse_unknown_ending
    from maskwise.workflows.photos_to_predict import PIPE, list_photos

    if out is None:
        return
    if as_json:
        raise UserError(must("--json", "used without --out", f"--out {out}", "Name a .jsonl, or leave --out out."))
    of_faces = options.faces is FacesWord.EACH or options.abstain_below is not None
    if of_faces and out.suffix not in (".csv", ".jsonl"):
        rule = "a .csv or .jsonl with --faces each or --abstain-below"
        raise UserError(must("--out", rule, str(out), "Name a .csv."))
    if out.suffix not in ENDINGS:
        raise UserError(must("--out", f"named {', '.join(ENDINGS)}", str(out), "Choose one of these endings."))
    if out.suffix != ".jsonl":
        refuse_unknown_ending(out)
    refuse_overwrite(out, force)
    if out.suffix == ".parquet":
        refuse_foreign_names(list_photos([each for each in photos if str(each) != PIPE], Task()).table.photo_N)


def _refuse_bundle_options(options: BundleOptions) -> None:
    """``UserError`` for options that a run does not know."""
    only_bundles = options._replace(abstain_below=None)._asdict()
    known = (None, False, FacesWord.AUTO, FacesWord.WHOLE)
    given = [f"--{name.replace('_', '-')}" for name, value in only_bundles.items() if value not in known]
    if given:
        remedy = "Export the run first: maskwise export RUN OUT."
        raise UserError(must(", ".join(given), "used with a bundle", "a run", remedy))


def _refuse_odd_engine(options: BundleOptions) -> None:
    by_ray = options.engine is EngineWord.RAY
    if by_ray and options.faces is FacesWord.EACH:
        raise UserError(must("--engine ray", "used with whole photos", "--faces each", "Leave one of the two out."))
    if options.workers is not None and not by_ray:
        remedy = "Add --engine ray; threads are one per core by themselves."
        raise UserError(must("--workers", "used with --engine ray", f"--workers {options.workers} alone", remedy))


def _predict_with_bundle(
    path: Path, photos: Sequence[Path], options: BundleOptions, skip_unreadable: bool, progress: Listener
) -> _Found:
    from maskwise.export.cpu_features import SATURATES, saturates_in_8_bits
    from maskwise.export.predict_folder import predict_faces, predict_folder
    from maskwise.export.reader import load
    from maskwise.memory import keep_freed_memory

    keep_freed_memory()
    if options.precision_or_default == "int8" and saturates_in_8_bits():
        progress.on_note(SATURATES)
    with load(path, options.precision_or_default) as bundle:
        if options.faces is FacesWord.EACH:
            faces = predict_faces(bundle, photos, skip_unreadable, progress, calibrated=options.calibrated)
            return _Found(bundle.task, None, faces)
        if options.engine is EngineWord.RAY:
            return _Found(bundle.task, _predict_with_ray(path, photos, options, skip_unreadable, progress), None)
        framed = bundle.preparer.like_training() if options.faces is not FacesWord.WHOLE else None
        whole = predict_folder(bundle, photos, skip_unreadable, progress, framed, calibrated=options.calibrated)
        for note in [] if framed is None else framed.notes(len(whole)):
            progress.on_note(note)
        return _Found(bundle.task, whole, None)


def _pooled(found: _Found, group: str, photos: Sequence[Path]) -> _Found:
    """With gender and age pooled over each person's photos. ``UserError`` for faces, whose people nobody named."""
    from maskwise.ensembles.pool_people import pool_people
    from maskwise.workflows.photo_groups import groups_of

    if found.whole is None:
        remedy = "Leave one of the two out."
        raise UserError(must("--group", "used with one person per photo", "--faces each", remedy))
    groups_N = groups_of(found.whole.photo_N, group, photos)
    return found._replace(whole=pool_people(found.whole, groups_N, found.task))


def _predict_with_ray(
    path: Path, photos: Sequence[Path], options: BundleOptions, skip_unreadable: bool, progress: Listener
) -> Predictions:
    from maskwise.export.ray_pipeline import predict_with_ray

    workers = options.workers or DEFAULT_WORKERS
    return predict_with_ray(
        path,
        options.precision_or_default,
        photos,
        workers,
        skip_unreadable,
        progress,
        crops=options.faces is not FacesWord.WHOLE,
        calibrated=options.calibrated,
    )


def _write(found: _Found, out: Path, abstain_below: float | None) -> str:
    """Write ``out``; a line that says what was written."""
    from maskwise.export.prediction_table import predictions_csv, predictions_jsonl
    from maskwise.files import write_atomically
    from maskwise.store.predictions_file import write_predictions

    if out.suffix == ".jsonl":
        text = predictions_jsonl(_rows(found), boxes=found.faces is not None, abstain_below=abstain_below)
        write_atomically(out, text.encode("utf-8", errors="surrogateescape"))
    elif found.whole is not None and abstain_below is None:
        write_predictions(found.whole, found.task, out)
    else:
        rows = _rows(found)
        with_age = any(each.age_years is not None for row in rows for each in row.predictions)
        text = predictions_csv(
            rows, found.task, boxes=found.faces is not None, with_age=with_age, abstain_below=abstain_below
        )
        write_atomically(out, text.encode("utf-8", errors="surrogateescape"))
    return f"{out}: {_counts(found)}"


def _print(found: _Found, abstain_below: float | None, as_json: bool) -> str:
    """The predictions for the terminal: a line per photo or face; the photo's name only where there are several."""
    from maskwise.export.prediction_table import NO_FACE, as_records

    rows = _rows(found)
    if as_json:
        records = as_records(rows, boxes=found.faces is not None, abstain_below=abstain_below)
        return json.dumps(records, ensure_ascii=False, indent=1)
    lines = []
    for photo, predictions in rows:
        name = f"{printable(photo)}  " if len(rows) > 1 else ""
        lines += [f"{name}{each.line(abstain_below)}" for each in predictions] or [f"{name}{NO_FACE}"]
    return "\n".join(lines)


def _rows(found: _Found) -> list[PhotoFaces]:
    from maskwise.export.predict_folder import PhotoFaces
    from maskwise.export.prediction import Prediction

    if found.faces is not None:
        return found.faces
    assert found.whole is not None
    years_N = found.whole.age_years_N
    pairs = zip(found.whole.photo_N.tolist(), found.whole.probs_NC, strict=True)
    return [
        PhotoFaces(photo, [Prediction(found.task, probs_C, None if years_N is None else float(years_N[row]))])
        for row, (photo, probs_C) in enumerate(pairs)
    ]


def _counts(found: _Found) -> str:
    if found.faces is None:
        assert found.whole is not None
        return f"{len(found.whole)} photos"
    without = sum(not each.predictions for each in found.faces)
    faces = sum(len(each.predictions) for each in found.faces)
    return f"{faces} faces in {len(found.faces)} photos, {without} without a face"
