"""What is left of English on a page in Korean."""

from __future__ import annotations

import re

from maskwise.reports.words import texts_of

_NAMES = re.compile(r"[\w/.\-=]*(?:[0-9a-f]{8,}|\.(?:jpg|csv|yaml|html)|[_/=]|--\w)[\w/.\-=]*")
"""Ids, files and settings."""
_TERMS = {
    *("maskwise", "report", "data", "audit", "check", "train", "compare", "HTML", "ECE", "McNemar", "nat", "id"),
    *("Grad", "CAM", "HiResCAM", "Selvaraju", "Draelos", "and", "Carin", "Guo", "et", "al", "arXiv", "cleanlab"),
    *("python", "torch", "torchvision", "timm", "jpeg", "MB", "RUN", "DIR", "photos", "normal", "train", "corrections"),
}
"""Words that Korean texts have, too."""


def english_left(html: str, *names: str) -> list[str]:
    """Texts of the page with an English word that is no term and none of ``names``."""
    known = _TERMS.union(*(re.findall(r"[A-Za-z]{2,}", name) for name in names))
    words_of = {text: re.findall(r"[A-Za-z]{2,}", _NAMES.sub("", text)) for text in texts_of(html)}
    return [text for text, words in words_of.items() if {*words} - known]
