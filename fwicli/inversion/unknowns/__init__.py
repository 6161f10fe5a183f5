"""Unknowns: the optimizer's vector x, its earth model, and the chain rule between them.

Every map from x to the parameters of the equation has its derivative and the transpose of it.
"""
