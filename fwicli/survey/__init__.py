"""Survey: grid, earth model, acquisition, records, wavelets, and their transformations.

All data are NumPy arrays in SI units; no module here runs waves, or reads or writes files.
"""
