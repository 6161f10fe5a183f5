"""Part of `mutated_inputs.py`: configs and `--set` values, each changed in one or two ways.

Changed are whole configs of the three commands, the templates and `configs/*.yaml`: every key that
the schemas have takes every special value; keys are dropped, given twice, misspelt and exchanged;
values change their type; the text is cut, spliced and overwritten, and gets what YAML can do.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any

import mutated_files
import numpy as np
from limited_command import Case

from fwicli import config_schema

Rng = np.random.Generator
Tree = dict[str, Any]
Keys = tuple[str, ...]

KINDS = ("model", "invert", "rtm", "lsrtm")

CONFIGS = Path(__file__).parents[1] / "configs"
# As YAML says them.
MODEL = """\
model: {vp: 2000.0, rho: 1000.0, epsilon: 0.1, delta: 0.05, theta: 10, shape: [61, 41],
        spacing: [10, 10], origin: [0, 0], unit: m/s, rho_unit: kg/m3, angle_unit: deg,
        smooth: {length: 30, keep: nothing}}
geometry:
  sources: {x: {start: 100, stop: 500, step: 200}, z: 20, layout: line}
  receivers: {x: {start: 0, stop: 600, count: 16}, z: 30, layout: grid, towed: false}
wavelet: {kind: ricker, frequency: 10, delay: 0.15, amplitude: 1.0}
time: {interval: 0.004, duration: 0.6}
physics:
  equation: tti
  order: 8
  absorbing: {cells: 12, frequency: 10, sides: [left, right, bottom]}
  history: {keep: compressed, every: 4, bits: 8}
  grid: auto
  aperture: auto
  substeps: 9
  min_points_per_wavelength: 3
  interpolation: sinc
execution: {workers: 1, threads: 1, memory: 1}
output: run
"""
OBSERVED = """\
model: {vp: {file: start.npy}, spacing: 10, smooth: {length: 30, keep: water}}
data: {file: shots.h5, traces: data, shots: "0:3:1", duration: 0.5}
wavelet: {kind: ormsby, corners: [2, 4, 12, 16], delay: 0.3}
reference: {vp: {file: true.npy}, spacing: 10}
execution: {workers: 1}
"""
INVERT = (
    OBSERVED
    + """\
inversion:
  bounds: [1400, {file: high.npy}]
  parameter: slowness
  fixed: [water, {between: [0, 50]}, {file: mask.npy}]
  taper: 20
  misfit: {kind: huber, threshold: 0.5}
  conditioning:
    - {kind: offsets, farthest: 500, taper: 20}
    - {kind: first_arrivals, after: -0.1, before: 0.4, taper: 0.1}
    - {kind: given_weights, file: weights.npy}
  source: {estimate: shot, lags: [-0.1, 0.1], damping: 0.001}
  regularization: [{kind: tikhonov, weight: 0.01, axes: {x: 4, z: 1}}]
  preconditioning: {smoothing: {wavelengths: 0.2}, mutes: {sources: 30}, depth: 0.5}
  model_smoothing: 10
  optimizer: {method: lbfgs, memory: 5, evaluations: 8, first_change: 50}
  shots: {batch: 2, order: random, seed: 3}
  stages:
    - {band: [0, 6], iterations: 1, spacing: auto}
    - {band: [2, 10], iterations: 1, misfit: envelope}
physics: {order: 8, history: {keep: checkpoints, checkpoints: 5}, aperture: 300.0}
"""
)
RTM = (
    OBSERVED
    + """\
imaging: {condition: correlation, illumination: 0.01, mute: 40.0, band: [3, 14], spacing: auto}
physics: {order: 8, history: {keep: fourier, frequencies: [5.0, 10.0]}, grid: model}
"""
)
LSRTM = (
    OBSERVED
    + """\
least_squares: {iterations: 5, solver: {kind: conjugate_gradients, damping: 0.1, restart: 2},
                illumination: 0.01, mute: 40.0, band: [3, 14], spacing: auto,
                source: {estimate: common}, line_source: {velocity: 2000, delay: 0.1},
                conditioning: [{kind: time_derivative, order: -0.5}]}
physics: {order: 8, grid: model}
"""
)
TEXTS = {"model": MODEL, "invert": INVERT, "rtm": RTM, "lsrtm": LSRTM}
# Texts of values, as YAML has them.
NUMBERS = (
    *("1e300", "1e308", "1e-300", "1e30", "1e-30", "1e15", "1e-15", "1e-9", "1e9", "1e6", "1e-3"),
    *("-0.0", "0", "1", "2", "3", "7", "100", "5000", "0.5", "0.02", "-1", "-1e300", "-1e9"),
    *("2147483648", "1000000000", "9223372036854775808", "100000000000000000000", "9" * 400),
)
SPECIAL = (
    *NUMBERS,
    *(".nan", ".inf", "-.inf", "1e400", "9" * 5000, "true", "false", "null", "~", "auto", "all"),
    *("''", "text", "'1'", "20:00:00", "1_0", "0x1F", "2001-01-01", "~nobody_of_this_name/x"),
    *('"a\\0b"', '"\\ud800"', "/", ".", "/dev/zero", "/dev/null", "x" * 5000, "${NOWHERE}", "é"),
    *("[]", "{}", "[[]]", "[1e300]", "[1, 2, 3, 4]", "[0, 0]", "[.nan, 1]", "[1e9, 1e10]"),
    *("[0, 1e15]", "[1e-9, 1e9]", "[1000000000, 1000000000]", "[2, 2]", "[10, 1e-6]"),
    *("[" * 500, "[" * 60 + "]" * 60, "{a: " * 60 + "1" + "}" * 60, "!!float 3", "!!binary aGk="),
    *("!mine 3", "*nowhere", "&a [*a]", "{<<: 3}", "{<<: {file: x}}", "{file: .}", "- a", "a: b"),
    *("{file: start.npy, shape: [1e9]}", "{file: raw.bin, shape: [1000000000, 1000000000]}"),
    *("{start: 0, stop: 1e12, step: 1e-3}", "{start: 0, stop: 1, count: 1000000000}"),
    *("{start: .nan, stop: 1, step: 1}", "{kind: ricker}", "{keep: disk, every: 1}"),
)
LINES = (
    *("<<: {x: 3}", "<<: *nowhere", "%YAML 1.1", "---", "...", "\tx: 1", "? [a]\n: b", "model: &m"),
    *("a: &a [*a]", "model: {}", "time: 3", "- 1", "&x", "!!python/name:os.system x: 1", "\u2028"),
    "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
)


# --- trees of texts -------------------------------------------------------------------------------


def _tree(text: str) -> Tree:
    """Mappings and lists of a YAML text, with leaves as YAML writes them."""
    from ruamel.yaml import YAML

    return dict(_leaves(YAML(typ="safe", pure=True).load(text)))


def _leaves(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _leaves(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_leaves(v) for v in value]
    return json.dumps(value)


def _text(value: Any) -> str:
    """In YAML's flow style, but for the sections themselves."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return str(value)


def _document(tree: Tree) -> str:
    return "".join(f"{name}: {_text(value)}\n" for name, value in tree.items())


def _places(value: Any, key: Keys = ()) -> Iterator[Keys]:
    """Keys of all that a tree holds."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for name, item in items:
        yield (*key, str(name))
        yield from _places(item, (*key, str(name)))


def _at(tree: Any, key: Keys) -> Any:
    for step in key:
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    return tree


def _put(tree: Any, key: Keys, value: Any) -> None:
    parent = _at(tree, key[:-1])
    parent[int(key[-1]) if isinstance(parent, list) else key[-1]] = value


@cache
def schema_keys(kind: str) -> tuple[Keys, ...]:
    """Keys of all that a schema allows, members of unions included; 0 for items of lists."""
    schema = config_schema(kind)
    allowed: dict[Keys, None] = {}

    def walk(node: Mapping[str, Any], key: Keys) -> None:
        if "$ref" in node:
            walk(schema["$defs"][node["$ref"].rpartition("/")[2]], key)
        for member in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
            walk(member, key)
        for name, below in node.get("properties", {}).items():
            allowed[(*key, name)] = None
            walk(below, (*key, name))
        if isinstance(node.get("items"), Mapping):
            walk(node["items"], (*key, "0"))
        if isinstance(node.get("additionalProperties"), Mapping):
            walk(node["additionalProperties"], (*key, "vp"))

    walk(schema, ())
    return tuple(allowed)


# --- mutations ------------------------------------------------------------------------------------


def _drawn(rng: Rng, items: Sequence[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def _misspelt(name: str, rng: Rng) -> str:
    place = int(rng.integers(len(name)))
    return str(
        _drawn(
            rng,
            [
                name[:place] + name[place + 1 :],
                name[:place] + "x" + name[place:],
                name.upper(),
                name[::-1],
                f"'{name} '",
                "kind",
                "file",
                "<<",
            ],
        )
    )


def _change_tree(tree: Tree, rng: Rng) -> str:
    """Change a value, or a key, that a tree has."""
    key = _drawn(rng, list(_places(tree)))
    parent, value = _at(tree, key[:-1]), _at(tree, key)
    kind = str(rng.choice(["drop", "rename", "swap", "wrap", "text", "nest", "special", "null"]))
    if kind == "drop":
        parent.pop(int(key[-1]) if isinstance(parent, list) else key[-1])
    elif kind == "rename" and isinstance(parent, dict):
        name = _misspelt(key[-1], rng)
        items = {name if k == key[-1] else k: v for k, v in parent.items()}
        parent.clear()
        parent.update(items)
    elif kind == "swap":
        other = _drawn(rng, list(_places(tree)))
        _put(tree, key, json.loads(json.dumps(_at(tree, other))))
    elif kind == "wrap":
        _put(tree, key, [value])
    elif kind == "text":
        _put(tree, key, json.dumps(_text(value)))
    elif kind == "nest":
        _put(tree, key, {key[-1] if not key[-1].isdigit() else "file": value})
    elif kind == "null":
        _put(tree, key, "null")
    else:
        _put(tree, key, _drawn(rng, NUMBERS if rng.random() < 0.5 else SPECIAL))
    return f"{kind} {'.'.join(key)}"


def _change_text(text: str, rng: Rng, others: Sequence[str]) -> tuple[bytes, str]:
    """Change the text itself."""
    kind = str(rng.choice(["bytes", "cut", "splice", "line", "twice", "insert", "ends", "encoded"]))
    lines = text.splitlines(keepends=True)
    content = bytearray(text.encode())
    at = int(rng.integers(len(lines)))
    if kind == "bytes":
        for _ in range(int(rng.integers(1, 6))):
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
        return bytes(content), kind
    if kind == "insert":
        where = int(rng.integers(len(content)))
        piece = _drawn(
            rng, ["[", "{", "}", '"', "'", ": ", "- ", "#", "&a ", "*a ", "\t", "!", "|"]
        )
        content[where:where] = str(piece).encode()
        return bytes(content), f"insert {piece!r}"
    if kind == "encoded":
        code = str(rng.choice(["utf-16", "utf-32", "utf-8-sig", "latin-1"]))
        return text.replace("#", "é").encode(code), code
    if kind == "ends":
        return text.replace("\n", str(rng.choice(["\r\n", "\r", "\n\n"]))).encode(), kind
    if kind == "cut":
        return bytes(content[: int(rng.integers(len(content)))]), kind
    if kind == "splice":
        other = _drawn(rng, others).splitlines(keepends=True)
        lines[at:] = other[int(rng.integers(len(other))) :]
    elif kind == "twice":
        lines.insert(int(rng.integers(len(lines) + 1)), lines[at])
    else:
        lines.insert(at, f"{_drawn(rng, LINES)}\n")
    return "".join(lines).encode(), kind


def _setting(keys: Sequence[Keys], rng: Rng) -> str:
    """One `--set`, of a key that the schema has or of none."""
    key = ".".join(_drawn(rng, keys))
    if rng.random() < 0.1:
        odd = (
            "",
            ".",
            "..",
            "model.",
            ".model",
            "model.²",
            "model.shape.-1",
            "model.shape.9",
            "\udcff",
        )
        key = str(_drawn(rng, (*odd, f"{key}.x", f"{key}.0", "a.b" * 300, f"{key}.{'9' * 5000}")))
    return f"{key}={_drawn(rng, NUMBERS if rng.random() < 0.5 else SPECIAL)}"


# --- cases ----------------------------------------------------------------------------------------


def write_base(folder: Path) -> None:
    """Inputs without a fault, for configs and templates."""
    mutated_files.write_base(folder)
    model = np.load(folder / "true.npy")
    for name in ("start", "smooth", "vp"):
        np.save(folder / f"{name}.npy", model)
    np.save(folder / "high.npy", np.full(model.shape, 4000.0))
    (folder / "raw.bin").write_bytes(bytes(400))


def bases() -> list[tuple[str, str]]:
    """Kinds and texts of the configs that are changed."""
    templates = resources.files("fwicli.config") / "templates"
    texts = [(kind, (templates / f"{kind}.yaml").read_text(encoding="utf-8")) for kind in KINDS]
    own = list(TEXTS.items())
    examples = [
        (kind, path.read_text(encoding="utf-8"))
        for path in sorted(CONFIGS.glob("*.yaml"))
        if (kind := path.stem.rpartition("_")[2]) in KINDS
    ]
    return own * 3 + texts + examples


def changed(number: int, seed: int) -> tuple[str, str, bytes, list[str]]:
    """Words, kind, content and options of a case.

    The first cases give every key of every schema one of the special values by turns.
    """
    rng = np.random.default_rng([seed, number])
    kinds = tuple(KINDS)
    systematic = number % 2 == 0
    if systematic:
        kind = kinds[number // 2 % len(kinds)]
        keys = schema_keys(kind)
        turn = number // (2 * len(kinds))
        key = keys[turn % len(keys)]
        value = _drawn(rng, NUMBERS if rng.random() < 0.6 else SPECIAL)
        return (
            f"{'.'.join(key)}={value[:40]}",
            kind,
            TEXTS[kind].encode(),
            [f"{'.'.join(key)}={value}"],
        )
    kind, text = _drawn(rng, bases())
    draw = rng.random()
    if draw < 0.4:
        tree = _tree(text)
        words = [_change_tree(tree, rng) for _ in range(1 + (rng.random() < 0.3)) if tree]
        return ", ".join(words), kind, _document(tree).encode(errors="surrogatepass"), []
    if draw < 0.75:
        content, word = _change_text(text, rng, [other for _, other in bases()])
        return word, kind, content, []
    settings = [_setting(schema_keys(kind), rng) for _ in range(1 + (rng.random() < 0.3))]
    return ", ".join(s[:40] for s in settings), kind, text.encode(), settings


def _written(source: Path, content: bytes, arguments: Sequence[str], folder: Path) -> Sequence[str]:
    for path in source.iterdir():
        os.link(path, folder / path.name)
    (folder / "c.yaml").write_bytes(content)
    return arguments


def cases(seed: int, base: Path, runs: int) -> Iterator[Case]:  # noqa: ARG001 - see `fuzz`
    """Cases without end, each `fwi check` or a dry run of the command that it is for."""
    write_base(base)
    for number in range(10**9):
        words, kind, content, settings = changed(number, seed)
        rng = np.random.default_rng([seed, number, 1])
        options = [
            option for setting in settings for option in ("--set", setting.replace("\0", ""))
        ]
        wrong = rng.random() < 0.1
        command = str(rng.choice(list(KINDS))) if wrong else kind
        chosen = ["check", "c.yaml"] if rng.random() < 0.4 else [command, "c.yaml", "-n"]
        shown = re.sub(r"[^\x20-\x7e]", "?", words)
        write: Callable[[Path], Sequence[str]] = partial(
            _written, base, content, [*chosen, *options]
        )
        yield Case(f"{number}: {' '.join(chosen)}: {shown}", write)
