"""Which script of a page may run."""

from __future__ import annotations

import base64
import hashlib

from maskwise.reports.page import page
from maskwise.studio.page_policy import page_response


def scripts_allowed(html: str) -> str:
    """What the policy says of scripts."""
    return page_response(html).headers["content-security-policy"].partition("script-src ")[2]


def test_only_the_script_at_the_end_runs() -> None:
    digest = base64.b64encode(hashlib.sha256(b"begin()").digest()).decode()
    assert (
        scripts_allowed(page("Report", "<script>injected()</script>", script="begin()")) == f"'self' 'sha256-{digest}'"
    )


def test_a_page_without_script_runs_none_of_its_own() -> None:
    assert scripts_allowed(page("Report", "<p>text</p>")) == "'self'"
