"""Time, machines and disks that a run takes: numbers of a plan that follow from measured speeds.

Nothing here runs a shot. `workflows.quality.calibration` measures, and `calibrations` keeps what it
measures beside the compiled kernels.
"""
