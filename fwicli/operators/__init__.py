"""Waves as linear operators, for matrix-free linear algebra.

    forward             F      q  -> d  = F(p) q
    jacobian            J      dp -> dd = J(p, q) dp
    gauss_newton        J^T J
    hessian             H      second derivative of 1/2 |F(p) q - d|**2
    extended            w  -> F(p) [w(x) q(t)], extended sources
    extended_imaging    s  -> F(p) E*(s, u), images with lags, or of separated fields
    imaging             s  -> J(p, q) C s, images of any condition; its transpose migrates
    surface_offsets     s  -> sum_b W_b J C s_b, images by surface offset; `common_shots` by source

are `scipy.sparse.linalg.LinearOperator`, with the shapes of their inputs and outputs; `.pylops()`
and `.pyxu()` make operators of these libraries. Nothing is propagated before one is applied. Shots
are selected as in F[3:5], summed or fired together (`encoding`), and operators composed with others
as in R @ J @ S. PyTorch is not needed here.
"""

from __future__ import annotations

from fwicli.deprecation import lazy

PUBLIC = {
    "Encoder": "fwicli.operators.encoding",
    "Operator": "fwicli.operators.operator",
    "codes": "fwicli.operators.encoding",
    "common_shots": "fwicli.operators.image_gathers",
    "dip_cut": "fwicli.operators.image_filters",
    "extended": "fwicli.operators.emission",
    "extended_imaging": "fwicli.operators.extended_images",
    "forward": "fwicli.operators.modelling",
    "gauss_newton": "fwicli.operators.curvature",
    "hessian": "fwicli.operators.curvature",
    "image_laplacian": "fwicli.operators.image_filters",
    "imaging": "fwicli.operators.images",
    "jacobian": "fwicli.operators.modelling",
    "low_cut": "fwicli.operators.image_filters",
    "normalised": "fwicli.operators.image_filters",
    "probed_diagonal": "fwicli.operators.image_filters",
    "surface_offsets": "fwicli.operators.image_gathers",
    "weights": "fwicli.operators.image_filters",
}
# Old names of this package, and the public names that replace them.
DEPRECATED: dict[str, str] = {}

__all__ = sorted(PUBLIC)
__getattr__ = lazy(__name__, PUBLIC, DEPRECATED)
