"""Unknowns: the optimizer's vector x, its earth model, and the chain rule between them."""
