"""Part of `mutated_inputs.py`: files of a small inversion, each changed in one or two ways.

Changed are records, models, masks, bounds, weights and wavelets, in HDF5, .npy, .npz, text and raw
binary: datasets and attributes that are missing, of another shape, type, size or value, links out
of the file, and files that are cut, overwritten or something else.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from limited_command import Case
from mutated_values import DRAWN, VALUES, changed
from numpy.typing import NDArray

Array = NDArray[Any]
Rng = np.random.Generator

CONFIG = """\
model: {vp: {file: start.h5}}
data: {file: shots.h5}
inversion:
  bounds: [1400, 3000]
  fixed: {file: mask.npy}
  conditioning: [{kind: given_weights, file: weights.npy}]
  stages: [{band: [0, 10], iterations: 1}]
reference: {vp: {file: true.npy}, spacing: 10}
execution: {workers: 1}
"""
SHAPE, SPACING, INTERVAL, SAMPLES = (61, 41), 10.0, 0.004, 151
# What is raised where something was changed already to what cannot be read again.
SPOILT = (ValueError, TypeError, KeyError, RuntimeError, OSError, AttributeError, IndexError)
HUGE = (10**7, 10**4, 10**4)


def write_base(folder: Path) -> None:
    """Inputs without a fault; the records are direct waves at 1800 m/s."""
    z = SPACING * np.arange(SHAPE[1])
    start = np.broadcast_to(1800 + 0.8 * z, SHAPE).astype(np.float32).copy()
    np.save(folder / "true.npy", start + 50)
    with h5py.File(folder / "start.h5", "w") as file:
        file["vp"] = start
        file["vp"].attrs.update(spacing=[SPACING] * 2, origin=[0.0, 0.0], unit="m/s")
    np.save(folder / "mask.npy", (np.arange(SHAPE[1]) < 5) & np.ones(SHAPE, dtype=bool))
    np.save(folder / "weights.npy", np.ones((3, 16)))
    np.save(folder / "bound.npy", np.full(SHAPE, 1400.0))
    t = INTERVAL * np.arange(SAMPLES)
    sources, receivers = np.array([100.0, 300.0, 500.0]), 40.0 * np.arange(16)
    delay = np.abs(receivers - sources[:, None])[..., None] / 1800
    with h5py.File(folder / "shots.h5", "w") as file:
        file["data"] = ricker(t - delay).astype(np.float32)
        file["source_x"], file["source_z"] = sources, np.full(3, 20.0)
        file["receiver_x"], file["receiver_z"] = receivers, np.full(16, 30.0)
        file["wavelet"] = ricker(t)
        file.attrs["dt"] = INTERVAL
    wavelet = ricker(t)
    np.save(folder / "wavelet.npy", wavelet)
    np.savez(folder / "wavelet.npz", wavelet=wavelet)
    for name in ("wavelet.txt", "wavelet.csv", "wavelet.dat", "wavelet.asc"):
        np.savetxt(folder / name, wavelet)
    wavelet.astype(np.float32).tofile(folder / "wavelet.bin")
    with h5py.File(folder / "wavelet.h5", "w") as file:
        file["wavelet"] = wavelet
        file["wavelet"].attrs["dt"] = INTERVAL
    (folder / "invert.yaml").write_text(CONFIG)


def ricker(t: Array) -> Array:
    """Ricker wavelet of 10 Hz with its peak at 0.15 s."""
    a = (np.pi * 10 * (t - 0.15)) ** 2
    return np.asarray((1 - 2 * a) * np.exp(-a))


# --- HDF5 -----------------------------------------------------------------------------------------


def _created(file: h5py.File, name: str, **options: Any) -> None:
    del file[name]
    file.create_dataset(name, **options)


def _put(file: h5py.File, name: str, value: Any) -> None:
    del file[name]
    file[name] = value


def _group(file: h5py.File, name: str) -> None:
    del file[name]
    file.create_group(name)


def _references(file: h5py.File, name: str) -> None:
    shape = file[name].shape
    made = np.full(shape, file[name].ref, dtype=h5py.ref_dtype)
    _created(file, name, data=made, dtype=h5py.ref_dtype)


def _outside(file: h5py.File, name: str) -> None:
    """A virtual dataset of another file."""
    shape = file[name].shape or (1,)
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("other.h5", name, shape)
    del file[name]
    file.create_virtual_dataset(name, layout, fillvalue=2000.0)


def _raw_storage(file: h5py.File, name: str) -> None:
    """Values in a file beside it."""
    shape = file[name].shape or (1,)
    Path(file.filename).with_name("raw.bin").write_bytes(bytes(400))
    place = [("raw.bin", 0, h5py.h5f.UNLIMITED)]
    _created(file, name, shape=shape, dtype="f4", external=place)


def _enumeration(file: h5py.File, name: str) -> None:
    kind = h5py.enum_dtype({"water": 0, "rock": 1}, basetype="i1")
    _created(file, name, data=np.zeros(file[name].shape, "i1"), dtype=kind)


def _ragged(file: h5py.File, name: str) -> None:
    kind = h5py.vlen_dtype(np.float64)
    _created(file, name, shape=file[name].shape or (1,), dtype=kind)


def _loop(file: h5py.File, name: str) -> None:
    del file[name]
    file[name] = h5py.SoftLink(f"/{name}")


OBJECTS: dict[str, Callable[[h5py.File, str], None]] = {
    "missing": lambda f, n: f.__delitem__(n),
    "a group": _group,
    "no dataspace": lambda f, n: _put(f, n, h5py.Empty("f4")),
    "huge and empty": lambda f, n: _created(f, n, shape=HUGE, dtype="f4", chunks=(1, 100, 100)),
    "huge, of its axes": lambda f, n: _created(
        f, n, shape=(10**9,) * max(1, min(f[n].ndim, 2)), dtype="f4", chunks=True
    ),
    "unlimited": lambda f, n: _created(
        f, n, shape=f[n].shape or (1,), maxshape=(None,) * max(1, f[n].ndim), dtype="f4"
    ),
    "packed": lambda f, n: _created(f, n, data=np.atleast_1d(f[n][()]), compression="gzip"),
    "variable text": lambda f, n: _created(
        f, n, data=np.full(f[n].shape, "2.0", dtype=object), dtype=h5py.string_dtype()
    ),
    "one text": lambda f, n: _put(f, n, "hello"),
    "opaque": lambda f, n: _put(f, n, np.void(b"bits of something")),
    "references": _references,
    "enumeration": _enumeration,
    "ragged": _ragged,
    "virtual": _outside,
    "raw storage": _raw_storage,
    "external link": lambda f, n: _put(f, n, h5py.ExternalLink("other.h5", n)),
    "external link to nothing": lambda f, n: _put(f, n, h5py.ExternalLink("none.h5", n)),
    "soft link to nothing": lambda f, n: _put(f, n, h5py.SoftLink("/none")),
    "soft link to itself": _loop,
    "a type": lambda f, n: _put(f, n, np.dtype("f4")),
}


def _is_plain(dataset: h5py.Dataset) -> bool:
    """Whether a dataset has not been changed already to what cannot be read."""
    if dataset.shape is None or dataset.size > 10**6 or dataset.is_virtual or dataset.external:
        return False
    return bool(np.issubdtype(dataset.dtype, np.number))


def _change_dataset(file: h5py.File, rng: Rng) -> str:
    name = str(rng.choice(list(file)))
    if not isinstance(file.get(name), h5py.Dataset):
        return f"{name} again"
    if rng.random() < 0.4:
        kind = str(rng.choice(list(OBJECTS)))
        OBJECTS[kind](file, name)
    else:
        kind = str(rng.choice([*VALUES, *DRAWN]))
        if not _is_plain(file[name]):
            return f"{name} again"
        values = changed(kind, file[name][()], rng)
        attributes = dict(file[name].attrs)
        _put(file, name, values)
        file[name].attrs.update(attributes)
    return f"{name} {kind}"


def _change_attribute(file: h5py.File, rng: Rng) -> str:
    holders = [h for h in (file, *file.values()) if isinstance(h, h5py.Dataset | h5py.File)]
    holders = [h for h in holders if len(h.attrs)]
    if not holders:
        return "no attribute"
    holder = holders[int(rng.integers(len(holders)))]
    name = str(rng.choice(list(holder.attrs)))
    value = holder.attrs[name]
    kind = str(rng.choice(["missing", "no dataspace", "one text", "far", "near", *VALUES, *DRAWN]))
    if kind == "missing":
        del holder.attrs[name]
    elif kind == "no dataspace":
        holder.attrs[name] = h5py.Empty("f8")
    elif kind == "one text" or isinstance(value, str | h5py.Empty) or np.size(value) == 0:
        holder.attrs[name] = "4 ms"
    elif kind in ("far", "near"):
        holder.attrs[name] = np.asarray(value) * (1e300 if kind == "far" else 1e-300)
    elif np.issubdtype(np.asarray(value).dtype, np.number):
        holder.attrs[name] = changed(kind, np.asarray(value), rng)
    return f"attribute {name} {kind}"


def _mutate_hdf5(path: Path, rng: Rng) -> str:
    if rng.random() < 0.1:
        return _mutate_bytes(path, rng)
    words = []
    with h5py.File(path, "r+") as file:
        for _ in range(1 + (rng.random() < 0.25)):
            change = _change_attribute if rng.random() < 0.25 else _change_dataset
            with suppress(*SPOILT):
                words.append(change(file, rng))
    return ", ".join(words)


# --- files of bytes -------------------------------------------------------------------------------


def _mutate_bytes(path: Path, rng: Rng) -> str:
    """The file cut, overwritten, or something else."""
    whole = path.read_bytes()
    kind = str(
        rng.choice(["cut", "flipped", "zeroed", "empty", "other", "longer", "folder", "gone"])
    )
    content = bytearray(whole)
    if kind == "cut":
        content = content[: int(rng.integers(len(whole)))]
    elif kind == "flipped":
        for _ in range(int(rng.integers(1, 50))):
            # Headers are at the beginning.
            last = len(whole) if rng.random() < 0.5 else min(len(whole), 1500)
            content[int(rng.integers(last))] = int(rng.integers(256))
    elif kind == "zeroed":
        begin = int(rng.integers(len(whole)))
        content[begin : begin + 512] = bytes(len(content[begin : begin + 512]))
    elif kind == "empty":
        content.clear()
    elif kind == "other":
        content[:] = rng.choice(
            [b"version https://git-lfs", b"PK\x03\x04", b"\x00" * 400, b"1 2\n"]
        )
    elif kind == "longer":
        content += rng.bytes(int(rng.integers(1, 1000)))
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind != "gone":
        path.write_bytes(content)
    return f"file {kind}"


def _mutate_npy(path: Path, rng: Rng) -> str:
    values = np.load(path)
    kind = str(rng.choice(["bytes", "header", "fortran", "objects", *VALUES, *DRAWN]))
    if kind == "bytes":
        return _mutate_bytes(path, rng)
    if kind == "header":
        shape = str(
            rng.choice(["(10000000000000,)", "(-1,)", "(4294967296, 4294967296)", "(True,)"])
        )
        head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
        return f"header {shape}"
    if kind == "fortran":
        np.save(path, np.asfortranarray(values))
    elif kind == "objects":
        np.save(path, np.array([values, None], dtype=object), allow_pickle=True)
    else:
        np.save(path, changed(kind, values, rng))
    return kind


def _mutate_npz(path: Path, rng: Rng) -> str:
    if rng.random() < 0.4:
        return _mutate_bytes(path, rng)
    inner = path.with_suffix(".inner.npy")
    np.save(inner, np.load(path)["wavelet"])
    kind = _mutate_npy(inner, rng)
    if inner.is_file():
        values = io.BytesIO(inner.read_bytes())
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(str(rng.choice(["wavelet.npy", "other.npy", "x"])), values.getvalue())
    return kind


def _mutate_text(path: Path, rng: Rng) -> str:
    values = ricker(INTERVAL * np.arange(SAMPLES))
    kind = str(rng.choice(["bytes", "two columns", "row", "heading", "comma", "ragged", "decimal"]))
    if kind == "bytes":
        return _mutate_bytes(path, rng)
    if kind == "two columns":
        np.savetxt(path, np.c_[INTERVAL * np.arange(SAMPLES), values])
    elif kind == "row":
        np.savetxt(path, values[None])
    elif kind == "heading":
        np.savetxt(
            path, values, header="amplitude in Pa", comments=str(rng.choice(["", "# ", "% "]))
        )
    elif kind == "comma":
        np.savetxt(path, values[None], delimiter=",")
    elif kind == "ragged":
        path.write_text("1 2 3\n4 5\n6\n")
    else:
        path.write_text("\n".join(f"{v:.6f}".replace(".", ",") for v in values))
    return kind


MUTATIONS: dict[str, Callable[[Path, Rng], str]] = {
    ".h5": _mutate_hdf5,
    ".npy": _mutate_npy,
    ".npz": _mutate_npz,
    ".txt": _mutate_text,
    ".csv": _mutate_text,
    ".dat": _mutate_text,
    ".asc": _mutate_text,
    ".bin": _mutate_bytes,
}

# Files, how often each is drawn, and the settings that use it.
FILES: dict[str, tuple[float, str]] = {
    "shots.h5": (0.45, ""),
    "start.h5": (0.1, ""),
    "true.npy": (0.06, ""),
    "mask.npy": (0.05, ""),
    "weights.npy": (0.05, ""),
    "bound.npy": (0.04, "inversion.bounds=[{file: bound.npy}, 3000]"),
    "wavelet.h5": (0.08, "wavelet={kind: file, file: wavelet.h5}"),
    "wavelet.npy": (0.06, "wavelet={kind: file, file: wavelet.npy}"),
    "wavelet.npz": (0.03, "wavelet={kind: file, file: wavelet.npz}"),
    "wavelet.txt": (0.03, "wavelet={kind: file, file: wavelet.txt}"),
    "wavelet.csv": (0.01, "wavelet={kind: file, file: wavelet.csv}"),
    "wavelet.dat": (0.01, "wavelet={kind: file, file: wavelet.dat}"),
    "wavelet.asc": (0.01, "wavelet={kind: file, file: wavelet.asc}"),
    "wavelet.bin": (0.02, "wavelet={kind: file, file: wavelet.bin}"),
}


def wrong_result(folder: Path) -> str:
    """What is wrong with the model that an inversion left."""
    with h5py.File(folder / "run/inversion.h5") as file:
        vp = file["result/vp"][()]
    if not np.isfinite(vp).all() or vp.min() <= 0:
        return "the result is zero or holds NaN"
    return ""


def cases(seed: int, base: Path, runs: int) -> Iterator[Case]:
    """Cases without end: files by turns, as often as in `FILES`."""
    write_base(base)
    for number in range(10**9):
        rng = np.random.default_rng([seed, number])
        name = str(rng.choice(list(FILES), p=[share for share, _ in FILES.values()]))
        folder = base / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder, ignore=shutil.ignore_patterns("changed"))
        shutil.copy(base / "shots.h5", folder / "other.h5")
        change = MUTATIONS[Path(name).suffix](folder / name, rng)
        setting = FILES[name][1]
        options = ["--set", setting] if setting else []
        command = ["check", "invert.yaml"] if number % 2 else ["invert", "invert.yaml", "-n"]
        run = (
            ["invert", "invert.yaml", "-o", "run", *options] if runs and number % runs == 0 else []
        )
        write = partial(_moved, folder, [*command, *options])
        yield Case(f"{number}: {name} {change}", write, run, wrong_result if run else None)


def _moved(source: Path, arguments: Sequence[str], folder: Path) -> Sequence[str]:
    """Changed files in the folder of their case."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return arguments
