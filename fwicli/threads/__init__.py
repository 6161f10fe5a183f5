"""Threads of a process: the locks that they share, and matrix products on a single one."""
