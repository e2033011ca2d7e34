"""What ``maskwise studio`` needs, and says where it is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("package", "extra"), [("scipy", "train"), ("uvicorn", "serve")])
def test_the_extra_that_is_missing_is_named(package: str, extra: str) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['maskwise', 'studio', '--no-open', '--port', '0']\n"
        "from maskwise.cli.main import main\nmain()"
    )
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "pip install" in refused.stderr
    assert f"maskwise[{extra}]" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
