"""Which photos to show in an epoch."""
