"""Generated code as it reads with the functions of rows in place of their calls."""

from __future__ import annotations

import re
from functools import partial

FUNCTION = re.compile(r"^static [^\n]*void (row\d+)\(([^\n]*)\)\n\{\n(.*?)\n\}\n", re.M | re.S)


def inlined(code: str) -> str:
    """Code without functions of rows, with the accesses to arrays as in loops of the kernel.

    Loops keep the number of turns for their end.
    """
    functions = {name: (split(p), body) for name, p, body in FUNCTION.findall(code)}
    code = re.sub(r"^static [^\n]*void row\d+\([^\n]*\);\n", "", FUNCTION.sub("", code), flags=re.M)

    def body(call: re.Match[str]) -> str:
        parameters, text = functions[call[1]]
        for parameter, argument in zip(parameters, split(call[2]), strict=True):
            name = parameter.split()[-1]
            if argument.startswith("&"):
                array, first = re.fullmatch(r"&(.*?)\[([^\[\]]*)\]", argument).groups()  # type: ignore[union-attr]
                access = partial(_access, array, first)
                text = re.sub(rf"\b{name}\[(\w+)( [+-] \d+)?\]", access, text)
            else:
                text = re.sub(rf"\b{name}\b", lambda _, a=argument: a, text)  # type: ignore[misc]
        return text.strip()

    return re.sub(r"\b(row\d+)\((.*)\);", body, code)


def split(listed: str) -> list[str]:
    """Arguments, or parameters, of a list of them."""
    parts = [""]
    for character in listed:
        depth = parts[-1].count("(") - parts[-1].count(")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _access(array: str, first: str, access: re.Match[str]) -> str:
    """An access to an array, by that of the first point of a loop, and one in a function."""
    along, away = access[1], int((access[2] or "0").replace(" ", ""))
    whole = re.fullmatch(r"\w_m(?: \+ (\d+))?", first)
    if whole is None:
        return f"{array}[{first} + {along}{access[2] or ''}]"
    place = int(whole[1] or 0) + away
    sign = "-" if place < 0 else "+"
    return f"{array}[{along} {sign} {abs(place)}]" if place else f"{array}[{along}]"
