"""A restricted Fourier operator, and a gradient that can be written down by hand.

The idea
--------
Seismic sources leave a band of frequencies, and nothing outside. Let A take a trace x of n samples
to its Fourier coefficients in a band of K frequencies: A = R F, a Fourier transform F and a
restriction R. To find x from b = A x is impossible as such, as different x have the same b; with a
penalty it has one answer, the minimum of

    L(x) = 1/2 |A x - b|**2 + 1/2 |x|**2,

    gradient  g = A'(A x - b) + x,        Hessian  H = A'A + 1,        (A' is the transpose of A)

We give PyTorch A and A' as rules of each other, compare its gradient with g, and find the minimum
in a single step of conjugate gradients. The wave equation enters in exactly this form:
`fwicli.autograd` has `forward` and `adjoint`, `jacobian` and `jacobian_adjoint` for A and A'.

Run it with a folder for its picture: python docs/tutorials/fourier_operator.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.autograd import grad, gradcheck, gradgradcheck

from fwicli import ricker

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/fourier_operator")
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)

# --- 1. The operator and its transpose ------------------------------------------------------------
#
# A x = sqrt(2 / n) sum_t x_t exp(-2 pi i f t), for the frequencies f of the band. It takes real to
# complex numbers; each of these counts as two real ones, and the inner product of data is
# Re(conj(a) b). In it, the transpose is A'r = sqrt(2 / n) Re sum_f r_f exp(2 pi i f t).
#
# The factor 2 stands for the negative frequencies, which a real trace has, too, and makes A A' = 1:
# cosines and sines of the band, so scaled, are orthonormal. (f = 0 and the highest frequency are
# their own negatives. They are not in the band.)

n, interval = 256, 0.004  # samples, s
frequencies = np.fft.rfftfreq(n, interval)
band = torch.from_numpy((frequencies > 5) & (frequencies < 30))
K = int(band.sum())


class Restricted(torch.autograd.Function):
    """A, by NumPy's fast Fourier transform; its rule is A'."""

    @staticmethod
    def forward(x):
        """A x."""
        return torch.from_numpy(2**0.5 * np.fft.rfft(x.detach().numpy(), norm="ortho")[band])

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Nothing has to be kept: A does not depend on x."""

    @staticmethod
    def backward(ctx, cotangent):
        """A' r."""
        return Transposed.apply(cotangent)


class Transposed(torch.autograd.Function):
    """A', by the inverse transform, which adds the negative frequencies; its rule is A."""

    @staticmethod
    def forward(r):
        """A' r."""
        whole = np.zeros(n // 2 + 1, dtype=complex)
        whole[band] = r.detach().resolve_conj().numpy()
        return torch.from_numpy(np.fft.irfft(whole, n, norm="ortho") / 2**0.5)

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Nothing has to be kept."""

    @staticmethod
    def backward(ctx, cotangent):
        """A x."""
        return Restricted.apply(cotangent)


A, At = Restricted.apply, Transposed.apply

# The dot test says whether A' is the transpose of A: <A x, r> = <x, A'r> for random x and r.
x0 = torch.from_numpy(rng.standard_normal(n))
r0 = torch.from_numpy(rng.standard_normal(K) + 1j * rng.standard_normal(K))
in_data, in_model = (A(x0).conj() * r0).real.sum(), (x0 * At(r0)).sum()
assert abs(in_data - in_model) < 1e-13 * A(x0).norm() * r0.norm()
# A A' = 1, so that A'A is a projection: the band-pass filter. Twice is as good as once.
assert (A(At(r0)) - r0).abs().max() < 1e-14
assert (At(A(At(A(x0)))) - At(A(x0))).abs().max() < 1e-14
# PyTorch's finite differences agree with both rules, and with the rules of the rules.
assert gradcheck(A, x0.clone().requires_grad_())
assert gradgradcheck(A, x0.clone().requires_grad_())
assert gradcheck(At, r0.clone().requires_grad_())
print(f"A: {n} samples to {K} frequencies; dot test {abs(in_data - in_model).item():.0e}")

# --- 2. A trace and its data ----------------------------------------------------------------------
#
# Reflections with a Ricker wavelet of 15 Hz, on a slow drift of the instrument.

t = interval * np.arange(n)
reflectivity = np.zeros(n)
reflectivity[[50, 95, 110, 170, 200]] = 1.0, -0.7, 0.6, 0.5, -0.4
wavelet = ricker(t, 15.0)
trace = np.convolve(reflectivity, wavelet)[25 : n + 25] + 0.5 * np.sin(2 * np.pi * 0.98 * t + 1)
truth = torch.from_numpy(trace)
b = A(truth)

# --- 3. The gradient, by PyTorch and by hand ------------------------------------------------------


def loss(x):
    """L(x)."""
    return 0.5 * (A(x) - b).abs().square().sum() + 0.5 * x.square().sum()


x = x0.clone().requires_grad_()
(gradient,) = grad(loss(x), x, create_graph=True)
by_hand = At(A(x0) - b) + x0
assert (gradient - by_hand).abs().max() < 1e-13

# Finite differences see one direction v at a time: g v = (L(x + h v) - L(x - h v)) / (2 h), which
# is exact for a parabola, whatever h.
v = torch.from_numpy(rng.standard_normal(n))
difference = (loss(x0 + v) - loss(x0 - v)) / 2
assert abs(difference - gradient @ v) < 1e-12 * abs(difference)

# The product of the Hessian with v is the gradient of g v: H v = A'A v + v.
(Hv,) = grad(gradient @ v, x, retain_graph=True)
assert (Hv - At(A(v)) - v).abs().max() < 1e-13
print(f"gradient: AD against by hand {(gradient - by_hand).abs().max().item():.0e}")

# --- 4. Two eigenvalues ---------------------------------------------------------------------------
#
# What is in the band is an eigenvector of A'A with eigenvalue 1, what is outside with 0. So H has
# the eigenvalues 2 (2 K times, a cosine and a sine for each frequency) and 1, and no others.

rows = [grad(gradient, x, row, retain_graph=True)[0] for row in torch.eye(n, dtype=torch.float64)]
H = torch.stack(rows)
eigenvalues = torch.linalg.eigvalsh(H).numpy()
assert np.abs(eigenvalues[: n - 2 * K] - 1).max() < 1e-12
assert np.abs(eigenvalues[n - 2 * K :] - 2).max() < 1e-12

# --- 5. One step of conjugate gradients -----------------------------------------------------------
#
# The method goes from x along p = -g by the step a = (g g) / (p H p) that is best along p. Where g
# is an eigenvector, that is the minimum itself. From x = 0, g = -A'b lies in the band: one step,
# and by the eigenvalue 2 its length is 1/2,
#
#     x* = 1/2 A'b.
#
# From anywhere else there are parts of both eigenvalues, and it takes two steps.


def conjugate_gradients(x, count):
    """So many steps of conjugate gradients for L, all derivatives by PyTorch."""
    x = x.clone().requires_grad_()
    (g,) = grad(loss(x), x, create_graph=True)
    p = -g.detach()
    for _ in range(count):
        (Hp,) = grad(g @ p, x)
        step = -(g @ p).detach() / (p @ Hp)
        x = (x + step * p).detach().requires_grad_()
        before = g.detach()
        (g,) = grad(loss(x), x, create_graph=True)
        p = -g.detach() + (g @ g).detach() / (before @ before) * p
    return x.detach(), g.detach().norm().item()


solution, remainder = conjugate_gradients(torch.zeros(n, dtype=torch.float64), 1)
assert remainder < 1e-13 * b.abs().square().sum().sqrt()
assert (solution - At(b) / 2).abs().max() < 1e-14
# A solver that factorises H finds the same.
assert (torch.linalg.solve(H, At(b)) - solution).abs().max() < 1e-12
_, after_one = conjugate_gradients(x0, 1)
other, after_two = conjugate_gradients(x0, 2)
assert after_one > 1e-2
assert after_two < 1e-12
assert (other - solution).abs().max() < 1e-12
print(f"gradient after one step: {remainder:.0e} from zero, {after_one:.0e} from a random start")

# --- 6. The picture -------------------------------------------------------------------------------

figure = Figure(figsize=(12, 3.8), layout="constrained")
left, middle, right = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
left.plot(t, truth, "k", lw=1, label="trace x")
left.plot(t, At(b), "C0", lw=1.2, label="A'A x: what is in the band")
left.plot(t, solution, "C3--", lw=1.2, label="minimum of L, after one step")
left.set(xlabel="time [s]", ylabel="amplitude", title="A trace, and what its band tells of it")
left.legend(fontsize=8)
for values, style in ((truth, "k"), (At(b), "C0"), (solution, "C3--")):
    middle.plot(frequencies, np.abs(np.fft.rfft(values, norm="ortho")), style, lw=1.2)
kept = frequencies[band]
middle.axvspan(kept[0], kept[-1], color="0.9", zorder=0)
middle.set(xlim=(0, 60), xlabel="frequency [Hz]", ylabel="amplitude", title="Spectra; band in grey")
right.plot(eigenvalues, ".", ms=3)
right.set(
    xlabel="number", ylabel="eigenvalue of H", ylim=(0, 2.2), title="1 outside, 2 in the band"
)
for axes in (left, middle, right):
    axes.grid(alpha=0.3)
figure.savefig(folder / "fourier.png", dpi=130)

# What one sees: the drift, which is not in the band, has left no data and does not come back; of
# the rest, the minimum has half, as misfit and penalty pull with equal strength. The eigenvalues
# say why one step was enough, and how it is with the wave equation: its Hessian has many
# different eigenvalues, and conjugate gradients take many steps (tutorials g and i).
