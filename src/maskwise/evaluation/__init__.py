"""Scores of predictions: metrics, intervals by person, tables, answers from a file. Numpy only, no torch."""
