"""Rules of differentiation: every derivative of an evaluation is another evaluation.

With G(p, q, r) = <r, F(p) q> and p, q, r polynomials of e1, ..., en (see `simulation`), the inputs
of an evaluation are components of these, and its outputs components of dG/dr, dG/dq and dG/dp.
Three facts suffice:

    tangents      a direction x' for every input x is one e more, x + e x', and the change of an
                  output is its component with that e;
    cotangents    sum_W <v_W, D_W>, of outputs D = dG/dr, is the last component of G itself with
                  v_W for the component of r that is the complement of W. Of outputs dG/dq and
                  dG/dp, it is that with one e more, and v_W for these components of q and p;
    gradient      the derivative of the last component of G with respect to the component S of p
                  is the component of dG/dp that is the complement of S; so for q and r.

A derivative with respect to positions is the same call with slopes at these positions, times what
is injected or recorded there. Components, directions and runs that no output needs are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwicli.autograd.handles import handle, history_of
from fwicli.autograd.products import add, linear_in_all, multilinear
from fwicli.evaluation import Quantity
from fwicli.propagators.checks import failures, units
from fwicli.propagators.running.shared_memory import SharedHistory
from fwicli.simulation import Evaluation, run, share

Tensors = dict[Quantity, Tensor]
# Slots of a call, by the slots of the one that it follows from.
Named = dict[Quantity, Quantity]

# Quantity that is injected at sources, and at receivers.
INJECTED = {"sources": "wavelet", "receivers": "gather"}


class _WaveFunction(torch.autograd.Function):
    """A call as a function of its inputs."""

    @staticmethod
    def forward(call: Evaluation, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Run it."""
        arrays = [t.detach().cpu().numpy() for t in tensors]
        pairs = zip(call.inputs, tensors, strict=True)
        like = next(t for s, t in pairs if s.role == "model")
        if not call.n_directions:
            _judge(call, arrays)
        return tuple(torch.from_numpy(a).to(like) for a in run(call, arrays))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _: tuple[Tensor, ...]) -> None:
        """Keep the inputs: waves are propagated again when they are needed."""
        call, *tensors = inputs
        ctx.call = replace(call, history=None)
        ctx.set_materialize_grads(False)
        # Histories are freed with the tensors that PyTorch saves, which may be before its graph is.
        waits = call.history is not None and not call.backward
        ctx.save_for_backward(*tensors, *([handle(call.history)] if waits else []))
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        """Cotangents of the inputs that need them."""
        call: Evaluation = ctx.call
        outer = {s: v for s, v in zip(call.outputs, cotangents, strict=True) if v is not None}
        saved = ctx.saved_tensors
        history = history_of(saved[len(call.inputs)]) if len(saved) > len(call.inputs) else None
        inputs = dict(zip(call.inputs, saved, strict=False))
        needed = [s for s, n in zip(call.inputs, ctx.needs_input_grad[1:], strict=True) if n]
        if not outer or not needed:
            return (None, *(None for _ in inputs))
        context = _Context(call, history)
        gradients = _gradients(context, *_whole(call, inputs, outer), needed)
        return (None, *(_like(gradients[s], inputs[s]) if s in gradients else None for s in inputs))

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        """Changes of the outputs."""
        call: Evaluation = ctx.call
        inputs = dict(zip(call.inputs, ctx.saved_tensors, strict=False))
        changes = {s: t for s, t in zip(call.inputs, tangents, strict=True) if t is not None}
        tangents_out = _changes(_Context(call), inputs, changes, call.outputs, call.n_directions)
        return tuple(tangents_out.get(s) for s in call.outputs)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], call: Evaluation, *tensors: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """All of a batch in one call: its members are groups of shots."""
        size = info.batch_size
        grouped = [
            _grouped(t, dim, slot, call, size)
            for t, dim, slot in zip(tensors, in_dims[1:], call.inputs, strict=True)
        ]
        outputs = apply(replace(call, groups=size * call.groups, history=None), grouped)
        return tuple(f.reshape(size, -1, *f.shape[1:]) for f in outputs), (0,) * len(outputs)


def apply(call: Evaluation, tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Outputs of a call, differentiable.

    Parameters
    ----------
    call : Evaluation
    tensors : iterable of Tensor
        Inputs of the evaluation.

    Returns
    -------
    tuple of Tensor
    """
    tensors = list(tensors)
    if not call.backward and not call.n_directions and torch.is_grad_enabled():
        models = [(s, t) for s, t in zip(call.inputs, tensors, strict=True) if s.role == "model"]
        names = tuple(sorted(s.name for s, t in models if t.requires_grad))
        precision = str(models[0][1].dtype).removeprefix("torch.")
        call = replace(call, history=share(call, names, precision) if names else None)
    outputs: tuple[Tensor, ...] = _WaveFunction.apply(call, *tensors)  # type: ignore[no-untyped-call]
    return outputs


def _judge(call: Evaluation, arrays: Sequence[Any]) -> None:
    """Warn of units of the first model that give the properties of no rock."""
    model = {s.name: a[0] for s, a in zip(call.inputs, arrays, strict=True) if s.role == "model"}
    discretization = call.simulation.discretization
    failures.check_model(discretization.equation, discretization.grid, model)
    units.warn(discretization.equation, model)


def _grouped(t: Tensor, dim: int | None, slot: Quantity, call: Evaluation, size: int) -> Tensor:
    """An input of a batch of calls as one of a call with more groups."""
    if dim is None and slot.role == "model" and len(t) == 1:
        return t
    t = t.expand(size, *t.shape) if dim is None else t.movedim(dim, 0)
    if slot.role == "model" and t.shape[1] < call.groups:
        t = t.expand(size, call.groups, *t.shape[2:])
    return t.reshape(-1, *t.shape[2:])


def _like(gradient: Tensor, value: Tensor) -> Tensor:
    """Summed over groups where all have the same value."""
    return gradient if gradient.shape == value.shape else gradient.sum(0, keepdim=True)


@dataclass(frozen=True)
class _Context:
    """The evaluation that others derive from, and its history."""

    call: Evaluation
    history: SharedHistory | None = None

    def run(
        self,
        backward: bool,
        inputs: Tensors,
        outputs: Sequence[Quantity],
        orders: Mapping[str, Any] | None = None,
    ) -> Tensors:
        """Outputs of a call, with no more directions than these need."""
        # F q does not depend on r, nor F^T r on q.
        roles = {"model", *INJECTED, "gather" if backward else "wavelet"}
        if any(s.role == "model" for s in outputs):
            roles |= {"wavelet"}
        used = {s: s for s in inputs if s.role in roles}
        reached = {o: o for o in outputs if _is_reached(o, used, _INJECTING[backward, o.role])}
        if not reached:
            return {}
        used, reached = _without_plain(*_without_waste(used, reached))
        bits = sorted({b for s in reached.values() for b in _bits(s.component)})
        call = replace(
            self.call,
            backward=backward,
            inputs=tuple(_renumbered(s, bits) for s in used.values()),
            outputs=tuple(_renumbered(s, bits) for s in reached.values()),
            orders={**self.call.orders, **(orders or {})},
        )
        names = tuple(sorted(s.name for s in call.outputs if s.role == "model"))
        if backward and self.history is not None and self.history.parameters == names:
            call = replace(call, history=self.history)
        values = apply(call, [inputs[s] for s in used])
        return dict(zip(reached, values, strict=True))


# Quantities without which an output is zero, by direction and role.
_INJECTING = {
    (False, "gather"): ("wavelet",),
    (True, "wavelet"): ("gather",),
    (True, "model"): ("wavelet", "gather"),
}


def _is_reached(output: Quantity, inputs: Iterable[Quantity], injected: Sequence[str]) -> bool:
    """Whether an output is other than zero.

    Its e are those of one of each injected quantity, and of any number of changes of the model.
    """
    components: dict[str, set[int]] = {}
    for slot in inputs:
        components.setdefault(slot.role, set()).add(slot.component)
    changes = components.get("model", set()) - {0}

    def covers(left: int, roles: Sequence[str]) -> bool:
        if roles:
            some = components.get(roles[0], set())
            return any(c & ~left == 0 and covers(left & ~c, roles[1:]) for c in some)
        lowest = left & -left
        return not left or any(
            c & lowest and c & ~left == 0 and covers(left & ~c, ()) for c in changes
        )

    return covers(output.component, injected)


def _without_waste(inputs: Named, outputs: Named) -> tuple[Named, Named]:
    """Inputs that an output can depend on: their component is a part of its."""
    components = {o.component for o in outputs.values()}
    return {
        quantity: s
        for quantity, s in inputs.items()
        if any(s.component & ~c == 0 for c in components)
    }, outputs


def _without_plain(inputs: Named, outputs: Named) -> tuple[Named, Named]:
    """Without directions along which only what is injected changes: G is linear in that.

    Where all outputs have such a direction, they are those of the change alone.
    """
    for bit in _bits(_union(s.component for s in outputs.values())):
        flag = 1 << bit
        moving = {s.role for s in inputs.values() if s.component & flag}
        linear = len(moving) == 1 and moving <= {"wavelet", "gather"}
        if linear and all(s.component & flag for s in outputs.values()):
            (role,) = moving
            inputs = {
                quantity: replace(s, component=s.component & ~flag)
                for quantity, s in inputs.items()
                if s.role != role or s.component & flag
            }
            outputs = {o: replace(s, component=s.component & ~flag) for o, s in outputs.items()}
            inputs, outputs = _without_waste(inputs, outputs)
    return inputs, outputs


def _union(components: Iterable[int]) -> int:
    return reduce(or_, components, 0)


def _bits(component: int) -> list[int]:
    return [b for b in range(component.bit_length()) if component >> b & 1]


def _renumbered(slot: Quantity, bits: Sequence[int]) -> Quantity:
    """A slot whose component has these bits as its lowest ones."""
    component = sum(1 << i for i, b in enumerate(bits) if slot.component >> b & 1)
    return replace(slot, component=component)


def _whole(call: Evaluation, inputs: Tensors, cotangents: Tensors) -> tuple[Tensors, int]:
    """Components of p, q and r whose G has the sum of all <cotangent, output> as its last one."""
    last = 2**call.n_directions - 1
    if not call.backward:
        return {
            **inputs,
            **{Quantity("gather", last ^ s.component): v for s, v in cotangents.items()},
        }, last
    new = last + 1
    more = {replace(s, component=new | (last ^ s.component)): v for s, v in cotangents.items()}
    return {**inputs, **more}, last | new


def _gradients(
    context: _Context, inputs: Tensors, last: int, needed: Sequence[Quantity]
) -> Tensors:
    """Derivatives of the last component of G."""
    gradients: Tensors = {}
    outputs_by_direction: dict[bool, dict[Quantity, Quantity]] = {False: {}, True: {}}
    for slot in needed:
        if slot.role not in INJECTED:
            output = replace(slot, component=last ^ slot.component)
            outputs_by_direction[slot.role != "gather"][slot] = output
        else:
            gradients |= {slot: _by_positions(context, inputs, last, slot)}
    for backward, outputs in outputs_by_direction.items():
        if outputs:
            values = context.run(backward, inputs, list(dict.fromkeys(outputs.values())))
            gradients |= {slot: values[o] for slot, o in outputs.items() if o in values}
    return gradients


def _by_positions(context: _Context, inputs: Tensors, last: int, slot: Quantity) -> Tensor:
    """Derivative of the last component of G with respect to positions."""
    positions, role = inputs[slot], INJECTED[slot.role]
    there = {s.component: t for s, t in inputs.items() if s.role == role}
    outputs = [Quantity(role, last ^ c) for c in there]
    sloped, orders = _sloped(context.call, slot, positions)
    records = context.run(slot.role == "sources", {**inputs, slot: sloped}, outputs, orders)
    total = torch.zeros_like(positions)
    for component, values in there.items():
        record = records.get(Quantity(role, last ^ component))
        if record is not None:
            each = record.reshape(len(positions), positions.shape[2], *values.shape[1:])
            total = total + (each * values[:, None]).sum(-1).movedim(1, 2).to(positions)
    return total


def _sloped(call: Evaluation, slot: Quantity, positions: Tensor) -> tuple[Tensor, dict[str, Any]]:
    """Positions once for each axis, and orders of derivatives that are one more along it."""
    n, ndim = positions.shape[1:]
    orders = np.asarray(call.orders.get(slot.role, np.zeros((n, ndim), dtype=np.int64)))
    raised = np.concatenate([orders + axis for axis in np.eye(ndim, dtype=np.int64)])
    return linear_in_all(_along_axes, positions), {slot.role: raised}


def _along_axes(positions: Tensor) -> Tensor:
    """Positions once for each axis."""
    return positions.repeat(1, positions.shape[2], 1)


def _moved(record: Tensor, change: Tensor) -> Tensor:
    """Changes of records, from their slopes along each axis and changes of positions."""
    slopes = record.reshape(len(change), change.shape[2], -1, *record.shape[2:])
    return (slopes * change.movedim(2, 1)[..., None].to(record)).sum(1)


def _dipoles(values: Tensor, change: Tensor) -> Tensor:
    """Dipoles along each axis, for changes of positions."""
    weights = change.movedim(2, 1).reshape(len(change), -1, 1)
    return values.repeat(1, change.shape[2], 1) * weights.to(values)


def _changes(
    context: _Context,
    inputs: Tensors,
    changes: Tensors,
    outputs: Sequence[Quantity],
    n_directions: int,
) -> Tensors:
    """Changes of outputs of a call for changes of its inputs."""
    new = 1 << n_directions
    shifted = {s: t for s, t in changes.items() if s.role not in INJECTED}
    total: Tensors = {}
    if shifted:
        more = {replace(s, component=new | s.component): t for s, t in shifted.items()}
        later = [replace(s, component=new | s.component) for s in outputs]
        values = context.run(context.call.backward, {**inputs, **more}, later)
        total = {s: values[o] for s, o in zip(outputs, later, strict=True) if o in values}
    for slot, change in changes.items():
        if slot.role in INJECTED:
            for output, value in _by_moving(context, inputs, slot, change, outputs).items():
                total[output] = add(total[output], value) if output in total else value
    return total


def _by_moving(
    context: _Context, inputs: Tensors, slot: Quantity, change: Tensor, outputs: Sequence[Quantity]
) -> Tensors:
    """Changes of outputs where sources or receivers move."""
    call, role = context.call, INJECTED[slot.role]
    sloped, orders = _sloped(call, slot, inputs[slot])
    totals: Tensors = {}
    # Outputs that are recorded at the positions.
    there = [s for s in outputs if s.role == role]
    if there:
        records = context.run(call.backward, {**inputs, slot: sloped}, there, orders)
        for output, record in records.items():
            totals[output] = multilinear(_moved, record, change)
    # Outputs that depend on the injection at the positions.
    others = [s for s in outputs if s.role != role]
    injected = [s for s in inputs if s.role == role]
    if others and injected:
        more = {s: multilinear(_dipoles, inputs[s], change) for s in injected}
        totals |= context.run(call.backward, {**inputs, **more, slot: sloped}, others, orders)
    return totals
