"""Logits and target rows → loss; weights for rare classes; softer targets."""
