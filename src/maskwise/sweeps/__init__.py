"""Sweeps: many runs of one recipe with other settings, chosen by a sampler, shared by several processes."""
