"""Predictions of unlabelled photos → pseudo-labels to train on. Numpy only, no torch."""
