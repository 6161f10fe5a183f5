"""Headers of RSF files by the documented rules, and their numbers against NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.files import arrays
from fwicli.files.rsf import models, writer
from fwicli.files.rsf.axes import Axis
from fwicli.files.rsf.header import read_header
from fwicli.files.rsf.parts import parts
from fwicli.survey.grid import Grid

# (slow, fast) = (x, z), as n2 = 3 and n1 = 4.
VALUES = np.arange(12, dtype="f4").reshape(3, 4) + 0.5
PLAIN = 'n1=4 n2=3 d1=5 d2=10 o1=0 o2=100\nin="x.rsf@" data_format="native_float" esize=4\n'
Edit = Callable[[str], str]


def write(folder: Path, text: str = PLAIN, values: np.ndarray = VALUES) -> Path:
    """A header as a person or another program writes it, and its numbers by NumPy."""
    (folder / "x.rsf").write_text(text)
    values.tofile(folder / "x.rsf@")
    return folder / "x.rsf"


def format_of(name: str, size: int) -> str:
    return PLAIN.replace("native_float", name).replace("esize=4", f"esize={size}")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (PLAIN, VALUES),
        (PLAIN.replace("\n", "\r\n"), VALUES),
        ("sfspike rsf/dir: user@host Mon Nov 2 10:00:00 2026\n\n\t" + PLAIN, VALUES),
        ("n1=7\n" + PLAIN + "d1=25\nd1=5\n", VALUES),
        (PLAIN.replace(' in="x.rsf@"', " in=x.rsf@"), VALUES),
        (PLAIN.replace(" esize=4", ""), VALUES),
        (PLAIN + "n3=1 n4=1\n", VALUES),
        (PLAIN + 'title="n1=9 of vp"\n', VALUES),
        (PLAIN + "=3 9=4 a b=\n", VALUES),
        (format_of("xdr_float", 4), VALUES.astype(">f4")),
        (format_of("native_double", 8), VALUES.astype("f8")),
        (format_of("native_int", 4), VALUES.astype("i4")),
        (format_of("xdr_short", 2), VALUES.astype(">i2")),
        (format_of("native_uchar", 1), VALUES.astype("u1")),
        (format_of("native_byte", 1), VALUES.astype("u1")),
        (format_of("xdr_long", 8), VALUES.astype(">i8")),
    ],
)
def test_numbers_are_those_of_numpy(text: str, values: np.ndarray, tmp_path: Path) -> None:
    """Later values win, comments do not matter, quotes protect; every type and byte order."""
    stored = arrays.read(write(tmp_path, text, values))
    np.testing.assert_array_equal(
        stored.values, np.fromfile(tmp_path / "x.rsf@", values.dtype).reshape(3, 4)
    )
    assert stored.values.dtype in (np.float32, np.float64)
    assert stored.numbers("spacing", "m", 2) == [10.0, 5.0]
    assert stored.numbers("origin", "m", 2) == [100.0, 0.0]


def test_numbers_behind_the_header(tmp_path: Path) -> None:
    """With in="stdin", as pipes of Madagascar write it."""
    text = PLAIN.replace("x.rsf@", "stdin").encode() + b"\n\x0c\x0c\x04" + VALUES.tobytes()
    (tmp_path / "x.rsf").write_bytes(text)
    np.testing.assert_array_equal(arrays.read(tmp_path / "x.rsf").values, VALUES)
    assert parts(tmp_path / "x.rsf") == ()


def test_numbers_of_an_absolute_path(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(tmp_path, PLAIN.replace("x.rsf@", str(elsewhere / "v.bin")))
    (tmp_path / "x.rsf@").rename(elsewhere / "v.bin")
    np.testing.assert_array_equal(arrays.read(tmp_path / "x.rsf").values, VALUES)
    assert parts(tmp_path / "x.rsf") == (elsewhere / "v.bin",)


@pytest.mark.parametrize("state", ['data_format="ascii_float" esize=0', "esize=0"])
def test_numbers_as_text(state: str, tmp_path: Path) -> None:
    text = PLAIN.replace('data_format="native_float" esize=4', state)
    (tmp_path / "x.rsf").write_text(text)
    np.savetxt(tmp_path / "x.rsf@", VALUES, fmt="%.9g")
    np.testing.assert_array_equal(arrays.read(tmp_path / "x.rsf").values, VALUES)


def test_blocks_are_parts_of_the_array(tmp_path: Path) -> None:
    header = read_header(write(tmp_path))
    np.testing.assert_array_equal(header.block(slice(1, 3)), VALUES[1:])
    np.testing.assert_array_equal(header.block(slice(1, 2)), VALUES[1:2])


REFUSED: dict[str, tuple[Edit, str]] = {
    "no n1": (lambda t: t.replace("n1=4", ""), "no key `n1`, though it has n2"),
    "no n at all": (lambda t: t.replace("n1=4 n2=3", ""), "no key `n1`;"),
    "a gap": (lambda t: t + "n4=2", "no key `n3`, though it has n4"),
    "n of zero": (lambda t: t.replace("n2=3", "n2=0"), "`n2` is `0`; write a whole number from 1"),
    "n negative": (lambda t: t.replace("n2=3", "n2=-3"), "`n2` is `-3`"),
    "n no number": (lambda t: t.replace("n2=3", "n2=3.5"), "`n2` is `3.5`"),
    "n enormous": (lambda t: t.replace("n2=3", "n2=99999999999"), "states 1599999999984 bytes"),
    "n too small": (lambda t: t.replace("n2=3", "n2=2"), "holds 48 bytes of numbers, and its"),
    "d no number": (lambda t: t.replace("d1=5", "d1=five"), "`d1` is `five`; write a number"),
    "d of NaN": (lambda t: t.replace("d1=5", "d1=nan"), "`d1` is `nan`"),
    "d infinite": (lambda t: t.replace("d1=5", "d1=1e999"), "`d1` is `1e999`"),
    "no in": (lambda t: t.replace('in="x.rsf@"', ""), "no key `in`"),
    "in empty": (lambda t: t.replace("x.rsf@", ""), "no key `in`"),
    "in nowhere": (lambda t: t.replace("x.rsf@", "gone@"), "there is no ordinary file"),
    "in moved": (
        lambda t: t.replace("x.rsf@", "/old/disk/x.rsf@"),
        'x.rsf@ is there: write in="x.rsf@"',
    ),
    "in a folder": (lambda t: t.replace("x.rsf@", "."), "there is no ordinary file"),
    "in of a null": (lambda t: t.replace("x.rsf@", "a\0b"), "is no RSF header"),
    "in itself": (lambda t: t.replace("x.rsf@", "x.rsf"), "names itself"),
    "stdin alone": (lambda t: t.replace("x.rsf@", "stdin"), "which are missing"),
    "no format": (lambda t: t.replace('data_format="native_float"', ""), "no key `data_format`"),
    "half a format": (lambda t: t.replace("native_float", "native"), 'data_format="native"'),
    "another form": (lambda t: t.replace("native_float", "cray_float"), "cray_float"),
    "another type": (lambda t: t.replace("native_float", "native_quad"), "native_quad"),
    "esize": (lambda t: t.replace("esize=4", "esize=8"), "esize=8 contradicts"),
    "esize no number": (lambda t: t.replace("esize=4", "esize=x"), "`esize` is `x`"),
    "complex": (lambda t: t.replace("native_float", "native_complex"), "esize=4 contradicts"),
    "text that is none": (lambda t: t.replace("native_float", "ascii_float"), "holds no numbers"),
    "a quotation mark": (lambda t: t.replace('x.rsf@"', "x.rsf@"), "x.rsf:2: a quotation mark"),
    "binary": (lambda t: t + "\x00\x01", "is no RSF header"),
    "empty": (lambda _: "", "it is empty"),
    "seconds": (lambda t: t + "unit1=s", "which is a time"),
    "an unknown unit": (lambda t: t + 'label1="Z" unit1="mile"', "the unit `mile` of the axis `Z`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_errors_name_the_key(case: str, tmp_path: Path) -> None:
    edit, words = REFUSED[case]
    write(tmp_path, edit(PLAIN))
    with pytest.raises(DataError) as caught:
        arrays.read(tmp_path / "x.rsf")
    assert words in str(caught.value)
    assert "x.rsf" in str(caught.value)


def test_complex_numbers_are_described_and_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, format_of("native_complex", 8), VALUES.astype("c8"))
    assert read_header(path).shape == (3, 4)
    with pytest.raises(DataError, match="holds complex numbers in place of real numbers"):
        arrays.read(path)


@pytest.mark.parametrize("seed", range(200))
def test_damaged_files_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    """Random bytes in the header, or numbers cut: an error that names the file, or an array."""
    rng = np.random.default_rng(seed)
    path = write(tmp_path)
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content), size=int(rng.integers(1, 6))):
        content[int(place)] = int(rng.integers(256))
    path.write_bytes(content[: int(rng.integers(len(content) // 2, len(content) + 1))])
    try:
        values = arrays.read(path).values
    except DataError as error:
        assert "x.rsf" in str(error)  # noqa: PT017 - it may be read as well
    else:
        assert values.nbytes in (48, 96)


# --- axes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "axes"),
    [
        (("", ""), (0, 1)),
        (("Z", "X"), (0, 1)),
        (("Depth", "Distance"), (0, 1)),
        (("X", "Z"), (1, 0)),
        (("Lateral", "Depth (m)"), (1, 0)),
    ],
)
def test_planes_are_x_and_z(labels: tuple[str, str], axes: tuple[int, int], tmp_path: Path) -> None:
    text = PLAIN + f'label1="{labels[0]}" label2="{labels[1]}" unit1=km\n'
    stored = arrays.read(write(tmp_path, text))
    np.testing.assert_array_equal(stored.values, VALUES.transpose(axes))
    np.testing.assert_array_equal(
        stored.numbers("spacing", "m", 2), np.array([10, 5000])[list(axes)]
    )


def test_cubes_are_x_y_and_z(tmp_path: Path) -> None:
    """From (z, x, y), the order of Madagascar; without labels it would be a guess."""
    cube = np.arange(24, dtype="f4").reshape(2, 3, 4)
    text = PLAIN + "n3=2 d3=20 o3=7\n"
    path = write(tmp_path, text + 'label1="Z" label2="X" label3="Y"\n', cube)
    stored = arrays.read(path)
    np.testing.assert_array_equal(stored.values, cube.transpose(1, 0, 2))
    assert stored.numbers("spacing", "m", 3) == [10.0, 20.0, 5.0]
    write(tmp_path, text, cube)
    with pytest.raises(DataError, match="do not say which is x, y and z"):
        arrays.read(path)


def test_an_interval_goes_with_a_wavelet(tmp_path: Path) -> None:
    text = 'n1=12 d1=4 unit1="ms" in="x.rsf@" data_format="native_float"'
    assert arrays.read(write(tmp_path, text)).interval == pytest.approx(0.004, rel=1e-15)


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4), (3, 5, 4)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_written_is_read_back(shape: tuple[int, ...], dtype: str, tmp_path: Path) -> None:
    """The same bits and the same grid; and the numbers for whoever reads them by NumPy."""
    values = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    grid = Grid(shape, (0.1, 12.5, 1 / 3)[-len(shape) :], (-7.3, 0.0, 1e6)[-len(shape) :])
    models.write(tmp_path / "m.rsf", values, grid, "vp", "m/s")
    stored = arrays.read(tmp_path / "m.rsf")
    np.testing.assert_array_equal(stored.values, values)
    assert tuple(stored.numbers("spacing", "m", len(shape))) == grid.spacing
    assert tuple(stored.numbers("origin", "m", len(shape))) == grid.origin
    np.testing.assert_array_equal(np.fromfile(tmp_path / "m.rsf@", dtype), values.ravel())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.rsf", "m.rsf@"]


def test_a_file_with_too_few_numbers_does_not_appear(tmp_path: Path) -> None:
    """Nor does one that was interrupted; what was there before stays."""
    path = write(tmp_path)
    with pytest.raises(DataError), writer.writing(path, [Axis(4), Axis(5)], "f4") as file:
        file.write(VALUES.tobytes())
    np.testing.assert_array_equal(arrays.read(path).values, VALUES)
    with pytest.raises(KeyboardInterrupt), writer.writing(path, [Axis(4)], "f4"):
        raise KeyboardInterrupt
    np.testing.assert_array_equal(arrays.read(path).values, VALUES)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.rsf", "x.rsf@"]


def test_no_header_describes_numbers_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the end comes between the two files, the old header is gone."""
    path = write(tmp_path)
    replace = Path.replace

    def stopped(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        writer.write(path, VALUES[::-1], [Axis(4), Axis(3)])
    with pytest.raises(DataError, match="there is no file"):
        arrays.read(path)
