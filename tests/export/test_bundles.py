"""A bundle says what its run says, photo for photo, without torch."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import maskwise
from conftest import Workplace
from export.conftest import Exported
from maskwise.cli.main import app
from maskwise.data.pixels import decode_photo
from maskwise.errors import DataError, UserError
from maskwise.export import cpu_features as processor
from maskwise.export.bundle_files import checksum_lines
from maskwise.export.manifest import MANIFEST, parse_manifest
from maskwise.export.prepare_photos import Preparer
from maskwise.export.reader import Bundle, load
from maskwise.faces.config import decodes_reduced
from maskwise.labels import Task
from maskwise.records import Image, InputSpec, Predictions
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import read_held_out, read_split
from maskwise.store.predictions_file import read_predictions
from maskwise.training.inference import predict_batch
from maskwise.workflows.predict_photos import photo_inputs
from maskwise.workflows.run_models import load_run

Cli = Callable[..., str]
TOLERANCE = 1e-4


def predictions_of(cli: Cli, what: Path, source: Path, out: Path, *options: str) -> Predictions:
    cli("predict", str(what), str(source), "--out", str(out), "--quiet", *options)
    return read_predictions(out)[0]


@pytest.mark.parametrize("kind", ["single", "folds", "voted", "turned", "ensemble", "parts"])
def test_bundle_and_run_agree_on_other_photos(
    kind: str, place: Workplace, cli: Cli, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    exported: Exported = request.getfixturevalue(kind)
    run = predictions_of(cli, exported.run, place.data, tmp_path / "run.parquet")
    bundle = predictions_of(cli, exported.bundle, place.data, tmp_path / "bundle.parquet")
    assert run.photo_N.tolist() == bundle.photo_N.tolist()
    assert len(run) == 42
    np.testing.assert_allclose(bundle.probs_NC, run.probs_NC, atol=TOLERANCE)
    assert bundle.probs_NC.argmax(axis=1).tolist() == run.probs_NC.argmax(axis=1).tolist()
    assert (run.age_years_N is None) == (bundle.age_years_N is None) == (kind not in ("folds", "turned"))
    if run.age_years_N is not None and bundle.age_years_N is not None:
        np.testing.assert_allclose(bundle.age_years_N, run.age_years_N, atol=1e-3)
    assert "decisions equal for 100.00%" in exported.printed


def test_a_run_trained_in_bf16_is_compared_in_fp32(place: Workplace, cli: Cli, tmp_path: Path) -> None:
    """In bf16 it predicts otherwise than its bundle by more than an export may."""
    cli(*place.train("--quiet", "--set", "name=rounded", "--set", "train.precision=bf16"))
    printed = cli("export", "rounded", str(tmp_path / "bundle"), "--store", str(place.store), "--quiet")
    assert "decisions equal for 100.00%" in printed
    run = predictions_of(cli, find_run(place.store, "rounded"), place.data, tmp_path / "run.parquet")
    bundle = predictions_of(cli, tmp_path / "bundle", place.data, tmp_path / "bundle.parquet")
    assert np.abs(run.probs_NC - bundle.probs_NC).max() > TOLERANCE
    np.testing.assert_allclose(run.probs_NC, bundle.probs_NC, atol=0.05)


def test_the_manifest_lists_members_parts_folds_and_views(
    single: Exported, folds: Exported, ensemble: Exported, parts: Exported
) -> None:
    one, several, both, split = (load(each.bundle).manifest for each in (single, folds, ensemble, parts))
    assert [len(each.members) for each in (one, several, both, split)] == [1, 1, 2, 1]
    assert [len(each.inputs) for each in (one, several, both, split)] == [1, 1, 2, 2]
    assert [part.attributes for part in split.parts] == [("mask",), ("gender", "age"), ("gender", "age")]
    names = ["mask", "gender-age", "gender-age-2"]
    assert [part.networks[0]["fp32"] for part in split.parts] == [f"networks/m0-{name}-0.onnx" for name in names]
    assert len(several.parts[0].networks) == 2
    assert several.parts[0].views == ("as_is", "mirrored")
    assert several.parts[0].tells_age
    assert both.vote.kind == "hard_vote"
    assert both.inputs[1].crop.kind == "center_crop"
    assert [decodes_reduced(each.crop) for each in split.inputs] == [False, True]
    assert one.precisions == ("fp32", "int8")
    assert several.precisions == ("fp32",)
    assert one.framing is not None
    assert several.framing is not None
    assert several.framing.spread is not None
    assert all(each.temperature is not None for each in (one, several, both, split))


def test_folds_that_see_views_in_turn_by_hand(turned: Exported, place: Workplace, cli: Cli, tmp_path: Path) -> None:
    run = predictions_of(cli, turned.run, place.data, tmp_path / "run.parquet", "--faces", "whole")
    (part,) = load_run(turned.run).members[0].parts
    pixels = pixels_of(run.photo_N.tolist(), place, part.how.spec)
    as_is = dataclasses.replace(part.how, views=("as_is",))
    given = zip(part.models, (pixels, pixels[:, :, ::-1].copy(), pixels), strict=True)
    folds = [predict_batch(model, each, as_is).probs_NC for model, each in given]
    np.testing.assert_allclose(run.probs_NC, np.mean(folds, axis=0), atol=1e-6)
    assert load(turned.bundle).manifest.parts[0].fold_views == "in_turn"
    assert "views as is and mirrored in turn, one for each network" in (turned.bundle / "MODEL_CARD.md").read_text()


def test_held_out_people_are_scored_in_all_views_where_folds_see_them_in_turn(
    turned: Exported, place: Workplace
) -> None:
    held_out, _ = read_held_out(turned.run)
    (part,) = load_run(turned.run).members[0].parts
    fold_of = read_split(turned.run)
    fold_N = np.array([fold_of[str(person)] for person in held_out.person_N])
    for fold, model in enumerate(part.models):
        own = held_out.take(fold_N == fold)
        both_views = predict_batch(model, pixels_of(own.photo_N.tolist(), place, part.how.spec), part.how)
        np.testing.assert_allclose(both_views.probs_NC, own.probs_NC, atol=1e-5)


def pixels_of(photos: list[str], place: Workplace, spec: InputSpec) -> Image:
    """Whole photos of the training part or others, as a network of ``spec`` is given them."""
    prepare = photo_inputs([spec])
    root = place.data if (place.data / photos[0]).is_file() else place.data / "train" / "images"
    read = [(name, decode_photo((root / name).read_bytes(), name)) for name in photos]
    return np.stack([prepare.whole(partial(_given, photo), name)[0] for name, photo in read])


def _given(photo_HWC: Image, _least_px: tuple[int, int] | None) -> Image:
    return photo_HWC


def test_folds_that_vote_hard_predict_submit_and_are_exported_alike(
    voted: Exported, place: Workplace, cli: Cli, tmp_path: Path
) -> None:
    run = predictions_of(cli, voted.run, place.data, tmp_path / "run.parquet")
    models, task = load_run(voted.run).members[0], Task()
    pixels = pixels_of(run.photo_N.tolist(), place, models.parts[0].how.spec)
    by_hand = np.ones((len(run), 18))
    codes_C = task.codes(np.arange(18))
    for part in models.parts:
        own = Task(attributes=part.attributes)
        votes_RN = np.stack([predict_batch(model, pixels, part.how).probs_NC.argmax(1) for model in part.models])
        share_NC = (votes_RN[:, :, None] == np.arange(own.n_classes)).mean(axis=0)
        by_hand *= share_NC[:, own.joint_class(codes_C)]
    np.testing.assert_allclose(run.probs_NC, by_hand, atol=2e-3)  # a thousandth of each part is its mean, for ties
    assert (by_hand.max(axis=1) < 1).any(), "folds that always agree show nothing"
    cli("submit", str(voted.run), "--data", str(place.data), "--out", str(tmp_path / "submission.csv"), "--quiet")
    with (tmp_path / "submission.csv").open() as file:
        submitted = [int(row["ans"]) for row in csv.DictReader(file)]
    assert submitted == run.probs_NC.argmax(axis=1).tolist()
    manifest = load(voted.bundle).manifest
    assert [part.fold_vote for part in manifest.parts] == ["hard", "hard"]
    assert manifest.temperature is None, "a temperature of single folds is not that of shares of votes"
    assert "predicts the hard vote of the folds" in (voted.bundle / "MODEL_CARD.md").read_text()


def test_one_photo_alone_is_predicted_as_among_others(folds: Exported, place: Workplace) -> None:
    photos = sorted((place.data / "eval" / "images").iterdir())[:5]
    with load(folds.bundle) as bundle:
        together = bundle.predict(photos)
        for photo, prediction in zip(photos, together, strict=True):
            (alone,) = bundle.predict(photo)
            np.testing.assert_allclose(alone.probs_C, prediction.probs_C, atol=1e-6)


def test_paths_bytes_and_pixels_are_one(single: Exported, place: Workplace) -> None:
    photo = min((place.data / "eval" / "images").iterdir())
    data = photo.read_bytes()
    bundle = maskwise.load(str(single.bundle))
    predicted = bundle.predict([photo, str(photo), data, decode_photo(data, "photo")])
    for other in predicted[1:]:
        assert np.array_equal(other.probs_C, predicted[0].probs_C)
    prepared = [bundle.prepare(data), bundle.prepare(photo)]
    assert np.allclose(bundle.predict_prepared(prepared)[1].probs_C, predicted[0].probs_C, atol=1e-6)
    assert bundle.predict([]) == []
    assert bundle.task == Task()


def test_all_bad_images_are_named_at_once(single: Exported) -> None:
    with load(single.bundle) as bundle, pytest.raises(DataError) as problems:
        bundle.predict([b"no photo", np.zeros((4, 4), np.uint8), "nowhere.jpg"])
    assert [line.split(" must")[0] for line in problems.value.problems] == ["image 1", "image 2", "nowhere.jpg"]


def test_8_bits_are_near_and_differ(single: Exported, place: Workplace, cli: Cli, tmp_path: Path) -> None:
    fine = predictions_of(cli, single.bundle, place.data, tmp_path / "fine.csv")
    coarse = predictions_of(cli, single.bundle, place.data, tmp_path / "coarse.csv", "--precision", "int8")
    difference = np.abs(fine.probs_NC - coarse.probs_NC).max()
    assert 0 < difference < 0.05
    report = json.loads((single.bundle / "parity.json").read_text())
    assert [each["precision"] for each in report] == ["fp32", "int8"]
    assert report[0]["largest_difference"] < TOLERANCE
    assert report[0]["inputs"] == "held out"
    assert report[0]["macro_f1_run"] == report[0]["macro_f1_bundle"]


@pytest.mark.parametrize(
    ("precision", "saturates", "warnings"), [("int8", True, 1), ("int8", False, 0), ("fp32", True, 0)]
)
def test_a_processor_that_overflows_in_8_bits_is_reported(
    precision: str,
    saturates: bool,
    warnings: int,
    single: Exported,
    place: Workplace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processor, "saturates_in_8_bits", lambda: saturates)
    words = ["predict", str(single.bundle), str(place.data), "--out", str(tmp_path / "a.csv"), "--precision", precision]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.output.count("8-bit predictions are inexact") == warnings


def test_a_bundle_without_8_bits_says_so(folds: Exported, place: Workplace, cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be fp32, got 'int8'"):
        predictions_of(cli, folds.bundle, place.data, tmp_path / "x.csv", "--precision", "int8")


def test_calibrated_predictions_keep_the_class(single: Exported, place: Workplace, cli: Cli, tmp_path: Path) -> None:
    plain = predictions_of(cli, single.bundle, place.data, tmp_path / "plain.csv")
    calibrated = predictions_of(cli, single.bundle, place.data, tmp_path / "calibrated.csv", "--calibrated")
    temperature = load(single.bundle).manifest.temperature
    assert temperature is not None
    powers = plain.probs_NC ** (1 / temperature)
    np.testing.assert_allclose(calibrated.probs_NC, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)
    assert np.array_equal(plain.probs_NC.argmax(axis=1), calibrated.probs_NC.argmax(axis=1))


def test_predicting_from_a_bundle_never_loads_torch(single: Exported, place: Workplace, tmp_path: Path) -> None:
    photo = min((place.data / "eval" / "images").iterdir())
    words = ["predict", str(single.bundle), str(photo), "--quiet", "--out"]
    code = (
        "import sys, maskwise\n"
        f"assert len(maskwise.load({str(single.bundle)!r}).predict([{str(photo)!r}])) == 1\n"
        "from typer.testing import CliRunner\nfrom maskwise.cli.main import app\n"
        f"for extra in (['{tmp_path}/a.csv'], ['{tmp_path}/b.csv', '--faces', 'each']):\n"
        f"    assert CliRunner().invoke(app, {words!r} + extra).exit_code == 0\n"
        "print(sorted({'torch', 'timm', 'sklearn', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_maskwise_has_no_other_lazy_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        maskwise.lode  # noqa: B018


# --- faces -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces_folder(place: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of no, one and two people, and the one photo by itself."""
    folder = tmp_path_factory.mktemp("faces")
    people = place.data / "train" / "images"
    one, other = (
        cv2.imread(str(people / name / "normal.jpg")) for name in sorted(p.name for p in people.iterdir())[:2]
    )
    cv2.imwrite(str(folder / "none.png"), np.full((300, 400, 3), 120, np.uint8))
    cv2.imwrite(str(folder / "one.png"), one)
    cv2.imwrite(str(folder / "two.png"), np.concatenate([one, other], axis=1))
    return folder


def test_no_one_and_two_faces(single: Exported, faces_folder: Path) -> None:
    with load(single.bundle) as bundle:
        none, one, two = bundle.predict_faces([faces_folder / f"{name}.png" for name in ("none", "one", "two")])
    assert (len(none), len(one), len(two)) == (0, 1, 2)
    boxes = sorted(each.face.box_xyxy_px for each in two if each.face)
    assert boxes[0][2] < 384 < boxes[1][0]
    left = min(two, key=lambda each: each.face.box_xyxy_px if each.face else ())
    # The same face, found at another scale: boxes and so windows differ by a few pixels.
    assert np.abs(left.probs_C - one[0].probs_C).max() < 0.1


def test_faces_as_a_table(single: Exported, faces_folder: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "faces.csv"
    words = ("predict", str(single.bundle), str(faces_folder), "--out", str(out), "--quiet", "--faces", "each")
    printed = cli(*words, "--abstain-below", "0.99")
    assert "3 faces in 3 photos, 1 without a face" in printed
    header, *rows = [line.split(",") for line in out.read_text().splitlines()]
    assert header[:6] == ["photo", "face", "left_px", "top_px", "right_px", "bottom_px"]
    assert [(row[0], row[1], row[6]) for row in rows] == [
        ("none.png", "", "no_face"),
        ("one.png", "0", "abstain"),
        ("two.png", "0", "abstain"),
        ("two.png", "1", "abstain"),
    ]
    assert {len(row) for row in rows} == {len(header)}


def test_abstaining_needs_no_faces(single: Exported, faces_folder: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "abstain.csv"
    words = ("predict", str(single.bundle), str(faces_folder / "one.png"), "--out", str(out), "--quiet")
    assert "1 photos" in cli(*words, "--abstain-below", "1")
    header, row = [line.split(",") for line in out.read_text().splitlines()]
    assert header[:5] == ["photo", "class", "mask", "gender", "age_group"]
    assert row[:5] == ["one.png", "abstain", "abstain", "abstain", "abstain"]


def test_faces_need_the_framing(
    folds: Exported, single: Exported, faces_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    manifest = parse_manifest((single.bundle / MANIFEST).read_bytes(), str(single.bundle))
    with pytest.raises(DataError, match="Export the run again with --data"):
        Preparer(manifest.model_copy(update={"framing": None})).refuse_unframed()
    with pytest.raises(UserError, match=r"\.csv or \.jsonl with --faces"):
        cli("predict", str(folds.bundle), str(faces_folder), "--out", "x.parquet", "--quiet", "--faces", "each")


def test_a_run_does_not_know_a_bundles_options(single: Exported, faces_folder: Path, cli: Cli, tmp_path: Path) -> None:
    words = ("predict", str(single.run), str(faces_folder), "--out", str(tmp_path / "x.csv"), "--quiet")
    with pytest.raises(UserError, match=r"--faces, --calibrated must .*, got 'a run'"):
        cli(*words, "--faces", "each", "--calibrated")


# --- damage ----------------------------------------------------------------------------------------------------------


def test_every_kind_of_damage_is_reported(single: Exported, folds: Exported, tmp_path: Path) -> None:
    files = {
        path.relative_to(single.bundle).as_posix(): path.read_bytes()
        for path in single.bundle.rglob("*")
        if path.is_file()
    }
    network = next(name for name in files if name.endswith("-0.onnx"))
    changed = bytearray(files[network])
    changed[len(changed) // 2] ^= 1
    cases: dict[str, tuple[dict[str, bytes], str]] = {
        "tampered": ({**files, network: bytes(changed)}, "must be the file that was exported"),
        "missing": ({name: data for name, data in files.items() if name != network}, "must be there, got 'no such"),
        "no-sums": ({name: data for name, data in files.items() if name != "SHA256SUMS"}, "without SHA256SUMS"),
        "edited": ({**files, "bundle.json": files["bundle.json"] + b" "}, "must be the file that was exported"),
    }
    for name, (content, message) in cases.items():
        folder = tmp_path / name
        for path, data in content.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        with pytest.raises(DataError, match=message) as problem:
            load(folder)
        assert len(problem.value.problems) == 1
    cut = tmp_path / "cut.zip"
    cut.write_bytes(folds.bundle.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"must be a whole \.zip of a bundle"):
        load(cut)
    with pytest.raises(DataError, match="got 'nothing'"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="fp32 or int8"):
        load(single.bundle, "fp16")  # type: ignore[arg-type]


def with_network(bundle: Path, network: bytes, out: Path) -> Path:
    """A copy of ``bundle`` with another fp32 network and checksums that fit."""
    shutil.copytree(bundle, out)
    place = next((out / "networks").glob("*-0.onnx"))
    place.write_bytes(network)
    files = {f"networks/{place.name}": network, "bundle.json": (bundle / "bundle.json").read_bytes()}
    (out / "SHA256SUMS").write_text(checksum_lines(files))
    return out


@pytest.mark.parametrize(
    "network, reason",
    [
        (b"no network at all", "no ONNX network"),
        (b"", "ONNX Runtime takes"),
    ],
)
def test_foreign_networks_are_refused_though_checksums_fit(
    single: Exported, network: bytes, reason: str, tmp_path: Path
) -> None:
    changed = with_network(single.bundle, network, tmp_path / "bundle")
    with pytest.raises(DataError, match=reason):
        load(changed)


def test_a_network_of_another_size_is_refused(single: Exported, ensemble: Exported, tmp_path: Path) -> None:
    network = next(path for path in (ensemble.bundle / "networks").iterdir() if path.name.startswith("m1")).read_bytes()
    changed = with_network(single.bundle, network, tmp_path / "bundle")
    with pytest.raises(DataError, match=r"must be probs of pixels \[32, 24, 3\], got 'probs of \[24, 24, 3\]'"):
        load(changed)


def test_a_zip_that_unpacks_to_far_more_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", bytes(10_000_000))
    with pytest.raises(DataError, match="unpacks to more than 20 times its size"):
        load(tmp_path / "bomb.zip")


def test_damage_ends_the_command_line_with_2_and_one_line(single: Exported, place: Workplace, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "bundle.json").write_bytes((single.bundle / "bundle.json").read_bytes())
    words = ("predict", str(broken), str(place.data), "--out", str(tmp_path / "x.csv"))
    command = [sys.executable, "-m", "maskwise", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [done.stderr.strip()]
    assert "SHA256SUMS" in done.stderr


def test_a_newer_format_and_foreign_paths_are_refused(single: Exported) -> None:
    text = (single.bundle / "bundle.json").read_text()
    with pytest.raises(DataError, match=r"must be 1, got 2\. Read it with the maskwise"):
        parse_manifest(text.replace('"format": 1', '"format": 2').encode(), "here")
    with pytest.raises(DataError, match="got something else"):
        parse_manifest(b"[]", "here")
    for name in ("../../etc/passwd", "networks/../x.onnx", "/x.onnx", "networks/a.txt"):
        fields = json.loads(text)
        fields["members"][0]["parts"][0]["networks"][0]["fp32"] = name
        with pytest.raises(DataError, match=r"must be networks/NAME\.onnx"):
            parse_manifest(json.dumps(fields).encode(), "here")


def test_bundles_can_be_used_from_many_threads(single: Exported, place: Workplace) -> None:
    photos = sorted((place.data / "eval" / "images").iterdir())
    with load(single.bundle, threads=4) as bundle, load(single.bundle, threads=1) as slow:
        assert isinstance(bundle, Bundle)
        fast = bundle.predict(photos)
        assert np.allclose([a.probs_C for a in fast], [a.probs_C for a in slow.predict(photos)], atol=1e-6)
