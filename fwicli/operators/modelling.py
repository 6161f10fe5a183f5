"""Modelling F, and Born modelling J, of all shots.

    F : q -> d = F(p) q,             F^T : d -> F(p)^T d
    J : dp -> dd = J(p, q) dp,       J^T : r -> J(p, q)^T r, summed over shots

Data have the shape (shots, n, samples), or (n, samples) where neither waves nor wavelets have a
dimension of shots; a model has (*grid,), or (parameters, *grid) where several change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fwicli.deprecation import renamed_keywords
from fwicli.errors import ModelError
from fwicli.evaluation import Quantity
from fwicli.operators import encoding
from fwicli.operators.operator import Operator, Shape
from fwicli.operators.shot_set import Model, ShotSet, checked_shots, repeated
from fwicli.propagators.checks import entrance
from fwicli.propagators.running.shared_memory import SharedHistory
from fwicli.simulation import Evaluation, Simulation, run, share

Array = NDArray[Any]


@renamed_keywords(waves="simulation")
def forward(simulation: Simulation, model: Model, shots: int | None = None) -> ForwardOperator:
    """The operator F from wavelets to gathers.

    Parameters
    ----------
    simulation : Simulation
        Its executor runs the shots.
    model : mapping of str to ndarray of shape (*grid,), or ndarray
        Parameters of the equation, in the precision of the operator.
    shots : int, optional
        Number of shots where all have the same sources and receivers.

    Returns
    -------
    ForwardOperator
    """
    return ForwardOperator(checked_shots(simulation, model, shots))


@renamed_keywords(waves="simulation")
def jacobian(
    simulation: Simulation,
    model: Model,
    wavelet: Any,
    parameters: str | Sequence[str] | None = None,
) -> JacobianOperator:
    """The operator J from changes of the model to those of the gathers.

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to ndarray of shape (*grid,), or ndarray
        Parameters of the equation, in the precision of the operator.
    wavelet : ndarray of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    parameters : str or sequence of str, optional
        Parameters that change, in this order; by default all of the equation.

    Returns
    -------
    JacobianOperator
    """
    return JacobianOperator(checked_shots(simulation, model, changing=parameters, wavelet=wavelet))


class ShotOperator(Operator):
    """An operator of some shots.

    Attributes
    ----------
    shot_set : ShotSet
    """

    def __init__(self, shot_set: ShotSet, dims: Shape, dimsd: Shape) -> None:
        super().__init__(dims, dimsd, shot_set.dtype)
        self.shot_set = shot_set

    def _with(self, shot_set: ShotSet) -> Self:
        """The same operator of other shots."""
        return type(self)(shot_set)  # type: ignore[call-arg]

    @property
    def shots(self) -> int:
        """Number of shots."""
        return self.shot_set.shots

    def __getitem__(self, which: Any) -> Self:
        """The operator of some shots, selected as in an array; of one, without their dimension."""
        return self._with(self.shot_set.select(which))

    def encoder(self, weights: Any, delays: Any = None) -> encoding.Encoder:
        """The operator that adds the gathers of the shots (see `encoding.Encoder`).

        Parameters
        ----------
        weights : ndarray of shape (codes, shots) or (shots,)
            Weight of each shot in each code.
        delays : ndarray of int of the same shape, optional
            Delay of each shot [samples].

        Returns
        -------
        Encoder
        """
        return encoding.of_records(self.shot_set, weights, delays)


class WaveOperator(ShotOperator):
    """An operator of shots whose sources may fire together."""

    def encoded(self, weights: Any, delays: Any = None) -> Operator:
        """The operator of shots that fire together (see `encoding`).

        Parameters
        ----------
        weights : ndarray of shape (codes, shots) or (shots,)
            Weight of each shot in each code.
        delays : ndarray of int of the same shape, optional
            Delay of each shot [samples].

        Returns
        -------
        Operator
        """
        return self._with(encoding.encode_shots(self.shot_set, weights, delays))


class ForwardOperator(WaveOperator):
    """F (see `forward`)."""

    def __init__(self, shot_set: ShotSet) -> None:
        super().__init__(shot_set, shot_set.dims_of("wavelet"), shot_set.dims_of("gather"))

    def _apply(self, x: Array) -> Array:
        return self._run("wavelet", "gather", x, self.dimsd)

    def _apply_adjoint(self, y: Array) -> Array:
        return self._run("gather", "wavelet", y, self.dims)

    def _run(self, input_role: str, output_role: str, x: Array, shape: Shape) -> Array:
        k, shots = len(x), self.shot_set.shots
        traces = x.reshape(k * shots, *x.shape[1 + self.shot_set.several :])
        inputs = {**self.shot_set.inputs(k), Quantity(input_role): traces}
        backward = output_role == "wavelet"
        call = Evaluation(
            self.shot_set.simulation, backward, tuple(inputs), (Quantity(output_role),), k * shots
        )
        (outputs,) = run(call, list(inputs.values()))
        return outputs.reshape(k, *shape)

    def encoded(self, weights: Any, delays: Any = None) -> Operator:
        """The operator of shots that fire together; it takes the wavelets of the shots."""
        fire = encoding.of_wavelets(self.shot_set, weights, delays)
        operator: Operator = (
            self._with(encoding.encode_shots(self.shot_set, weights, delays)) @ fire
        )
        return operator


class ModelOperator(WaveOperator):
    """An operator that takes changes of the model."""

    def pack(self, changes: Mapping[str, Any]) -> Array:
        """Changes of shape `dims` from those of the parameters by name; zero where left out.

        Raises
        ------
        ModelError
            If one of them is not among those that change, or has another shape than the grid.
        """
        unknown = sorted(set(changes) - set(self.shot_set.changing))
        if unknown:
            raise ModelError(
                f"`{unknown[0]}` does not change; what does is {', '.join(self.shot_set.changing)}"
            )
        grid = self.shot_set.simulation.discretization.grid
        for name, values in changes.items():
            entrance.check_on_grid(name, np.shape(values), grid, change=True)
        nothing = np.zeros(grid.shape, self.dtype)
        named = {
            n: np.reshape(changes.get(n, nothing), (1, *grid.shape)) for n in self.shot_set.changing
        }
        packed: Array = self.shot_set.stacked(named)[0].astype(self.dtype)
        return packed

    def unpack(self, x: Array) -> dict[str, Array]:
        """Changes by name, of shape (*grid,), from an array of shape `dims` or a vector."""
        named = self.shot_set.changes(np.reshape(x, (1, *self.dims)))
        return {name: values[0] for name, values in named.items()}


class JacobianOperator(ModelOperator):
    """J (see `jacobian`)."""

    def __init__(self, shot_set: ShotSet) -> None:
        super().__init__(shot_set, shot_set.dims_of_model, shot_set.dims_of("gather"))
        self._history: SharedHistory | None = None
        self._is_repeated = False

    def _apply(self, x: Array) -> Array:
        inputs = self._inputs(len(x))
        inputs |= {Quantity("model", 1, n): v for n, v in self.shot_set.changes(x).items()}
        call = self._call(inputs, False, [Quantity("gather", 1)], len(x))
        (records,) = run(call, list(inputs.values()))
        return records.reshape(-1, *self.dimsd)

    def _apply_adjoint(self, y: Array) -> Array:
        shots = y.reshape(-1, *y.shape[1 + self.shot_set.several :])
        inputs = {**self._inputs(len(y)), Quantity("gather"): shots}
        outputs = [Quantity("model", 0, name) for name in self.shot_set.changing]
        gradients = self._with_history(self._call(inputs, True, outputs, len(y)), inputs)
        return self.shot_set.stacked(dict(zip(self.shot_set.changing, gradients, strict=True)))

    def _with_history(self, call: Evaluation, inputs: dict[Quantity, Array]) -> list[Array]:
        """Outputs of J^T; the history is the same every time, and waits from the second time on."""
        arrays = list(inputs.values())
        if call.groups > 1 or not self._is_repeated:
            self._is_repeated = True
            return run(call, arrays)
        history = self._history or share(
            call, tuple(sorted(self.shot_set.changing)), str(self.dtype)
        )
        outputs = run(replace(call, history=history), arrays)
        # Only after the run: a run that fails leaves no history. Threads at the same time may each
        # make one, and write the same values to one that is not complete.
        self._history = history
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        """Without histories, which stay in this process."""
        return {**self.__dict__, "_history": None}

    def _inputs(self, groups: int) -> dict[Quantity, Array]:
        wavelet = repeated(self.shot_set.data["wavelet"], groups)
        return {**self.shot_set.inputs(groups), Quantity("wavelet"): wavelet}

    def _call(
        self, inputs: dict[Quantity, Array], backward: bool, outputs: list[Quantity], groups: int
    ) -> Evaluation:
        simulation, shots = self.shot_set.simulation, self.shot_set.shots
        return Evaluation(simulation, backward, tuple(inputs), tuple(outputs), shots, groups)
