"""``maskwise doctor``: what this machine has for maskwise. Torch is only loaded to name the device."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import typer

from maskwise.cli.options import DEFAULT_STORE, CacheOption, JsonOption, StoreOption, cache_folder

PACKAGES = ("torch", "torchvision", "timm", "onnxruntime", "numpy", "opencv-python-headless", "pydantic")
EXTRAS = {
    "train": "torch",
    "serve": "fastapi",
    "sweep": "optuna",
    "postgres": "psycopg",
    "ray": "ray",
    "openvino": "openvino",
    "tensorboard": "tensorboardX",
    "mlflow": "mlflow",
    "wandb": "wandb",
    "docs": "mkdocs",
}
"""The package that shows whether an extra is installed, by its import name."""


@dataclass(frozen=True)
class Folder:
    """A folder that maskwise writes to."""

    path: str
    there: bool
    writable: bool
    free_bytes: int


@dataclass(frozen=True)
class Device:
    """What a recipe with ``runtime.device: auto`` trains on."""

    name: str
    kind: str
    precision: str
    """What ``train.precision: auto`` tries beside fp32."""


@dataclass(frozen=True)
class Findings:
    """All that the verb prints."""

    maskwise: str
    python: str
    system: str
    packages: dict[str, str | None]
    device: Device | None
    """None where torch is not installed."""
    cores: int
    core_quota: float | None
    memory_bytes: int | None
    available_bytes: int | None
    memory_limit_bytes: int | None
    cache: Folder
    store: Folder
    extras: dict[str, bool]
    weights: dict[str, bool]


def doctor(store: StoreOption = DEFAULT_STORE, cache: CacheOption = None, as_json: JsonOption = False) -> None:
    """Show versions, device, cores, memory, folders, extras and weights of this machine."""
    from maskwise.cli.plain_json import plain_json

    found = look(store, cache_folder(cache))
    typer.echo(plain_json(found) if as_json else "\n".join(lines_of(found)))


def look(store: Path, cache: Path) -> Findings:
    """What is here."""
    import maskwise
    from maskwise.machine import core_quota, cores_of_process, memory_bytes, memory_limit_bytes

    memory = memory_bytes()
    return Findings(
        maskwise=maskwise.__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages={name: _version(name) for name in PACKAGES},
        device=_device() if util.find_spec("torch") is not None else None,
        cores=cores_of_process(),
        core_quota=core_quota(),
        memory_bytes=memory[0] if memory else None,
        available_bytes=memory[1] if memory else None,
        memory_limit_bytes=memory_limit_bytes(),
        cache=_folder(cache),
        store=_folder(store),
        extras={name: util.find_spec(package) is not None for name, package in EXTRAS.items()},
        weights=_weights(),
    )


def lines_of(found: Findings) -> list[str]:
    """The findings for people, one thing a line."""
    from maskwise.store.sizes import in_words
    from maskwise.text_table import screen_width, wrapped

    quota = "" if found.core_quota is None else f", {found.core_quota:g} of them by the container's quota"
    limit = (
        "" if found.memory_limit_bytes is None else f", at most {in_words(found.memory_limit_bytes)} in this container"
    )
    memory = "unknown"
    if found.memory_bytes is not None and found.available_bytes is not None:
        memory = f"{in_words(found.memory_bytes)}, {in_words(found.available_bytes)} available{limit}"
    device = 'none: pip install "maskwise[train]"'
    if found.device is not None:
        device = f"{found.device.name}; precision auto tries {found.device.precision}"
    lines = [
        f"maskwise    {found.maskwise}, Python {found.python}, {found.system}",
        *(
            f"{name.removesuffix('-python-headless'):11} {version or 'not installed'}"
            for name, version in found.packages.items()
        ),
        f"device      {device}",
        f"cores       {found.cores}{quota}",
        f"memory      {memory}",
        f"cache       {_folder_words(found.cache)}",
        f"store       {_folder_words(found.store)}",
        f"extras      {', '.join(name for name, there in found.extras.items() if there) or 'none'}",
        f"not there   {', '.join(name for name, there in found.extras.items() if not there) or 'none'}",
        f"weights     {', '.join(f'{name}{_mark(there)}' for name, there in found.weights.items())}",
    ]
    return wrapped(lines, screen_width(), indent=" " * 12)


def _mark(there: bool) -> str:
    return "" if there else " (missing)"


def _folder_words(folder: Folder) -> str:
    from maskwise.store.sizes import in_words

    state = "" if folder.writable else ", not writable"
    made = "" if folder.there else ", made when needed"
    return f"{folder.path}, {in_words(folder.free_bytes)} free{made}{state}"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _device() -> Device:
    import torch

    from maskwise.errors import counted

    if torch.cuda.is_available():
        return Device(torch.cuda.get_device_name(), "cuda", "bf16" if torch.cuda.is_bf16_supported() else "fp32 alone")
    return Device(f"CPU, {counted(torch.get_num_threads(), 'thread')}", "cpu", "bf16")


def _folder(path: Path) -> Folder:
    nearest = path.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    return Folder(str(path), path.is_dir(), os.access(nearest, os.W_OK), shutil.disk_usage(nearest).free)


def _weights() -> dict[str, bool]:
    from maskwise.models.published import CATALOG, is_here

    return {name: is_here(name) for name in CATALOG}
