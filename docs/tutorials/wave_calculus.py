"""Vector calculus on the wave equation.

The idea
--------
Tutorial (c) takes products with Jacobians, diagonals, divergence and Laplacian of functions that
fit on a line. Here the function is d = F(m) q: a record d of pressure [Pa], for the squared
slowness m [s2/m2] of an earth and the wavelet q of a source, as the wave equation makes it,

    m d2p/dt2 = laplacian p + q(t) delta(x - x_s),        d_i(t) = p(x_i, t).

The questions are the same, and have names in seismics:

    J dm    Born modelling                  J'r     migration
    dp/dx   what geophones measure          laplacian p = m d2p/dt2, the wave equation itself
    diag H  which parts of m are well known: illumination, and preconditioners

Run it with a folder for its pictures: python docs/tutorials/wave_calculus.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.func import grad, jacrev, jvp, vjp, vmap

from fwicli import AbsorbingLayer, Discretization, Grid, ricker, time_axis, times
from fwicli.autograd import Simulation, forward, jacobian, jacobian_adjoint

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/wave_calculus")
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def close(a, b, tolerance):
    """Whether two tensors differ by less than a share of the second."""
    return (a - b).norm() <= tolerance * b.norm()


# A small earth: 2 km/s with a faster lens, 10 m spacing, a source and nine receivers on top.
grid = Grid(shape=(48, 36), spacing=(10.0, 10.0), origin=(0.0, 0.0))
X, Z = torch.meshgrid(10.0 * torch.arange(48), 10.0 * torch.arange(36), indexing="ij")
vp = 2000 + 300 * torch.exp(-(((X - 240) / 70) ** 2) - ((Z - 180) / 50) ** 2)  # m/s
true, m = vp**-2, torch.full(grid.shape, 2000.0**-2)
interval, samples = 0.002, 160
axis = time_axis(interval, samples, vp_max=2500.0, spacing=grid.spacing, order=8)
layer = AbsorbingLayer(cells=12, velocity=2500.0, frequency=15.0)
made = Discretization("acoustic", grid, axis, layer)
q = torch.from_numpy(ricker(times(interval, samples), 15.0))[None]
receivers = torch.stack([torch.linspace(40, 430, 9), torch.full((9,), 20.0)], dim=1)
waves = Simulation(made, torch.tensor([[235.0, 20.0]]), receivers)

# --- 1. Two products: Born modelling and migration ------------------------------------------------


def record(m):
    """F(m) q."""
    return forward(waves, m, q)


dm = true - m
d, born = jvp(record, (m,), (dm,))
_, migrate = vjp(record, m)
r = torch.randn_like(d)
(image,) = migrate(r)
assert torch.equal(born, jacobian(waves, m, q, dm))
assert torch.equal(image, jacobian_adjoint(waves, m, q, r))
# One is the transpose of the other, and both are what finite differences say.
h = 1e-4
assert close((record(m + h * dm) - record(m - h * dm)) / (2 * h), born, 1e-6)
dot = abs((born * r).sum() - (dm * image).sum()) / (born.norm() * r.norm())
assert dot < 1e-13
print(f"dot test of Born modelling and migration: {dot:.0e}")

# --- 2. Ones over receivers: right, as they do not know of each other -----------------------------
#
# Now the places x_i of the receivers are the variables. What one records depends on its own place
# alone: J consists of blocks, and a product with ones in x gives dp/dx at all receivers and for
# all times at once. We put a patch of receivers where the wave passes, 10 m apart. (Not on points
# of the grid: the windowed sinc functions that interpolate have a small kink there.)

side = torch.arange(12) * 10.0
patch = torch.cartesian_prod(133 + side, 123 + side)
source = torch.tensor([[235.0, 60.0]])


def pressure(at):
    """Pressure at receivers, (places, samples)."""
    return forward(Simulation(made, source, at), m, q)


# One product is `jvp`; a derivative of a derivative is one in the other.
def along(f, i):
    """The derivative of f with respect to coordinate i, as a function of all places."""
    unit = torch.zeros_like(patch)
    unit[:, i] = 1
    return lambda at: jvp(f, (at,), (unit,))[1]


p = pressure(patch)
p_x = along(pressure, 0)(patch)
# Backwards twice is the same: w -> J'w is linear, and its own transpose is J.
p, transposed = vjp(pressure, patch)
to_the_east = torch.tensor([1.0, 0.0]).expand_as(patch)
twice = vjp(lambda w: transposed(w)[0], torch.zeros_like(p))[1](to_the_east)[0]
assert close(twice, p_x, 1e-12)
h = 0.01  # m
east = torch.tensor([h, 0.0])
assert close((pressure(patch + east) - pressure(patch - east)) / (2 * h), p_x, 1e-6)

# The divergence of the gradient takes a product of a product for each coordinate. It must be what
# the wave equation says it is, m d2p/dt2, away from the source: up to what two derivatives of the
# interpolation make of its ripples, which are faint in p, but only as long as a cell.
laplacian = sum(along(along(pressure, i), i)(patch) for i in (0, 1))
spectrum = torch.fft.rfft(p, 2 * samples)
omega = 2 * np.pi * torch.fft.rfftfreq(2 * samples, interval)
p_tt = torch.fft.irfft(-(omega**2) * spectrum, 2 * samples)[:, :samples]
early = slice(0, 145)  # the record ends suddenly, which a Fourier transform notices
residual = (laplacian - 2000.0**-2 * p_tt)[:, early].norm() / laplacian[:, early].norm()
print(f"laplacian p - m d2p/dt2: {residual:.1e} of the laplacian")
assert residual < 0.05


# Ones over *sources* that fire together are another matter: every receiver hears all of them. The
# product is the change when all move together, not that of any single one.
def two(x):
    """The record of two sources at depth 20 m, as a function of their x."""
    places = torch.stack([x, torch.full_like(x, 20.0)], dim=1)
    return forward(Simulation(made, places, receivers), m, q.expand(2, -1))


x = torch.tensor([150.0, 330.0])
each = [jvp(two, (x,), (e,))[1] for e in torch.eye(2)]
together = jvp(two, (x,), (torch.ones(2),))[1]
assert close(together, each[0] + each[1], 1e-13)
assert not close(together, each[0], 0.5)

# --- 3. Ones over shots: it depends on the question -----------------------------------------------
#
# Three shots with misfits phi_s = 1/2 |a_s F(m) q_s - d_s|**2. Each depends on its own loudness
# a_s: the Jacobian is diagonal, and the gradient of the sum has all three derivatives. But all
# depend on the same m: the gradient of the sum is the sum of the gradients, which is what an
# inversion wants, and single ones take a run each.

shots = Simulation(
    made, torch.tensor([[[120.0, 20.0]], [[240.0, 20.0]], [[360.0, 20.0]]]), receivers
)
observed = forward(shots, true, q)


def misfits(m, loudness):
    """The phi_s."""
    return 0.5 * (forward(shots, m, loudness[:, None, None] * q) - observed).square().sum((1, 2))


a = torch.tensor([0.9, 1.0, 1.2])
J = jacrev(misfits, argnums=1)(m, a)
(ones_a,) = vjp(lambda a: misfits(m, a), a)[1](torch.ones(3))
assert J.abs().max() > 0
assert torch.equal(J, J.diag().diag())
assert close(ones_a, J.diag(), 1e-13)
whole = forward(shots, m, q.expand(3, 1, -1))
by_hand = ((a[:, None, None] * whole - observed) * whole).sum((1, 2))
assert close(ones_a, by_hand, 1e-12)
_, back = vjp(lambda m: misfits(m, a), m)
single = torch.stack([back(e)[0] for e in torch.eye(3)])
assert close(back(torch.ones(3))[0], single.sum(0), 1e-13)
assert not close(back(torch.ones(3))[0], single[0], 0.5)

# --- 4. The diagonal of the Hessian, and the Laplacian of a misfit --------------------------------
#
# The earth in blocks: m = m0 (1 + c_k) in block k, 6 x 3 of them. The Hessian of phi(c) is not
# diagonal, as one wave passes many blocks. A unit vector for each block gives it exactly, all in
# one call by `vmap`; its trace, the divergence of the gradient, is the Laplacian of the misfit.

rows, columns = 6, 3
count = rows * columns
names = torch.arange(count).view(rows, columns)
blocks = names.repeat_interleave(48 // rows, 0).repeat_interleave(36 // columns, 1)
start = 2000.0**-2
scale = observed[1].square().sum()


def misfit(c):
    """Half the squared residual of the middle shot, as a share of the data."""
    found = forward(Simulation(made, shots.sources[1], receivers), start * (1 + c[blocks]), q)
    return 0.5 * (found - observed[1]).square().sum() / scale


c = torch.zeros(count)


def product(v):
    """H v, forwards over backwards."""
    return jvp(grad(misfit), (c,), (v,))[1]


H = vmap(product)(torch.eye(count))
diagonal = H.diag()
assert (H - H.T).abs().max() < 1e-12 * H.abs().max()
assert close(product(torch.ones(count)), H.sum(1), 1e-12)
assert (diagonal > 0).all()
off = ((H.sum(1) - diagonal).norm() / diagonal.norm()).item()
assert off > 0.5
print(f"Hessian: ones instead of the diagonal are off by {off:.0%}")

# Finite differences of the gradient: H_kk is the change of g_k with c_k.
gradients, h = grad(misfit), 1e-4
for k in (0, 7, 12):
    e = torch.eye(count)[k]
    change = (gradients(c + h * e) - gradients(c - h * e))[k] / (2 * h)
    assert abs(change - diagonal[k]) < 1e-4 * diagonal.abs().max()
# Random signs z: the mean of z * (H z) is the diagonal, that of z (H z) the trace. 20 products give
# a rough idea; in a model of a million points, unit vectors would take a million.
signs = torch.randint(0, 2, (20, count)) * 2.0 - 1
estimates = signs * vmap(product)(signs)
errors = estimates.cumsum(0) / torch.arange(1, 21)[:, None] - diagonal
spread = (H.square().sum() - diagonal.square().sum()).sqrt()  # of one estimate, by theory
assert errors[-1].norm() < 3 * spread / 20**0.5
laplacian_of_misfit = H.trace()
guess = estimates.sum(1).mean()
assert abs(guess - laplacian_of_misfit) < 4 * (2 * spread**2 / 20) ** 0.5
print(f"Laplacian of the misfit: {laplacian_of_misfit:.3f}; from 20 products {guess:.3f}")

# --- 5. The pictures ------------------------------------------------------------------------------

figure = Figure(figsize=(9.2, 7.6), layout="constrained")
frame = 90
time = f"t = {frame * interval:.2f} s"
panels = (
    (p, "p", "mPa", p),
    (p_x, "dp/dx", "mPa/m", p_x),
    (laplacian, "laplacian p", "mPa/m$^2$", laplacian),
    (2000.0**-2 * p_tt, "m d$^2$p/dt$^2$", "mPa/m$^2$", laplacian),
)
for axes, (values, name, unit, like) in zip(figure.subplots(2, 2).flat, panels, strict=True):
    reach = 1000 * like[:, frame].abs().max()
    drawn = axes.imshow(
        1000 * values[:, frame].view(12, 12).T,
        cmap="seismic",
        vmin=-reach,
        vmax=reach,
        interpolation="bilinear",
        extent=(128, 248, 238, 118),
    )
    figure.colorbar(drawn, ax=axes, label=f"{name} [{unit}]")
    axes.set(xlabel="x [m]", ylabel="depth [m]", title=f"{name} at {time}")
figure.savefig(folder / "laplacian.png", dpi=100)

figure = Figure(figsize=(12.5, 3.8), layout="constrained")
left, middle, right = figure.subplots(1, 3)
reach = H.abs().max()
drawn = left.imshow(H, cmap="seismic", vmin=-reach, vmax=reach)
figure.colorbar(drawn, ax=left, shrink=0.9)
left.set(xlabel="block", ylabel="block", title="Hessian of the misfit")
middle.plot(diagonal, "k", lw=1.5, label="diagonal")
middle.plot(H.sum(1), "C3o", ms=4, label="H 1, a product with ones")
middle.plot(estimates.mean(0), "C0x", ms=5, label="20 products with random signs")
middle.set(xlabel="block", ylabel="second derivative", title="Its diagonal, and what ones give")
middle.legend(fontsize=8, loc="upper right")
middle.set_ylim(top=1.2)
middle.grid(alpha=0.3)
share = 10 * torch.log10(diagonal / diagonal.max()).view(rows, columns)
drawn = right.imshow(share.T, extent=(0, 0.48, 0.36, 0), cmap="viridis")
right.plot(0.24, 0.02, "r*", ms=9, label="source")
right.plot(receivers[:, 0] / 1000, receivers[:, 1] / 1000, "wv", ms=4, label="receivers")
right.legend(fontsize=8, loc="lower right", facecolor="0.6")
figure.colorbar(drawn, ax=right, label="relative to the largest [dB]", shrink=0.75)
right.set(xlabel="x [km]", ylabel="depth [km]", title="The diagonal in the earth")
figure.savefig(folder / "hessian.png", dpi=120)

# What one sees: the wave passes the patch of receivers, and the Laplacian that AD makes of records
# looks as the second derivative in time does, by the wave equation. The Hessian has large entries
# off its diagonal, so that ones give something else; its diagonal is largest between source and
# receivers and fades with depth, which is why gradients are divided by it.
