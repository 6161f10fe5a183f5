"""Shots: experiments from records, and which of them an iteration uses."""
