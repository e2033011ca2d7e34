"""Run folders on disk: append-only, found again by id or name, ranked on a board. No torch."""
