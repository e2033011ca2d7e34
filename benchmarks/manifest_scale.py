"""What a manifest of a million photos costs: ``python benchmarks/manifest_scale.py [PHOTOS] [FOLDER]``.

Makes a data set in the competition's layout whose photos are empty files (no pixels), in FOLDER or a temporary one,
reads, checks (tables and names) and splits it, each step in a fresh process, and prints seconds and peak memory.
FOLDER is kept, and taken up when it is there already; a temporary folder is removed.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PHOTOS = 1_000_000
STEMS = ("incorrect_mask", "mask1", "mask2", "mask3", "mask4", "mask5", "normal")
STEPS = ("read", "check", "split", "all")


def write_set(root: Path, photos: int) -> None:
    """``photos`` // 7 people, as one that was imported: a column for persons, long ids. The table comes last."""
    people = photos // len(STEMS)
    rng = np.random.default_rng(0)
    rows = ["id,gender,race,age,path,person"]
    for number, (gender, age) in enumerate(zip(rng.integers(0, 2, people), rng.integers(18, 90, people), strict=True)):
        id_, word = f"made-{number:012x}", ("male", "female")[gender]
        folder = f"{id_}_{word}_Unknown_{age}"
        place = f"{root}/train/images/{folder}"
        os.makedirs(place)  # noqa: PTH103 - a Path for each of a million files is slow
        for stem in STEMS:
            os.close(os.open(f"{place}/{stem}.jpg", os.O_CREAT))
        rows.append(f"{id_},{word},Unknown,{age},{folder},made-{number // 2:012x}")
    (root / "train" / "train.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def measure(step: str, root: Path) -> None:
    """One step in this process; prints its seconds by the clock and of the processor, and the peak memory in GB."""
    from maskwise.data.checks import check_data
    from maskwise.data.manifest import read_train
    from maskwise.data.splits import hold_out, k_fold
    from maskwise.labels import Task
    from maskwise.seeds import rng_for

    table = read_train(root, Task()).table if step == "split" else None
    started, busy = time.perf_counter(), time.process_time()
    if step in ("read", "all"):
        table = read_train(root, Task()).table
    if step in ("check", "all"):
        check_data(root, Task(), names_only=True)
    if step in ("split", "all") and table is not None:
        k_fold(table, rng_for(0, "split"))
        hold_out(table, rng_for(0, "split"))
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{step:6} {seconds:6.1f} s ({busy:5.1f} s busy)  {peak_gb:5.2f} GB")


def main(photos: int, folder: str | None) -> None:
    """Make the set, then a process a step."""
    root = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="manifest-scale-"))
    try:
        if not (root / "train" / "train.csv").exists():
            write_set(root, photos)
        for step in STEPS:
            subprocess.run([sys.executable, __file__, "--step", step, str(root)], check=True)
    finally:
        if folder is None:
            shutil.rmtree(root)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS, sys.argv[2] if len(sys.argv) > 2 else None)
