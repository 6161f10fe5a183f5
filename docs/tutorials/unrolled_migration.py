"""Least-squares migration with learned updates: a loop, unrolled into a network.

    python docs/tutorials/unrolled_migration.py [FOLDER]

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

import copy
import sys
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, subsampling, time_axis, times
from fwicli.autograd import Simulation, jacobian, jacobian_adjoint

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/unrolled_migration")
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
discretization = Discretization("acoustic", grid, axis, layer, history_step=subsampling(axis, 40.0))
source = np.array([[300.0, 20.0]])
receivers = np.array([[x0, 20.0] for x0 in np.arange(20.0, 600.0, 20.0)])
waves = Simulation(discretization, source, receivers)
wavelet = torch.tensor(ricker(times(INTERVAL, SAMPLES), 15.0), dtype=torch.float32)[None]

background = torch.full(grid.shape, 1 / 2000.0**2)
depth = torch.tensor(grid.coordinates(1), dtype=torch.float32)
below = torch.clip((depth - 60) / 40, 0, 1)

# Numbers of order one for the network: x in units of 1e-8 s2/m2, a change of vp by 40 m/s; and the
# receivers' records in units in which J is about 1 (its largest singular value, by the power
# iteration: J^T J again and again turns everything into its strongest eigenvector).

unit = 1e-8


def model(x: torch.Tensor) -> torch.Tensor:
    """J x: from a perturbation to records."""
    change = unit * below.to(x) * x
    return jacobian(waves, background.to(x), wavelet.to(x), change) / scale


def image(d: torch.Tensor) -> torch.Tensor:
    """J^T d: from records to an image."""
    found = jacobian_adjoint(waves, background.to(d), wavelet.to(d), d / scale)
    return unit * below.to(d) * found


scale = 1.0
with torch.no_grad():
    v = torch.randn(grid.shape)
    for _ in range(6):
        v = image(model(v / v.norm()))
scale = float(v.norm().sqrt())

# J^T is the transpose of J if <J x, J x> = <x, J^T J x>; what is left comes from float32 and from
# the steps that are not kept.

with torch.no_grad():
    x = torch.randn(grid.shape)
    left, right = float((model(x) ** 2).sum()), float((x * image(model(x))).sum())
click.echo(f"dot test: {left:.5f} {right:.5f}")
assert abs(left - right) < 2e-3 * left

# 2. Random layered models
# ------------------------


def layered(generator: np.random.Generator) -> torch.Tensor:
    """Beds of random depth, thickness and velocity, slightly bent and tilted."""
    x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
    tilt, bend = 0.08 * generator.standard_normal(), 10 * generator.standard_normal()
    z = z - tilt * (x - 300) - bend * np.sin(2 * np.pi * (x / 600 + generator.random()))
    x = np.zeros_like(z)
    for top in np.linspace(100, 330, 4) + generator.uniform(0, 40, size=4):
        thickness = generator.uniform(20, 40)
        inside = np.clip(0.5 + (thickness / 2 - abs(z - top - thickness / 2)) / 10, 0, 1)
        x += generator.choice([-1, 1]) * generator.uniform(1, 3) * inside
    return torch.tensor(x * below.numpy(), dtype=torch.float32)


def recorded(x: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """J x and 5 % of noise."""
    d = model(x)
    noise = torch.tensor(generator.standard_normal(d.shape), dtype=torch.float32)
    return d + 0.05 * d.norm() / noise.norm() * noise


generator = np.random.default_rng(1)
with torch.no_grad():
    truths = [layered(generator) for _ in range(18)]
    records = [recorded(x, generator) for x in truths]
train, held = slice(0, 16), range(16, 18)


def relative(x: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Relative squared error, mean over a batch."""
    return (((x - truth) ** 2).sum((-2, -1)) / (truth**2).sum((-2, -1))).mean()


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
# Three convolutions that see the state, its gradient, and the depth; long in z, across layers.


class Update(nn.Module):
    """What is added to x: N(x, g)."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, (3, 7), padding=(1, 3)),
            nn.ReLU(),
            nn.Conv2d(width, width, (3, 7), padding=(1, 3)),
            nn.ReLU(),
            nn.Conv2d(width, 1, (3, 7), padding=(1, 3)),
        )

    def forward(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """The update, for a batch of states."""
        ramp = (depth / 400 - 0.5).to(x).expand_as(x)
        return below.to(x) * self.layers(torch.stack([x, 10 * g, ramp], dim=1))[:, 0]


networks = nn.ModuleList(Update() for _ in range(ITERATIONS))


def unrolled(d: torch.Tensor, networks: nn.ModuleList) -> list[torch.Tensor]:
    """Iterates of the learned scheme."""
    iterates = [torch.zeros(grid.shape).to(d)]
    for network in networks:
        g = image(model(iterates[-1]) - d)
        iterates.append(iterates[-1] + network(iterates[-1][None], g[None])[0])
    return iterates


# 5. Training, one iteration after the other
# ------------------------------------------
# N_k gets the states and gradients that N_0 ... N_(k-1) lead to, and learns to come as near to the
# truth as it can in one update. Waves are needed once for each model and iteration, not for each
# step of the training.
#
# Sixteen models are few. But J is linear, so that -x belongs to -d; and source and receivers lie
# symmetrically, so that the mirror image of x belongs to the mirror image of d. This makes 64.

STEPS = 60

truth = torch.stack(truths[train])
states = torch.zeros_like(truth)
for k, network in enumerate(networks):
    with torch.no_grad():
        pairs = zip(states, records[train], strict=True)
        residuals = [model(x) - d if k else -d for x, d in pairs]
        gradients = torch.stack([image(r) for r in residuals])
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(STEPS):
        some = torch.randperm(len(truth))[:10]
        batch = torch.stack([states[some], gradients[some], truth[some]])
        batch = batch * torch.sign(torch.randn(len(some)))[:, None, None]
        batch = torch.where(torch.rand(len(some))[:, None, None] < 0.5, batch, batch.flip(2))
        x, g, goal = batch
        optimizer.zero_grad()
        loss = relative(x + network(x, g), goal)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    click.echo(f"iteration {k + 1}: relative squared error in training {np.mean(losses[-10:]):.3f}")
    with torch.no_grad():
        states = states + network(states, gradients)

# 6. The derivative of the whole loop
# -----------------------------------
# From here on all N_k can be trained together. The gradient of the final error with respect to all
# weights goes back through every J and J^T; its product with a direction must be the slope along
# it. In float64, as nothing but the tensors says in which precision waves are propagated.

exact = copy.deepcopy(networks).double()
weights = list(exact.parameters())
goal, data = truths[0].double(), records[0].double()
final = relative(unrolled(data, exact)[-1], goal)
gradient = torch.autograd.grad(final, weights)
length = torch.stack([(g**2).sum() for g in gradient]).sum().sqrt()


def moved(h: float) -> float:
    """The final error with all weights moved by h along the gradient."""
    with torch.no_grad():
        for w, g in zip(weights, gradient, strict=True):
            w += h * g / length
        value = relative(unrolled(data, exact)[-1], goal)
        for w, g in zip(weights, gradient, strict=True):
            w -= h * g / length
    return float(value)


slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
click.echo(f"gradient through the loop {length:.5f}, central differences {slope:.5f}")
assert abs(length - slope) < 1e-2 * slope
assert all(float(g.abs().max()) > 0 for g in gradient)

# A step against it lowers the error, as a gradient should; a training of the whole would go on like
# this over all models.

assert moved(-0.01) < final

# 7. Models that were not seen
# ----------------------------
# With as many iterations, so as many calls of J and J^T, the learned scheme is nearer to the
# truth. It has learned to undo the wavelet, which makes three beds of one, and what the survey
# illuminates poorly. Its result still explains the records about as well: what it added is not
# contradicted by them.

with torch.no_grad():
    plain = [descent(records[n]) for n in held]
    learned = [unrolled(records[n], networks) for n in held]
    errors = np.array(
        [
            [[float(relative(x, truths[n])) for x in iterates] for iterates in (a, b)]
            for n, a, b in zip(held, plain, learned, strict=True)
        ]
    )
    rests = [
        [float((model(its[-1]) - records[n]).norm() / records[n].norm()) for its in (a, b)]
        for n, a, b in zip(held, plain, learned, strict=True)
    ]
for number, (a, b) in enumerate(errors):
    click.echo(f"unseen model {number}: squared error {a[-1]:.2f} by descent, {b[-1]:.2f} learned")
of_descent, of_learned = errors[:, :, -1].T
assert (of_learned < of_descent).all()
assert of_learned.mean() < 0.85 * of_descent.mean()
assert (errors[:, 1, -1] < errors[:, 1, 1]).all()
click.echo("residuals of descent, learned: " + ", ".join(f"{a:.2f}, {b:.2f}" for a, b in rests))
assert np.max(rests) < 0.6

# A word of warning: ask for something that was never shown, and the network answers with what it
# knows: beds. A small ball is such a thing. Its records are weak, too, while those of the examples
# were all about as strong, so that nothing told the network what silence means. Physics alone is
# blurred, but it does not invent.

x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
ball = torch.tensor(2.0 * np.exp(-((x - 300) ** 2 + (z - 200) ** 2) / 20**2), dtype=torch.float32)
with torch.no_grad():
    d = model(ball)
    answers = [descent(d)[-1], unrolled(d, networks)[-1]]
of_ball = [float(relative(answer, ball)) for answer in answers]
click.echo(f"a ball: squared error {of_ball[0]:.2f} by descent, {of_ball[1]:.2f} learned")
assert of_ball[0] < 1 < of_ball[1]

# 8. Pictures
# -----------

EXTENT = [0, 0.6, 0.4, 0]
figure = Figure(figsize=(11, 6.2), layout="constrained")
axes = figure.subplots(3, 3)
rows = [
    ("not seen in training", truths[held[0]], plain[0][-1], learned[0][-1]),
    ("not seen in training", truths[held[1]], plain[1][-1], learned[1][-1]),
    ("nothing like it in training", ball, *answers),
]
for row, (name, *sections) in zip(axes, rows, strict=True):
    titles = [name, f"gradient descent, {ITERATIONS} iterations", "learned updates, as many"]
    for place, section, title in zip(row, sections, titles, strict=True):
        picture = place.imshow(section.T, extent=EXTENT, cmap="seismic", vmin=-3, vmax=3)
        place.set(title=title, ylabel="depth [km]")
        place.title.set_fontsize(10)
for place in axes[-1]:
    place.set_xlabel("x [km]")
label = "perturbation of squared slowness [1e-8 s2/m2]"
figure.colorbar(picture, ax=axes, label=label, shrink=0.7)
figure.savefig(folder / "images.png", dpi=110)

figure = Figure(figsize=(5.5, 3.4), layout="constrained")
place = figure.subplots()
for name, colour, (a, b) in zip(("first", "second"), ("C0", "C3"), errors, strict=True):
    place.plot(a, f"{colour}--", label=f"{name} model, gradient descent")
    place.plot(b, f"{colour}o-", label=f"{name} model, learned updates")
place.set(
    title="two models that were not seen in training",
    xlabel="iteration",
    ylabel="relative squared error",
    xticks=range(ITERATIONS + 1),
    ylim=(0, 1.05),
)
place.legend(fontsize=8, handlelength=4)
place.grid(alpha=0.3)
figure.savefig(folder / "errors.png", dpi=110)
