"""Full-waveform inversion with an optimizer of PyTorch and a misfit of one's own.

    python docs/tutorials/inversion_with_torch_optimizer.py [FOLDER]

Idea
----
Waves of known sources have been recorded. We look for the velocities v(x, z) [m/s] with which a
simulation gives the same records:

    minimise over v    phi(v) = misfit(F(m) q, d),        m = 1 / v**2

    q    source time functions [Pa]              F(m) q    simulated records s [Pa]
    d    observed records [Pa]                   m         squared slowness [s2/m2]

The gradient follows by the chain rule, from right to left:

    adjoint source    a = d(misfit)/ds           a small array operation
    image             g = J(m)^T a               waves: the source's, and a sent in at the receivers
    chain rule        dphi/dv = -2 g / v**3      another array operation

PyTorch knows the first and the third; `fwicli.autograd.forward` teaches it the second. Whatever we
write in tensors before and after the waves is then differentiated with them: a misfit is two lines,
and all optimizers of `torch.optim` are at hand.

Here the receivers have been planted badly: each of them records with an unknown strength, the same
for all shots. A misfit that compares amplitudes explains these strengths by velocities that are
not there. One that compares shapes does not see them.

References: Tarantola (1984), Geophysics 49, 1259-1266 (inversion); Choi and Alkhalifah (2012),
Geophysical Prospecting 60, 502-516 (correlation); Kingma and Ba (2015), ICLR (Adam).
"""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.figure import Figure

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, subsampling, time_axis, times
from fwicli.autograd import Simulation, forward

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/inversion_with_torch_optimizer")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_num_threads(1)

# 1. The experiment
# -----------------
# 600 m x 400 m, a point every 10 m. Sources near the surface, receivers near the surface and in a
# gallery below. Gradients need the waves of the source once more; storing every n-th step of
# them, as densely as signals up to 35 Hz need it, saves time.

INTERVAL, SAMPLES = 0.004, 110
grid = Grid(shape=(61, 41), spacing=(10.0, 10.0), origin=(0.0, 0.0))
axis = time_axis(INTERVAL, SAMPLES, vp_max=2500.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=2500.0, frequency=12.0)
discretization = Discretization("acoustic", grid, axis, layer, history_step=subsampling(axis, 35.0))

x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
sources = np.array([[[x0, 20.0]] for x0 in (100.0, 300.0, 500.0)])
offsets = np.arange(20.0, 600.0, 40.0)
receivers = np.array([[x0, z0] for z0 in (20.0, 380.0) for x0 in offsets])
waves = Simulation(discretization, sources, receivers)
wavelet = torch.tensor(ricker(times(INTERVAL, SAMPLES), 12.0))[None]


def blob(x0: float, z0: float, radius: float) -> np.ndarray:
    """A round anomaly of height 1."""
    return np.exp(-((x - x0) ** 2 + (z - z0) ** 2) / radius**2)


start = torch.tensor(1800.0 + z)
truth = start + torch.tensor(200 * blob(200, 200, 70) - 200 * blob(410, 190, 60))

# The observed records: those of the true model, times the strength of each receiver.
generator = np.random.default_rng(0)
strength = torch.tensor(np.exp(0.4 * generator.standard_normal((len(receivers), 1))))
clean = forward(waves, 1 / truth**2, wavelet)
observed = strength * clean

# 2. Two misfits
# --------------
# Least squares compares every sample,
#
#     phi = 1/2 sum (s - d)**2 / sum d**2.
#
# The correlation of a trace s with its d is 1 if they have the same shape,
#
#     phi = mean over traces of  1 - <s, d> / (|s| |d|).

Misfit = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def least_squares(s: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """Half the energy of the residual, relative to that of the data."""
    return 0.5 * ((s - d) ** 2).sum() / (d**2).sum()


def correlation(s: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """One minus the normalised correlation at lag zero, mean over traces."""
    return (1 - (s * d).sum(-1) / (s.norm(dim=-1) * d.norm(dim=-1))).mean()


# The correlation does not see the strength of a trace; least squares takes it for a residual.

assert abs(correlation(clean, observed)) < 1e-12
assert least_squares(clean, observed) > 0.03

# Nobody wrote an adjoint source. By hand, with unit vectors s' = s/|s| and d' = d/|d|, it is
#
#     a = -(d' - <s', d'> s') / (|s| n),        n the number of traces,
#
# what d has and s has not; autograd finds the same.

s = forward(waves, 1 / start**2, wavelet).requires_grad_()
(a,) = torch.autograd.grad(correlation(s, observed), s)
with torch.no_grad():
    unit, goal = (t / t.norm(dim=-1, keepdim=True) for t in (s, observed))
    parallel = (unit * goal).sum(-1, keepdim=True)
    by_hand = -(goal - parallel * unit) / s.norm(dim=-1, keepdim=True) / s[..., 0].numel()
assert torch.allclose(a, by_hand, rtol=1e-9, atol=1e-12 * float(a.abs().max()))

# 3. What the optimizer sees
# --------------------------
# The unknowns are not velocities but numbers u of order one, from which velocities are made:
#
#     v = v_start + 100 m/s * S u
#
# with a smoothing S (a Gaussian of 15 m). The chain rule applies 100 S^T to the gradient, without
# our doing: roughness that the data cannot see is not put into the model. Waves are propagated in
# the precision of the tensors that come in: float32 is good enough for the descent and twice as
# fast, float64 for tests.

reach = torch.arange(-4, 5, dtype=torch.float64) * 10.0
bell = torch.exp(-0.5 * (reach / 15.0) ** 2)
kernel = (bell[:, None] * bell[None, :] / bell.sum() ** 2)[None, None]


def velocity(u: torch.Tensor) -> torch.Tensor:
    """Velocities [m/s] from the unknowns."""
    smooth = torch.nn.functional.conv2d(u[None, None], kernel.to(u), padding=4)[0, 0]
    return start.to(u) + 100.0 * smooth


def phi(u: torch.Tensor, misfit: Misfit) -> torch.Tensor:
    """The function that is minimised."""
    simulated = forward(waves, 1 / velocity(u) ** 2, wavelet.to(u))
    return misfit(simulated, observed.to(u))


# The test of every gradient: its product with a direction is the slope along this direction. What
# is left comes from the steps that were not kept.

u = torch.zeros(grid.shape, dtype=torch.float64, requires_grad=True)
direction = torch.randn(grid.shape, dtype=torch.float64)
(gradient,) = torch.autograd.grad(phi(u, correlation), u)
with torch.no_grad():
    h = 1e-3
    slope = (phi(u + h * direction, correlation) - phi(u - h * direction, correlation)) / (2 * h)
    relative = abs((gradient * direction).sum() - slope) / abs(slope)
click.echo(f"gradient against central differences: {relative:.1e}")
assert relative < 1e-2

# 4. Three inversions
# -------------------
# Adam steps in every unknown by about its learning rate, whatever the size of the gradient; it
# needs no line search, and one evaluation a step. L-BFGS learns curvature from the last gradients;
# PyTorch asks for a `closure` that it may call several times a step. Its first step is the
# gradient, or that of length one if it is longer: the factor of 1000 makes it longer.


def error(v: torch.Tensor) -> float:
    """Root mean square of what is wrong, relative to the start."""
    return float((v - truth).norm() / (start - truth).norm())


def adam(misfit: Misfit, steps: int) -> tuple[torch.Tensor, list[float]]:
    """Model and values of the misfit."""
    u = torch.zeros(grid.shape, requires_grad=True)
    optimizer = torch.optim.Adam([u], lr=0.3)
    values = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = phi(u, misfit)
        value.backward()
        optimizer.step()
        values.append(value.item())
    return velocity(u).detach().double(), values


def lbfgs(misfit: Misfit, evaluations: int) -> tuple[torch.Tensor, list[float]]:
    """Model and values of the misfit."""
    u = torch.zeros(grid.shape, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [u], max_iter=evaluations, max_eval=evaluations, line_search_fn="strong_wolfe"
    )
    values = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = 1000 * phi(u, misfit)
        value.backward()
        values.append(value.item())
        return value

    optimizer.step(closure)
    return velocity(u).detach().double(), values


STEPS = 12
found = {
    "least squares, Adam": adam(least_squares, STEPS),
    "correlation, Adam": adam(correlation, STEPS),
    "correlation, L-BFGS": lbfgs(correlation, STEPS),
}
for name, (v, values) in found.items():
    click.echo(
        f"{name}: misfit to {values[-1] / values[0]:.3f} and model error to {error(v):.2f} "
        f"of the start"
    )

# Least squares explains the strengths of the receivers by velocities: its misfit falls, and the
# model gets worse than the start. The correlation finds the anomalies; and L-BFGS gets farther
# than Adam with as many evaluations.

errors = [error(v) for v, _ in found.values()]
falls = [values[-1] / values[0] for _, values in found.values()]
assert falls[0] < 0.9
assert errors[0] > 1.2
assert falls[1] < 0.2
assert errors[1] < 0.8
assert falls[2] < 0.5 * falls[1]
assert errors[2] < 0.6

# 5. Pictures
# -----------

EXTENT = [0, 0.6, 0.4, 0]
figure = Figure(figsize=(11, 5), layout="constrained")
panels = {"true model": truth, "start": start, **{name: v for name, (v, _) in found.items()}}
axes = figure.subplots(2, 3).ravel()
for place, (name, v) in zip(axes, panels.items(), strict=False):
    picture = place.imshow(v.T / 1000, extent=EXTENT, cmap="turbo", vmin=1.7, vmax=2.3)
    place.plot(*(receivers.T / 1000), "wv", ms=4, mec="k", mew=0.5)
    place.plot(*(sources[:, 0].T / 1000), "r*", ms=9, mec="k", mew=0.5)
    place.set(title=name, xlabel="x [km]", ylabel="depth [km]")
figure.colorbar(picture, ax=axes, label="vp [km/s]", shrink=0.7, location="right")
for name, (_, values) in found.items():
    axes[-1].semilogy(np.array(values) / values[0], label=name)
axes[-1].set(title="misfit / that of the start", xlabel="evaluations")
axes[-1].legend(fontsize=8)
axes[-1].grid(alpha=0.3)
figure.savefig(folder / "inversions.png", dpi=110)

number = len(offsets) + 4
figure = Figure(figsize=(7, 3.2), layout="constrained")
axes = figure.subplots()
milliseconds = 1000 * times(INTERVAL, SAMPLES)
axes.plot(
    milliseconds, observed[1, number], "k", lw=2, label="observed: true model, strength unknown"
)
axes.plot(milliseconds, s[1, number].detach(), "C3--", label="start")
with torch.no_grad():
    best = forward(waves, 1 / found["correlation, L-BFGS"][0] ** 2, wavelet)
axes.plot(milliseconds, best[1, number], "C0", label="correlation, L-BFGS")
axes.set(
    title=f"a receiver at x = {receivers[number, 0]:.0f} m in the gallery",
    xlabel="time [ms]",
    ylabel="pressure [Pa]",
)
axes.legend(fontsize=8)
figure.savefig(folder / "traces.png", dpi=110)
