"""Shots over workers of Dask, on this machine or on others.

Dask is an optional extra: `pip install 'fwicli[cluster]'`. This room alone imports it, inside of
functions, which run only where a run has chosen it.
"""
