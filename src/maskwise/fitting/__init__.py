"""From photos to one fold's held-out predictions: what a fold reads, trains and predicts."""
