"""From a sampler's list of photos to batches on the device, the same ones whatever the number of workers."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwise.augment.build import Mix
from maskwise.augment.mixing import mix_weights
from maskwise.records import Batch, Floats, Image, Ints, PhotoTable
from maskwise.seeds import rng_for

ReadPixels = Callable[[Ints], Image | Tensor]
"""Positions in a table → their pixels, uint8 N × H × W × 3: an array, or a tensor that is where it is needed."""
ReadArray = Callable[[Ints], NDArray[Any]]
"""Positions in a table → what a model predicts from: pixels, or features."""


class TargetRows(NamedTuple):
    """What the loss is to see of each photo, where that is not simply its training class."""

    target_NC: Floats
    """float32; rows sum to 1."""
    weight_N: Floats
    """float32; how much each photo counts in the loss, 1 for a labeled one."""
    teacher_NC: Floats | None = None
    """float32; what a teacher predicts beside that, rows sum to 1; None: nobody teaches."""

    def take(self, index_M: Ints) -> TargetRows:
        """The rows at ``index_M``."""
        teacher_MC = None if self.teacher_NC is None else self.teacher_NC[index_M]
        return TargetRows(self.target_NC[index_M], self.weight_N[index_M], teacher_MC)


@dataclass(frozen=True)
class BatchSource:
    """Everything that a batch is made of. ``read`` takes positions in ``table``."""

    table: PhotoTable
    read: ReadPixels
    sample: Callable[[PhotoTable, np.random.Generator], Ints]
    augment: Callable[[Tensor, np.random.Generator], Tensor]
    soften: Callable[[Tensor, Tensor], Tensor]
    """(target rows, ages in years) → softer ones. Pseudo-labeled rows pass through it like all others: else a guess
    would be trained on more sharply than a true label."""
    mix: Mix
    """(images, target rows, rng) → the same, photos mixed with each other."""
    n_classes: int
    batch_size: int
    seed: int
    fold: int = 0
    rows: TargetRows | None = None
    """Of all N photos of ``table``; None: one-hot rows of the training class, weighted alike."""

    def plan(self, epoch: int) -> list[Ints]:
        """The photos of every batch of ``epoch``. Sizes differ by one at most, so that no batch is too small."""
        order_M = self.sample(self.table, rng_for(self.seed, "sample", self.fold, epoch))
        return np.array_split(order_M, -(-len(order_M) // self.batch_size))

    def make(self, index_N: Ints, epoch: int, position: int, device: torch.device) -> Batch:
        """Batch number ``position`` of ``epoch``: read, augment, label, mix.

        Only photos are worked on where the model is. Labels are few numbers: they are made on the CPU, where looking at
        one costs nothing, and sent when they are ready, so that nothing here waits for a GPU.
        """
        images_NCHW = self.show(index_N, rng_for(self.seed, "augment", self.fold, epoch, position), device)
        age_years_N = torch.from_numpy(self.table.age_years_N[index_N])
        target_NC, weight_N = self._label(index_N)
        target_NC = self.soften(target_NC, age_years_N)
        rng = rng_for(self.seed, "mix", self.fold, epoch, position)
        mixed = self.mix(images_NCHW, target_NC, rng)
        if weight_N is not None:
            mixed, weight_N = mix_weights(mixed, target_NC, weight_N)
        batch = Batch(
            images_NCHW=mixed.images_NCHW,
            class_N=sent(torch.from_numpy(self.table.class_N[index_N]), device),
            target_NC=sent(mixed.target_NC, device),
            age_years_N=sent(age_years_N, device),
            weight_N=None if weight_N is None else sent(weight_N, device),
            teacher_NC=self._teacher(index_N, device),
        )
        if mixed.partner_N is None or mixed.own_share_N is None:
            return batch
        return dataclasses.replace(
            batch,
            partner_age_years_N=sent(age_years_N[torch.from_numpy(mixed.partner_N)], device),
            own_share_N=sent(torch.from_numpy(mixed.own_share_N).float(), device),
        )

    def show(self, index_N: Ints, rng: np.random.Generator, device: torch.device) -> Tensor:
        """What the model gets of the photos at ``index_N``, before it is mixed."""
        return self.augment(to_images(self.read(index_N), device), rng)

    def target_sums(self, times_shown_N: Floats) -> Floats:
        """Σ times · weight · target of each class over all photos: what an epoch's loss sees of it, before mixing."""
        target_NC, weight_N = self._label(np.arange(len(self.table)))
        target_NC = self.soften(target_NC, torch.from_numpy(self.table.age_years_N))
        counted_N = times_shown_N if weight_N is None else times_shown_N * weight_N.numpy()
        return np.asarray(counted_N @ target_NC.double().numpy())

    def _label(self, index_N: Ints) -> tuple[Tensor, Tensor | None]:
        """(target rows, weights or None) before they are softened and mixed."""
        if self.rows is not None:
            rows = self.rows.take(index_N)
            return torch.from_numpy(rows.target_NC), torch.from_numpy(rows.weight_N)
        class_N = torch.from_numpy(self.table.train_class_N[index_N])
        return torch.nn.functional.one_hot(class_N, self.n_classes).float(), None

    def _teacher(self, index_N: Ints, device: torch.device) -> Tensor | None:
        if self.rows is None or self.rows.teacher_NC is None:
            return None
        return sent(torch.from_numpy(self.rows.teacher_NC[index_N]), device)


def parts_of_batch(batch: Batch, n_parts: int) -> Iterator[tuple[Batch, float | Tensor]]:
    """(part, its share of the batch's weight): about equal parts of two photos at least, as batch norm needs two."""
    n_photos = len(batch.class_N)
    n_parts = max(1, min(n_parts, n_photos // 2))
    if n_parts == 1:
        yield batch, 1.0
        return
    total = n_photos if batch.weight_N is None else batch.weight_N.sum()
    for index_M in torch.arange(n_photos, device=batch.class_N.device).tensor_split(n_parts):
        columns: dict[str, Any] = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
        part = dataclasses.replace(
            batch, **{name: column[index_M] for name, column in columns.items() if column is not None}
        )
        yield part, (len(index_M) if part.weight_N is None else part.weight_N.sum()) / total


def to_images(pixels_NHWC: Image | Tensor, device: torch.device) -> Tensor:
    """uint8 N × H × W × 3 → float N × 3 × H × W in 0 … 1, laid out channels-last in memory."""
    return sent(torch.as_tensor(pixels_NHWC), device).permute(0, 3, 1, 2).float().div_(255)


def normalize(images_NCHW: Tensor, mean_C: tuple[float, ...], std_C: tuple[float, ...]) -> Tensor:
    """Subtract the channel means and divide by the channel deviations of the weights' input spec."""
    mean, std = (
        sent(torch.tensor(values, dtype=images_NCHW.dtype), images_NCHW.device)[:, None, None]
        for values in (mean_C, std_C)
    )
    return (images_NCHW - mean).div_(std)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """``values`` on ``device``; the processor does not wait until they have arrived."""
    return values.to(device, non_blocking=True)


def epoch_batches(
    source: BatchSource, epoch: int, first: int, workers: int, device: torch.device
) -> Iterator[tuple[int, int, Batch]]:
    """(position, number of batches, batch) of ``epoch`` from position ``first`` on, prepared ``workers`` threads ahead.

    Every batch has its own generator, so neither the threads nor a resume in the middle change a number.
    """
    plan = source.plan(epoch)
    positions = range(first, len(plan))
    if workers == 0:
        for position in positions:
            yield position, len(plan), source.make(plan[position], epoch, position, device)
        return
    waiting: deque[tuple[int, Future[Batch]]] = deque()
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(workers, "batches", _compute_alone) as pool:
        try:
            for position in positions:
                waiting.append((position, pool.submit(source.make, plan[position], epoch, position, device)))
                if len(waiting) > workers:
                    ready, future = waiting.popleft()
                    yield ready, len(plan), future.result()
            while waiting:
                ready, future = waiting.popleft()
                yield ready, len(plan), future.result()
        finally:
            for _, future in waiting:
                future.cancel()
            torch.set_num_threads(threads)  # threads that begin later take the number that was set last


def _compute_alone() -> None:
    """Let this thread compute by itself: with helpers of its own it would hold up those of the model on every core."""
    torch.set_num_threads(1)
