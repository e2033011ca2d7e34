"""Pages: self-contained, and safe against what names may hold."""

from __future__ import annotations

import re

from maskwise.reports.page import page, paragraph, preformatted, section, table

NASTY = "<script>alert('x')</script> & \"quotes\""


def test_whatever_a_name_holds_it_is_text() -> None:
    parts = [section(NASTY, paragraph(NASTY)), table([NASTY], [[NASTY]]), preformatted(NASTY)]
    text = page(NASTY, *parts)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 7


def test_a_page_asks_nothing_of_any_network() -> None:
    text = page("title", paragraph("words"))
    assert not re.findall(r"(?:src|href)=\"(?!data:)[^\"]*", text)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
