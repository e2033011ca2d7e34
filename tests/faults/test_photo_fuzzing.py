"""Mutants of photos of six formats: each is opened or refused in a line, in time and within bounds; nothing crashes.

The default is a short form; ``MASKWISE_MUTANTS=1000`` opens 1,000 of each format.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.fuzz_photos import FORMATS, mutant, sound_photos

PROGRAM = Path(__file__).parents[1] / "support" / "fuzz_photos.py"
COUNT = int(os.environ.get("MASKWISE_MUTANTS", "100"))
SEED = 7
MOST_SECONDS, MOST_BYTES = 2.0, 700 * 2**20
"""For one way of opening one photo; for all of them. A photo of 50 million pixels takes 150 MB, decoded and copied."""


@pytest.mark.faults
@pytest.mark.parametrize("kind", FORMATS)
def test_no_mutant_crashes_hangs_or_grows(kind: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, str(PROGRAM), kind, str(COUNT), str(SEED)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{len(lines)} mutants were opened, then: {done.stderr[-2000:]}"
    *mutants, end = lines
    assert len(mutants) == COUNT
    assert not any(said for sound in end["sound"] for said in sound.values())
    slow = [each for each in mutants if each["seconds"] > MOST_SECONDS]
    assert not slow
    assert end["grown_bytes"] < MOST_BYTES
    refused = [each for each in mutants if each["said"]["predict"]]
    for each in mutants:
        said = each["said"]
        # All ways agree; the service takes fewer pixels.
        assert bool(said["check"]) == bool(said["predict"]) == bool(said["cache"]), each
        assert said["serve"] or not said["predict"], each
    for each in refused:
        message = each["said"]["predict"]
        assert "\n" not in message, each
        assert message.startswith("photo 1 must be "), each
    slowest_s = max(each["seconds"] for each in mutants)
    print(f"{kind}: {len(refused)} of {COUNT} refused, slowest {slowest_s:.2f} s, {end['grown_bytes'] / 2**20:.0f} MB")


def test_a_seed_gives_the_same_mutants_and_they_differ_from_sound_photos() -> None:
    for kind in FORMATS:
        photos = sound_photos(kind)
        first, again = (mutant(photos, kind, np.random.default_rng(3)) for _ in range(2))
        assert first == again
        assert first not in photos
