"""The model as the output of a network: full-waveform inversion for its weights.

    python docs/tutorials/network_as_model.py [FOLDER]

Idea
----
Instead of the velocities at all grid points, look for the weights w of a network whose output is
the velocity model:

    minimise over w    phi(w) = 1/2 |F(m) q - d|**2 / |d|**2,      m = 1 / v**2,
                       v = v0 + 250 m/s * tanh(N(w; z))

    v0   start [m/s]                    z    a fixed array of random numbers, the network's input
    q    source time functions [Pa]     d    observed, noisy records [Pa]

Nothing is learned from examples: this one data set is all there is. What matters is what the
network produces easily. Convolutions and upsampling make smooth, coherent shapes in a few steps of
an optimizer, and noise-like roughness only after many. The architecture acts as regularization, a
`deep image prior`.

For the wave equation nothing changes. Its part of the chain rule is the usual gradient,

    dphi/dw = (dv/dw)^T (-2 / v**3) J(m)^T r,        r = (F(m) q - d) / |d|**2

and the network's own backward pass does the rest.

References: Ulyanov et al. (2018), CVPR, 9446-9454 (deep image prior); Wu and McMechan (2019),
Geophysics 84, R881-R896; Zhu et al. (2022), Geophysics 87, R93-R109 (networks in FWI).
"""

import sys
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, subsampling, time_axis, times
from fwicli.autograd import Simulation, forward, jacobian_adjoint

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/network_as_model")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_num_threads(1)

# 1. The experiment
# -----------------
# 600 m x 400 m with a slow lens and a fast step below it. Two sources near the surface; receivers
# near the surface and in a gallery below. The noise is strong: half of the records' energy.

INTERVAL, SAMPLES = 0.004, 110
grid = Grid(shape=(61, 41), spacing=(10.0, 10.0), origin=(0.0, 0.0))
axis = time_axis(INTERVAL, SAMPLES, vp_max=2500.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=2500.0, frequency=12.0)
discretization = Discretization("acoustic", grid, axis, layer, history_step=subsampling(axis, 35.0))
sources = np.array([[[120.0, 20.0]], [[480.0, 20.0]]])
offsets = np.arange(20.0, 600.0, 20.0)
receivers = np.array([[x0, z0] for z0 in (20.0, 380.0) for x0 in offsets])
waves = Simulation(discretization, sources, receivers)
wavelet = torch.tensor(ricker(times(INTERVAL, SAMPLES), 12.0), dtype=torch.float32)[None]

x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
lens = ((x - 220) / 110) ** 2 + ((z - 160) / 50) ** 2 < 1
step = (z > 260) & (x > 330)
start = torch.full(grid.shape, 2000.0)
truth = start + torch.tensor(-150.0 * lens + 200.0 * step, dtype=torch.float32)

clean = forward(waves, 1 / truth**2, wavelet)
noise = torch.randn(clean.shape)
observed = clean + 1.0 * clean.norm() / noise.norm() * noise


def phi(v: torch.Tensor) -> torch.Tensor:
    """Misfit of a velocity model."""
    simulated = forward(waves, 1 / v**2, wavelet)
    return 0.5 * ((simulated - observed) ** 2).sum() / (observed**2).sum()


# What noise alone leaves, the misfit of the true model. To get below it is to fit the noise.

with torch.no_grad():
    of_truth = float(phi(truth))
click.echo(f"misfit of the true model {of_truth:.4f}, of the start {phi(start):.4f}")

# 2. The network
# --------------
# From 8 x 6 random numbers in 16 channels, three times doubled in size.


class Decoder(nn.Module):
    """A velocity model from fixed random numbers."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.register_buffer("z", torch.randn(1, channels, 8, 6))
        self.stages = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate") for _ in range(3)
        )
        self.last = nn.Conv2d(channels, 1, 3, padding=1, padding_mode="replicate")
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)

    def forward(self) -> torch.Tensor:
        """Velocities [m/s] on the grid."""
        y = self.z
        for stage in self.stages:
            y = nn.functional.leaky_relu(stage(y), 0.2)
            y = nn.functional.interpolate(y, scale_factor=2, mode="bilinear")
        y = self.last(y)[0, 0, : grid.shape[0], : grid.shape[1]]
        return start + 250.0 * torch.tanh(y)


network = Decoder()
click.echo(
    f"{sum(w.numel() for w in network.parameters())} weights for {start.numel()} grid points"
)

# The chain rule above, once by hand: the image of the residual, scaled to a gradient in v, and sent
# back through the network. Autograd's gradient is the same.

v = network()
weights = list(network.parameters())
automatic = torch.autograd.grad(phi(v), weights, retain_graph=True)
with torch.no_grad():
    r = (forward(waves, 1 / v**2, wavelet) - observed) / (observed**2).sum()
    image = jacobian_adjoint(waves, 1 / v**2, wavelet, r)
    in_v = -2 / v**3 * image
by_hand = torch.autograd.grad(v, weights, grad_outputs=in_v)
for one, other in zip(automatic, by_hand, strict=True):
    assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(one.abs().max()))

# 3. Two inversions with the same optimizer
# -----------------------------------------
# Adam, once for the velocities at all points, once for the weights. Nothing else differs.


class Points(nn.Module):
    """A velocity at every grid point."""

    def __init__(self) -> None:
        super().__init__()
        self.change = nn.Parameter(torch.zeros(grid.shape))

    def forward(self) -> torch.Tensor:
        """Velocities [m/s] on the grid."""
        return start + 250.0 * torch.tanh(self.change)


def error(v: torch.Tensor) -> float:
    """Root mean square of what is wrong, relative to the start."""
    return float((v - truth).norm() / (start - truth).norm())


def invert(model: nn.Module, rate: float, steps: int) -> tuple[torch.Tensor, np.ndarray]:
    """Final model; misfit and model error of each step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        v = model()
        value = phi(v)
        value.backward()
        optimizer.step()
        history.append((value.item(), error(v.detach())))
    return model().detach(), np.array(history)


STEPS = 25
by_points, points = invert(Points(), 0.08, STEPS)
by_network, weights_history = invert(network, 0.01, STEPS)
for name, history in (("points", points), ("network", weights_history)):
    click.echo(
        f"{name}: misfit {history[-1, 0]:.4f}, model error {history[-1, 1]:.2f}, "
        f"at best {history[:, 1].min():.2f}"
    )

# Point by point, the misfit falls below that of the truth: noise is being fitted, and the model
# ends farther from the truth than it started. With the network, the misfit comes down to about
# that of the truth and stays, and the model improves.

assert points[-1, 0] < of_truth < weights_history[-1, 0]
assert points[-1, 1] > 1.2
assert weights_history[-1, 1] < 0.8

# How rough the two are: the energy of differences from point to point.


def roughness(v: torch.Tensor) -> float:
    """Root mean square of differences between neighbours [m/s]."""
    return float(torch.cat([v.diff(dim=0).ravel(), v.diff(dim=1).ravel()]).pow(2).mean().sqrt())


rough = [roughness(v) for v in (truth, by_points, by_network)]
click.echo("roughness of truth, points, network: " + ", ".join(f"{r:.1f} m/s" for r in rough))
assert rough[1] > 3 * rough[2]

# The prior is in the architecture, so it is not free: the lens and the step come out rounded, and
# another network or rate would round them differently. And it delays the fit of noise, it does not
# prevent it: with many more iterations this network, with more weights than the grid has points,
# would come to fit the noise as well.

# 4. Pictures
# -----------

EXTENT = [0, 0.6, 0.4, 0]
figure = Figure(figsize=(11, 5), layout="constrained")
axes = figure.subplots(2, 3).ravel()
panels = {"true model": truth, "a velocity at each point": by_points, "network": by_network}
for place, (name, v) in zip(axes, panels.items(), strict=False):
    picture = place.imshow(v.T / 1000, extent=EXTENT, cmap="turbo", vmin=1.75, vmax=2.25)
    place.plot(*(receivers.T / 1000), "wv", ms=3, mec="k", mew=0.4)
    place.plot(*(sources[:, 0].T / 1000), "r*", ms=9, mec="k", mew=0.5)
    place.set(title=name, xlabel="x [km]", ylabel="depth [km]")
figure.colorbar(picture, ax=axes[2], label="vp [km/s]")
duration = 1000 * INTERVAL * SAMPLES
most = float(3 * clean.std())
gather = observed[0, : len(offsets)].T
axes[3].imshow(
    gather, extent=[0.02, 0.58, duration, 0], aspect="auto", cmap="gray", vmin=-most, vmax=most
)
axes[3].set(title="a record at the surface", xlabel="x [km]", ylabel="time [ms]")
iterations = np.arange(STEPS)
for history, name in ((points, "points"), (weights_history, "network")):
    axes[4].plot(iterations, history[:, 0], label=name)
    axes[5].plot(iterations, history[:, 1], label=name)
axes[4].axhline(of_truth, color="k", lw=1, ls="--", label="true model")
axes[4].set(title="misfit", xlabel="iteration", ylabel="1/2 |Fq - d|² / |d|²")
axes[5].axhline(1, color="k", lw=1, ls="--", label="start")
axes[5].set(title="model error / that of the start", xlabel="iteration")
for place in axes[4:]:
    place.legend(fontsize=8)
    place.grid(alpha=0.3)
figure.savefig(folder / "inversions.png", dpi=110)
