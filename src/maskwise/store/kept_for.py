"""What outside of the store was made from its runs, so that these are not deleted: one file a need in ``.needed/``.

A need is dropped by deleting its file. Its name follows from what needs the runs, so making that again replaces it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from maskwise.errors import StoreError
from maskwise.files import parse_json, write_atomically

NEEDED = ".needed"


def record_need(store: Path, what: str, run_ids: Sequence[str]) -> None:
    """Keep ``run_ids`` from deletion as long as ``what`` ("the export bundles/quick") needs them."""
    name = hashlib.blake2b(what.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    write_atomically(store / NEEDED / f"{name}.json", json.dumps({"what": what, "runs": list(run_ids)}) + "\n")


def read_needs(store: Path) -> dict[str, list[str]]:
    """What needs each run, by run id. ``StoreError`` for a file that cannot be read: nothing is deleted on a guess."""
    needs: dict[str, list[str]] = {}
    for path in sorted((store / NEEDED).glob("*.json")):
        try:
            fields = parse_json(path.read_text(encoding="utf-8"))
            for run_id in fields["runs"]:
                needs.setdefault(str(run_id), []).append(str(fields["what"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{path} must say what needs which runs, got something else ({error}). Fix or delete it."
            ) from None
    return needs
