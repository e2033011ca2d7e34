"""The engine that trains a series on Ray: every model of every run is a task, on one machine or a cluster.

Workers read the data and write the runs at the same paths as this process, so a run is the very one that this process
would have trained. A run of several models (folds, parts) is begun by one task, trained by one each, and finished by
the last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskwise.errors import StoreError
from maskwise.listeners import Listener
from maskwise.machine import usable_cores
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.single_recipes import models_of
from maskwise.store.runs import StoredRun
from maskwise.workflows.engines import Ahead, SharedWork, begin_order, train_one_model, train_order
from maskwise.workflows.ray_session import ray_session, require_ray
from maskwise.workflows.ray_tasks import RayTasks, Refused, Resources, slots
from maskwise.workflows.run_recipe import Order


@dataclass(frozen=True)
class RayEngine:
    """Where, and what each training takes."""

    address: str | None
    """Of a cluster; None: that of ``RAY_ADDRESS``, else this machine alone."""
    cores: float | None
    """None: one, or on machines with GPUs the share that belongs to the GPU's."""
    gpus: float | None
    """None: one where there are any."""

    def train(self, orders: Sequence[Order], listener: Listener) -> Ahead:
        """See ``Engine``; equal runs are trained once."""
        require_ray()
        wanted = {_key(order.recipe): order for order in orders}
        ends: dict[str, StoredRun | Refused] = {}
        with ray_session(usable_cores(), self.address):
            need = self.need()
            tasks = RayTasks(need, listener)
            n_models = sum(len(models_of(order.recipe)) for order in wanted.values())
            listener.on_note(f"Ray: {n_models} trainings, {min(n_models, slots(need))} at once ({_words(need)} each)")
            listener.on_stage("trainings", n_models)
            names = _names(list(wanted.values()))
            for (key, order), name in zip(wanted.items(), names, strict=True):
                _RunOnRay(order, key, name, tasks, ends, listener).begin()
            tasks.finish()

        def ahead(recipe: Recipe) -> StoredRun:
            end = ends[_key(recipe)]
            if isinstance(end, Refused):
                raise end.error()
            return end

        return ahead

    def share(self, work: SharedWork, most: int, listener: Listener) -> None:
        """See ``Engine``."""
        require_ray()
        with ray_session(usable_cores(), self.address):
            need = self.need()
            tasks = RayTasks(need, listener)
            refused: list[Refused] = []

            def end(result: Any) -> None:
                if isinstance(result, Refused):
                    refused.append(result)

            for number in range(1, min(most, slots(need)) + 1):
                tasks.submit(f"worker {number}", work, then=end)
            tasks.finish()
        if refused:
            raise refused[0].error()

    def need(self) -> Resources:
        """What a training takes on the machines of this session."""
        import ray

        there = ray.cluster_resources()
        n_gpus = there.get("GPU", 0.0)
        gpus = self.gpus if self.gpus is not None else float(n_gpus > 0)
        cores = self.cores
        if cores is None:
            cores = max(1.0, float(int(there.get("CPU", 1.0) * gpus / n_gpus))) if n_gpus and gpus else 1.0
        return Resources(cores, gpus)


class _RunOnRay:
    """One run: its tasks one after the other, and how it ended in ``ends``."""

    def __init__(
        self,
        order: Order,
        key: str,
        name: str,
        tasks: RayTasks,
        ends: dict[str, StoredRun | Refused],
        listener: Listener,
    ) -> None:
        self.order, self.store = dataclasses.replace(order, place=order.place.resolved()), order.place.store
        self.key, self.name, self.tasks, self.ends, self.listener = key, name, tasks, ends, listener
        self.models = models_of(order.recipe)
        self.advanced = 0
        self.came: dict[tuple[int, str], Any] = {}
        """References to the models' predictions."""
        self.refused: list[Refused] = []

    def begin(self) -> None:
        """What replaces a run, or is done by many, is begun once."""
        if self.order.force or len(self.models) > 1:
            self.tasks.submit(self.name, begin_order, self.order, then=self._begun)
        else:
            self._finish()

    def _begun(self, result: Recipe | StoredRun | Refused) -> None:
        if not isinstance(result, Recipe):
            self._end(result)
            return
        self.order = dataclasses.replace(self.order, recipe=result, force=False, resume_only=False)
        if len(self.models) == 1:
            self._finish()
            return
        for fold, part in self.models:
            name = " ".join([self.name, f"fold {fold + 1}", *([part] if part else [])])
            reference = self.tasks.submit(name, train_one_model, self.order, fold, part, then=self._trained)
            self.came[fold, part] = reference

    def _trained(self, result: object) -> None:
        # One that is another process's, or was finished by it, is left to the task that finishes the run.
        if isinstance(result, Refused) and not issubclass(result.kind, StoreError):
            self.refused.append(result)
        self._advance(1)
        if self.advanced == len(self.models):
            self._end(self.refused[0]) if self.refused else self._finish()

    def _finish(self) -> None:
        places, references = list(self.came), list(self.came.values())
        self.tasks.submit(self.name, _finish_from, self.order, places, *references, then=self._end)

    def _end(self, result: StoredRun | Refused) -> None:
        if isinstance(result, StoredRun):
            result = StoredRun(self.store / result.folder.name, result.record)
        self.ends[self.key] = result
        self._advance(len(self.models) - self.advanced)
        if isinstance(result, Refused):
            self.listener.on_note(f"{self.name}: {result.problems[0]}")

    def _advance(self, number: int) -> None:
        self.advanced += number
        if number:
            self.listener.on_advance(number)


def _finish_from(order: Order, places: Sequence[tuple[int, str]], *came: Any) -> StoredRun:
    """On a worker: ``came`` are the models' predictions, and the listener last, as Ray hands references alone over."""
    *predictions, listener = came
    trained = {place: each for place, each in zip(places, predictions, strict=True) if not isinstance(each, Refused)}
    return train_order(order, trained, listener)


def _key(recipe: Recipe) -> str:
    """Equal for recipes of one run."""
    return run_id(recipe, "")


def _names(orders: Sequence[Order]) -> list[str]:
    """What each is called in the view: its name, with the seed where several have it."""
    names = [order.recipe.name for order in orders]
    return [
        f"{order.recipe.name} seed {order.recipe.seed}" if names.count(order.recipe.name) > 1 else order.recipe.name
        for order in orders
    ]


def _words(need: Resources) -> str:
    cores = f"{need.cores:g} core{'' if need.cores == 1 else 's'}"
    return f"{cores}, {need.gpus:g} GPU" if need.gpus else cores
