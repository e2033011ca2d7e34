"""Names of what a training leaves in its folder. No torch, so that whoever only reads runs can use them."""

WEIGHTS = "weights.safetensors"
LOG = "log.jsonl"
"""One line an epoch."""
DONE = "fold.json"
"""Written last: the training came to its end."""
