"""Waves of several shots, with all derivatives; `autograd` and `operators` run on it.

With parameters p, source time functions q and data r, everything is a derivative of one number,

    G(p, q, r) = <r, F(p) q>:        F q = dG/dr,        F^T r = dG/dq,        J^T r = dG/dp.

Where p, q and r are polynomials of e1, e2, ... without squares, as p0 + e1 p1 + e2 p2 + e1 e2 p3,
so are these three; their components are the mixed derivatives along the directions p1, p2, ... A
component is named by the set of its e, a number with one bit for each (see
`propagators.symbolic.directions`).

An `Evaluation` names the components that are given and those that are computed; `run` computes them
shot by shot on the workers of an executor. Gradients are summed over shots in double precision, in
a tree whose shape depends on the number of shots alone (see `execution.tree`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.deprecation import renamed_fields
from fwicli.errors import GeometryError
from fwicli.evaluation import Quantity, ShotEvaluation, SummedEvaluation
from fwicli.execution import Executor, InProcess, available, totals
from fwicli.propagators import history
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry
from fwicli.propagators.locations import ExtendedSource, FullField, PositionDerivative
from fwicli.propagators.running import shared_memory
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.shared_memory import SharedHistory
from fwicli.propagators.running.store_selection import history_within
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.survey import ragged
from fwicli.survey.points import Points

Array = NDArray[Any]


@renamed_fields(held="max_history_bytes")
@dataclass(frozen=True, eq=False)
class Simulation:
    """A survey whose waves are simulated: discretization, positions of shots, and workers.

    Parameters
    ----------
    discretization : Discretization
        Precision follows from the model that an operator or function receives.
    sources, receivers : ndarray, sequence of ndarray, or Points, ExtendedSource or FullField
        Positions [m] of shape (shots, n, ndim), or (n, ndim) for the same positions in all shots; a
        tensor for derivatives with respect to them. Arrays are copied: later changes of them do not
        reach a gradient. From an array of shape (n, ndim) for each shot, shots may differ in n:
        they become one array, and data (shots, largest n, samples), with zeros as padding. Input
        there is ignored. `Points`, whose components are not pressure, are those of all shots.
    executor : Executor, optional
        Runs the shots; by default one after the other in this process. `execution.Local` gives one
        that runs them on all cores.
    memory : float, optional
        Most memory of the history of a gradient in each worker [bytes]; by default the
        discretization's history options hold.
    max_history_bytes : float, optional
        Most memory of histories stored for later derivatives, of all functions of this process
        together [bytes]; by default a quarter of the machine's memory. Waves without a stored
        history are propagated again. Functions with the same executor reuse the memory.
    """

    discretization: Discretization
    sources: Any
    receivers: Any
    executor: Executor = field(default_factory=InProcess)
    memory: float | None = None
    max_history_bytes: float | None = None
    counts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("sources", "receivers"):
            place = getattr(self, name)
            if ragged.differ(place):
                each = [ndarrays.real(name, p, GeometryError).astype(float) for p in place]
                _check_alike(name, each)
                # Positions that are no numbers: never taken for those of a point.
                place, rows = ragged.padded(each, np.nan)
                object.__setattr__(self, "counts", {**self.counts, name: rows})
            if isinstance(place, ExtendedSource) and isinstance(place.weights, np.ndarray):
                place = ExtendedSource(np.array(place.weights))
            elif isinstance(place, np.ndarray) or not (
                hasattr(place, "shape") or isinstance(place, FullField | ExtendedSource | Points)
            ):
                place = np.array(ndarrays.real(name, place, GeometryError))
            object.__setattr__(self, name, place)
        # Counts of positions that were replaced belong to others.
        counts = {n: c for n, c in self.counts.items() if _are_padded(getattr(self, n), c)}
        object.__setattr__(self, "counts", counts)

    def __deepcopy__(self, memo: dict[int, Any]) -> Simulation:
        """A copy with its own positions; workers and their memory are shared."""
        return replace(
            self,
            sources=copy.deepcopy(self.sources, memo),
            receivers=copy.deepcopy(self.receivers, memo),
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters of the equation."""
        ndim = self.discretization.grid.ndim
        return tuple(registry.load(self.discretization.equation).parameters(ndim))


def _check_alike(name: str, positions: list[Array]) -> None:
    """Make sure that the positions of all shots have as many coordinates."""
    shapes = [p.shape for p in positions]
    if len({shape[1:] for shape in shapes}) > 1:
        raise GeometryError(
            f"the {name} of shots have the shapes {', '.join(map(str, shapes[:5]))}; positions "
            f"need (n, 2), x, z, or (n, 3), x, y, z [m], of each point"
        )


def _are_padded(place: Any, counts: NDArray[np.int64]) -> bool:
    """Whether positions are those of as many points as the counts say, and padding behind them."""
    if not isinstance(place, np.ndarray) or place.ndim != 3 or len(place) != len(counts):
        return False
    points = np.isfinite(place).all(axis=-1)
    return bool((points == (np.arange(place.shape[1]) < counts[:, None])).all())


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluation of components of F q, or of F^T r and J^T r.

    Attributes
    ----------
    simulation : Simulation
    backward : bool
        Whether the outputs are F^T r and J^T r, or F q.
    inputs, outputs : tuple of Quantity
    shots, groups : int
        The first axis of data has groups x shots entries. There is one model for each group, or one
        for all groups; gradients are summed over the shots of a group.
    orders : mapping of str to ndarray of int, shape (n, ndim)
        For "sources" and "receivers" that are positions, how often the derivative with respect to
        each is taken (see `locations.PositionDerivative`).
    history : SharedHistory, optional
        Shared memory where an evaluation stores histories; that of J^T r with the same p and q
        reads them there.
    """

    simulation: Simulation
    backward: bool
    inputs: tuple[Quantity, ...]
    outputs: tuple[Quantity, ...]
    shots: int
    groups: int = 1
    orders: Mapping[str, Array] = field(default_factory=dict)
    history: SharedHistory | None = None

    @property
    def n_directions(self) -> int:
        """Number of directions."""
        return max((s.component.bit_length() for s in (*self.inputs, *self.outputs)), default=0)


def run(call: Evaluation, arrays: list[Array]) -> list[Array]:
    """The outputs of a call.

    Parameters
    ----------
    call : Evaluation
    arrays : list of ndarray
        The inputs: models of shape (1 or groups, *grid), others (groups x shots, ...).

    Returns
    -------
    list of ndarray
        Gradients of shape (groups, *grid), others (groups x shots, ...).

    Raises
    ------
    FwiError
        Whatever is wrong with a shot, with its number.
    """
    models = _models(call, arrays)
    tasks = [
        _shot(call, arrays, n, models[n // call.shots % len(models)])
        for n in range(call.groups * call.shots)
    ]
    executor = call.simulation.executor
    if not any(slot.role == "model" for slot in call.outputs):
        parts = list(executor.map(tasks))
        return [_stacked(call, q, [p[i] for p in parts]) for i, q in enumerate(call.outputs)]
    groups = list(totals(executor, [SummedEvaluation(task) for task in tasks], call.groups))
    outputs = []
    for slot in call.outputs:
        if slot.role == "model":
            outputs.append(np.stack([group.stack.everywhere()[slot] for group in groups]))
            continue
        outputs.append(_stacked(call, slot, [r for group in groups for r in group.records[slot]]))
    precision = next(iter(models[0][0].values())).dtype
    return [output.astype(precision, copy=False) for output in outputs]


def _stacked(call: Evaluation, slot: Quantity, each: list[Array]) -> Array:
    """Data of all shots in one array, with zeros as padding where shots differ."""
    place = "sources" if slot.role == "wavelet" else "receivers"
    if place in call.simulation.counts:
        most = getattr(call.simulation, place).shape[1]
        return ragged.padded(each, least=most)[0]
    return np.stack(each)


def _models(call: Evaluation, arrays: list[Array]) -> list[dict[int, dict[str, Array]]]:
    """Components of the parameters, one for each group or one for all."""
    parameters = [(q, a) for q, a in zip(call.inputs, arrays, strict=True) if q.role == "model"]
    models: list[dict[int, dict[str, Array]]] = []
    for group in range(max(len(array) for _, array in parameters)):
        models.append({})
        for slot, array in parameters:
            components = models[-1].setdefault(slot.component, {})
            components[slot.name] = array[group if len(array) > 1 else 0]
    return models


def _shot(
    call: Evaluation, arrays: list[Array], number: int, models: dict[int, dict[str, Array]]
) -> ShotEvaluation:
    """One of the shots of all groups."""
    data: dict[str, dict[int, Array]] = {"wavelet": {}, "gather": {}}
    places = {end: getattr(call.simulation, end) for end in ("sources", "receivers")}
    # Rows behind the points of a shot are padding.
    own = {role: slice(int(c[number % len(c)])) for role, c in call.simulation.counts.items()}
    of_data = {"wavelet": own.get("sources", ...), "gather": own.get("receivers", ...)}
    for slot, array in zip(call.inputs, arrays, strict=True):
        if slot.role in data:
            data[slot.role][slot.component] = array[number][of_data[slot.role]]
        elif slot.role != "model":
            positions = array[number][own.get(slot.role, ...)].astype(float)
            orders = call.orders.get(slot.role)
            places[slot.role] = (
                positions if orders is None else PositionDerivative(positions, orders)
            )
    precision = str(next(iter(models[0].values())).dtype)
    discretization = replace(call.simulation.discretization, precision=precision)
    if call.backward and call.simulation.memory is not None:
        discretization = replace(
            discretization,
            history=history_within(discretization, call.n_directions, call.simulation.memory),
        )
    return ShotEvaluation(
        discretization,
        call.backward,
        call.n_directions,
        models,
        data["wavelet"],
        data["gather"],
        places["sources"],
        places["receivers"],
        call.outputs,
        call.history.slot(number) if call.history is not None else None,
    )


def share(call: Evaluation, parameters: tuple[str, ...], precision: str) -> SharedHistory | None:
    """Shared memory for the histories of an evaluation, as far as there is room.

    Parameters
    ----------
    call : Evaluation
    parameters : tuple of str
        Parameters whose gradient will be computed.
    precision : {"float32", "float64"}

    Returns
    -------
    history : SharedHistory or None
        For as many of the first shots as fit; None if workers share no memory, or the history is
        not stored as it is.
    """
    simulation = call.simulation
    discretization = replace(simulation.discretization, precision=precision)
    if simulation.memory is not None:
        discretization = replace(
            discretization, history=history_within(discretization, 0, simulation.memory)
        )
    shares = getattr(simulation.executor, "shares_memory", False)
    if not shares or not shared_memory.IS_POSSIBLE or discretization.history.kind != "stored":
        return None
    equation = registry.load(discretization.equation)
    ndim, free = discretization.grid.ndim, discretization.layer.free
    fields = equation.footprint_below(free, ndim).stored_fields(equation.receiver, parameters)
    steps = Resampling(discretization.time, precision).steps
    size = GridArrays(discretization, steps).room(
        len(fields), history.snapshots(steps, discretization.history_step)
    )
    limit = (
        available() / 4 if simulation.max_history_bytes is None else simulation.max_history_bytes
    )
    shots = call.groups * call.shots
    return SharedHistory(
        size, shots, limit, parameters, simulation.executor, (discretization, parameters)
    )


def shape_of(simulation: Simulation, role: str, samples: int) -> tuple[int, ...]:
    """Shape of the data of one shot at its sources or receivers, without that of positions.

    Parameters
    ----------
    simulation : Simulation
    role : {"sources", "receivers"}
    samples : int
        Samples of a record.

    Returns
    -------
    tuple of int

    Raises
    ------
    GeometryError
        If positions do not have the shape (n, ndim) or (shots, n, ndim).
    """
    place = getattr(simulation, role)
    grid = simulation.discretization.grid
    if isinstance(place, FullField):
        return (len(range(0, samples, place.every)), *grid.shape)
    if isinstance(place, Points):
        return len(place), samples
    if isinstance(place, ExtendedSource):
        shape = tuple(place.weights.shape)
        return (int(shape[0]) if len(shape) > grid.ndim else 1, samples)
    if len(place.shape) not in (2, 3) or place.shape[-1] != grid.ndim:
        raise GeometryError(
            f"{role} have the shape {tuple(place.shape)}; positions need (n, {grid.ndim}), or "
            f"(shots, n, {grid.ndim}) where they differ from shot to shot"
        )
    return (int(place.shape[-2]), samples)
