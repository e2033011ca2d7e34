"""The training loop: same numbers however it is cut, what is kept, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from maskwise.augment.build import build_augment
from maskwise.errors import DivergedError, RecipeError, StoreError
from maskwise.listeners import EpochReport, Silent
from maskwise.recipe.optimizer_config import SGD, Adam, AdamW
from maskwise.recipe.schedule_config import Constant
from maskwise.recipe.train_config import InnerHoldOut, Last, RuntimeConfig, TrainConfig
from maskwise.training.batches import TargetRows
from maskwise.training.checkpoints import CHECKPOINTS
from maskwise.training.fold_files import DONE, LOG, WEIGHTS
from maskwise.training.loop import trained_folder
from maskwise.training.moving_parts import MovingParts
from maskwise.training.step import Stepper, batches_of_step
from support.fits import KillAt, Killed, Remember, equal_weights, tiny_fit, tiny_model, weights_after

PLAIN = TrainConfig(epochs=3, batch_size=8)
RICH = TrainConfig(
    epochs=3,
    batch_size=8,
    accumulate_batches=2,
    optimizer=SGD(rate=0.05, weight_decay=0.01),
    warmup_epochs=0.5,
    clip_norm=1.0,
    ema_decay=0.9,
    freeze_backbone_epochs=1,
)


@pytest.mark.parametrize("config", [PLAIN, RICH], ids=["plain", "rich"])
def test_a_training_killed_at_any_batch_ends_with_the_same_weights(config: TrainConfig, tmp_path: Path) -> None:
    whole = weights_after(tiny_fit(config), tmp_path / "whole")
    places = np.random.default_rng(0).permutation(21)[:10] + 1  # 3 epochs of 7 batches
    for number, place in enumerate(places.tolist()):
        folder = tmp_path / f"killed-{number}"
        with pytest.raises(Killed):
            weights_after(tiny_fit(config), folder, KillAt(place))
        assert not trained_folder(folder)
        assert equal_weights(weights_after(tiny_fit(config), folder), whole), f"killed after batch {place}"


def test_a_training_killed_again_and_again_ends_with_the_same_weights_and_log(tmp_path: Path) -> None:
    whole = weights_after(tiny_fit(RICH), tmp_path / "whole")
    folder = tmp_path / "killed"
    for _ in range(9):
        with pytest.raises(Killed):
            weights_after(tiny_fit(RICH), folder, KillAt(2))
    assert equal_weights(weights_after(tiny_fit(RICH), folder), whole)

    def events(path: Path) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in (path / LOG).read_text().splitlines()]
        return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]

    assert events(folder) == events(tmp_path / "whole")
    assert [line["epoch"] for line in events(folder)] == [0, 1, 2]


def test_same_numbers_twice_and_with_any_number_of_workers(tmp_path: Path) -> None:
    runs = [
        weights_after(
            tiny_fit(PLAIN, RuntimeConfig(device="cpu", workers=workers, checkpoint_every_s=every)),
            tmp_path / f"{number}",
        )
        for number, (workers, every) in enumerate([(0, 0.0), (0, 60.0), (2, 60.0), (4, 0.0)])
    ]
    assert all(equal_weights(run, runs[0]) for run in runs[1:])
    other_seed = weights_after(tiny_fit(PLAIN, seed=1), tmp_path / "seed")
    assert not equal_weights(other_seed, runs[0])


def test_a_damaged_state_falls_back_to_the_one_before_and_says_so(tmp_path: Path) -> None:
    whole = weights_after(tiny_fit(PLAIN), tmp_path / "whole")
    folder = tmp_path / "damaged"
    with pytest.raises(Killed):
        weights_after(tiny_fit(PLAIN), folder, KillAt(12))
    newest = folder / json.loads((folder / CHECKPOINTS).read_text())[0]["file"]
    newest.write_bytes(newest.read_bytes()[:-100])
    listener = Remember()
    assert equal_weights(weights_after(tiny_fit(PLAIN), folder, listener), whole)
    assert any(newest.name in note for note in listener.notes)


@pytest.mark.parametrize(
    ("batch_size", "accumulate_batches", "large_batches"),
    # 25 + 25 are 50; four batches of 12 or 13 in groups of three: 38 and, alone, 12.
    [(25, 2, [50]), (13, 3, [38, 12]), (13, 4, [50])],
)
def test_accumulated_batches_are_one_large_batch(
    batch_size: int, accumulate_batches: int, large_batches: list[int], tmp_path: Path
) -> None:
    """With plain gradient descent and no batch statistics: also in the last, incomplete group of an epoch."""
    config = TrainConfig(
        epochs=1,
        batch_size=batch_size,
        accumulate_batches=accumulate_batches,
        optimizer=SGD(rate=0.1, momentum=0.0),
        schedule=Constant(),
        freeze_backbone_epochs=1,
    )
    fit = tiny_fit(config, select=False)
    fit = dataclasses.replace(fit, source=dataclasses.replace(fit.source, augment=build_augment([])))
    after = weights_after(fit, tmp_path)
    # By hand: a step of the mean gradient over each large batch.
    model, photos = tiny_model(), np.concatenate(fit.source.plan(0))
    head_only = torch.optim.SGD(model.head.parameters(), lr=0.1)
    model.eval()
    for index_M in np.split(photos, np.cumsum(large_batches)[:-1]):
        batch = fit.source.make(index_M, 0, 0, fit.device)
        output = model(fit.inference.of_batch(batch.images_NCHW))
        head_only.zero_grad()
        torch.nn.functional.cross_entropy(output.logits_NC, batch.class_N).backward()  # type: ignore[no-untyped-call]
        head_only.step()
    assert torch.allclose(after["head.weight"], model.head.weight, atol=2e-4)
    assert not torch.allclose(after["head.weight"], tiny_model().head.weight, atol=2e-4)


def test_the_last_step_of_an_epoch_has_the_batches_that_are_left() -> None:
    """80 photos in batches of 16, four a step: the fifth batch is a step of its own, and whole."""
    assert [batches_of_step(position, 5, 4) for position in range(5)] == [4, 4, 4, 4, 1]
    assert [batches_of_step(position, 4, 2) for position in range(4)] == [2, 2, 2, 2]


def test_more_accumulated_batches_than_an_epoch_has_are_refused(tmp_path: Path) -> None:
    config = TrainConfig(epochs=1, batch_size=13, accumulate_batches=5)
    with pytest.raises(RecipeError, match=r"train\.accumulate_batches must be at most .*\(4\), got 5"):
        weights_after(tiny_fit(config, select=False), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_frozen_backbone_does_not_move_at_all(tmp_path: Path) -> None:
    config = TrainConfig(epochs=2, batch_size=8, freeze_backbone_epochs=2)
    after, before = weights_after(tiny_fit(config), tmp_path), tiny_model().state_dict()
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name]) == name.startswith("backbone"), name


def test_the_best_epoch_is_kept_and_patience_ends_the_training(tmp_path: Path) -> None:
    listener = Remember()
    config = TrainConfig(epochs=12, batch_size=8, optimizer=Adam(rate=0.02), checkpoint=InnerHoldOut(patience_epochs=2))
    weights_after(tiny_fit(config), tmp_path, listener)
    scores = [epoch.macro_f1 for epoch in listener.epochs]
    done = json.loads((tmp_path / DONE).read_text())
    assert done["best_epoch"] == int(np.argmax(scores))  # type: ignore[arg-type]
    assert done["epochs"] == len(scores)
    if len(scores) < 12:
        assert len(scores) - 1 - done["best_epoch"] == 2
        assert any("stopped early" in note for note in listener.notes)
    assert done["best_macro_f1"] == max(scores)  # type: ignore[type-var]


def test_without_selection_the_last_epoch_is_kept(tmp_path: Path) -> None:
    listener = Remember()
    config = TrainConfig(epochs=2, batch_size=8, checkpoint=Last())
    after = weights_after(tiny_fit(config, select=False), tmp_path, listener)
    assert [epoch.macro_f1 for epoch in listener.epochs] == [None, None]
    assert json.loads((tmp_path / DONE).read_text())["best_epoch"] == 1
    assert equal_weights(after, load_file(tmp_path / WEIGHTS))


def test_a_finished_training_leaves_no_states_and_is_not_repeated(tmp_path: Path) -> None:
    first = weights_after(tiny_fit(PLAIN), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([WEIGHTS, LOG, DONE])
    listener = Remember()
    assert equal_weights(weights_after(tiny_fit(PLAIN), tmp_path, listener), first)
    assert not listener.epochs


def test_weights_that_were_damaged_before_the_end_are_not_passed_on(tmp_path: Path) -> None:
    class Damage(Silent):
        def on_epoch(self, report: EpochReport) -> None:
            data = bytearray((tmp_path / WEIGHTS).read_bytes())
            data[-1] ^= 1
            (tmp_path / WEIGHTS).write_bytes(data)

    with pytest.raises(StoreError, match=r"weights\.safetensors must .*best epoch.*--force"):
        weights_after(tiny_fit(TrainConfig(epochs=1, batch_size=8)), tmp_path, Damage())
    assert not (tmp_path / DONE).exists()


def test_a_finished_training_whose_weights_were_damaged_is_refused(tmp_path: Path) -> None:
    weights_after(tiny_fit(PLAIN), tmp_path)
    data = bytearray((tmp_path / WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / WEIGHTS).write_bytes(data)
    with pytest.raises(StoreError, match=r"weights\.safetensors must .*training wrote"):
        weights_after(tiny_fit(PLAIN), tmp_path)


def test_it_learns(tmp_path: Path) -> None:
    listener = Remember()
    config = TrainConfig(epochs=15, batch_size=8, optimizer=AdamW(rate=0.02))
    weights_after(tiny_fit(config), tmp_path, listener)
    assert listener.epochs[-1].loss < 0.85 * listener.epochs[0].loss
    assert max(epoch.macro_f1 or 0 for epoch in listener.epochs) > 0.8


def test_a_loss_that_is_not_finite_names_the_photos_and_spoils_no_weights(tmp_path: Path) -> None:
    config = TrainConfig(epochs=3, batch_size=8, optimizer=SGD(rate=1e30), checkpoint=Last())
    with pytest.raises(DivergedError, match=r"loss must be finite.*photo-\d+\.jpg.*rate"):
        weights_after(tiny_fit(config, select=False), tmp_path)
    assert not (tmp_path / DONE).exists()
    if (tmp_path / WEIGHTS).exists():
        assert all(bool(torch.isfinite(tensor).all()) for tensor in load_file(tmp_path / WEIGHTS).values())


def test_photos_of_no_weight_to_speak_of_teach_nothing(tmp_path: Path) -> None:
    """Half of the photos are labeled wrongly: as light ones they leave the weights of a training as they were."""
    fit = tiny_fit(TrainConfig(epochs=1, batch_size=50, optimizer=SGD(rate=0.1)), select=False)
    weight_N = np.where(np.arange(50) < 25, 1, 1e-12).astype(np.float32)
    right_NC = np.eye(3, dtype=np.float32)[fit.source.table.train_class_N]
    wrong_NC = np.where(weight_N[:, None] < 1, np.roll(right_NC, 1, axis=1), right_NC)
    light, also_light, heavy = (
        weights_after(
            dataclasses.replace(fit, source=dataclasses.replace(fit.source, rows=TargetRows(target_NC, weights_N))),
            tmp_path / str(number),
        )
        for number, (target_NC, weights_N) in enumerate(
            [(right_NC, weight_N), (wrong_NC, weight_N), (wrong_NC, np.ones_like(weight_N))]
        )
    )
    assert all(torch.allclose(light[name], also_light[name]) for name in light)
    assert not torch.allclose(light["head.bias"], heavy["head.bias"])


def test_trial_steps_step_and_write_nothing(tmp_path: Path) -> None:
    fit = tiny_fit(TrainConfig(epochs=3, batch_size=8, freeze_backbone_epochs=2))
    parts = MovingParts(fit, tiny_model())
    before = {name: value.clone() for name, value in parts.model.state_dict().items()}
    Stepper(fit, parts, Remember()).try_step(fit.source.make(np.arange(8), 0, 0, fit.device))
    after = parts.model.state_dict()
    assert not torch.equal(before["backbone.0.weight"], after["backbone.0.weight"]), "the thawed backbone learns"
    assert list(tmp_path.iterdir()) == []
