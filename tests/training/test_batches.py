"""Batches: every drawn photo once an epoch, right labels, right pixels, and a resume in the middle."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from maskwise.augment.mixing import mixup
from maskwise.recipe.train_config import TrainConfig
from maskwise.records import Image
from maskwise.training.batches import BatchSource, TargetRows, epoch_batches, normalize, to_images
from support.fits import tiny_fit

CPU = torch.device("cpu")


def source() -> BatchSource:
    return tiny_fit(TrainConfig(batch_size=8)).source


def test_the_batches_of_an_epoch_are_the_samplers_list_cut_evenly() -> None:
    plan = source().plan(0)
    assert sorted({len(part) for part in plan}) in ([7], [8], [7, 8])
    assert sum(len(part) for part in plan) == 50
    assert not np.array_equal(np.concatenate(plan), np.concatenate(source().plan(1)))
    assert np.array_equal(np.concatenate(plan), np.concatenate(source().plan(0)))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_resume_in_the_middle_gives_the_batches_that_were_left(workers: int) -> None:
    whole = [(position, batch.images_NCHW) for position, _, batch in epoch_batches(source(), 2, 0, workers, CPU)]
    rest = [(position, batch.images_NCHW) for position, _, batch in epoch_batches(source(), 2, 4, 0, CPU)]
    assert [position for position, _ in whole] == list(range(7))
    assert [position for position, _ in rest] == [4, 5, 6]
    assert all(torch.equal(one, two) for (_, one), (_, two) in zip(whole[4:], rest, strict=True))


def test_targets_are_one_hot_rows_of_the_training_class_and_scores_keep_the_true_one() -> None:
    made = source()
    index = made.plan(0)[0]
    batch = made.make(index, 0, 0, CPU)
    assert torch.equal(batch.target_NC.argmax(1), torch.from_numpy(made.table.train_class_N[index]))
    assert torch.equal(batch.target_NC.sum(1), torch.ones(len(index)))
    assert torch.equal(batch.class_N, torch.from_numpy(made.table.class_N[index]))


def test_a_failing_read_ends_the_epoch_with_its_error_and_leaves_no_thread() -> None:
    import threading

    def broken(index: object) -> Image:
        raise OSError("disk gone")

    bad = BatchSource(**{**vars(source()), "read": broken})
    with pytest.raises(OSError, match="disk gone"):
        list(epoch_batches(bad, 0, 0, 2, CPU))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_workers_compute_alone_and_leave_the_number_of_threads_as_it_was() -> None:
    before, seen = torch.get_num_threads(), set[int]()

    def augment(images: Tensor, rng: np.random.Generator) -> Tensor:
        seen.add(torch.get_num_threads())
        return images

    torch.set_num_threads(2)
    try:
        for _ in epoch_batches(dataclasses.replace(source(), augment=augment), 0, 0, 2, CPU):
            assert torch.get_num_threads() == 2  # the model's
        assert torch.get_num_threads() == 2
        assert seen == {1}
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_pixels_become_floats_between_0_and_1_and_are_normalized_by_channel() -> None:
    pixels = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1] = 255, 51
    images = to_images(pixels, CPU)
    assert images.shape == (1, 3, 2, 2)
    assert images[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.2, 0.0])
    normal = normalize(images, (0.5, 0.2, 0.0), (0.5, 0.1, 2.0))
    assert normal[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.0, 0.0])
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_given_rows_and_weights_take_the_place_of_the_training_class() -> None:
    plain = source()
    table = plain.table
    rows = TargetRows(
        np.random.default_rng(0).dirichlet([1, 1, 1], len(table)).astype(np.float32),
        np.linspace(0.1, 1, len(table), dtype=np.float32),
    )
    index = plain.plan(0)[0]
    batch = dataclasses.replace(plain, rows=rows).make(index, 0, 0, CPU)
    assert batch.weight_N is not None
    assert np.array_equal(batch.weight_N.numpy(), rows.weight_N[index])
    assert np.array_equal(batch.target_NC.numpy(), rows.target_NC[index])
    labeled = plain.make(index, 0, 0, CPU)
    assert labeled.weight_N is None
    assert torch.equal(labeled.images_NCHW, batch.images_NCHW)


def test_mixed_rows_mix_their_weights_and_targets_and_ages_by_what_each_photo_counts() -> None:
    plain = dataclasses.replace(source(), mix=partial(mixup, alpha=0.4, p=1.0))
    n = len(plain.table)
    weight_N = np.where(np.arange(n) % 2, 1, 0.25).astype(np.float32)
    rows = TargetRows(np.eye(3, dtype=np.float32)[plain.table.train_class_N], weight_N)
    index = plain.plan(0)[0]
    unweighted = plain.make(index, 0, 0, CPU)
    batch = dataclasses.replace(plain, rows=rows).make(index, 0, 0, CPU)
    assert torch.equal(batch.images_NCHW, unweighted.images_NCHW)
    assert batch.weight_N is not None
    assert batch.own_share_N is not None
    assert unweighted.own_share_N is not None
    own_N = torch.from_numpy(weight_N[index])
    torch.testing.assert_close(batch.own_share_N * batch.weight_N, unweighted.own_share_N * own_N)
    assert not torch.allclose(batch.target_NC, unweighted.target_NC)


def test_given_rows_are_softened_like_labels() -> None:
    def halved(target_NC: torch.Tensor, age_years_N: torch.Tensor) -> torch.Tensor:
        return target_NC / 2 + 1 / 6

    plain = dataclasses.replace(source(), soften=halved)
    rows = TargetRows(np.full((50, 3), 1 / 3, np.float32), np.ones(50, np.float32))
    index = plain.plan(0)[0]
    batch = dataclasses.replace(plain, rows=rows).make(index, 0, 0, CPU)
    assert batch.target_NC.numpy() == pytest.approx(np.full((len(index), 3), 1 / 3))
    assert plain.make(index, 0, 0, CPU).target_NC.max() == pytest.approx(2 / 3)
