"""The Dockerfile, without an engine: its words are parsed, and what it installs and starts is tried on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from support.small_bundle import write_small_bundle

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def steps() -> list[tuple[str, str]]:
    """(instruction, rest of the line) of every step, joined lines and all."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def rests(instruction: str) -> list[str]:
    return [rest for name, rest in steps() if name == instruction]


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def names(requirements: list[str]) -> set[str]:
    return {NAME.match(each).group().lower().replace("_", "-") for each in requirements}  # type: ignore[union-attr]


def installed(wanted: list[str]) -> set[str]:
    """``wanted`` and all that they need, as pip would install them: without extras."""
    found: set[str] = set()
    waiting = list(names(wanted))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        needed = [each for each in distribution(name).requires or [] if "extra ==" not in each]
        here = [each for each in needed if not re.search(r"sys_platform ==|platform_system ==|python_version <", each)]
        waiting += names(here)
    return found


def test_everything_that_is_copied_is_there_and_nothing_else_is_sent() -> None:
    sources = [word for rest in rests("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(sources)


def test_it_installs_the_base_package_and_the_service_with_pinned_versions() -> None:
    (line,) = rests("RUN")
    assert re.findall(r'"\.\[([\w,]+)\]"', line) == ["serve"]
    assert "serve" in project()["optional-dependencies"]
    assert "-c constraints.txt" in line


def test_nobody_is_root_and_nothing_is_secret() -> None:
    last_stage = steps()[max(place for place, (name, _) in enumerate(steps()) if name == "FROM") :]
    (user,) = [rest for name, rest in last_stage if name == "USER"]
    assert int(user.split(":")[0]) > 0
    assert not any(re.search(r"(?i)secret|token|password|api.?key", rest) for _, rest in steps())
    assert rests("VOLUME") == ['["/bundle"]']


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the image and no others, as links: a folder to import from."""
    folder = tmp_path_factory.mktemp("image")
    for name in installed([*project()["dependencies"], *project()["optional-dependencies"]["serve"]]):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(package.locate_file(top))))
    (folder / "maskwise").symlink_to(ROOT / "src" / "maskwise")
    return folder


def python(image: Path, *words: str) -> subprocess.Popen[str]:
    """Python of this machine with nothing but ``image`` to import from (``-S``: no site-packages)."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(image), "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-S", *words], stdout=pipe, stderr=pipe, text=True, env=environment)


@pytest.fixture(scope="module")
def started(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The command of the image, its bundle and its port exchanged; the port that it answers at."""
    bundle = write_small_bundle(tmp_path_factory.mktemp("bundle"))
    words: list[str] = json.loads(rests("CMD")[-1])
    assert json.loads(rests("ENTRYPOINT")[-1]) == ["/opt/maskwise/bin/maskwise"]
    own = {"/bundle": str(bundle), "8000": "0"}
    process = python(image, "-m", "maskwise", *(own.get(word, word) for word in words))
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert " answers at " in line, process.stderr.read()
    while '"ready"' not in process.stderr.readline():
        assert process.poll() is None
    yield line.split(" answers at ")[1].split("/ ")[0].rsplit(":", 1)[1]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.slow
def test_its_packages_are_enough_to_answer(started: str) -> None:
    page = urllib.request.urlopen(f"http://127.0.0.1:{started}/", timeout=10).read()
    assert b"maskwise" in page
    request = urllib.request.Request(
        f"http://127.0.0.1:{started}/v1/predict?faces=each", PIXEL_PNG, {"Content-Type": "image/png"}
    )
    answer = json.load(urllib.request.urlopen(request, timeout=30))
    assert answer["results"][0]["predictions"] == []


@pytest.mark.slow
def test_the_health_check_distinguishes_ready_from_gone(started: str, image: Path) -> None:
    (check,) = rests("HEALTHCHECK")
    program, *words = json.loads(check[check.index("[") :])
    assert program.startswith("/opt/maskwise/bin/")
    code = [word.replace(":8000/", f":{started}/") for word in words]
    assert python(image, *code).wait(timeout=30) == 0
    assert python(image, *[word.replace(":8000/", ":1/") for word in words]).wait(timeout=30) != 0


def test_the_base_package_predicts_and_says_what_training_needs(image: Path, tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    (tmp_path / "photo.png").write_bytes(PIXEL_PNG)
    out = tmp_path / "predictions.csv"
    words = ("-m", "maskwise", "predict", str(bundle), str(tmp_path / "photo.png"), "--out")
    done = python(image, *words, str(out))
    assert done.wait(timeout=60) == 0, done.communicate()
    assert "photo.png" in out.read_text(encoding="utf-8")
    for refused in ((*words, "p.parquet"), ("-m", "maskwise", "batch-size", "quick")):
        process = python(image, *refused)
        assert 'pip install "maskwise[train]"' in process.communicate(timeout=60)[1]
        assert process.returncode == 2


def test_training_is_not_in_it(image: Path) -> None:
    assert not (image / "torch").exists()
    assert (image / "onnxruntime").exists()


PIXEL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
