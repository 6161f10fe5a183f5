"""Tests of one-shot quality control."""
