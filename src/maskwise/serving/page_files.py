"""The web page: all its files are read once, at the start, so that no request ever names a file of the disk."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from maskwise.reports.words import service_words

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "ico": "image/x-icon",
    "webmanifest": "application/manifest+json",
}


class PageFile(NamedTuple):
    """One file, ready to be sent."""

    content: bytes
    content_type: str
    etag: str


def page_files(package: str = "maskwise.serving") -> dict[str, PageFile]:
    """The files of the page in ``package`` by the path of their URL; ``/`` is index.html."""
    found = dict(_below(files(package).joinpath("page"), "/"))
    if "/words.js" in found:
        found["/korean.js"] = _page_file(_korean_script(), _TYPES["js"])
    if "/index.html" in found:
        found["/"] = found["/index.html"]
    if "/docs.html" in found:
        found["/docs"] = found["/docs.html"]
    return found


def _below(folder: Traversable, above: str) -> list[tuple[str, PageFile]]:
    if not folder.is_dir():
        return []
    found: list[tuple[str, PageFile]] = []
    for entry in folder.iterdir():
        content_type = _TYPES.get(entry.name.rsplit(".", 1)[-1])
        if entry.is_dir():
            found += _below(entry, f"{above}{entry.name}/")
        elif content_type is not None:
            found.append((f"{above}{entry.name}", _page_file(entry.read_bytes(), content_type)))
    return found


def _page_file(content: bytes, content_type: str) -> PageFile:
    return PageFile(content, content_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"')


def _korean_script() -> bytes:
    """The page's Korean by its English as a module: all pages have their Korean from one file."""
    return f"export const KOREAN = {json.dumps(service_words(), ensure_ascii=False)};\n".encode()
