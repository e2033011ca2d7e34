"""Predictions of unlabeled photos → pseudo-labels to train on. Numpy only, no torch."""
