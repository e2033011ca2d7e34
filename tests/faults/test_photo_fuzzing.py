"""Mutants of photos of six formats: each is opened or refused in a line, in time and within bounds; nothing crashes.

The default is a short form; ``MASKWISE_MUTANTS=1000`` opens 1,000 of each format.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from support.fuzz_photos import FORMATS, mutant, sound_photos
from support.running_service import running_service
from support.small_bundle import write_small_bundle

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


@pytest.mark.faults
def test_no_mutant_harms_a_service(tmp_path: Path) -> None:
    """The same through HTTP: each is predicted or refused in time; no worker ends, and the service stays ready."""
    statuses: Counter[int] = Counter()
    with running_service(write_small_bundle(tmp_path / "bundle"), tmp_path) as running, running.client() as client:
        before_bytes = running.resident_bytes()
        for kind in FORMATS:
            photos, rng = sound_photos(kind), np.random.default_rng(SEED)
            for number in range(COUNT):
                data, started_s = mutant(photos, kind, rng), running.cpu_seconds()
                response = client.post("/v1/predict", content=data, headers={"content-type": "image/*"})
                statuses[response.status_code] += 1
                assert running.cpu_seconds() - started_s < MOST_SECONDS, (kind, number)
                assert response.status_code == 200 or "\n" not in response.json()["error"]["message"], (kind, number)
        assert client.get("/readyz").status_code == 200
        assert "\nmaskwise_workers_replaced_total 0.0\n" in client.get("/metrics").text
        assert running.resident_bytes() - before_bytes < MOST_BYTES
    assert set(statuses) <= {200, 400, 413, 415, 422}  # an empty body is a bad request
    assert statuses[200]
    print(dict(statuses))  # shown by -rP


def test_a_seed_gives_the_same_mutants_and_they_differ_from_sound_photos() -> None:
    for kind in FORMATS:
        photos = sound_photos(kind)
        first, again = (mutant(photos, kind, np.random.default_rng(3)) for _ in range(2))
        assert first == again
        assert first not in photos
