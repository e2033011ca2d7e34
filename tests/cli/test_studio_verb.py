"""What ``maskwise studio`` and ``serve`` need, and say where it is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        (["studio", "--no-open", "--port", "0"], "scipy", "train"),
        (["studio", "--no-open", "--port", "0"], "uvicorn", "serve"),
        (["serve", "bundle"], "starlette", "serve"),
    ],
)
def test_the_extra_that_is_missing_is_named(words: list[str], package: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['maskwise', *{words!r}]\n"
        "from maskwise.cli.main import main\nmain()"
    )
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"the extra `{extra}` must be installed for this, got none of {package}. "
        f'Install it: pip install "maskwise[{extra}]".\n'
    )
