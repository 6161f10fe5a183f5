"""Signals: functions of time alone: source time functions, frequency bands, convolution.

Nothing here knows where sources and receivers are.
"""
