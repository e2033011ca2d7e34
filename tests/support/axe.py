"""axe-core, Deque's accessibility checks, run inside a page. Its file is brought by ``make setup`` and never committed.

``python tests/support/axe.py`` brings it from the npm package, checks its SHA-256 and keeps it in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
MEMBER = "package/axe.min.js"
_SERIOUS = ("serious", "critical")
_NPM_TIMEOUT_S = 120


def axe_file() -> Path:
    """Where the script lies, or would lie."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "maskwise" / f"axe-core-{VERSION}.min.js"


def serious_findings(page: Page) -> list[str]:
    """What axe-core finds on the page as it is shown now: rule, the element, and why; serious and critical alone."""
    page.evaluate(axe_file().read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(all => all.violations)")
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in _SERIOUS
        for node in rule["nodes"]
    ]


def bring() -> None:
    """Keep the script in the cache; ``SystemExit`` with a reason where it cannot be had."""
    target, client = axe_file(), shutil.which("npm")
    if target.is_file():
        return
    if client is None:
        raise SystemExit("axe-core comes by the npm client, which is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [client, "pack", f"axe-core@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_NPM_TIMEOUT_S)
        except (subprocess.SubprocessError, OSError) as error:
            raise SystemExit(f"npm could not bring axe-core: {type(error).__name__}") from None
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as opened:
            member = opened.extractfile(MEMBER)
            assert member is not None, "it is a file"
            script = member.read()
    if hashlib.sha256(script).hexdigest() != SHA256:
        raise SystemExit(f"axe-core {VERSION} must have the SHA-256 {SHA256[:12]}…, got another")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    part.write_bytes(script)
    part.replace(target)


if __name__ == "__main__":
    bring()
