"""Many predictions of the same photos → one. Numpy only, no torch."""
