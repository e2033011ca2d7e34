"""Scores of predictions: metrics, intervals by person, tables, the truth from a file. Numpy only, no torch."""
