"""SEG-Y and SU files: records, models and images of other programs, read and written.

Only modules of this folder import segyio. It opens and judges a file and decodes its samples; trace
headers are read in blocks, at the bytes that the user's byte map names.
"""
