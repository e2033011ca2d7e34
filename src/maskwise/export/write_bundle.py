"""From a finished run to a bundle: networks, preprocessing, labels, card, licenses, checksums, and proof of parity."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

import maskwise
from maskwise.data.readable import look_into
from maskwise.data.shards import bytes_of
from maskwise.ensembles.vote_members import FoldVote
from maskwise.errors import CheckFailedError, DataError, StoreError, UserError, must
from maskwise.evaluation.scores import Evaluation
from maskwise.evaluation.temperature import fit_temperature
from maskwise.export.bundle_files import CHECKSUMS, BundleFiles, checksum_lines
from maskwise.export.card import CardFacts, licenses, model_card
from maskwise.export.engines import BundlePrecision, refuse_uncomputable
from maskwise.export.hub import hub_readme
from maskwise.export.layouts import BundleLayout, arranged
from maskwise.export.manifest import MANIFEST, BundleInput, BundlePart, Manifest, Member, StoredPrecision
from maskwise.export.onnx_graph import to_onnx
from maskwise.export.parity import TOLERANCE, Parity, compare_predictions, drawn_photos, linked_photos
from maskwise.export.predict_folder import predict_folder
from maskwise.export.quantize import CALIBRATION_PHOTOS, to_int8
from maskwise.export.reader import Bundle
from maskwise.export.training_photos import (
    calibration_pixels,
    held_out_photos,
    read_table,
)
from maskwise.faces.framing import Framing
from maskwise.files import place_folder, refuse_overwrite, write_atomically
from maskwise.fitting.training_framing import measure_training_framing
from maskwise.labels import Task
from maskwise.listeners import Listener, Several, Silent, note_left_out
from maskwise.recipe.parts import part_names
from maskwise.records import InputSpec, Ints, PhotoTable, Predictions
from maskwise.store.kept_files import read_evaluation, read_held_out
from maskwise.workflows.predict_photos import predict_photos as predict_with_run
from maskwise.workflows.run_models import MemberModels, PartModels, RunModels, load_run

CARD, LICENSES, PARITY = "MODEL_CARD.md", "LICENCES.md", "parity.json"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ExportOptions:
    """The options of ``maskwise export``."""

    data: Path | None = None
    """The data set that the run was trained on."""
    int8: bool = False
    bf16: bool = False
    """Whether predictions in bf16 are compared, too. No file is added: they come from the fp32 networks."""
    zipped: bool = False
    layout: BundleLayout = "bundle"
    parity_photos: int | None = 256
    """Photos of ``data`` that are compared; None: all that the run held out."""
    force: bool = False


@dataclass(frozen=True)
class Written:
    """What was written."""

    place: Path
    n_bytes: int
    parity: tuple[Parity, ...]


def export_run(run: Path, out: Path, options: ExportOptions, listener: Listener) -> Written:
    """Write the finished run (or ensemble) in ``run`` as a bundle to ``out``.

    ``CheckFailedError`` and nothing written where the bundle would not predict as the run does; ``UserError`` for 8
    bits without ``options.data``, and for bf16 where it cannot be computed; ``DataError`` for other data than the
    run's; ``StoreError`` where ``out`` is there already.
    """
    _refuse_bad_options(out, options)
    models = load_run(run)
    table = None if options.data is None else read_table(models.members[0], options.data)
    scored = models.record.scores is not None
    predictions = read_held_out(run)[0] if scored else None
    evaluation = read_evaluation(run) if scored else None
    manifest, networks = _networks(models, options, table, predictions, listener)
    files = {MANIFEST: (manifest.model_dump_json(indent=1) + "\n").encode(), **networks}
    parity = _prove(run, files, manifest, options, predictions, table, listener)
    files |= _papers(models, manifest, predictions, evaluation, parity)
    files[CHECKSUMS] = checksum_lines(files).encode()
    readme = hub_readme(files[CARD].decode(), manifest.name, models.record.data.name, evaluation)
    _place(arranged(files, manifest, options.layout, readme), out, options)
    return Written(out, sum(map(len, files.values())), tuple(parity))


def _refuse_bad_options(out: Path, options: ExportOptions) -> None:
    refuse_overwrite(out, options.force)
    if options.int8 and options.data is None:
        remedy = "Add --data with the data set that the run was trained on."
        raise UserError(must("--int8", "given photos to measure ranges on", "none", remedy))
    if options.bf16:
        refuse_uncomputable("bf16")
    if options.zipped != (out.suffix == ".zip"):
        got = f"{out} {'with' if options.zipped else 'without'} --zip"
        raise UserError(must("OUT", "named .zip with --zip and only then", got, "Change one of the two."))
    foreign_folder = out.is_dir() and not (out / CHECKSUMS).is_file() and any(out.iterdir())
    if foreign_folder or (out.is_file() and not options.zipped):
        got = "another folder" if foreign_folder else "a file"
        raise StoreError(must(f"{out}", "an earlier export to be replaced", got, "Name a new one."))


def _networks(
    models: RunModels,
    options: ExportOptions,
    table: PhotoTable | None,
    predictions: Predictions | None,
    listener: Listener,
) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest, and the files that it names."""
    specs: list[InputSpec] = []
    files: dict[str, bytes] = {}
    listener.on_stage("exporting networks", sum(len(part.models) for each in models.members for part in each.parts))
    members = []
    for number, member in enumerate(models.members):
        parts = []
        names = part_names([part.attributes for part in member.parts])
        for part, part_name in zip(member.parts, names, strict=True):
            if part.how.spec not in specs:
                specs.append(part.how.spec)
            named = [
                _export_fold(member, part, fold, f"m{number}-{part_name}-{fold}", options, table)
                for fold in range(len(part.models))
            ]
            listener.on_advance(len(named))
            files |= {name: data for network in named for name, data in network.values()}
            vote = member.recipe.predict.fold_vote
            parts.append(_describe_part(part, specs.index(part.how.spec), named, vote))
        record = member.record
        members.append(Member(run_id=record.run_id, name=record.name, weight=member.weight, parts=tuple(parts)))
    task = models.members[0].recipe.task
    votes_hard = any(member.recipe.predict.fold_vote == "hard" for member in models.members)
    manifest = Manifest(
        name=models.record.name,
        task=Task(attributes=task.attributes, age_borders_years=task.age_borders_years),
        inputs=tuple(_input(spec) for spec in specs),
        members=tuple(members),
        vote=models.vote,
        temperature=None if predictions is None or votes_hard else fit_temperature(predictions),
        framing=models.framing or _measured(options.data, table),
        versions={"maskwise": maskwise.__version__, "torch": torch.__version__, "onnx": onnx.__version__},
    )
    return manifest, files


def _measured(data: Path | None, table: PhotoTable | None) -> Framing | None:
    """For runs that did not keep where faces lay in their photos."""
    return None if data is None or table is None else measure_training_framing(data, table)


def _export_fold(
    member: MemberModels, part: PartModels, fold: int, name: str, options: ExportOptions, table: PhotoTable | None
) -> dict[StoredPrecision, tuple[str, bytes]]:
    """(file name, network) of one fold's model in each precision wanted."""
    network = to_onnx(part.models[fold], part.how.spec, part.how.first_age_years)
    found: dict[StoredPrecision, tuple[str, bytes]] = {"fp32": (f"networks/{name}.onnx", network)}
    if options.int8 and options.data is not None and table is not None:
        pixels = calibration_pixels(member, fold, part.how.spec, options.data, table, CALIBRATION_PHOTOS)
        found["int8"] = (f"networks/{name}.int8.onnx", to_int8(network, pixels))
    return found


def _describe_part(
    part: PartModels, place: int, named: list[dict[StoredPrecision, tuple[str, bytes]]], vote: FoldVote
) -> BundlePart:
    return BundlePart(
        attributes=part.attributes,
        input=place,
        views=part.how.views,
        tells_age=part.how.first_age_years is not None,
        networks=tuple({word: name for word, (name, _) in network.items()} for network in named),
        fold_vote=vote,
        fold_views="in_turn" if part.in_turn else "all",
    )


def _input(spec: InputSpec) -> BundleInput:
    return BundleInput.model_validate_json(json.dumps(dataclasses.asdict(spec)))


def _prove(
    run: Path,
    files: dict[str, bytes],
    manifest: Manifest,
    options: ExportOptions,
    predictions: Predictions | None,
    table: PhotoTable | None,
    listener: Listener,
) -> list[Parity]:
    """The predictions of the bundle in ``files`` beside the run's; ``CheckFailedError`` where fp32 ones differ."""
    source = BundleFiles("the new bundle", {**files, CHECKSUMS: checksum_lines(files).encode()}.get)
    class_N: Ints | None = None
    names: list[str] = []
    if options.data is None or table is None:
        inputs, photos = "drawn", drawn_photos()
    else:
        names = held_out_photos(predictions, table, options.data, options.parity_photos)
        inputs, photos = "trained on" if predictions is None else "held out", linked_photos(options.data, names)
        if predictions is not None:
            class_of = dict(zip(predictions.photo_N.tolist(), predictions.class_N.tolist(), strict=True))
            class_N = np.array([class_of[name] for name in names], dtype=np.int64)
    found = []
    with photos as folder, _whole_float32():
        # Photos that cannot be read are left out and noted, as the training did.
        # The bundle's networks compute in fp32: a run that was trained in bf16 or fp16 rounds where they do not.
        of_run, _ = predict_with_run(run, [folder], True, _WithoutNotes([listener]), precision="fp32")
        if not len(of_run):
            raise DataError(must("photos to compare", "readable", "none that is", "Check --data."))
        if options.data is not None:
            note_left_out(listener, _unreadable(options.data, names, of_run))
        if class_N is not None:
            class_N = class_N[[int(Path(name).stem) for name in of_run.photo_N.tolist()]]
        for precision in _to_compare(manifest, options):
            with Bundle(source, precision) as bundle:
                of_bundle = predict_folder(bundle, [folder], True, Silent())
            found.append(compare_predictions(of_run, of_bundle, precision, inputs, class_N))
    if not found[0].holds:
        got = f"{found[0].largest_difference:.2g}, decisions equal for {found[0].decisions_equal:.2%}"
        rule = f"at most {TOLERANCE} from the run's, with equal decisions"
        raise CheckFailedError(must("probabilities of the bundle", rule, got, "Nothing was written."))
    return found


class _WithoutNotes(Several):
    """Passes on everything but notes, which would name links to photos."""

    def on_note(self, text: str) -> None:
        """To nobody."""


def _unreadable(data: Path, names: list[str], predicted: Predictions) -> Iterator[str]:
    """What is wrong with those of ``names`` that have no prediction; a prediction bears the number of its name."""
    read, known = bytes_of(data), {int(Path(name).stem) for name in predicted.photo_N.tolist()}
    for number, name in enumerate(names):
        if number not in known:
            yield f"{name}: {look_into(read, name)[1] or 'without a prediction'}"


def _to_compare(manifest: Manifest, options: ExportOptions) -> list[BundlePrecision]:
    """fp32 first."""
    return [*manifest.precisions, "bf16"] if options.bf16 else [*manifest.precisions]


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
        LICENSES: licenses(recipes, models.record.data.name).encode(),
        PARITY: f"{report}\n".encode(),
    }


def _place(files: dict[str, bytes], out: Path, options: ExportOptions) -> None:
    """Let ``out`` appear as a whole; what was there before goes."""
    if options.zipped:
        write_atomically(out, _zip(files))
        return
    place_folder(out, files)


def _zip(files: dict[str, bytes]) -> bytes:
    """Stored, not compressed (weights hardly shrink), without times: the same files give the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data)
    return sink.getvalue()
