"""What a photo's file holds, and what a data set holds, each as a short hash."""

from __future__ import annotations

import hashlib

import numpy as np

from maskwise.records import PhotoTable, Strings

CONTENT_BYTES = 16


def content_of(data: bytes) -> str:
    """BLAKE2b of a file's bytes, 16 bytes as 32 hex digits (RFC 7693)."""
    return hashlib.blake2b(data, digest_size=CONTENT_BYTES).hexdigest()


def data_checksum(table: PhotoTable, content_N: Strings) -> str:
    """A hash, 32 hex digits, of which photos a data set has, what they hold and what is said of them.

    Covers the paths below the root, the contents, persons, mask and gender codes and ages; neither the root nor the
    order of the rows nor the age borders (those belong to the recipe) play a part.
    """
    order_N = np.argsort(table.photo_N, kind="stable")
    total = hashlib.blake2b(digest_size=CONTENT_BYTES)
    for text_N in (table.photo_N, content_N, table.person_N):
        # A length before each column keeps "a", "bc" apart from "ab", "c"; no path holds a NUL.
        data = "\0".join(text_N[order_N]).encode("utf-8", "surrogateescape")
        total.update(len(data).to_bytes(8, "little") + data)
    for code_N in (table.mask_N, table.gender_N, table.age_years_N):
        total.update(np.ascontiguousarray(code_N[order_N], dtype="<i8").tobytes())
    return total.hexdigest()
