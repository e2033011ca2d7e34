"""A bundle behind HTTP: bounded in everything, one process, no photo kept."""
