"""README.md outside the repository: its links lead back, or are plain text where nobody knows whereto."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUP = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")
HOME = "https://host.example/owner/maskwise"
TARGET = re.compile(r"\]\(([^)]+)\)")


def test_links_and_pictures_lead_to_the_repository() -> None:
    text: str = SETUP["readme"](HOME)
    targets = TARGET.findall(text)
    assert targets
    assert all(target.startswith("https://") for target in targets)
    assert f"({HOME}/blob/main/docs/" in text
    assert re.search(rf"!\[[^\]]*\]\({HOME}/raw/main/docs/pictures/", text)
    assert set(SETUP["addresses"](HOME)) >= {"Source", "Documentation", "Changelog", "Issues"}


def test_without_a_home_nothing_leads_nowhere() -> None:
    text: str = SETUP["readme"]("")
    assert all(target.startswith("https://") for target in TARGET.findall(text))
    assert "![" not in text
    assert SETUP["addresses"]("") == {}
