"""Waves: forward, adjoint, Born and gradient operators, derived from wave equations.

Devito reads its variables (DEVITO_LANGUAGE, DEVITO_MPI, ...) when it is imported, and with some of
them other code is generated or none. They are meant for programs of the user's own: no module here
sees them.
"""

import os as _os

for _name in [n for n in _os.environ if n.startswith("DEVITO_")]:
    del _os.environ[_name]
