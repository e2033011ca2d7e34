"""Series of runs that answer a question: the write-up's ladder, its claims, and searches over one setting."""
