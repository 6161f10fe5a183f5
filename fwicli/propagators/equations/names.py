"""Names of fields, parameters and coefficients that a statement may give.

Names end in generated C code beside those of Devito and of this package. A name that is there
already would be another array, or a keyword of the language.
"""

from __future__ import annotations

import re

from fwicli.errors import PhysicsError

FORM = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Words of C99, and of the headers that every kernel includes.
C = re.compile(
    r"auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|"
    r"inline|int|long|register|restrict|return|short|signed|sizeof|static|struct|switch|typedef|"
    r"union|unsigned|void|volatile|while|main|complex|I|bool|true|false|NULL"
)
# Dimensions and arguments of Devito's kernels, sources (q), records (d) and their points.
TAKEN = ("t", "x", "y", "z", "time", "dt", "q", "d", "inj", "rec", "operand", "timers", "nthreads")
# Arrays that kernels have beside those of the statement, and temporaries.
FAMILIES = re.compile(
    r"(t|r|coef|left|right|drag|firm|friction)\d+|(d\d*|[htxyz]\d?|time|adj)_\w+|\w+_(vec|here|sum_\d+)|"
    r"(inj|rec|edge|history|gradient|image|illumination|rim|psi|zeta|chi)_\w+"
)


def check_name(name: str, what: str) -> None:
    """Make sure that a statement may give a name.

    Parameters
    ----------
    name : str
    what : str
        The thing, for the message, as `field`.

    Raises
    ------
    PhysicsError
        If generated code cannot have it, or has it already.
    """
    if not FORM.fullmatch(name):
        raise PhysicsError(
            f"a {what} is named `{name}`; use letters, digits and underscores, a letter first"
        )
    if C.fullmatch(name) or name in TAKEN or FAMILIES.fullmatch(name):
        why = "a word of C" if C.fullmatch(name) else "in generated code already"
        raise PhysicsError(
            f"a {what} is named `{name}`, which is {why}; take another name, as `{name}w`"
        )
