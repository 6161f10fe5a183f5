"""One shot of an evaluation: a task for a worker (see `simulation`).

The components of the parameters are what the shots have in common (see `execution.executor`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from fwicli.propagators.discretization import Discretization
from fwicli.propagators.running.results import GradientRequest
from fwicli.propagators.running.shared_memory import SharedSlot
from fwicli.propagators.running.shot import ShotRunner
from fwicli.propagators.tasks import propagator
from fwicli.survey.stacks import Stack, StackAndRecords
from fwicli.survey.windows import whole

Array = NDArray[Any]


@dataclass(frozen=True)
class Quantity:
    """An input or output of an evaluation.

    Attributes
    ----------
    role : {"model", "wavelet", "gather", "sources", "receivers"}
        The last two are positions. As an output, `model` is the gradient and `wavelet` the adjoint
        field at the sources.
    component : int
    name : str
        Of the parameter, for a model.
    """

    role: str
    component: int = 0
    name: str = ""


@dataclass(frozen=True)
class ShotEvaluation:
    """One shot of an evaluation, with its own data: a task for a worker."""

    discretization: Discretization
    backward: bool
    n_directions: int
    models: Mapping[int, Mapping[str, Array]]
    wavelets: Mapping[int, Array]
    gathers: Mapping[int, Array]
    sources: Any
    receivers: Any
    outputs: tuple[Quantity, ...]
    slot: SharedSlot | None = None

    def __call__(self) -> list[Array]:
        """The outputs."""
        with propagator(self.discretization).runner() as runner:
            return self._run_by(runner)

    @property
    def common(self) -> Mapping[int, Mapping[str, Array]]:
        """Components of the parameters."""
        return self.models

    def detached(self) -> DetachedEvaluation:
        """The task without the parameters."""
        return DetachedEvaluation(replace(self, models={}))

    def _run_by(self, runner: ShotRunner) -> list[Array]:
        locations = self.sources, self.receivers
        if not self.backward:
            gathers = runner.forward_components(
                self.models, self.wavelets, *locations, self.n_directions, self.slot
            )
            return [gathers[q.component] for q in self.outputs]
        derivatives = [(q.component, q.name) for q in self.outputs if q.role == "model"]
        if not derivatives:
            at_sources = runner.adjoint_components(
                self.models, self.gathers, *locations, self.n_directions
            )
            return [at_sources[q.component] for q in self.outputs]
        recorded = any(q.role == "wavelet" for q in self.outputs)
        result = runner.gradient_components(
            self.models,
            self.wavelets,
            lambda _: (self.n_directions, self.gathers),
            *locations,
            GradientRequest(self.n_directions, derivatives, at_sources=recorded, slot=self.slot),
        )
        return [
            result.gradients[q.component][q.name]
            if q.role == "model"
            else result.at_sources[q.component]
            for q in self.outputs
        ]


@dataclass(frozen=True)
class SummedEvaluation:
    """One shot of an evaluation, as a summand of the sum over shots."""

    task: ShotEvaluation

    def __call__(self) -> StackAndRecords:
        """The outputs, by quantity."""
        stacked, records = {}, {}
        for slot, values in zip(self.task.outputs, self.task(), strict=True):
            if slot.role == "model":
                stacked[slot] = values
            else:
                records[slot] = (values,)
        return StackAndRecords(Stack(whole(self.task.discretization.grid), stacked), records)

    @property
    def common(self) -> Mapping[int, Mapping[str, Array]]:
        """Components of the parameters."""
        return self.task.models

    def detached(self) -> DetachedEvaluation:
        """The task without the parameters."""
        return DetachedEvaluation(replace(self.task, models={}), summed=True)


@dataclass(frozen=True)
class DetachedEvaluation:
    """One shot of an evaluation, as a function of the parameters."""

    task: ShotEvaluation
    summed: bool = False

    def __call__(self, models: Mapping[int, Mapping[str, Array]]) -> Any:
        """Run the task with components of the parameters."""
        return self.attached(models)()

    def attached(
        self, models: Mapping[int, Mapping[str, Array]]
    ) -> ShotEvaluation | SummedEvaluation:
        """The task with components of the parameters."""
        task = replace(self.task, models=models)
        return SummedEvaluation(task) if self.summed else task
