"""The bundle of a run, exported to the cache when it is first served."""

from __future__ import annotations

from pathlib import Path

import maskwise
from maskwise.export.bundle_files import is_bundle
from maskwise.listeners import Listener
from maskwise.store.runs import read_finished

_PARITY_PHOTOS = 32


def kept_bundle(folder: Path, cache: Path, data: Path | None, listener: Listener) -> Path:
    """The bundle of the finished run in ``folder``, from the cache or exported now, which needs torch.

    ``data``: its data set, to compare predictions of the bundle with the run's; without it they are not compared.
    """
    kept = cache / "bundles" / f"{read_finished(folder).run_id}-{maskwise.__version__}"
    if not is_bundle(kept):
        from maskwise.export.write_bundle import ExportOptions, export_run

        listener.on_note(f"exporting the run to {kept}; `maskwise export` writes it elsewhere")
        export_run(folder, kept, ExportOptions(data=data, parity_photos=_PARITY_PHOTOS), listener)
    return kept
