"""A rule of differentiation of one's own.

The idea
--------
Automatic differentiation (AD) knows the derivative of every basic operation and chains them. A
function that it cannot look into, such as a library's, a solver or a compiled wave equation, needs
a *rule*: one that says what the derivative is, in terms of functions that AD can call again.

We take the function that interpolates between samples, and that a standing spherical wave is,

    f(x) = sin(x) / x,        f(0) = 1,

let a library compute it, state its rule, and check the rule against calculus. That is all there is
to know about `fwicli.autograd`, too: there the library is Devito, and the function is F(m) q.

Run it with a folder for its picture: python docs/tutorials/custom_rule.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.special import spherical_jn
from torch.autograd import grad, gradcheck, gradgradcheck

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/tutorials/custom_rule")
folder.mkdir(parents=True, exist_ok=True)
x = (torch.arange(-150, 151, dtype=torch.float64) / 10).requires_grad_()  # 0 is one of them

# --- 1. What goes wrong without a rule ------------------------------------------------------------
#
# Written with basic operations, f needs an exception for x = 0. Its values are right. But the
# derivative of the branch that is not taken is 0 / 0 there, and 0 times that is not 0.

naive = torch.where(x == 0, 1.0, torch.sin(x) / x)
assert naive.isfinite().all()
(naive_slope,) = grad(naive.sum(), x)
assert naive_slope[x == 0].isnan().all()
print(f"without a rule, f'(0) is {naive_slope[x == 0].item()}")

# --- 2. The rule ----------------------------------------------------------------------------------
#
# f is the first of the spherical Bessel functions j0, j1, j2, ..., and each one's derivative
# consists of its neighbours (Digital Library of Mathematical Functions, 10.51.1):
#
#     (2 n + 1) jn' = n j(n-1) - (n + 1) j(n+1).
#
# So the rule calls the function itself, with other n. This makes it differentiable as often as we
# like: the derivative of the derivative is again a matter of the rule.


class Bessel(torch.autograd.Function):
    """The spherical Bessel function jn(x) of SciPy, as an operation of PyTorch."""

    @staticmethod
    def forward(x, n):
        """Compute it, out of PyTorch's sight."""
        return torch.as_tensor(spherical_jn(n, x.detach().numpy()))

    @staticmethod
    def setup_context(ctx, inputs, _):
        """Keep what the rule needs."""
        x, ctx.n = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx, cotangent):
        """Reverse mode, from dL/df to dL/dx = f'(x) dL/df; n has no derivative."""
        return slope(*ctx.saved_tensors, ctx.n) * cotangent, None

    @staticmethod
    def jvp(ctx, tangent, _):
        """Forward mode, from dx to df = f'(x) dx."""
        return slope(*ctx.saved_tensors, ctx.n) * tangent


def bessel(x, n=0):
    """jn(x); j0 is sin(x) / x."""
    return Bessel.apply(x, n)


def slope(x, n):
    """jn'(x), by the formula above."""
    before = n * bessel(x, n - 1) if n else 0
    return (before - (n + 1) * bessel(x, n + 1)) / (2 * n + 1)


# --- 3. The rule against calculus -----------------------------------------------------------------
#
# By hand: f' = (x cos x - sin x) / x**2 and f'' = -f - 2 f' / x; and from the series
# f = 1 - x**2 / 6 + x**4 / 120 - ..., f''(0) = -1/3 and f''''(0) = 1/5. `create_graph=True` tells
# PyTorch to record the rule itself, so that it can be differentiated once more.

derivatives = [bessel(x)]
for _ in range(4):
    derivatives += grad(derivatives[-1].sum(), x, create_graph=True)
f, f1, f2, f3, f4 = (d.detach() for d in derivatives)

away, at = x.detach()[x != 0], x == 0
by_hand = (away * away.cos() - away.sin()) / away**2
assert (f - naive).abs().max() < 1e-15
assert (f1[~at] - by_hand).abs().max() < 1e-12
assert (f2[~at] - (-away.sin() / away - 2 * by_hand / away)).abs().max() < 1e-10
assert (f1[~at] - naive_slope[~at]).abs().max() < 1e-12
expected = torch.tensor([0, -1 / 3, 0, 1 / 5], dtype=torch.float64)
found = torch.stack([d[at].squeeze() for d in (f1, f2, f3, f4)])
assert (found - expected).abs().max() < 1e-15
print("with the rule, the derivatives 1 to 4 at 0 are", *(f"{v:.6f}" for v in found))

# PyTorch can check a rule by finite differences: both modes, and the rule of the rule.
few = torch.tensor([-2.0, -0.3, 0.0, 1.1, 7.0], dtype=torch.float64, requires_grad=True)
assert gradcheck(bessel, few, check_forward_ad=True)
assert gradgradcheck(bessel, few, check_fwd_over_rev=True)


# A check is worth something only if it finds mistakes: this rule has the wrong sign.
class Wrong(Bessel):
    """The same with a mistake."""

    @staticmethod
    def backward(ctx, cotangent):
        """Return -f'(x) dL/df."""
        return -slope(*ctx.saved_tensors, ctx.n) * cotangent, None


assert not gradcheck(lambda t: Wrong.apply(t, 0), few, raise_exception=False)

# --- 4. Taylor's test -----------------------------------------------------------------------------
#
# The same test serves for functions of a million unknowns, as nothing has to be known of f': where
# it is right, the error of the first order falls with h, and that of the second with h**2:
#
#     |f(x + h) - f(x)| ~ h,        |f(x + h) - f(x) - h f'(x)| ~ h**2.
#
# `fwi verify` does this with wave equations.

point = torch.tensor(4.0, dtype=torch.float64)
value, change = torch.func.jvp(bessel, (point,), (torch.ones_like(point),))
steps = np.logspace(-4, -1, 13)
moved = bessel(point + torch.from_numpy(steps)).numpy()
zeroth = np.abs(moved - value.item())
first = np.abs(moved - value.item() - steps * change.item())
slopes = [np.polyfit(np.log(steps), np.log(e), 1)[0] for e in (zeroth, first)]
assert abs(slopes[0] - 1) < 0.02
assert abs(slopes[1] - 2) < 0.02
print(f"Taylor's test: slopes {slopes[0]:.3f} and {slopes[1]:.3f}")

# --- 5. The rule at work --------------------------------------------------------------------------
#
# A standing spherical wave has the pressure p(r) = sin(k r) / (k r). From recorded p, one receiver
# in the centre r = 0, we want the wavenumber k: Newton's method for L(k) = 1/2 |p(r; k) - d|**2
# takes k - L'(k) / L''(k), both from the rule, until L' is zero.

r = torch.linspace(0, 50, 11, dtype=torch.float64)  # m
true = 2 * np.pi / 40  # 1/m: a wavelength of 40 m
data = bessel(true * r)
k = torch.tensor(2 * np.pi / 44, dtype=torch.float64, requires_grad=True)
errors = []
for _ in range(6):
    errors.append(abs(k.item() / true - 1))
    loss = 0.5 * ((bessel(k * r) - data) ** 2).sum()
    (first_derivative,) = grad(loss, k, create_graph=True)
    (second_derivative,) = grad(first_derivative, k)
    k = (k - first_derivative / second_derivative).detach().requires_grad_()
errors.append(abs(k.item() / true - 1))
assert errors[-1] < 1e-14
# The number of right digits about doubles with each step.
assert errors[3] < 10 * errors[2] ** 2
print("Newton's method, relative errors of k:", *(f"{e:.0e}" for e in errors))

# --- 6. The picture -------------------------------------------------------------------------------

figure = Figure(figsize=(12, 3.8), layout="constrained")
left, middle, right = figure.subplots(1, 3)
axis = x.detach().numpy()
for values, name in ((f, "f = sin(x) / x"), (f1, "f', by the rule"), (f2, "f'', by the rule")):
    left.plot(axis, values.numpy(), label=name)
left.plot(away.numpy()[::6], by_hand.numpy()[::6], "k.", ms=4, label="f', by hand")
left.set(xlabel="x", ylabel="value", title="A function and its derivatives")
left.legend(fontsize=8)
middle.loglog(steps, zeroth, "o-", ms=4, label="|f(x + h) - f(x)|, slope 1")
middle.loglog(steps, first, "s-", ms=4, label="|f(x + h) - f(x) - h f'(x)|, slope 2")
middle.set(xlabel="step h", ylabel="error", title="Taylor's test at x = 4")
middle.legend(fontsize=8)
right.semilogy(np.maximum(errors, 1e-16), "o-", ms=4)
right.set(xlabel="step of Newton's method", ylabel="relative error of k")
right.set_title("A wavenumber by two derivatives")
for axes in (left, middle, right):
    axes.grid(alpha=0.3)
figure.savefig(folder / "rule.png", dpi=130)

# What one sees: the derivatives pass smoothly through x = 0, where the naive ones are not a number;
# the lines of Taylor's test have the slopes 1 and 2; and Newton's method, which needs both
# derivatives, doubles the number of right digits with every step.
