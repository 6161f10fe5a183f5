"""Imaging: reverse-time migration and image filters."""
