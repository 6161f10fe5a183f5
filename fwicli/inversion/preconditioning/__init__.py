"""Preconditioning: a symmetric, positive approximation to the inverse Hessian.

Every factor is applied on both sides, so that gradients stay those of the objective.
"""
