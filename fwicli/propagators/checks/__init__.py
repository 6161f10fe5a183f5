"""Checks: every call passes the same ones, whichever interface it comes from.

They name the wrong value, before anything is run, or the likely cause, after waves did not stay
finite.
"""
