"""Images → joint logits: a backbone, a neck, a head, and the weights to begin with."""
