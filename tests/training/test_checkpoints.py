"""Saved states: whatever happens to the files, what is loaded is a state that was saved whole, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from maskwise.errors import StoreError
from maskwise.training.checkpoints import (
    CHECKPOINTS,
    delete_checkpoints,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from support.fits import equal_weights, tiny_model


def state(number: int) -> dict[str, Any]:
    return {"number": number, "weights": torch.full((50,), float(number)), "log": [{"epoch": number}]}


def test_the_newest_state_comes_back_with_all_its_parts(tmp_path: Path) -> None:
    for number in range(5):
        save_checkpoint(tmp_path, state(number))
        loaded, warnings = load_checkpoint(tmp_path)
        assert loaded is not None
        assert loaded["number"] == number
        assert torch.equal(loaded["weights"], state(number)["weights"])
        assert loaded["log"] == [{"epoch": number}]
        assert not warnings
    assert len(list(tmp_path.glob("checkpoint-*.pt"))) == 2
    delete_checkpoints(tmp_path)
    assert load_checkpoint(tmp_path) == (None, [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("trial", range(12))
def test_any_damage_to_the_newest_falls_back_to_the_one_before(tmp_path: Path, trial: int) -> None:
    save_checkpoint(tmp_path, state(1))
    save_checkpoint(tmp_path, state(2))
    newest = tmp_path / json.loads((tmp_path / CHECKPOINTS).read_text())[0]["file"]
    data = bytearray(newest.read_bytes())
    rng = np.random.default_rng(trial)
    if trial % 3 == 0:
        newest.write_bytes(data[: int(rng.integers(len(data)))])
    elif trial % 3 == 1:
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        newest.write_bytes(data)
    else:
        newest.unlink()
    loaded, warnings = load_checkpoint(tmp_path)
    assert loaded is not None
    assert loaded["number"] == 1
    assert len(warnings) == 1
    assert newest.name in warnings[0]


@pytest.mark.parametrize(
    "index", [b"", b"null", b"[1]", b"\xff\xfe", b'[{"file": "checkpoint-c.pt", "sha256": ""}]', None]
)
def test_without_its_index_the_newest_intact_state_is_used(tmp_path: Path, index: bytes | None) -> None:
    for number in (1, 2):
        save_checkpoint(tmp_path, state(number))
    newest = tmp_path / json.loads((tmp_path / CHECKPOINTS).read_text())[0]["file"]
    if index is None:
        (tmp_path / CHECKPOINTS).unlink()
    else:
        (tmp_path / CHECKPOINTS).write_bytes(index)
    loaded, warnings = load_checkpoint(tmp_path)
    assert loaded is not None
    assert loaded["number"] == 2
    assert len(warnings) == 1
    assert newest.name in warnings[0]
    newest.write_bytes(newest.read_bytes()[:-40])
    loaded, _ = load_checkpoint(tmp_path)
    assert loaded is not None
    assert loaded["number"] == 1


def test_a_kill_at_any_write_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, state(1))
    save_checkpoint(tmp_path, state(2))
    rename = Path.replace
    for survivors in range(3):
        left = [survivors]

        def dying(self: Path, target: Path, left: list[int] = left) -> Path:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return rename(self, target)

        monkeypatch.setattr(Path, "replace", dying)
        if survivors < 2:
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(tmp_path, state(3))
        else:
            save_checkpoint(tmp_path, state(3))
        monkeypatch.undo()
        loaded, warnings = load_checkpoint(tmp_path)
        assert loaded is not None
        assert loaded["number"] == (3 if survivors == 2 else 2)
        assert not warnings


def test_a_pickle_in_place_of_a_state_is_refused_and_does_not_run(tmp_path: Path) -> None:
    import hashlib
    import pickle

    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    data = pickle.dumps(Attack())
    (tmp_path / "checkpoint-a.pt").write_bytes(data)
    entry = {"file": "checkpoint-a.pt", "sha256": hashlib.sha256(data).hexdigest()}
    (tmp_path / CHECKPOINTS).write_text(json.dumps([entry]))
    with pytest.raises(StoreError, match="cannot be read"):
        load_checkpoint(tmp_path)
    assert not marker.exists()


def test_weights_go_to_disk_and_back_and_foreign_ones_are_refused(tmp_path: Path) -> None:
    model = tiny_model()
    save_weights(tmp_path / "w.safetensors", model)
    other = tiny_model()
    with torch.no_grad():
        other.head.weight.zero_()
    load_weights(tmp_path / "w.safetensors", other)
    assert equal_weights(other.state_dict(), model.state_dict())
    save_weights(tmp_path / "foreign.safetensors", torch.nn.Linear(2, 2))
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 100)
    for name in ("foreign.safetensors", "broken.safetensors", "absent.safetensors"):
        with pytest.raises(StoreError, match=name):
            load_weights(tmp_path / name, other)
