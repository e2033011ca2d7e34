"""One model, fitted: the loop and what it is made of."""
