"""From a finished run to a bundle: networks, preprocessing, labels, card, licences, checksums, and proof of parity."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

import maskwise
from maskwise.errors import CheckFailedError, StoreError, UserError, must
from maskwise.evaluation.scores import Evaluation
from maskwise.evaluation.temperature import fit_temperature
from maskwise.export.bundle_files import CHECKSUMS, BundleFiles, checksum_lines
from maskwise.export.card import CardFacts, licences, model_card
from maskwise.export.engines import Precision, refuse_uncomputable
from maskwise.export.layouts import Layout, laid_out
from maskwise.export.manifest import MANIFEST, BundleInput, Manifest, Member, Part, StoredPrecision
from maskwise.export.onnx_graph import to_onnx
from maskwise.export.parity import TOLERANCE, Parity, compare_answers, drawn_photos, linked_photos
from maskwise.export.predict_folder import predict_photos as predict_with_bundle
from maskwise.export.quantise import CALIBRATION_PHOTOS, to_int8
from maskwise.export.reader import Bundle
from maskwise.export.run_models import MemberModels, PartModels, RunModels, load_run
from maskwise.export.training_photos import (
    calibration_pixels,
    held_out_photos,
    measure_training_framing,
    read_table,
)
from maskwise.files import TEMPORARY_PREFIX, refuse_overwrite, sync_folder, write_atomically
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.records import InputSpec, Ints, PhotoTable, Predictions
from maskwise.store.layout import predictions_path
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import read_evaluation
from maskwise.workflows.predict_photos import predict_photos as predict_with_run

CARD, LICENCES, PARITY = "MODEL_CARD.md", "LICENCES.md", "parity.json"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Wishes:
    """What was asked for on the command line."""

    data: Path | None = None
    """The data set that the run was trained on."""
    int8: bool = False
    bf16: bool = False
    """Whether the answers in bf16 are compared, too. No file is added: they come from the fp32 networks."""
    zipped: bool = False
    layout: Layout = "bundle"
    parity_photos: int | None = 256
    """Photos of ``data`` that are compared; None: all that the run held out."""
    force: bool = False


@dataclass(frozen=True)
class Written:
    """What was written."""

    place: Path
    n_bytes: int
    parity: tuple[Parity, ...]


def export_run(run: Path, out: Path, wishes: Wishes, listener: Listener) -> Written:
    """Write the finished run (or ensemble) in ``run`` as a bundle to ``out``.

    ``CheckFailedError`` and nothing written where the bundle would not answer as the run does; ``UserError`` for 8 bits
    without ``wishes.data``, and for bf16 where it cannot be computed; ``DataError`` for other data than the run's;
    ``StoreError`` where ``out`` is there already.
    """
    _refuse_bad_wishes(out, wishes)
    models = load_run(run)
    table = None if wishes.data is None else read_table(models.members[0], wishes.data)
    scored = models.record.scores is not None
    predictions = read_predictions(predictions_path(run))[0] if scored else None
    evaluation = read_evaluation(run) if scored else None
    manifest, networks = _networks(models, wishes, table, predictions, listener)
    files = {MANIFEST: (manifest.model_dump_json(indent=1) + "\n").encode(), **networks}
    parity = _prove(run, files, manifest, wishes, predictions, table, listener)
    files |= _papers(models, manifest, predictions, evaluation, parity)
    files[CHECKSUMS] = checksum_lines(files).encode()
    _place(laid_out(files, manifest, wishes.layout), out, wishes)
    return Written(out, sum(map(len, files.values())), tuple(parity))


def _refuse_bad_wishes(out: Path, wishes: Wishes) -> None:
    refuse_overwrite(out, wishes.force)
    if wishes.int8 and wishes.data is None:
        remedy = "Add --data with the data set that the run was trained on."
        raise UserError(must("--int8", "given photos to measure ranges on", "none", remedy))
    if wishes.bf16:
        refuse_uncomputable("bf16")
    if wishes.zipped != (out.suffix == ".zip"):
        got = f"{out} {'with' if wishes.zipped else 'without'} --zip"
        raise UserError(must("OUT", "named .zip with --zip and only then", got, "Change one of the two."))
    foreign_folder = out.is_dir() and not (out / CHECKSUMS).is_file() and any(out.iterdir())
    if foreign_folder or (out.is_file() and not wishes.zipped):
        got = "another folder" if foreign_folder else "a file"
        raise StoreError(must(f"{out}", "an earlier export to be replaced", got, "Name a new one."))


def _networks(
    models: RunModels, wishes: Wishes, table: PhotoTable | None, predictions: Predictions | None, listener: Listener
) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest, and the files that it names."""
    specs: list[InputSpec] = []
    files: dict[str, bytes] = {}
    listener.on_stage("exporting networks", sum(len(part.models) for each in models.members for part in each.parts))
    members = []
    for number, member in enumerate(models.members):
        parts = []
        for part in member.parts:
            if part.how.spec not in specs:
                specs.append(part.how.spec)
            named = [
                _export_fold(member, part, fold, f"m{number}-{'-'.join(part.attributes)}-{fold}", wishes, table)
                for fold in range(len(part.models))
            ]
            listener.on_advance(len(named))
            files |= {name: data for network in named for name, data in network.values()}
            parts.append(_describe_part(part, specs.index(part.how.spec), named))
        record = member.record
        members.append(Member(run_id=record.run_id, name=record.name, weight=member.weight, parts=tuple(parts)))
    task = models.members[0].recipe.task
    manifest = Manifest(
        name=models.record.name,
        task=Task(attributes=task.attributes, age_borders_years=task.age_borders_years),
        inputs=tuple(_input(spec) for spec in specs),
        members=tuple(members),
        vote=models.vote,
        temperature=None if predictions is None else fit_temperature(predictions),
        framing=None if wishes.data is None or table is None else measure_training_framing(wishes.data, table),
        versions={"maskwise": maskwise.__version__, "torch": torch.__version__, "onnx": onnx.__version__},
    )
    return manifest, files


def _export_fold(
    member: MemberModels, part: PartModels, fold: int, name: str, wishes: Wishes, table: PhotoTable | None
) -> dict[StoredPrecision, tuple[str, bytes]]:
    """(file name, network) of one fold's model in each precision that was asked for."""
    network = to_onnx(part.models[fold], part.how.spec, part.how.first_age_years)
    found: dict[StoredPrecision, tuple[str, bytes]] = {"fp32": (f"networks/{name}.onnx", network)}
    if wishes.int8 and wishes.data is not None and table is not None:
        pixels = calibration_pixels(member, fold, part.how.spec, wishes.data, table, CALIBRATION_PHOTOS)
        found["int8"] = (f"networks/{name}.int8.onnx", to_int8(network, pixels))
    return found


def _describe_part(part: PartModels, place: int, named: list[dict[StoredPrecision, tuple[str, bytes]]]) -> Part:
    return Part(
        attributes=part.attributes,
        input=place,
        views=part.how.views,
        tells_age=part.how.first_age_years is not None,
        networks=tuple({word: name for word, (name, _) in network.items()} for network in named),
    )


def _input(spec: InputSpec) -> BundleInput:
    return BundleInput.model_validate_json(json.dumps(dataclasses.asdict(spec)))


def _prove(
    run: Path,
    files: dict[str, bytes],
    manifest: Manifest,
    wishes: Wishes,
    predictions: Predictions | None,
    table: PhotoTable | None,
    listener: Listener,
) -> list[Parity]:
    """The answers of the bundle in ``files`` beside the run's; ``CheckFailedError`` where fp32 ones differ."""
    source = BundleFiles("the new bundle", {**files, CHECKSUMS: checksum_lines(files).encode()}.get)
    class_N: Ints | None = None
    if wishes.data is None or table is None:
        inputs, photos = "drawn", drawn_photos()
    else:
        names = held_out_photos(predictions, table, wishes.data, wishes.parity_photos)
        inputs, photos = "trained on" if predictions is None else "held out", linked_photos(wishes.data, names)
        if predictions is not None:
            class_of = dict(zip(predictions.photo_N.tolist(), predictions.class_N.tolist(), strict=True))
            class_N = np.array([class_of[name] for name in names], dtype=np.int64)
    found = []
    with photos as folder, _whole_float32():
        answers, _ = predict_with_run(run, folder, False, listener)
        for precision in _to_compare(manifest, wishes):
            with Bundle(source, precision) as bundle:
                said = predict_with_bundle(bundle, folder, False, listener)
            found.append(compare_answers(answers, said, precision, inputs, class_N))
    if not found[0].holds:
        got = f"{found[0].largest_difference:.2g}, decisions equal for {found[0].decisions_equal:.2%}"
        rule = f"at most {TOLERANCE} from the run's, with equal decisions"
        raise CheckFailedError(must("probabilities of the bundle", rule, got, "Nothing was written."))
    return found


def _to_compare(manifest: Manifest, wishes: Wishes) -> list[Precision]:
    """fp32 first."""
    return [*manifest.precisions, "bf16"] if wishes.bf16 else [*manifest.precisions]


@contextmanager
def _whole_float32() -> Iterator[None]:
    """GPUs otherwise round the inputs of convolutions to 10 bits (TF32), more than a bundle may differ by."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _papers(
    models: RunModels,
    manifest: Manifest,
    predictions: Predictions | None,
    evaluation: Evaluation | None,
    parity: list[Parity],
) -> dict[str, bytes]:
    """The files for people, and the parity report."""
    recipes = [member.recipe for member in models.members]
    facts = CardFacts(models.record, recipes, manifest, predictions, evaluation, parity)
    report = json.dumps([dataclasses.asdict(each) for each in parity], indent=1)
    return {
        CARD: model_card(facts).encode(),
        LICENCES: licences(recipes, models.record.data.name).encode(),
        PARITY: f"{report}\n".encode(),
    }


def _place(files: dict[str, bytes], out: Path, wishes: Wishes) -> None:
    """Let ``out`` appear as a whole; what was there before goes."""
    if wishes.zipped:
        write_atomically(out, _zip(files))
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=out.parent))
    try:
        draft.chmod(0o755)  # mkdtemp makes private folders; a bundle is for others, too
        for name, data in files.items():
            write_atomically(draft / name, data)
        if out.exists():
            out.rename(draft.with_name(f"{draft.name}-replaced-{os.getpid()}"))
        draft.rename(out)
        sync_folder(out.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(draft.with_name(f"{draft.name}-replaced-{os.getpid()}"), ignore_errors=True)


def _zip(files: dict[str, bytes]) -> bytes:
    """Stored, not compressed (weights hardly shrink), without times: the same files give the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return sink.getvalue()
