"""Least-squares migration with learned updates: a loop, unrolled into a network.

    python docs/tutorials/g_unrolled_lsrtm.py [FOLDER]

Idea
----
In a smooth background m0 [s2/m2], records of reflected waves are nearly linear in what is added to
it:

    d = J x + noise,            J = J(m0) q

    x    perturbation of squared slowness [s2/m2]      d    reflected waves [Pa]

Least-squares migration minimises 1/2 |J x - d|**2, for example by gradient descent from x = 0:

    g_k = J^T (J x_k - d),              x_(k+1) = x_k - s_k g_k

Few iterations leave an image that is blurred and has no low wavenumbers, as d has no low
frequencies. But we know more than d: the earth here is layered. Instead of saying so by a formula,
show examples. Each update becomes a small network, which sees the state and its gradient,

    x_(k+1) = x_k + N_k(x_k, g_k),       k = 0, ..., K - 1

and its weights w minimise the error of the result over random layered models x:

    L(w) = mean of |x_K(w; J x + noise) - x|**2 / |x|**2

The physics stays where it was: J and J^T are called in every iteration, for what was recorded; the
network learns only what to do with the gradient. Its training needs the derivative of x_K with
respect to the weights of *all* N_k, through J and J^T between them. These are layers like any
others: `fwicli.autograd` has their derivatives.

References: Adler and Oektem (2017), Inverse Problems 33, 124007 (learned gradient schemes);
Hauptmann et al. (2018), IEEE Transactions on Medical Imaging 37, 1382-1393 (training one iteration
after the other where J is expensive); Nemeth et al. (1999), Geophysics 64, 208-221 (LSRTM).
"""

import sys
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from fwicli import AbsorbingLayer, Discretization, Grid, time_axis
from fwicli.autograd import Jacobian, JacobianAdjoint, Waves
from fwicli.propagators.history import subsampling
from fwicli.survey.wavelets import ricker, times

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/g_unrolled_lsrtm")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_num_threads(1)

# 1. The survey
# -------------
# A shot in the middle of a section of 600 m x 400 m, receivers near the surface. What reflects lies
# below 80 m; above we know the model.

INTERVAL, SAMPLES = 0.004, 150
grid = Grid(shape=(61, 41), spacing=(10.0, 10.0), origin=(0.0, 0.0))
axis = time_axis(INTERVAL, SAMPLES, vp_max=2500.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=2500.0, frequency=15.0)
discretization = Discretization("acoustic", grid, axis, layer, every=subsampling(axis, 40.0))
source = np.array([[300.0, 20.0]])
receivers = np.array([[x0, 20.0] for x0 in np.arange(20.0, 600.0, 20.0)])
waves = Waves(discretization, source, receivers)
wavelet = torch.tensor(ricker(times(INTERVAL, SAMPLES), 15.0), dtype=torch.float32)[None]

background = torch.full(grid.shape, 1 / 2000.0**2)
depth = torch.tensor(grid.coordinates(1), dtype=torch.float32)
below = torch.clip((depth - 60) / 40, 0, 1)

# Numbers of order one for the network: x in units of 1e-8 s2/m2, a change of vp by 40 m/s; and the
# receivers' records in units in which J is about 1 (its largest singular value, by the power
# iteration: J^T J again and again turns everything into its strongest eigenvector).

born, migrate = Jacobian(waves, background, wavelet), JacobianAdjoint(waves, background, wavelet)
unit = 1e-8


def model(x: torch.Tensor) -> torch.Tensor:
    """J x: from a perturbation to records."""
    return born(unit * below * x) / scale


def image(d: torch.Tensor) -> torch.Tensor:
    """J^T d: from records to an image."""
    return unit * below * migrate(d / scale)


scale = 1.0
with torch.no_grad():
    v = torch.randn(grid.shape)
    for _ in range(6):
        v = image(model(v / v.norm()))
scale = float(v.norm().sqrt())

with torch.no_grad():
    x, d = torch.randn(grid.shape), torch.randn(len(receivers), SAMPLES)
    left, right = (model(x) * d).sum(), (x * image(d)).sum()
    click.echo(f"dot test: {left:.6f} {right:.6f}")
    norms = model(x).norm() * d.norm()
assert abs(left - right) < 1e-3 * norms

# 2. Random layered models
# ------------------------


def layered(generator: np.random.Generator) -> torch.Tensor:
    """Layers of random thickness and velocity, slightly bent and tilted."""
    x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
    tilt, bend = 0.12 * generator.standard_normal(), 15 * generator.standard_normal()
    z = z - tilt * (x - 300) - bend * np.sin(2 * np.pi * (x / 600 + generator.random()))
    tops = np.sort(generator.uniform(100, 400, size=4))
    values = np.concatenate([[0.0], generator.uniform(-2.0, 2.0, size=4)])
    return torch.tensor(values[np.searchsorted(tops, z)] * below.numpy(), dtype=torch.float32)


def recorded(x: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """J x and 5 % of noise."""
    d = model(x)
    noise = torch.tensor(generator.standard_normal(d.shape), dtype=torch.float32)
    return d + 0.05 * d.norm() / noise.norm() * noise


generator = np.random.default_rng(1)
with torch.no_grad():
    truths = [layered(generator) for _ in range(13)]
    records = [recorded(x, generator) for x in truths]
train, held = slice(0, 12), 12


def error(x: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Relative squared error."""
    return ((x - truth) ** 2).sum() / (truth**2).sum()


# 3. Gradient descent
# -------------------
# With the best step along every gradient, s = |g|**2 / |J g|**2.

ITERATIONS = 3


def descent(d: torch.Tensor) -> list[torch.Tensor]:
    """Iterates of steepest descent with exact line search."""
    iterates = [torch.zeros(grid.shape)]
    for _ in range(ITERATIONS):
        g = image(model(iterates[-1]) - d)
        iterates.append(iterates[-1] - (g**2).sum() / (model(g) ** 2).sum() * g)
    return iterates


# 4. Learned updates
# ------------------
# Three convolutions that see x, g, and the depth.


class Update(nn.Module):
    """What is added to x: N(x, g)."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, (5, 9), padding=(2, 4)),
            nn.ReLU(),
            nn.Conv2d(width, width, (5, 9), padding=(2, 4)),
            nn.ReLU(),
            nn.Conv2d(width, 1, (5, 9), padding=(2, 4)),
        )

    def forward(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """The update, for a batch of states."""
        ramp = (depth / 400 - 0.5).expand_as(x)
        return below * self.layers(torch.stack([x, 10 * g, ramp], dim=1))[:, 0]
