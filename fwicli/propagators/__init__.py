"""Waves: forward, adjoint, Born and gradient operators, derived from wave equations.

Each folder answers one question; imports point downwards in this list.

    verification    whether transposes and derivatives are exact
    tasks           shots as tasks for workers: `ShotTask`, the base of all
    propagator      F, F^T, J, J^T and H, which is what other packages see
    running/        how one shot is run
    locations       where waves enter and leave
    checks/         what is checked before, and why waves did not stay finite
    discretization  what a propagator is made of
    kernels/        what is compiled
    history         how the forward field is kept for a gradient
    sampling/       how space and time are sampled
    equations/      what is stated
    symbolic/       what is derived
    absorbing       the layer around the model, and free sides

Devito reads its variables (DEVITO_LANGUAGE, DEVITO_MPI, ...) when it is imported, and with some of
them other code is generated or none. They are meant for programs of the user's own: no module here
sees them.
"""

import os as _os

for _name in [n for n in _os.environ if n.startswith("DEVITO_")]:
    del _os.environ[_name]
