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
    typer.Option("--engine", help="serial: one run at a time. ray: as many at once as the machines allow."),
]
CoresOption = Annotated[
    float | None,
    typer.Option(
        "--cores-per-run",
        min=0.1,
        metavar="N",
        help="With --engine ray: CPU cores per run.",
        show_default="1; with GPUs, a GPU's share of the cores",
    ),
]
GpusOption = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-run",
        min=0.0,
        metavar="N",
        help="With --engine ray: GPUs per run; at 0.25, four runs share one.",
        show_default="1 if there are GPUs",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        help="With --engine ray: address of a running cluster.",
        show_default="RAY_ADDRESS, else this machine",
    ),
]


class EngineWords(NamedTuple):
    """What was said about the engine."""

    engine: TrainingEngine
    cores: float | None
    gpus: float | None
    address: str | None

    def chosen(self) -> Engine:
        """The engine that they stand for. ``UserError`` for options that another one needs."""
        if self.engine is TrainingEngine.SERIAL:
            given = {"--cores-per-run": self.cores, "--gpus-per-run": self.gpus, "--ray-address": self.address}
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
        if self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            raise UserError(must("--gpus-per-run", "a whole number or below 1", self.gpus, "Take 0.5, 1 or 2."))
        from maskwise.workflows.ray_engine import RayEngine
        from maskwise.workflows.ray_session import require_ray

        require_ray()
        return RayEngine(self.address, self.cores, self.gpus)
