"""Inversion: objective, misfits, bands, parameterization, preconditioning and optimizers."""
