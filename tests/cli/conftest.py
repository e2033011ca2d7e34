"""Finished runs in a store, without a training: the store's own fixtures."""

from __future__ import annotations

from store.conftest import finished_run, make_record

__all__ = ["finished_run", "make_record"]
