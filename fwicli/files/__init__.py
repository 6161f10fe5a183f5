"""Files: what is read from and written to the formats of others, checked as it is read.

Only modules of this folder know h5py; nothing here knows waves.
"""
