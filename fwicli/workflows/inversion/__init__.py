"""The course of an inversion: its stages, its state on disk, and how it is continued."""
