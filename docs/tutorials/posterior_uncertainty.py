"""How sure is the result? Posterior uncertainty from a low-rank Hessian.

    python docs/tutorials/posterior_uncertainty.py [FOLDER]

Idea
----
An inversion ends with one model. Others explain the records as well, within their noise. Bayes'
rule says how probable they are, given what was believed before. For small changes v = v0 + u of
the velocities [m/s], with records d that are linear in u,

    d = J u + e          J    derivative of the records with respect to u
    e ~ N(0, s**2 I)     s    noise [Pa]
    u ~ N(0, C)          C    prior covariance [m2/s2]: how much u may vary, and how smoothly

the posterior is Gaussian as well, with covariance and mean

    P = (J^T J / s**2 + C^-1)^-1,            u1 = P J^T d / s**2

For N grid points P has N**2 numbers. But the records tell only a few things about the model. With
C = L L^T and u = L y, what they tell is in the Hessian of the data term as seen by y,

    H = L^T J^T J L / s**2 = V diag(l_i) V^T,

the prior-preconditioned Gauss-Newton Hessian. An eigenvalue l_i compares what the records say
about direction v_i with what was believed: where l_i >> 1 the records decide, where l_i << 1
nothing was learned. Keeping the eigenpairs that matter, i = 1 ... r,

    P  =  L (I + H)^-1 L^T  =  C - sum_i  l_i / (1 + l_i)  (L v_i)(L v_i)^T
    a sample of P:  L (y + sum_i (1 / sqrt(1 + l_i) - 1) v_i <v_i, y>),        y ~ N(0, I)

The first line reads: posterior variance = prior variance - what the records have taught. The
eigenpairs need products H y only: one Born simulation, and one migration of its result. We get
them from autograd, as a forward-mode product (J y) and a reverse-mode product (J^T r) of the same
function y -> records.

References: Bui-Thanh et al. (2013), SIAM Journal on Scientific Computing 35, A2494-A2523;
Zhu et al. (2016), Geophysics 81, R307-R323 (FWI); Tarantola (2005), Inverse Problem Theory, SIAM;
Golub and Van Loan (2013), Matrix Computations, ch. 10 (Lanczos).
"""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.sparse.linalg import LinearOperator, cg

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, time_axis, times
from fwicli.autograd import Simulation, forward

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/posterior_uncertainty")
folder.mkdir(parents=True, exist_ok=True)
torch.set_num_threads(1)
generator = np.random.default_rng(0)

# 1. The experiment
# -----------------
# 500 m x 300 m; a source on the left, receivers in a borehole on the right and at the surface.
# Waves cross the middle of the section and leave the lower corners in the dark.

INTERVAL, SAMPLES = 0.004, 110
grid = Grid(shape=(51, 31), spacing=(10.0, 10.0), origin=(0.0, 0.0))
axis = time_axis(INTERVAL, SAMPLES, vp_max=2500.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=2500.0, frequency=15.0)
discretization = Discretization("acoustic", grid, axis, layer)
sources = np.array([[20.0, 150.0]])
borehole = [[480.0, z0] for z0 in np.arange(40.0, 270.0, 20.0)]
receivers = np.array(borehole + [[x0, 20.0] for x0 in np.arange(60.0, 480.0, 20.0)])
waves = Simulation(discretization, sources, receivers)
wavelet = torch.tensor(ricker(times(INTERVAL, SAMPLES), 15.0))[None]
background = torch.full(grid.shape, 2000.0, dtype=torch.float64)

# 2. What we believe before
# -------------------------
# Changes of 60 m/s, alike over 60 m: L smooths white noise with a Gaussian along both axes, and
# scales it so that the prior standard deviation is the same everywhere. L is a matrix for each
# axis, L y = 60 A y B^T, and its transpose is L^T u = 60 A^T u B.

DEVIATION, ALIKE = 60.0, 60.0


def smoothing(points: np.ndarray) -> torch.Tensor:
    """Rows are Gaussians of unit norm: what they make of white noise has variance one."""
    rows = np.exp(-(((points[:, None] - points[None]) / ALIKE) ** 2))
    return torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True))


A, B = (smoothing(grid.coordinates(i)) for i in (0, 1))


def prior(y: torch.Tensor) -> torch.Tensor:
    """L y: a velocity change [m/s] from unknowns that are white before any record is seen."""
    return DEVIATION * A @ y @ B.T


prior_variance = DEVIATION**2 * torch.outer((A**2).sum(1), (B**2).sum(1))
assert torch.allclose(prior_variance, torch.full_like(prior_variance, DEVIATION**2))

# 3. The Hessian, without a matrix
# --------------------------------
# Records as a function of y, in units of the noise s: 2 % of the largest amplitude.

with torch.no_grad():
    noise = 0.02 * forward(waves, 1 / background**2, wavelet).abs().max()


def records(y: torch.Tensor) -> torch.Tensor:
    """Records [s] of the model v0 + L y."""
    return forward(waves, 1 / (background + prior(y)) ** 2, wavelet) / noise


zero = torch.zeros(grid.shape, dtype=torch.float64)
base = zero.clone().requires_grad_()
at_base = records(base)


def born(y: torch.Tensor) -> torch.Tensor:
    """J L y / s: forward mode."""
    return torch.func.jvp(records, (zero,), (y,))[1]


def migrate(r: torch.Tensor) -> torch.Tensor:
    """L^T J^T r / s: reverse mode."""
    return torch.autograd.grad(at_base, base, r, retain_graph=True)[0]


def hessian(y: torch.Tensor) -> torch.Tensor:
    """H y."""
    return migrate(born(y))


# It is symmetric and positive, as <a, H a> = |J L a / s|**2. Where there is no residual it is the
# whole second derivative of 1/2 |records(y) - data|**2: differentiating the gradient once more
# gives the same.

a, b = (torch.tensor(generator.standard_normal(grid.shape)) for _ in range(2))
Ha = hessian(a)
assert abs((Ha * b).sum() - (a * hessian(b)).sum()) < 1e-9 * Ha.norm() * b.norm()
assert torch.isclose((a * Ha).sum(), (born(a) ** 2).sum(), rtol=1e-9)

half = 0.5 * ((at_base - at_base.detach()) ** 2).sum()
(gradient,) = torch.autograd.grad(half, base, create_graph=True)
(second,) = torch.autograd.grad(gradient, base, a, retain_graph=True)
click.echo(f"Hessian by double backward: {(second - Ha).norm() / Ha.norm():.1e}")
assert (second - Ha).norm() < 1e-9 * Ha.norm()

# 4. Eigenpairs by Lanczos' method
# --------------------------------
# From a random start, each product with H gives one more direction of an orthonormal basis Q. In
# it H is a small matrix T = Q^T H Q that has three diagonals, and whose large eigenvalues are soon
# those of H. (Rounding slowly tilts the basis: we make each direction orthogonal to all before.)


def lanczos(product: Callable, size: int) -> tuple[np.ndarray, torch.Tensor]:
    """Eigenvalues, largest first, and eigenvectors (size, x, z) after so many products."""
    q = torch.tensor(generator.standard_normal(grid.shape))
    basis, T = [q / q.norm()], np.zeros((size + 1, size + 1))
    for k in range(size):
        w = product(basis[k])
        T[k, k] = (w * basis[k]).sum()
        for _ in range(2):
            w = w - sum((w * q).sum() * q for q in basis)
        T[k, k + 1] = T[k + 1, k] = w.norm()
        basis.append(w / w.norm())
    values, vectors = np.linalg.eigh(T[:size, :size])
    Q = torch.stack(basis[:size])
    return values[::-1], torch.einsum("ik,ixz->kxz", torch.tensor(vectors[:, ::-1].copy()), Q)


PRODUCTS = 45
values, vectors = lanczos(hessian, PRODUCTS)
rank = int((values > 0.05).sum())
values, vectors = torch.tensor(values[:rank].copy()), vectors[:rank]
click.echo(
    f"{rank} of {zero.numel()} eigenvalues are above 0.05, "
    f"{int((values > 1).sum())} above 1; the largest is {values[0]:.0f}"
)
assert (values > 1).sum() < 0.05 * zero.numel()

rest = torch.stack([hessian(v) - c * v for c, v in zip(values[:3], vectors[:3], strict=True)])
assert rest.norm() < 1e-6 * values[0]

# 5. Posterior variance
# ---------------------
# Prior variance minus what was learned. It cannot grow, and in the lower corners, where no wave
# has been, it stays what it was.

taught = torch.stack([prior(v) for v in vectors])
posterior_variance = prior_variance - torch.einsum("k,kxz->xz", values / (1 + values), taught**2)
assert (posterior_variance > 0).all()
assert (posterior_variance <= prior_variance).all()
deviation = posterior_variance.sqrt()
middle, corner = float(deviation[25, 15]), float(deviation[0, -1])
click.echo(f"standard deviation: {middle:.1f} m/s in the middle, {corner:.1f} m/s in a corner")
assert middle < 0.7 * DEVIATION
assert corner > 0.9 * DEVIATION

# The number in the middle without any low rank: the variance of <e, u>, e the point itself, is
# <L^T e, (I + H)^-1 L^T e>, a linear system that conjugate gradients solve.


def system(y: np.ndarray) -> np.ndarray:
    """(I + H) y."""
    y = torch.tensor(y.reshape(grid.shape))
    return (y + hessian(y)).numpy().ravel()


point = torch.zeros(grid.shape, dtype=torch.float64)
point[25, 15] = 1.0
seen = (DEVIATION * A.T @ point @ B).numpy().ravel()
operator = LinearOperator((seen.size, seen.size), matvec=system, dtype=float)
solution, _ = cg(operator, seen, rtol=5e-2, maxiter=40)
by_solving = float(np.sqrt(seen @ solution))
click.echo(f"in the middle by solving a linear system: {by_solving:.1f} m/s")
assert abs(by_solving - middle) < 0.02 * middle

# 6. The mean, and whether the truth is within the error bars
# -----------------------------------------------------------
# A truth drawn from the prior, its (linear) records with noise, and the mean of the posterior:
# u1 = L (I + H)^-1 L^T J^T d / s**2, again with the eigenpairs.


def shrunk(y: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Y with its part along each eigenvector multiplied by 1 + a factor."""
    along = torch.einsum("kxz,xz->k", vectors, y)
    return y + torch.einsum("k,kxz->xz", factors * along, vectors)


white = torch.tensor(generator.standard_normal(grid.shape))
truth = prior(white)
data = born(white)
data = data + torch.tensor(generator.standard_normal(data.shape))
mean = prior(shrunk(migrate(data), -values / (1 + values)))

inside = float((abs(truth - mean) < 2 * deviation).double().mean())
click.echo(f"the truth is within two standard deviations at {100 * inside:.0f} % of the points")
assert 0.85 < inside <= 1.0
assert (truth - mean).norm() < 0.9 * truth.norm()

# 7. Samples
# ----------
# Each is a model that explains the records, and that we believe in. Their mean square is the
# variance; with n samples to a relative sqrt(2 / n).

NUMBER = 400
draws = torch.tensor(generator.standard_normal((NUMBER, *grid.shape)))
samples = torch.stack([prior(shrunk(y, 1 / (1 + values).sqrt() - 1)) for y in draws])
ratio = (samples**2).mean(0) / posterior_variance
click.echo(f"variance of {NUMBER} samples / formula: {ratio.min():.2f} to {ratio.max():.2f}")
assert abs(ratio.mean() - 1) < 0.05
assert abs(ratio - 1).max() < 5 * np.sqrt(2 / NUMBER)

# In the data, prior models are as wrong as the prior allows; posterior ones by about the noise,
# which is 1 here.

with torch.no_grad():
    before = float((born(draws[0]) - data).pow(2).mean().sqrt())
    y = shrunk(migrate(data), -values / (1 + values)) + shrunk(
        draws[0], 1 / (1 + values).sqrt() - 1
    )
    after = float((born(y) - data).pow(2).mean().sqrt())
click.echo(
    f"residual of a prior model {before:.1f}, of a posterior model {after:.2f} times the noise"
)
assert before > 2
assert 0.9 < after < 1.2

# 8. Pictures
# -----------
# Mean and samples agree along the upper paths, and near the receivers; below, where only few waves
# pass, each sample has its own answer. The error bars say so: they are widest where the source's
# waves leave without being recorded. The strongest eigenvectors are broad, averages along the
# paths; weaker ones are finer.

EXTENT = [0, 0.5, 0.3, 0]


def draw(place: Axes, section: torch.Tensor, title: str, **scale: object) -> AxesImage:
    """A section with source and receivers."""
    picture = place.imshow(section.T, extent=EXTENT, **scale)
    place.plot(*(receivers.T / 1000), "wv", ms=4, mec="k", mew=0.5)
    place.plot(*(sources.T / 1000), "r*", ms=9, mec="k", mew=0.5)
    place.set(title=title, xlabel="x [km]", ylabel="depth [km]")
    place.title.set_fontsize(10)
    return picture


figure = Figure(figsize=(11, 5.2), layout="constrained")
axes = figure.subplots(2, 3)
scale = {"cmap": "seismic", "vmin": -150, "vmax": 150}
picture = draw(axes[0, 0], truth, "truth (from the prior)", **scale)
draw(axes[0, 1], mean, "posterior mean", **scale)
for place, sample, number in zip(axes[1, :2], samples, (1, 2), strict=False):
    draw(place, mean + sample, f"posterior sample {number}", **scale)
figure.colorbar(picture, ax=axes[:, :2], label="velocity change [m/s]", shrink=0.7)
picture = draw(axes[0, 2], deviation, "posterior deviation", cmap="viridis", vmin=0, vmax=DEVIATION)
figure.colorbar(picture, ax=axes[0, 2], label="[m/s]")
line = axes[1, 2]
distance = grid.coordinates(0) / 1000
row = 15
line.fill_between(
    distance,
    mean[:, row] - 2 * deviation[:, row],
    mean[:, row] + 2 * deviation[:, row],
    color="C0",
    alpha=0.3,
    label="mean ± 2 deviations",
)
line.plot(distance, mean[:, row], "C0", label="mean")
line.plot(distance, truth[:, row], "k", label="truth")
line.set(title="at 150 m depth", xlabel="x [km]", ylabel="velocity change [m/s]")
line.title.set_fontsize(10)
line.legend(fontsize=7)
figure.savefig(folder / "posterior.png", dpi=110)

figure = Figure(figsize=(11, 5.0), layout="constrained")
axes = figure.subplots(2, 3).ravel()
axes[0].semilogy(np.arange(1, rank + 1), values, "k.-")
axes[0].axhline(1, color="C3", lw=1, label="records tell as much as the prior")
axes[0].legend(fontsize=8)
axes[0].set(title="eigenvalues of H", xlabel="number", ylabel="eigenvalue")
for place, k in zip(axes[1:], (0, 1, 4, 9, 19), strict=True):
    field = taught[k] / abs(taught[k]).max()
    draw(place, field, f"L v, number {k + 1}", cmap="seismic", vmin=-1, vmax=1)
figure.savefig(folder / "eigenvectors.png", dpi=110)
