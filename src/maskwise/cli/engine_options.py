"""Who trains a series: the options that all verbs of many trainings share, and the engine that they stand for."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from maskwise.errors import UserError, must

if TYPE_CHECKING:
    from maskwise.workflows.engines import Engine


class TrainingEngine(StrEnum):
    """The words of ``--engine``."""

    SERIAL = "serial"
    RAY = "ray"


TrainingEngineOption = Annotated[
    TrainingEngine,
    typer.Option("--engine", help="serial: one training after the other. ray: as many at once as machines allow."),
]
CoresOption = Annotated[
    float | None,
    typer.Option(
        "--cores-per-run",
        min=0.1,
        metavar="N",
        help="With --engine ray: cores of one training.",
        show_default="1; with GPUs the share of one",
    ),
]
GpusOption = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-run",
        min=0.0,
        metavar="N",
        help="With --engine ray: GPUs of one training; 0.25 lets four share one.",
        show_default="1 where there are GPUs",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        help="With --engine ray: a running cluster.",
        show_default="RAY_ADDRESS, else this machine",
    ),
]


class EngineWords(NamedTuple):
    """What was said about the engine."""

    engine: TrainingEngine
    cores: float | None
    gpus: float | None
    address: str | None


def chosen_engine(words: EngineWords) -> Engine:
    """The engine of ``words``. ``UserError`` for options that another one needs."""
    if words.engine is TrainingEngine.SERIAL:
        given = {"--cores-per-run": words.cores, "--gpus-per-run": words.gpus, "--ray-address": words.address}
        remedy = "Add --engine ray, or leave it out."
        problems = [
            must(option, "used with --engine ray", f"{option} {value} alone", remedy)
            for option, value in given.items()
            if value is not None
        ]
        if problems:
            raise UserError(problems)
        from maskwise.workflows.engines import SERIAL

        return SERIAL
    if words.gpus is not None and words.gpus > 1 and words.gpus != int(words.gpus):
        raise UserError(must("--gpus-per-run", "a whole number or below 1", words.gpus, "Take 0.5, 1 or 2."))
    from maskwise.workflows.ray_engine import RayEngine
    from maskwise.workflows.ray_session import require_ray

    require_ray()
    return RayEngine(words.address, words.cores, words.gpus)
