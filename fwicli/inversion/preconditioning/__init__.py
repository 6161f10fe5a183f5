"""Preconditioning: a symmetric, positive stand-in for the inverse Hessian, known beforehand."""
