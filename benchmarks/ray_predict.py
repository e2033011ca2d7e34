"""Worker processes of Ray beside a single process: ``python benchmarks/ray_predict.py BUNDLE PHOTOS [options]``.

PHOTOS is a folder of images; they are listed again and again by links in a temporary folder until there are --photos of
them. Each engine predicts all of them in a process of its own (``maskwise predict``), the files must be equal, and what
is printed are seconds by the clock, photos per second, and the start-up: what the engine takes for a single photo.
"""

from __future__ import annotations

import argparse
import filecmp
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PHOTOS = 30_000
A_FOLDER = 1_000
"""Links in one folder."""


def link_photos(source: Path, folder: Path, count: int) -> None:
    """``count`` links below ``folder`` to the photos below ``source``, in turn."""
    originals = sorted(each.resolve() for each in source.rglob("*") if each.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for number, original in zip(range(count), itertools.cycle(originals), strict=False):
        place = folder / f"{number // A_FOLDER:04}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:07}{original.suffix}").symlink_to(original)


def predict(bundle: Path, photos: Path, out: Path, engine: tuple[str, ...]) -> float:
    """Seconds of one run of ``maskwise predict`` with the options ``engine``."""
    words = ["predict", str(bundle), str(photos), "--out", str(out), "--quiet", *engine]
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "maskwise", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(bundle: Path, source: Path, count: int, workers: int) -> None:
    """Both engines, on one photo and on all."""
    engines: dict[str, tuple[str, ...]] = {
        "one process": (),
        f"Ray, {workers} workers": ("--engine", "ray", "--workers", str(workers)),
    }
    with tempfile.TemporaryDirectory(prefix="ray-predict-") as name:
        folder = Path(name)
        link_photos(source, folder / "one", 1)
        link_photos(source, folder / "all", count)
        files = []
        for place, (engine, options) in enumerate(engines.items()):
            start = predict(bundle, folder / "one", folder / f"one-{place}.csv", options)
            took = predict(bundle, folder / "all", folder / f"all-{place}.csv", options)
            files.append(folder / f"all-{place}.csv")
            print(
                f"{engine:16} {took:7.1f} s, start-up {start:5.1f} s, {count / took:6.0f} photos/s, "
                f"{count / max(took - start, 1e-9):6.0f} after the start-up",
                flush=True,
            )
        print("the files are", "equal" if filecmp.cmp(files[0], files[1], shallow=False) else "DIFFERENT")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("source", type=Path, metavar="PHOTOS")
    parser.add_argument("--photos", type=int, default=PHOTOS, help="how many to predict (%(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    main(given.bundle, given.source, given.photos, given.workers)
