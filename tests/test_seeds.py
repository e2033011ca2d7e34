"""One generator for each place; nothing depends on the order in which they are made."""

from __future__ import annotations

from maskwise.seeds import rng_for, torch_seed_for


def test_the_same_place_gives_the_same_numbers() -> None:
    assert rng_for(3, "augment", 1, 2).random() == rng_for(3, "augment", 1, 2).random()
    assert torch_seed_for(3, "dropout", 0) == torch_seed_for(3, "dropout", 0)


def test_every_part_of_the_place_matters() -> None:
    places = [(3, "augment", 1, 2), (4, "augment", 1, 2), (3, "sample", 1, 2), (3, "augment", 2, 1), (3, "augment", 1)]
    assert len({rng_for(seed, purpose, *position).random() for seed, purpose, *position in places}) == len(places)  # type: ignore[arg-type]
