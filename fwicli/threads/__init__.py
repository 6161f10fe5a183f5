"""Threads of a process: their locks, passes over large arrays, and matrix products on one."""
