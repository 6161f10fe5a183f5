"""Vector calculus with automatic differentiation.

The idea
--------
A function f of n numbers with n values has a Jacobian J of n x n derivatives, J_ij = df_i / dx_j.
Automatic differentiation never makes it; it makes products with it:

    forward mode     J v     how f changes along v                            `torch.func.jvp`
    reverse mode     J'w     the gradient of w f; w = ones is f.sum()         `torch.func.vjp`

A common trick is `grad(f.sum(), x)` to get the derivatives df_i / dx_i, the diagonal of J. Is it
right? J'1 holds the sums of the columns. They are the diagonal if nothing else is in the columns,
that is if f_i depends on x_i and on no other number; otherwise they are something else, without a
word of warning. We look at both cases, at what to do in the second, and then at

    div v = sum_i dv_i / dx_i,      laplacian u = div grad u,      diag H,  H_ij = d2 L / dx_i dx_j,

which are all about diagonals. Tutorial (d) does the same with the wave equation.

Run it with a folder for its pictures: python docs/tutorials/vector_calculus.py FOLDER
"""

import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch.func import grad, hessian, jacrev, jvp, vjp

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/vector_calculus")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)


def random(*shape):
    """Random numbers in double precision."""
    return torch.randn(*shape, dtype=torch.float64)


def largest(values):
    """Largest of the absolute values."""
    return values.abs().max().item()


# --- 1. Two products, and finite differences ------------------------------------------------------
#
# Each point feels itself and its right neighbour: f_i = sin(x_i) + x_i x_(i+1).

n = 24


def coupled(x):
    """f_i = sin(x_i) + x_i x_(i+1), around a circle."""
    return torch.sin(x) + x * x.roll(-1)


x, v, w = random(n), random(n), random(n)
_, Jv = jvp(coupled, (x,), (v,))
_, transposed = vjp(coupled, x)
(Jtw,) = transposed(w)
h = 1e-5
assert largest((coupled(x + h * v) - coupled(x - h * v)) / (2 * h) - Jv) < 1e-8
# By hand, df_i/dx_i = cos(x_i) + x_(i+1) and df_i/dx_(i+1) = x_i.
assert largest((x.cos() + x.roll(-1)) * v + x * v.roll(-1) - Jv) < 1e-14
# One product is the transpose of the other, w (J v) = (J'w) v.
assert abs(w @ Jv - Jtw @ v) < 1e-13

# --- 2. When ones pick the diagonal, and when they do not -----------------------------------------


def alone(x):
    """f_i = x_i sin(x_i): no point knows of another."""
    return x * torch.sin(x)


J_alone, J_coupled = jacrev(alone)(x), jacrev(coupled)(x)
ones = torch.ones_like(x)
assert largest(vjp(alone, x)[1](ones)[0] - J_alone.diag()) < 1e-15
assert largest(J_alone.diag() - (x.sin() + x * x.cos())) < 1e-15
column_sums, row_sums = vjp(coupled, x)[1](ones)[0], jvp(coupled, (x,), (ones,))[1]
assert largest(column_sums - J_coupled.sum(0)) < 1e-14
assert largest(row_sums - J_coupled.sum(1)) < 1e-14
wrong = largest(column_sums - J_coupled.diag())
assert wrong > 1
print(f"ones pick the diagonal to 0 where points are alone; coupled, they are off by {wrong:.1f}")

# What to do where they do not:
#
# All unit vectors, one product for each of the n numbers: the i-th of J e_i is J_ii. Always right.
exact = torch.stack([jvp(coupled, (x,), (e,))[1] @ e for e in torch.eye(n, dtype=torch.float64)])
assert largest(exact - J_coupled.diag()) < 1e-15

# Ones in groups, if it is known who feels whom. Points 0, 2, 4, ... are no neighbours, nor are
# 1, 3, 5, ...: two products instead of n (Curtis, Powell and Reid, 1974, J. Inst. Math. Appl. 13).
groups = [(torch.arange(n) % 2 == k).double() for k in (0, 1)]
grouped = sum(g * jvp(coupled, (x,), (g,))[1] for g in groups)
assert largest(grouped - J_coupled.diag()) < 1e-15


# Random signs z, if nothing is known: the mean of z * (J z) is the diagonal, because z_i z_j is 1
# for i = j and 0 on average else (Bekas, Kokiopoulou and Saad, 2007, Appl. Numer. Math. 57). The
# error falls with the root of the number of products: each digit costs a hundred times as many.
def estimate(f, x, count):
    """Means of z * (J z) over the first 1, 2, ..., count random z."""
    signs = torch.randint(0, 2, (count, *x.shape)).double() * 2 - 1
    products = torch.func.vmap(lambda z: z * jvp(f, (x,), (z,))[1])(signs)
    return products.cumsum(0) / torch.arange(1, count + 1)[:, None]


estimates = estimate(coupled, x, 10000)
errors = (estimates - J_coupled.diag()).norm(dim=1) / J_coupled.diag().norm()
assert errors[9999] < 0.03
assert 5 < errors[99] / errors[9999] < 20
print(f"random signs: error {errors[99]:.3f} after 100 products, {errors[9999]:.4f} after 10000")

# --- 3. Divergence and Laplacian ------------------------------------------------------------------
#
# Now u is a function of a place (x, z), taken at many places at once. The places do not know of
# each other: J consists of blocks, one for each place, and ones over the *places* are right. Within
# a block, the two coordinates are coupled: each needs a product of its own. So the divergence takes
# as many products as there are coordinates, however many places there are.
#
#     u = exp(-a (x**2 + z**2)) cos(k x)

a, k = 0.5, 3.0


def u(at):
    """A wave packet at places of shape (n, 2)."""
    return torch.exp(-a * at.square().sum(-1)) * torch.cos(k * at[:, 0])


def gradient(at):
    """Grad u at all places: one product, J'1, as u at a place depends on that place alone."""
    return vjp(u, at)[1](torch.ones(len(at), dtype=at.dtype))[0]


def divergence(field, at):
    """Sum of dv_i/dx_i at all places: for each coordinate ones over places, and no mixture."""
    total = 0.0
    for i in range(at.shape[1]):
        unit = torch.zeros_like(at)
        unit[:, i] = 1
        total = total + jvp(field, (at,), (unit,))[1][:, i]
    return total


side = torch.linspace(-3, 3, 61, dtype=torch.float64)
at = torch.cartesian_prod(side, side)
X, Z = at.T
E = torch.exp(-a * (X**2 + Z**2))
by_hand = torch.stack([-2 * a * X * u(at) - k * E * torch.sin(k * X), -2 * a * Z * u(at)], dim=1)
assert largest(gradient(at) - by_hand) < 1e-14
laplacian = divergence(gradient, at)
laplacian_by_hand = E * (
    (4 * a**2 * (X**2 + Z**2) - 4 * a - k**2) * torch.cos(k * X) + 4 * a * k * X * torch.sin(k * X)
)
assert largest(laplacian - laplacian_by_hand) < 1e-13
# Finite differences of second order, five points: their error falls with h**2.
offsets = torch.tensor([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=torch.float64)
stencil = [
    (sum(u(at + h * o) for o in offsets) - 4 * u(at)) / h**2 - laplacian for h in (0.02, 0.01)
]
assert 3.9 < largest(stencil[0]) / largest(stencil[1]) < 4.1


# A gradient turned by 90 degrees flows around in circles, and out of nowhere: its divergence is 0.
def turned(at):
    """(-du/dz, du/dx)."""
    return gradient(at).flip(-1) * torch.tensor([-1.0, 1.0], dtype=torch.float64)


assert largest(divergence(turned, at)) < 1e-13

# The wrong way: ones over places *and* coordinates add dv_z/dx and dv_x/dz as well.
mixed = vjp(gradient, at)[1](torch.ones_like(at))[0].sum(1)
assert largest(mixed - laplacian) > 1
print(f"laplacian: error {largest(laplacian - laplacian_by_hand):.0e}; mixed: ", end="")
print(f"{largest(mixed - laplacian):.1f}")

# --- 4. A wave equation without a grid ------------------------------------------------------------
#
# The wave of a point source, p = w(t - r / c) / r, satisfies d2p/dt2 = c**2 laplacian p in three
# dimensions, wherever r > 0. Time is a fourth coordinate, and AD does it without a grid.

c = 2.0


def pressure(at):
    """The p at (x, y, z, t) of shape (n, 4), with a Ricker wavelet w."""
    r = at[:, :3].norm(dim=1)
    s = (3 * (at[:, 3] - r / c - 1)) ** 2
    return (1 - 2 * s) * torch.exp(-s) / r


def second(f, at, i):
    """Second derivative with respect to coordinate i: twice forwards, ones over the points."""
    unit = torch.zeros_like(at)
    unit[:, i] = 1
    return jvp(lambda a: jvp(f, (a,), (unit,))[1], (at,), (unit,))[1]


events = torch.cat([random(500, 3), 1 + 2 * torch.rand(500, 1, dtype=torch.float64)], dim=1)
events = events[events[:, :3].norm(dim=1) > 0.3]
p_tt = second(pressure, events, 3)
residual = p_tt - c**2 * sum(second(pressure, events, i) for i in range(3))
assert largest(residual) < 1e-11 * largest(p_tt)
print(f"wave equation: residual {largest(residual) / largest(p_tt):.0e} of d2p/dt2")

# --- 5. The diagonal of a Hessian -----------------------------------------------------------------
#
# The Hessian of L is the Jacobian of its gradient. Rosenbrock's valley,
#
#     L = sum_i 100 (x_(i+1) - x_i**2)**2 + (1 - x_i)**2,        i = 0, ..., n - 2,
#
# couples neighbours, so that H has three diagonals. Ones give the sums of rows; three groups of
# ones, every third number, give the diagonal.


def rosenbrock(x):
    """L."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def product(v):
    """H v, forwards over backwards."""
    return jvp(grad(rosenbrock), (x,), (v,))[1]


H = hessian(rosenbrock)(x)
diagonal = torch.zeros_like(x)
diagonal[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
diagonal[1:] += 200
assert largest(H.diag() - diagonal) < 1e-11
thirds = [(torch.arange(n) % 3 == k).double() for k in range(3)]
assert largest(sum(g * product(g) for g in thirds) - diagonal) < 1e-11
assert largest(product(ones) - H.sum(1)) < 1e-11
assert largest(product(ones) - diagonal) > 100
h = 1e-5
difference = (grad(rosenbrock)(x + h * v) - grad(rosenbrock)(x - h * v)) / (2 * h)
assert largest(difference - product(v)) < 1e-6 * largest(product(v))

# --- 6. The pictures ------------------------------------------------------------------------------

figure = Figure(figsize=(12, 6.6), layout="constrained")
axes = figure.subplots(2, 3, height_ratios=(1.5, 1))
cases = (
    ("alone: f = x sin x", J_alone, "J'1", J_alone.sum(0)),
    ("coupled: f = sin x + x (next x)", J_coupled, "J'1", J_coupled.sum(0)),
    ("Hessian of Rosenbrock's valley", H, "H 1", H.sum(1)),
)
for column, (title, matrix, name, sums) in enumerate(cases):
    top, bottom = axes[:, column]
    reach = largest(matrix)
    drawn = top.imshow(matrix, cmap="seismic", vmin=-reach, vmax=reach)
    figure.colorbar(drawn, ax=top, shrink=0.85)
    top.set(title=title, xlabel="j: derivative with respect to x_j", ylabel="i")
    bottom.plot(matrix.diag(), "k", lw=1.5, label="diagonal")
    bottom.plot(sums, "C3o", ms=4, label=f"{name}, a product with ones")
    bottom.set(xlabel="i", ylabel="derivative")
    bottom.legend(fontsize=8)
    bottom.grid(alpha=0.3)
figure.savefig(folder / "diagonals.png", dpi=120)

figure = Figure(figsize=(12, 3.7), layout="constrained")
left, middle, right = figure.subplots(1, 3)
square = (61, 61)
for axes, values, title in ((left, u(at), "u and grad u"), (middle, laplacian, "laplacian of u")):
    reach = largest(values)
    drawn = axes.imshow(
        values.view(square).T, cmap="seismic", vmin=-reach, vmax=reach, extent=(-3, 3, 3, -3)
    )
    figure.colorbar(drawn, ax=axes, shrink=0.9)
    axes.set(xlabel="x", ylabel="z", title=title)
few = (slice(2, None, 4), slice(2, None, 8))
arrows = [part.view(square)[few] for part in (X, Z, *gradient(at).T)]
left.quiver(*arrows, angles="xy", pivot="mid", scale=20, width=0.006)
right.loglog(torch.arange(1, 10001), errors, lw=1, label="random signs")
right.loglog([1, 1e4], [errors[99] * 10, errors[99] / 10], "k--", lw=1, label="slope -1/2")
right.set(xlabel="products", ylabel="relative error", title="Diagonal of J by random signs")
right.legend(fontsize=8)
right.grid(alpha=0.3)
figure.savefig(folder / "fields.png", dpi=120)

# What one sees: where J is diagonal, the dots of the product with ones lie on the line of the
# diagonal; where it is not, they lie anywhere. The gradient points from blue to red, the Laplacian
# is negative where u has a crest; and estimates by random signs are cheap, and stay rough.
