"""Shots over the jobs of an array, through files in the folder of a run.

One process leads: it posts the tasks of an evaluation. All of them, the leader too, claim blocks of
tasks and write what these return. Nothing is needed but a folder that all nodes see: no scheduler
process, no locks, no common clock. Files that the file system shows late are looked for again.
"""
