"""How fast this machine trains, predicts and decodes, beside a plain loop."""
