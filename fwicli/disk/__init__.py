"""The disk: files that are complete under their name, and files that only trusted users wrote."""
