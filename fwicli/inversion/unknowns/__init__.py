"""Unknowns: the optimizer's vector x, the earth that it stands for, and the chain rule between."""
