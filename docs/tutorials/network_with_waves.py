"""A network with linearised modelling as a layer.

The idea
--------
J(q) takes a change of the squared slowness to the change of a shot record that it makes: Born
modelling. It is a linear layer of 12 000 inputs whose weights need neither be stored nor learned,
because physics knows them. We put it between two ordinary layers,

    network(x) = W3 (J(q) (W1 x + b1) + b2) + b3,        L = mean |network(x) - y|**2,

so that W1 and b1 make a model of the earth, b2 corrects the record, and W3 and b3 extract numbers
from it. With the residual r = 2 (network(x) - y) / n and the image g = J(q)' W3' r, the chain rule
gives by hand

    dL/dy = -r,      dL/db3 = r,      dL/dW3 = r (J(q)(W1 x + b1) + b2)',
    dL/db2 = W3' r,  dL/db1 = g,      dL/dW1 = g x',      dL/dx = W1' g.

All of them take one Born modelling and one migration: J' is applied once, to get g. (To apply J'
is to propagate the source's waves once more, as they are not kept, and the residual backwards.) We
check the gradients by these formulas and by finite differences, and count the propagations.

Run it with a folder for its picture: python docs/tutorials/network_with_waves.py FOLDER
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, time_axis, times
from fwicli.autograd import Jacobian, Simulation, forward, jacobian_adjoint, rules

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/network_with_waves")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)

# --- 1. The layer of waves ------------------------------------------------------------------------
#
# 120 x 100 points, 10 m apart; 1.4 km/s, and 4 km/s from half depth; one source, 120 receivers,
# a Ricker wavelet of 10 Hz, and 1 s. J is taken in this model.

grid = Grid(shape=(120, 100), spacing=(10.0, 10.0), origin=(0.0, 0.0))
vp = torch.full(grid.shape, 1400.0)  # m/s
vp[:, 50:] = 4000.0
m = vp**-2  # s2/m2
axis = time_axis(0.004, 251, vp_max=4000.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=4000.0, frequency=10.0)
receivers = torch.stack([torch.linspace(50, 1150, 120), torch.full((120,), 50.0)], dim=1)  # m
source = torch.tensor([[600.0, 20.0]])
waves = Simulation(Discretization("acoustic", grid, axis, layer), source, receivers)
q = torch.from_numpy(ricker(times(0.004, 251), 10.0))[None]

# Numbers that are far from 1 are a nuisance for optimizers: the layer takes dm in units of 1 % of
# the squared slowness at the top, and gives records in units of the direct wave.
unit = 0.01 * m.max()
loudness = forward(waves, m, q).abs().max()


# --- 2. The network -------------------------------------------------------------------------------


class Network(torch.nn.Module):
    """W3 (J (W1 x + b1) + b2) + b3."""

    def __init__(self, inputs=10, outputs=10):
        super().__init__()
        self.first = torch.nn.Linear(inputs, grid.shape[0] * grid.shape[1])  # W1, b1
        self.waves = Jacobian(waves, m, q)
        self.b2 = torch.nn.Parameter(1e-4 * torch.randn(120 * 251))
        self.last = torch.nn.Linear(120 * 251, outputs)  # W3, b3

    def born(self, x):
        """J (W1 x + b1), a shot record."""
        return self.waves(unit * self.first(x).view(grid.shape)) / loudness

    def forward(self, x):
        """Return network(x)."""
        return self.last(self.born(x).flatten() + self.b2)


network = Network()
x, y = torch.randn(10), torch.randn(10)

# Weights may be anything; these give pictures that can be read. W1 draws ten reflectors, so that x
# is their strengths, and W3 compares the record with those of the ten, which is what migration
# does. `vmap` propagates for all ten in one call.
X, Z = torch.meshgrid(10.0 * torch.arange(120), 10.0 * torch.arange(100), indexing="ij")
with torch.no_grad():
    for n in range(10):
        across, depth = 150 + 100 * n, 130 + 80 * (3 * n % 10)  # m
        ridge = torch.exp(-(((Z - depth) / 12) ** 2) - ((X - across) / 110) ** 2)
        network.first.weight[:, n] = ridge.flatten()
    network.first.bias[:] = 0.02 * torch.randn(grid.shape[0] * grid.shape[1])
    columns = network.first.weight.T.reshape(10, *grid.shape)
    records = torch.func.vmap(lambda column: network.waves(unit * column))(columns).flatten(1)
    network.last.weight[:] = records / loudness / (records / loudness).norm(dim=1, keepdim=True)
x.requires_grad_()
y.requires_grad_()
arguments = {
    "x": x,
    "y": y,
    "W1": network.first.weight,
    "b1": network.first.bias,
    "b2": network.b2,
    "W3": network.last.weight,
    "b3": network.last.bias,
}


def loss():
    """L."""
    return torch.nn.functional.mse_loss(network(x), y)


# --- 3. Propagations, counted ---------------------------------------------------------------------
#
# Every derivative of waves is an `Evaluation` (see `fwicli.simulation`), which `run` computes. We
# count them: without directions (n_directions = 0) an evaluation forwards is F, and one backwards
# with a gradient is J', "adjoint Born"; with one direction, an evaluation forwards is J, "Born".

counts = Counter()
plain_run = rules.run


def counting_run(call, arrays):
    """Count a call, and run it."""
    made = {slot.role for slot in call.outputs}
    kinds = {
        (False, 0): "forward",
        (False, 1): "Born",
        (True, 0): "adjoint Born" if "model" in made else "adjoint",
    }
    counts[kinds.get((call.backward, call.n_directions), "higher")] += call.groups * call.shots
    return plain_run(call, arrays)


def gradients_of(*names):
    """Gradients of L for some arguments, and what was propagated for them."""
    for name, tensor in arguments.items():
        tensor.requires_grad_(name in names)
    counts.clear()
    rules.run = counting_run
    try:
        found = torch.autograd.grad(loss(), [arguments[n] for n in names])
    finally:
        rules.run = plain_run
    return dict(zip(names, found, strict=True)), dict(counts)


gradients, needed = gradients_of(*arguments)
assert needed == {"Born": 1, "adjoint Born": 1}
print("all seven gradients:", needed)
# What lies behind the layer of waves, as seen from the loss, needs no waves of its own.
for names in (("y",), ("b3",), ("W3",), ("b2",), ("y", "b2", "W3", "b3")):
    assert gradients_of(*names)[1] == {"Born": 1}, names
# What lies before it needs J' once, be it one of them or all.
for names in (("x",), ("W1",), ("b1",)):
    assert gradients_of(*names)[1] == {"Born": 1, "adjoint Born": 1}, names
# Without gradients, there is nothing but the network.
counts.clear()
rules.run = counting_run
with torch.no_grad():
    network(x)
rules.run = plain_run
assert counts == {"Born": 1}
print("y, b2, W3, b3, and no gradients at all:", dict(counts))

# --- 4. The gradients by hand ---------------------------------------------------------------------

with torch.no_grad():
    W1, b1, b2, W3, b3 = (arguments[n] for n in ("W1", "b1", "b2", "W3", "b3"))
    record = network.born(x)
    r = 2 * (W3 @ (record.flatten() + b2) + b3 - y) / len(y)
    back = (W3.T @ r).view(record.shape)
    g = unit / loudness * jacobian_adjoint(waves, m, q, back).flatten()
    by_hand = {
        "x": W1.T @ g,
        "y": -r,
        "W1": torch.outer(g, x),
        "b1": g,
        "b2": back.flatten(),
        "W3": torch.outer(r, record.flatten() + b2),
        "b3": r,
    }
for name, value in by_hand.items():
    assert (gradients[name] - value).norm() < 1e-13 * value.norm(), name

# --- 5. The gradients by finite differences -------------------------------------------------------
#
# Along a random direction v of one argument, L is a parabola, of which a central difference
#
#     (L(a + h v) - L(a - h v)) / (2 h) = dL/da v
#
# has the slope exactly, up to rounding. Along a direction of all arguments at once it is not, and
# the error falls with h**2.


def moved(directions, h):
    """L with the arguments moved by h along directions."""
    with torch.no_grad():
        for name, v in directions.items():
            arguments[name] += h * v
        value = loss()
        for name, v in directions.items():
            arguments[name] -= h * v
    return value


directions = {}
for name, tensor in arguments.items():
    v = torch.randn_like(tensor)
    directions[name] = v * tensor.detach().norm() / v.norm()
    h, slope = 0.5, (gradients[name] * directions[name]).sum()
    difference = (moved({name: directions[name]}, h) - moved({name: directions[name]}, -h)) / 2 / h
    error = abs(difference / slope - 1).item()
    print(f"dL/d{name:3s} finite differences: relative error {error:.0e}")
    assert error < 1e-9, name

slope = sum((gradients[n] * v).sum() for n, v in directions.items())
steps = [0.04, 0.02]
errors = [abs((moved(directions, h) - moved(directions, -h)) / 2 / h - slope).item() for h in steps]
assert abs(np.log2(errors[0] / errors[1]) - 2) < 0.02
print(f"all at once, error of steps {steps}: {errors[0] / slope:.1e}, {errors[1] / slope:.1e}")

# --- 6. What is in the layer can be learned, too --------------------------------------------------
#
# J depends on the wavelet q and on the model m in which it is taken. Both have gradients:
# d(J dm)/dq is a linear matter, d(J dm)/dm a second derivative of F.

q_free, m_free = q.clone().requires_grad_(), m.clone().requires_grad_()
inner = Network()
inner.load_state_dict(network.state_dict())
inner.waves = Jacobian(waves, m_free, q_free)


def inner_loss(m, q):
    """L with another model and wavelet in the layer."""
    layer_inputs = {"waves.model_m": m, "waves.wavelet": q}
    return torch.nn.functional.mse_loss(torch.func.functional_call(inner, layer_inputs, x), y)


by_m, by_q = torch.autograd.grad(inner_loss(m_free, q_free), (m_free, q_free))
v = torch.randn_like(q)
with torch.no_grad():
    by_difference = (inner_loss(m, q + v) - inner_loss(m, q - v)) / 2
assert abs(by_difference / (by_q * v).sum() - 1) < 1e-9
v = m * torch.randn(30, 25).repeat_interleave(4, 0).repeat_interleave(4, 1)
with torch.no_grad():
    h = 1e-5
    by_difference = (inner_loss(m + h * v, q) - inner_loss(m - h * v, q)) / 2 / h
error = abs(by_difference / (by_m * v).sum() - 1).item()
assert error < 1e-5
print(f"dL/dm of the layer's own model: relative error {error:.0e}")

# --- 7. The picture -------------------------------------------------------------------------------

change = network.first(x).detach().view(grid.shape)
image = gradients["b1"].view(grid.shape)
extent = (0, 1.19, 0.99, 0)
figure = Figure(figsize=(12, 8.2), layout="constrained")
axes = figure.subplots(2, 2)


def section(axes, values, title, label, colours, largest=None):
    """Draw a vertical section."""
    limits = {} if largest is None else {"vmin": -largest, "vmax": largest}
    drawn = axes.imshow(values.T, extent=extent, cmap=colours, **limits)
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.9)
    axes.set(xlabel="x [km]", ylabel="depth [km]", title=title)


section(axes[0, 0], vp / 1000, "Where J is taken: vp", "vp [km/s]", "turbo")
axes[0, 0].plot(receivers[::6, 0] / 1000, receivers[::6, 1] / 1000, "wv", ms=4, label="receivers")
axes[0, 0].plot(0.6, 0.02, "r*", ms=9, label="source")
axes[0, 0].legend(loc="lower right", fontsize=8)
section(axes[0, 1], change, "W1 x + b1, a change of m", "share of m at the top [%]", "seismic", 2)
loud = record.abs().max().item()
drawn = axes[1, 0].imshow(
    1000 * record.T,
    extent=(0.05, 1.15, 1, 0),
    aspect="auto",
    cmap="gray_r",
    vmin=-300 * loud,
    vmax=300 * loud,
)
figure.colorbar(drawn, ax=axes[1, 0], label="share of the direct wave [1/1000]", shrink=0.9)
axes[1, 0].set(xlabel="x of the receiver [km]", ylabel="time [s]", title="J (W1 x + b1), a record")
share = image / image.abs().max()
section(axes[1, 1], share, "dL/db1, an image", "relative to its largest", "seismic", 0.3)
figure.savefig(folder / "network.png", dpi=120)

# What one sees: the ten reflectors that W1 draws, with the strengths and signs of x; their record;
# and the gradient for b1, which is a migrated image of what W3 makes of the residual. Its arcs go
# through all places of a reflector that one source cannot tell from each other; its broad stripes
# above the interface are the paths of waves, for the interface in m sends them back up.
