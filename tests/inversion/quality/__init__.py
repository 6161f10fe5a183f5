"""Tests of the quality control of records."""
