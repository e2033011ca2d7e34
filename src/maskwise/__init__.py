"""maskwise: mask status × gender × age group of a face, learnt from few, imbalanced photos of many people."""

__version__ = "0.1.0"
