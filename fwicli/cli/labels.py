"""Labels, units and numbers as a person writes them, for plans and results on a terminal.

Names with their unit, as in `time_step_s`, are those of `--json`; here they become `time step` and
`0.0005 s`. A number keeps its meaning: it is rounded to `DIGITS` significant digits, never to
another power of ten, never to zero, and different numbers of one range look different.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fwicli.digits import apart, in_words

DIGITS = 4
# Whole numbers up to this are written out.
LARGEST = 1e15
# Units at the end of a name, the longest first.
UNITS = {
    "_m_s": "m/s",
    "_mb": "MB",
    "_hz": "Hz",
    "_pa": "Pa",
    "_s": "s",
    "_m": "m",
}
# Names whose label is another, and units that are not in a name.
LABELS = {
    "correlation": ("correlation with the reference", ""),
    "gigapoint_steps_per_propagation": ("work of a propagation", "billion point updates"),
    "grid": ("grid", "points"),
    "grid_error_allowed_percent": ("error that the grid may have", "%"),
    "grid_error_contrasts_percent": ("of it by contrasts", "%"),
    "grid_error_dispersion_percent": ("of it by dispersion", "%"),
    "grid_error_estimated_percent": ("error that it has, estimated", "%"),
    "grid_error_far_percent": ("of the farthest tenth of traces", "%"),
    "grid_error_path_m": ("over a path of", "m"),
    "grid_error_path_s": ("in a time of", "s"),
    "grid_error_percent": ("error of the coarse grid", "%"),
    "history_every": ("steps between snapshots", ""),
    "compilation_s": ("time to compile, once", ""),
    "iterates": ("iterations", ""),
    "largest_pressure": ("largest pressure", "Pa"),
    "largest_motion": ("largest motion", "SI"),
    "memory_mb": ("memory of all workers", "MB"),
    "memory_per_worker_measured_mb": ("memory of a worker, measured", "MB"),
    "memory_per_worker_mb": ("memory of a worker", "MB"),
    "memory_with_imports_mb": ("memory with libraries", "MB"),
    "model_error_rho": ("model error of the density", ""),
    "model_grid": ("grid of the model", "points"),
    "memory_per_node_mb": ("memory of a node with libraries", "MB"),
    "network_per_evaluation_mb": ("moved in an evaluation", "MB"),
    "output_free_mb": ("free for results", "MB"),
    "output_needed_mb": ("needed for results", "MB"),
    "processor_time_of_shot_s": ("processor time of a shot", ""),
    "run_folder_mb": ("folder of the run", "MB"),
    "parts": ("parts put together", ""),
    "samples": ("samples per trace", ""),
    "scratch_mb": ("temporary files", "MB"),
    "seconds": ("time", "s"),
    "simulations": ("wave simulations", ""),
    "spacing_m": ("grid spacing", "m"),
    "steps": ("time steps", ""),
    "substeps": ("time steps per sample", ""),
    "temporary_free_mb": ("free for temporary files", "MB"),
    "temporary_needed_mb": ("needed for temporary files", "MB"),
    "time_on_quiet_machine_s": ("time without others' work", ""),
    "time_s": ("time in all", ""),
    "time_before_iterations_s": ("time before iterations", ""),
    "time_of_evaluation_s": ("time of an evaluation", ""),
    "time_of_end_s": ("time of its end, with pictures", ""),
    "time_of_iteration_outside_of_shots_s": ("of it outside of shots", ""),
    "time_of_iteration_s": ("time of an iteration", ""),
    "time_of_shot_s": ("time of a shot", ""),
    "time_of_start_s": ("time of its start", ""),
    "time_outside_of_shots_s": ("of it outside of shots", ""),
    "topography_m": ("depth of the surface", "m"),
    "vp_m_s": ("P velocity", "m/s"),
    "window": ("window of a shot", "points"),
    "with_layer": ("grid with layer", "points"),
}
# Lists that are the two ends of a range, or one number an axis.
RANGES = {
    "band_hz",
    "constant_q_hz",
    "fold",
    "misfit_of_iterates",
    "topography_m",
    "model_error",
    "offset_m",
    "receivers_per_shot",
    "values",
    "vp_m_s",
}
AXES = {"spacing_m"}
# Times of a plan, which may be days.
DURATIONS = {
    "compilation_s",
    "processor_time_of_shot_s",
    "time_before_iterations_s",
    "time_of_end_s",
    "time_of_evaluation_s",
    "time_of_iteration_outside_of_shots_s",
    "time_of_iteration_s",
    "time_of_shot_s",
    "time_of_start_s",
    "time_outside_of_shots_s",
    "time_on_quiet_machine_s",
    "time_s",
}


def label(name: str) -> str:
    """The words for a quantity, without its unit.

    Parameters
    ----------
    name : str
        Name as `--json` has it.
    """
    return LABELS[name][0] if name in LABELS else name.removesuffix(_suffix(name)).replace("_", " ")


def quantity(name: str, value: Any) -> str:
    """A value with its unit.

    Parameters
    ----------
    name : str
        Name of the quantity, as `--json` has it.
    value : Any
        Number, text, or a list of numbers.

    Returns
    -------
    text : str
    """
    if name in DURATIONS and not isinstance(value, str):
        return in_words(value)
    text = _list(name, value) if isinstance(value, list | tuple) else _single(value)
    unit = LABELS[name][1] if name in LABELS else UNITS.get(_suffix(name), "")
    return f"{text} {unit}" if unit and text[-1:].isdigit() else text


def number(value: float, digits: int = DIGITS) -> str:
    """A number with at least these significant digits; all before the decimal point count.

    Parameters
    ----------
    value : float
        Number; whole ones are written out.
    digits : int
        Significant digits, at least.

    Returns
    -------
    text : str
    """
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    if value == 0 or (value.is_integer() and abs(value) < LARGEST):
        return f"{value:.0f}"
    before = math.floor(math.log10(abs(value))) + 1
    return f"{value:.{max(digits, before) if abs(value) < LARGEST else digits}g}"


def _suffix(name: str) -> str:
    return next((suffix for suffix in UNITS if name.endswith(suffix)), "")


def _single(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    text = str(value)
    parts = text.split("x")
    return " x ".join(parts) if len(parts) > 1 and all(p.isdigit() for p in parts) else text


def _list(name: str, values: Sequence[Any]) -> str:
    """Different numbers look different; equal ones are written once."""
    if len(set(map(str, values))) == 1:
        return _single(values[0])
    texts = [_single(value) for value in values]
    if all(isinstance(v, int | float) for v in values) and len(set(texts)) < len(set(values)):
        texts = apart(*map(float, values), digits=DIGITS)
    return (" to " if name in RANGES else " x " if name in AXES else ", ").join(texts)
