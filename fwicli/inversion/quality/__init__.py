"""Quality of records, by themselves and against synthetic ones: what is wrong before an inversion.

Functions here compute and judge; they know no configs. `workflows` puts advice beside a fault.
"""
