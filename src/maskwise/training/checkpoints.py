"""The saved state of a training: always one whole and checked file, with the one before it as a spare."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from maskwise.errors import StoreError
from maskwise.files import parse_json, write_atomically
from maskwise.listeners import DAMAGED

CHECKPOINTS = "checkpoints.json"
_SLOTS = ("checkpoint-a.pt", "checkpoint-b.pt")


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Save ``state`` (tensors, numbers, strings, lists, dicts) beside the state before it; the index names both."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    entries = _entries(folder)
    newest = entries[0]["file"] if entries else _SLOTS[1]
    slot = _SLOTS[1 - _SLOTS.index(newest)]
    write_atomically(folder / slot, data)
    entry = {"file": slot, "sha256": hashlib.sha256(data).hexdigest()}
    write_atomically(folder / CHECKPOINTS, json.dumps([entry, *entries][:2]))


def load_checkpoint(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest state that is whole, or None; and a warning for each one that is not."""
    warnings = []
    entries = _entries(folder)
    if not entries and any((folder / slot).exists() for slot in _SLOTS):
        return _without_index(folder)
    for entry in entries:
        path = folder / entry["file"]
        data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            # A kill between the two writes of a save leaves a newer file under the older entry's name: not an error.
            warnings.append(f"{DAMAGED}: {path} is not the state that was saved; the one before it is used")
            continue
        try:
            state: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise StoreError(f"{path} cannot be read ({error}). Train again with --force.") from None
        return state, warnings
    if warnings:
        warnings.append(f"{DAMAGED}: no checkpoint in {folder} is intact; the training starts anew")
    return None, warnings


def delete_checkpoints(folder: Path) -> None:
    """Forget all saved states: the training is over. The index goes first, so that no entry points to nothing."""
    for name in (CHECKPOINTS, *_SLOTS):
        (folder / name).unlink(missing_ok=True)


def save_weights(path: Path, model: nn.Module, still: Mapping[str, Tensor] | None = None) -> str:
    """All tensors of ``model`` as safetensors, and those of ``still``, which are of the same net and do not learn.

    Returns the file's SHA-256.
    """
    named = {**(still or {}), **model.state_dict()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    data = safetensors.torch.save(tensors)
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def load_weights(path: Path, model: nn.Module, still: Mapping[str, Tensor] | None = None) -> None:
    """Put the tensors of ``path`` into ``model``, those named in ``still`` aside; every one of them must fit."""
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(path.read_bytes())
        learned = {name: tensor for name, tensor in tensors.items() if name not in (still or {})}
        model.load_state_dict(learned, strict=True)
    except FileNotFoundError:
        raise StoreError(f"{path} is missing. Train the run again with --force.") from None
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{path} does not hold this model's weights ({reason}). Train again with --force.") from None


def _without_index(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest state whose parts have the CRC-32 that torch wrote: the index is gone or damaged."""
    slots = [folder / slot for slot in _SLOTS if (folder / slot).exists()]
    for path in sorted(slots, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            with zipfile.ZipFile(path) as archive:
                if archive.testzip() is not None:
                    continue
            state: dict[str, Any] = torch.load(path, weights_only=True)
        except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError):
            continue
        return state, [f"{DAMAGED} or gone: {folder / CHECKPOINTS}; the newest intact checkpoint, {path.name}, is used"]
    return None, [f"{DAMAGED} or gone: {folder / CHECKPOINTS}, and no checkpoint is intact; the training starts anew"]


def _entries(folder: Path) -> list[dict[str, str]]:
    """What the index names, newest first; nothing where it is not there or damaged."""
    try:
        entries = parse_json((folder / CHECKPOINTS).read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    sound = isinstance(entries, list) and all(
        isinstance(entry, dict) and entry.get("file") in _SLOTS and isinstance(entry.get("sha256"), str)
        for entry in entries
    )
    return entries if sound else []
