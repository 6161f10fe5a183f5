"""Files: reading and writing the formats of other programs, with checks on reading.

Only modules of this folder import h5py; none of them knows wave equations.
"""
