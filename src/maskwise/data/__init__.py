"""From disk to a manifest: readers of layouts, checks, splits by person, decoding and the pixel cache."""
