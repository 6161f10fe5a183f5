"""Properties of the earth, recovered from the parameters that are made of them.

The code for it is worked out by `inverses`, once for an equation, and stored on disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.checks.tabulated import TabulatedInverse
from fwicli.propagators.equations import formulas, registry
from fwicli.survey.properties import PROPERTIES

Array = NDArray[Any]
# A function of arrays, and the names of these: properties or parameters.
Recovery = tuple[Callable[..., Any], tuple[str, ...]]


def properties(equation: str, model: Mapping[str, Array]) -> dict[str, Array]:
    """Properties of the earth, as far as they can be recovered from the parameters.

    Parameters
    ----------
    equation : str
        Name of the equation.
    model : mapping of str to ndarray
        Parameters of the equation on the model's grid, by name.

    Returns
    -------
    dict of str to ndarray
    """
    ndim = next(iter(model.values())).ndim
    values = {name: np.asarray(array, dtype=np.float64) for name, array in model.items()}
    recovered = _recoveries(equation, ndim)
    for name, (function, needed) in recovered.items():
        values[name] = np.asarray(function(*[values[n] for n in needed]))
    return {name: values[name] for name in recovered}


def positive(equation: str, ndim: int) -> frozenset[str]:
    """Parameters that are positive in every rock.

    Parameters
    ----------
    equation : str
        Name of the equation.
    ndim : int
        Number of space dimensions.

    Returns
    -------
    frozenset of str
    """
    return frozenset(_analysis(equation, ndim)["positive"])


@cache
def _analysis(equation: str, ndim: int) -> dict[str, Any]:
    """The signs and inverses of the formulas of an equation (see `inverses`)."""
    stated = registry.load(equation).parameters(ndim)
    signs = {name: (p.sign, p.common, p.plausible) for name, p in PROPERTIES.items()}
    question = f"inverses {json.dumps([stated, signs])}"

    def answer() -> str:
        from fwicli.propagators.checks import inverses  # late: what is on disk needs no SymPy

        return json.dumps(inverses.analysis(stated))

    analysis: dict[str, Any] = json.loads(formulas.remembered(question, answer))
    return analysis


@cache
def _recoveries(equation: str, ndim: int) -> dict[str, Recovery]:
    """Properties as functions of parameters and of those before them."""
    recoveries: dict[str, Recovery] = {}
    for step in _analysis(equation, ndim)["inverses"]:
        name, needed = step["property"], tuple(step["needed"])
        if "inverse" in step:
            recoveries[name] = formulas.evaluated(needed, step["inverse"]), needed
        else:
            codes = step["formula"], step["slope"]
            function, slope = (formulas.evaluated([name], code) for code in codes)
            recoveries[name] = TabulatedInverse(function, slope, PROPERTIES[name].plausible), needed
    return recoveries
