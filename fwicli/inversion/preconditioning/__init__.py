"""Preconditioning: a symmetric, positive approximation to the inverse Hessian."""
