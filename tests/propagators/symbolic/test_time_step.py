"""Order of a step: values that enter a field at points go on to those that follow from it."""

from __future__ import annotations

from typing import Any

import pytest

from fwicli.propagators.equations import registry
from fwicli.propagators.kernels import generation, time_loops
from fwicli.propagators.kernels.signature import Signature


def written(equation: str, **options: Any) -> list[str]:
    """Fields in the order of the updates of a forward step; in brackets where values enter them."""
    signature = Signature("forward", equation, (10.0, 10.0), 4, 6, "float64", **options)
    grid = generation.template_grid(signature)
    names = []
    for e in time_loops.equations(signature, registry.load(equation), grid):
        f = e.lhs.function
        if f.is_TimeFunction and f.grid is not None:
            is_point = e.lhs.indices[1:] != f.grid.dimensions
            names.append(f"({f.name})" if is_point else f.name)
    return names


def test_fields_that_follow_at_the_same_point_take_their_share() -> None:
    """p and w make g and u, which take shares of what enters p and w: nothing waits."""
    names = written("vti")
    first = next(n for n, name in enumerate(names) if name.startswith("("))
    assert names[first:] == ["(p)", "(w)", "(g)", "(u)"]


@pytest.mark.parametrize(
    ("equation", "options", "later"),
    [
        ("tti", {}, "last_u0"),  # the layer reads h, on strips only
        ("velocity_pressure", {"driven": ("v0",)}, "p"),  # reads v0 at its neighbours
        ("vti", {"free": ("z-",)}, "g"),  # the side is free of pressure: w is zero there
    ],
)
def test_others_wait(equation: str, options: dict[str, Any], later: str) -> None:
    """For values at points, where a share of them would not be all that changes."""
    names = written(equation, **options)
    first = next(n for n, name in enumerate(names) if name.startswith("("))
    assert later in names[first:]
    assert later not in names[:first]
