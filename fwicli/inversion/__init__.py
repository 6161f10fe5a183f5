"""Inversion: the objective of full-waveform inversion, and the methods that minimise it.

A new misfit, conditioning operator, penalty, constraint or optimizer is a class in the folder of
its kind. Only `objective`, `hessian`, `common_source` and `preconditioning.illumination` run waves.
"""
