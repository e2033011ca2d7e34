"""Series of runs: the write-up's ladder, its claims, and searches over one setting."""
