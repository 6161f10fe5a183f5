"""Equations are brought group_for_fusion only where their result stays the same."""

from __future__ import annotations

from typing import Any

import pytest
from devito import Eq, Function, Grid, Inc, TimeFunction

from fwicli.propagators.equations.medium import Strip
from fwicli.propagators.symbolic.fusion import group_for_fusion
from fwicli.propagators.symbolic.time_levels import keep_newest


@pytest.fixture
def parts() -> tuple[Any, ...]:
    grid = Grid(shape=(40, 40))
    strips = [Strip(axis, side, 8, grid) for axis in (0, 1) for side in ("left", "right")]
    fields = [TimeFunction(name=n, grid=grid, time_order=1, space_order=4) for n in "fgh"]
    return grid, strips, fields


def test_strips_take_turns_only_where_they_must(parts: tuple[Any, ...]) -> None:
    """A sum joins what it reads at the same point; what reads neighbours stays apart."""
    _, (left, right, top, _), (f, g, h) = parts
    first = [Eq(f.forward, g, subdomain=s) for s in (left, right)]
    around = [Eq(g.forward, f.forward.dx, subdomain=s) for s in (left, right)]
    sums = [Inc(h.forward, g.forward, subdomain=s) for s in (left, right)]
    assert group_for_fusion(first + around + sums) == [
        *first,
        around[0],
        sums[0],
        around[1],
        sums[1],
    ]
    apart = [first[0], around[0], Inc(h.forward, f.forward, subdomain=left)]
    assert group_for_fusion(apart) == [apart[0], apart[2], apart[1]]
    # The strip of another axis shares points: its sum of what is read waits for the second.
    other = Inc(h.forward, f.forward, subdomain=top)
    assert group_for_fusion([*first, other]) == [*first, other]
    late = [Eq(h.forward, f.forward, subdomain=top), Eq(f.forward, h.forward, subdomain=left)]
    assert group_for_fusion([first[0], *late]) == [first[0], *late]


def test_points_and_mirrors_stay_where_they_are(parts: tuple[Any, ...]) -> None:
    """Equations without a strip are not moved past what reads them."""
    grid, (left, *_), (f, g, h) = parts
    wall = Eq(f.forward.subs(grid.dimensions[0], 0), 0)
    equations = [Eq(f.forward, g, subdomain=left), wall, Eq(h.forward, f.forward, subdomain=left)]
    assert group_for_fusion(equations) == equations


def test_level_that_is_read_later_is_kept(parts: tuple[Any, ...]) -> None:
    """One level is enough for a recursion at one point, and for what is new; not else."""
    grid, _, (f, g, h) = parts
    c = Function(name="c", grid=grid)

    def levels(*equations: Eq) -> dict[str, int]:
        written = (e.lhs.function for e in keep_newest(list(equations)))
        return {w.name: w.shape_allocated[0] for w in written}

    update = Eq(h.forward, h + f.forward)
    assert levels(Eq(f.forward, c * f + 1), update) == {"f": 1, "h": 1}
    assert levels(Eq(f.forward, c * f.dx), update) == {"f": 2, "h": 1}
    assert levels(Eq(f.forward, c), Eq(g.forward, f)) == {"f": 2, "g": 1}
    x = grid.dimensions[0]
    assert levels(Eq(f.forward, f.subs(x, x + x.spacing))) == {"f": 2}
    assert levels(Eq(f.forward, c), Inc(f.forward, c * f)) == {"f": 2}
    # Others may read it around a point before the update, and not after it.
    before, recursion = Eq(g.forward, f.dx), Eq(f.forward, c * f)
    assert levels(before, recursion) == {"f": 1, "g": 1}
    assert levels(recursion, before) == {"f": 2, "g": 1}
    assert levels(before, recursion, Inc(g.forward, f.dx)) == {"f": 2, "g": 1}
