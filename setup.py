"""The parts of the package's description that depend on where the repository is.

``MASKWISE_HOME_URL`` names it (https://host/owner/name) when a release is built: the package's page then gets its
addresses, and links and pictures of README.md lead there. Without it links become plain text and pictures are left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
PICTURE = re.compile(r"^!\[[^\]]*\]\((?!https?://)([^)]+)\)\n+", re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)([^)]+)\)")


def readme(home: str) -> str:
    """README.md as it stands outside the repository at ``home``."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    if not home:
        return LINK.sub(r"\1", PICTURE.sub("", text))
    text = PICTURE.sub(lambda found: found[0].replace(f"({found[1]})", f"({home}/raw/main/{found[1]})"), text)
    return LINK.sub(lambda found: f"[{found[1]}]({home}/blob/main/{found[2]})", text)


def addresses(home: str) -> dict[str, str]:
    """What the package's page links to."""
    if not home:
        return {}
    return {
        "Source": home,
        "Documentation": f"{home}/tree/main/docs",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }


if __name__ == "__main__":
    HOME = os.environ.get("MASKWISE_HOME_URL", "").rstrip("/")
    setup(long_description=readme(HOME), long_description_content_type="text/markdown", project_urls=addresses(HOME))
