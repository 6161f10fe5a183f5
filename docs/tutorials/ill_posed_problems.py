"""Linear inverse problems, well-posed and ill-posed; and that migration is one of them.

    python docs/tutorials/ill_posed_problems.py [FOLDER]

Idea
----
Records d are a linear function of what we look for, x, and noise e:

    d = A x + e

A problem is well-posed (Hadamard) if it has one solution, and that depends continuously on d. With
numbers instead of functions the question is: by how much may noise grow? The singular value
decomposition answers it,

    A = U S V^T,        A v_i = s_i u_i,        s_1 >= s_2 >= ... >= 0

Along each direction v_i of the model, A only multiplies by s_i. So does the solution divide,

    x = sum_i  <u_i, d> / s_i  v_i  =  sum_i  (<v_i, x> + <u_i, e> / s_i)  v_i

and noise grows by 1 / s_i. Regularization replaces 1 / s_i by f_i / s_i with filter factors f_i,
about 1 where s_i is large, about 0 where noise would win. All that follows differs in f_i only,
except for the last, which is not linear:

    Tikhonov            min |A x - d|**2 + a |x|**2          f = s**2 / (s**2 + a)
    Landweber           x <- x + A^T (d - A x), k times      f = 1 - (1 - s**2)**k
    total variation     min 1/2 |A x - d|**2 + b |D x|_1     D: differences of neighbours

How much of it? As much as the noise allows: the discrepancy principle (Morozov) takes the strongest
regularization, a, 1 / k or b, with which the rest is no larger than the noise, |A x - d| = |e|.

First A blurs a line of 100 points. Then A = J, Born modelling by `fwicli.autograd`, and Landweber's
method has another name: least-squares migration by gradient descent.

References: Hansen (1998), Rank-Deficient and Discrete Ill-Posed Problems, SIAM; Engl, Hanke and
Neubauer (1996), Regularization of Inverse Problems, Kluwer; Rudin, Osher and Fatemi (1992),
Physica D 60, 259-268 (total variation); Chambolle and Pock (2011), J. Math. Imaging Vis. 40,
120-145.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.linalg import toeplitz
from scipy.optimize import brentq

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, time_axis, times
from fwicli.autograd import Simulation, jacobian, jacobian_adjoint

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/ill_posed_problems")
folder.mkdir(parents=True, exist_ok=True)
torch.set_num_threads(1)
generator = np.random.default_rng(0)
Array = np.ndarray


def noisy(d: Array, share: float) -> tuple[Array, float]:
    """Records with noise whose norm is a share of theirs, and that norm."""
    e = generator.standard_normal(d.shape)
    e *= share * np.linalg.norm(d) / np.linalg.norm(e)
    return d + e, float(np.linalg.norm(e))


def error(x: Array, truth: Array) -> float:
    """Relative error of a model."""
    return float(np.linalg.norm(x - truth) / np.linalg.norm(truth))


# 1. Two blurs of a line
# ----------------------
# A narrow one takes a tenth from each neighbour; a wide one is a Gaussian of 3 points. In the truth
# there are blocks.

N = 100
truth = np.zeros(N)
truth[15:35], truth[45:52], truth[65:90] = 1.0, -0.7, 0.5
narrow = toeplitz([0.8, 0.1] + [0.0] * (N - 2))
wide = toeplitz(np.exp(-0.5 * (np.arange(N) / 3.0) ** 2))
narrow, wide = (A / np.linalg.norm(A, 2) for A in (narrow, wide))

# The same 1 % of noise, and the plain solution of both.

solved = []
for name, A in (("narrow", narrow), ("wide", wide)):
    s = np.linalg.svd(A, compute_uv=False)
    d, _ = noisy(A @ truth, 0.01)
    solved.append(np.linalg.solve(A, d))
    click.echo(
        f"{name} blur: singular values 1 to {s[-1]:.0e}, error of the solution "
        f"{error(solved[-1], truth):.2g} with 1 % of noise"
    )
condition = np.linalg.cond(narrow)
assert error(solved[0], truth) < 0.01 * condition
assert error(solved[1], truth) > 1e3

# 2. Filters
# ----------
# From here on A, U, s, V are those of the wide blur. Picard's plot shows why it fails: |<u_i, d>|
# first falls with s_i, as it must for a solution to exist, then noise takes over and stays level,
# while s_i goes on to fall.


class Filtered:
    """Solutions by filter factors, from the singular value decomposition of A."""

    def __init__(self, A: Array, d: Array, noise: float) -> None:
        self.U, self.s, Vt = np.linalg.svd(A, full_matrices=False)
        self.V = Vt.T
        self.along = self.U.T @ d
        self.rest = np.linalg.norm(d) ** 2 - np.linalg.norm(self.along) ** 2
        self.noise = noise

    def solution(self, factors: Array) -> Array:
        """Sum of f_i <u_i, d> / s_i v_i."""
        return self.V @ (factors * self.along / np.maximum(self.s, 1e-300))

    def residual(self, factors: Array) -> float:
        """Norm of A x - d of this solution."""
        return float(np.sqrt((((1 - factors) * self.along) ** 2).sum() + max(self.rest, 0.0)))

    def tikhonov(self, a: float) -> Array:
        """Filter factors."""
        return self.s**2 / (self.s**2 + a)

    def landweber(self, k: int) -> Array:
        """Filter factors; s must not be above 1."""
        return 1 - (1 - self.s**2) ** k

    def discrepant_tikhonov(self) -> float:
        """The a with which the residual is the noise."""

        def excess(log: float) -> float:
            return self.residual(self.tikhonov(np.exp(log))) - self.noise

        return float(np.exp(brentq(excess, np.log(1e-14), np.log(1e4))))

    def discrepant_landweber(self) -> int:
        """The first k with which the residual is not above the noise."""
        low, high = 0, 1
        while self.residual(self.landweber(high)) > self.noise:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            above = self.residual(self.landweber(middle)) > self.noise
            low, high = (middle, high) if above else (low, middle)
        return high


A = wide
d, noise = noisy(A @ truth, 0.01)
line = Filtered(A, d, noise)

# The formulas do what they say: the normal equations, and so many steps.

a, k = 1e-3, 50
normal = np.linalg.solve(A.T @ A + a * np.eye(N), A.T @ d)
assert error(line.solution(line.tikhonov(a)), normal) < 1e-9


def landweber(forward: Callable, transpose: Callable, d: Array, steps: int) -> Array:
    """Steps of length one along the negative gradient of 1/2 |A x - d|**2."""
    x = transpose(0 * d)
    for _ in range(steps):
        x = x + transpose(d - forward(x))
    return x


stepped = landweber(lambda x: A @ x, lambda r: A.T @ r, d, k)
assert error(line.solution(line.landweber(k)), stepped) < 1e-9

# 3. How much
# -----------
# Errors against a and k are curves with a lowest point: too much blurs, too little lets noise in.
# For Landweber this is semi-convergence: the iteration first goes to the truth, then away from it,
# and stopping is the regularization. The discrepancy principle does not know the truth, and comes
# near the lowest point.

strengths = np.logspace(-9, 1, 101)
counts = np.unique(np.logspace(0, 7, 101).astype(int))


def curves(problem: Filtered, truth: Array) -> tuple[Array, Array]:
    """Errors of Tikhonov for all strengths, and of Landweber for all counts."""
    by_tikhonov = [error(problem.solution(problem.tikhonov(a)), truth) for a in strengths]
    by_landweber = [error(problem.solution(problem.landweber(k)), truth) for k in counts]
    return np.array(by_tikhonov), np.array(by_landweber)


def chosen(problem: Filtered) -> tuple[float, int, dict[str, Array]]:
    """Strength, count, and solutions by the discrepancy principle."""
    a, k = problem.discrepant_tikhonov(), problem.discrepant_landweber()
    return (
        a,
        k,
        {
            f"Tikhonov, a = {a:.0e}": problem.solution(problem.tikhonov(a)),
            f"Landweber, k = {k}": problem.solution(problem.landweber(k)),
        },
    )


line_curves = curves(line, truth)
a, k, line_found = chosen(line)
assert abs(line.residual(line.tikhonov(a)) - noise) < 1e-6 * noise
for by, x in zip(line_curves, line_found.values(), strict=True):
    assert by.min() < min(by[0], by[-1])
    assert error(x, truth) < 1.3 * by.min()

# 4. Total variation
# ------------------
# |D x|_1 adds up jumps, whatever their width: it likes few jumps, and large ones as well as small
# ones. The method of Chambolle and Pock alternates between x and a dual variable y that is
# clipped to [-b, b]; its steps in y are of this size, too.


def total_variation(A: Array, D: Array, d: Array, b: float, steps: int = 1000) -> Array:
    """Minimise 1/2 |A x - d|**2 + b |D x|_1, with |A| = 1."""
    dual = b
    primal = 0.99 / (dual * np.linalg.norm(D, 2) ** 2)
    implicit = np.linalg.inv(np.eye(A.shape[1]) + primal * A.T @ A)
    Atd = A.T @ d
    x = before = np.zeros(A.shape[1])
    y = np.zeros(len(D))
    for _ in range(steps):
        y = np.clip(y + dual * D @ (2 * x - before), -b, b)
        before, x = x, implicit @ (x - primal * D.T @ y + primal * Atd)
    return x


def discrepant_variation(A: Array, D: Array, d: Array, noise: float) -> tuple[float, Array]:
    """The b with which the residual is the noise, by bisection of its logarithm."""
    low, high = 1e-6, 1.0
    for _ in range(9):
        b = np.sqrt(low * high)
        x = total_variation(A, D, d, b)
        low, high = (low, b) if np.linalg.norm(A @ x - d) > noise else (b, high)
    return b, x


D = np.diff(np.eye(N), axis=0)
b, x = discrepant_variation(A, D, d, noise)
line_found[f"total variation, b = {b:.0e}"] = x
for name, x in line_found.items():
    click.echo(f"wide blur, {name}: error {error(x, truth):.2f}")
assert error(x, truth) < 0.6 * min(error(x, truth) for x in list(line_found.values())[:2])

# 5. Born imaging
# ---------------
# The same with waves: x is the perturbation of squared slowness [1e-8 s2/m2] in cells of 20 m, d
# what they reflect to receivers at the surface. Cells are few enough that J may be written down, a
# column for each cell: `vmap` runs them all in one call.

INTERVAL, SAMPLES = 0.004, 110
grid = Grid(shape=(51, 31), spacing=(10.0, 10.0), origin=(0.0, 0.0))
axis = time_axis(INTERVAL, SAMPLES, vp_max=2500.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=2500.0, frequency=15.0)
discretization = Discretization("acoustic", grid, axis, layer)
receivers = np.array([[x0, 20.0] for x0 in np.arange(40.0, 470.0, 20.0)])
waves = Simulation(discretization, np.array([[250.0, 20.0]]), receivers)
wavelet = torch.tensor(ricker(times(INTERVAL, SAMPLES), 15.0))[None]
background = torch.full(grid.shape, 1 / 2000.0**2, dtype=torch.float64)
CELLS = 15, 10
FIRST = 10, 8


def spread(x: torch.Tensor) -> torch.Tensor:
    """Values of cells at the grid points [s2/m2]."""
    inside = 1e-8 * x.reshape(CELLS).repeat_interleave(2, 0).repeat_interleave(2, 1)
    left, top = FIRST
    right, bottom = (n - f - 2 * c for n, f, c in zip(grid.shape, FIRST, CELLS, strict=True))
    return torch.nn.functional.pad(inside, (top, bottom, left, right))


def born(x: torch.Tensor) -> torch.Tensor:
    """Reflections from cells."""
    return jacobian(waves, background, wavelet, spread(x)).ravel()


cells = CELLS[0] * CELLS[1]
columns = torch.func.vmap(born)(torch.eye(cells, dtype=torch.float64))
J = columns.T.numpy()
scale = np.linalg.norm(J, 2)
J = J / scale
s = np.linalg.svd(J, compute_uv=False)
click.echo(f"Born modelling of {cells} cells: singular values 1 to {s[-1]:.0e}")
assert s[-1] < 1e-3

# Truth: a bed, a block and nothing else; 5 % of noise.

section = np.zeros(CELLS)
section[:, 6:8] = 1.0
section[4:8, 2:4] = -1.5
truth_2d = section.ravel()
d, _ = noisy(J @ truth_2d, 0.05)

# There are more records than cells, and most of the noise is of a kind that no cell makes. It harms
# nobody, but would hide in |e| how well the rest is fitted. So keep what is in the range of J: with
# J = Q R, the columns of Q orthonormal, that is Q^T d = R x + Q^T e.

Q, R = np.linalg.qr(J)
noise = float(np.linalg.norm(Q.T @ (d - J @ truth_2d)))
waves_problem = Filtered(R, Q.T @ d, noise)
naive = waves_problem.solution(np.ones(cells))
click.echo(f"Born imaging without regularization: error {error(naive, truth_2d):.0f}")
assert error(naive, truth_2d) > 10

# Every method is the one of above, without a change. In two dimensions D has the differences along
# both axes.

D = np.concatenate(
    [
        np.kron(np.diff(np.eye(CELLS[0]), axis=0), np.eye(CELLS[1])),
        np.kron(np.eye(CELLS[0]), np.diff(np.eye(CELLS[1]), axis=0)),
    ]
)
waves_curves = curves(waves_problem, truth_2d)
a, k, waves_found = chosen(waves_problem)
b, x = discrepant_variation(R, D, Q.T @ d, noise)
waves_found[f"total variation, b = {b:.0e}"] = x
errors = [error(x, truth_2d) for x in waves_found.values()]
for name, value in zip(waves_found, errors, strict=True):
    click.echo(f"Born imaging, {name}: error {value:.2f}")
least = [by.min() for by in waves_curves]
click.echo(f"the least errors of Tikhonov and Landweber are {least[0]:.2f} and {least[1]:.2f}")
for value, best in zip(errors, least, strict=False):
    assert value < 1.5 * best

# The principle is on the safe side: it smooths more than would be best. Total variation is nearly
# exact here, as the truth is what it likes: few blocks, whose sides are sides of cells. The earth
# is less obliging.

assert errors[2] < 0.5 * min(errors[:2])

# No matrix is needed. Landweber's method asks for products with J and J^T only; J^T is
# `jacobian_adjoint` and the sum over the points of each cell, which autograd knows from `spread`. A
# few steps give what the matrix gives. This is least-squares migration as it is done where J is too
# large to be written down.


def modelled(x: torch.Tensor) -> torch.Tensor:
    """J x."""
    return born(x) / scale


def migrated(r: torch.Tensor) -> torch.Tensor:
    """J^T r."""
    r = r.reshape(len(receivers), SAMPLES) / scale
    image = jacobian_adjoint(waves, background, wavelet, r)
    x = torch.zeros(cells, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(spread(x), x, image)[0]


few = landweber(modelled, migrated, torch.tensor(d), 5).detach().numpy()
by_matrix = waves_problem.solution(waves_problem.landweber(5))
click.echo(f"five steps with waves and with the matrix differ by {error(few, by_matrix):.0e}")
assert error(few, by_matrix) < 1e-9

# What is easy to see and what is not: strong singular vectors are layered, of the wavelength of the
# waves, and in the middle; weak ones change along x from cell to cell, which no reflected wave of
# these frequencies tells apart.


def changes(v: Array) -> float:
    """Energy of differences along x, relative to that of differences along z."""
    v = v.reshape(CELLS)
    return float((np.diff(v, axis=0) ** 2).sum() / (np.diff(v, axis=1) ** 2).sum())


V = waves_problem.V
strong, weak = (np.mean([changes(v) for v in group]) for group in (V.T[:10], V.T[-10:]))
click.echo(f"differences along x / along z: {strong:.2f} of strong vectors, {weak:.2f} of weak")
assert strong < 0.3 * weak

# 6. Pictures
# -----------


def picard(place: Axes, problem: Filtered, title: str) -> None:
    """Singular values and what the records have along their vectors."""
    number = np.arange(1, len(problem.s) + 1)
    place.semilogy(number, problem.s, "C0", label="s")
    place.semilogy(number, abs(problem.along), "k.", ms=4, label="|<u, d>|")
    level = problem.noise / np.sqrt(len(problem.U))
    place.axhline(level, color="C3", lw=1, label="noise")
    place.set(title=title, xlabel="number", ylim=(1e-8, 1e2))
    place.legend(fontsize=8)


def of_strength(place: Axes, values: Array, by: Array, at: float, of: str, title: str) -> None:
    """Error against the strength of a regularization."""
    place.loglog(values, np.minimum(by, 1e3), "C0")
    place.axvline(at, color="C3", lw=1, label="discrepancy principle")
    place.set(title=title, xlabel=of, ylabel="error", ylim=(0.8 * by.min(), 3))
    place.legend(fontsize=8)


figure = Figure(figsize=(11, 6), layout="constrained")
axes = figure.subplots(2, 3).ravel()
picard(axes[0], line, "wide blur: Picard's plot")
a, k = line.discrepant_tikhonov(), line.discrepant_landweber()
of_strength(axes[1], strengths, line_curves[0], a, "a", "Tikhonov")
of_strength(axes[2], counts, line_curves[1], k, "k", "Landweber: semi-convergence")
for place, (name, x) in zip(axes[3:], line_found.items(), strict=True):
    place.plot(truth, "k", lw=1, label="truth")
    place.plot(x, "C0", label="found")
    place.set(title=name, xlabel="point", ylabel="x", ylim=(-1, 1.3))
    place.legend(fontsize=8, loc="lower right")
figure.savefig(folder / "line.png", dpi=110)

EXTENT = [0.1, 0.4, 0.28, 0.08]
figure = Figure(figsize=(11, 7.2), layout="constrained")
axes = figure.subplots(3, 3).ravel()
picard(axes[0], waves_problem, "Born modelling: Picard's plot")
a, k = waves_problem.discrepant_tikhonov(), waves_problem.discrepant_landweber()
of_strength(axes[1], strengths, waves_curves[0], a, "a", "Tikhonov")
of_strength(axes[2], counts, waves_curves[1], k, "k", "Landweber = LSRTM")
strongest, weakest = (V[:, n] / abs(V[:, n]).max() for n in (2, -1))
panels = {
    "truth": truth_2d,
    **waves_found,
    "a strong singular vector (3)": strongest,
    f"the weakest one ({cells})": weakest,
}
for place, (name, x) in zip(axes[3:], panels.items(), strict=True):
    picture = place.imshow(
        x.reshape(CELLS).T, extent=EXTENT, cmap="seismic", vmin=-1.5, vmax=1.5, aspect="equal"
    )
    place.set(title=name, xlabel="x [km]", ylabel="depth [km]")
label = "squared slowness [1e-8 s2/m2]; vectors: any scale"
figure.colorbar(picture, ax=axes[3:], label=label, shrink=0.8)
figure.savefig(folder / "born.png", dpi=110)
