"""The stories, one page each: what happens from photos to a scored run, and from a run to predictions."""
