"""Tables in text files: columns with names, separated by commas, semicolons, tabs or blanks.

Text is UTF-8, UTF-16 with its mark, or else Latin-1. Lines that begin with #, % or ! are comments;
one right above the numbers may hold the names of the columns. A comma in a number is a decimal
comma only where nothing else is possible.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError

# Largest table that is read [bytes].
LARGEST = 300_000_000
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
COMMENT = re.compile(r"\s*[#%!]+\s?")
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}
BLANKS = "blanks"
# A unit in brackets belongs to the name before it, also where blanks separate columns.
UNIT_APART = re.compile(r"(?<=\S)[ \t]+(?=[\[(])")
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")
# Thousands and decimals of a number: as in 1,234.5 and as in 1.234,5.
THOUSANDS = (
    re.compile(r"([+-]?\d{1,3}(?:[,' ]\d{3})+)(?:\.(\d*))?"),
    re.compile(r"([+-]?\d{1,3}(?:[.' ]\d{3})+),(\d*)"),
)


@dataclass(frozen=True)
class Table:
    """Columns of text, with the line of each row in the file.

    Attributes
    ----------
    path : Path
    names : tuple of str
        Of the columns; their numbers from 1 in a file without names.
    rows : list of list of str
        One text for each column.
    lines : list of int
        Line of each row in the file, from 1.
    named : bool
        Whether the file names its columns.
    decimal_comma : bool
        Whether a comma in a number stands before its decimals.
    notes : tuple of str
        How the text was read, where that is not plain.
    """

    path: Path
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    named: bool
    decimal_comma: bool
    notes: tuple[str, ...]

    def texts(self, column: int) -> list[str]:
        """Texts of a column, none empty.

        Raises
        ------
        DataError
            If one is missing.
        """
        values = [row[column].strip() for row in self.rows]
        for value, line in zip(values, self.lines, strict=True):
            if not value:
                raise DataError(
                    f"{self.path}:{line}: the column `{self.names[column]}` is empty; give a value"
                )
        return values

    def numbers(self, column: int) -> NDArray[np.float64]:
        """Numbers of a column, all of them finite.

        Raises
        ------
        DataError
            If one is missing, or is no finite number.
        """
        texts = self.texts(column)
        values = np.empty(len(texts))
        for row, text in enumerate(texts):
            plain = text.replace(",", ".") if self.decimal_comma else text
            try:
                values[row] = float(plain)
            except ValueError:
                values[row] = math.nan
            if not math.isfinite(values[row]) or "_" in text:
                self._refuse(column, row, text)
        return values

    def _refuse(self, column: int, row: int, text: str) -> None:
        """Say why a text is no number."""
        where = f"{self.path}:{self.lines[row]}: `{text[:40]}` in the column `{self.names[column]}`"
        for pattern in THOUSANDS:
            if match := pattern.fullmatch(text):
                plain = re.sub(r"[^0-9+-]", "", match[1]) + (f".{match[2]}" if match[2] else "")
                raise DataError(f"{where} has a separator of thousands; write {plain}")
        raise DataError(f"{where} is no number; give one, with a point for decimals")


def read(path: Path) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path

    Returns
    -------
    table : Table

    Raises
    ------
    DataError
        If the file cannot be read, is no text, or its rows have different numbers of columns.
    """
    text, notes = read_text(path)
    try:
        return _table(path, text, notes)
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table ({error})") from error


def _table(path: Path, text: str, notes: tuple[str, ...]) -> Table:
    """The table in a text."""
    header, body = _lines(text)
    if not body:
        raise DataError(f"{path} holds no rows; give names of columns and one point a line")
    separator = _separator(body[0][1])
    rows = _split([line for _, line in body], separator)
    lines = [number for number, _ in body]
    names = rows[0]
    # Names are no numbers: a row of texts and numbers is a point, as with identities of letters.
    if any(map(_numeric, names)) or not any(names):
        above = _split([header], separator)[0] if header else []
        named = len(above) == len(_without_empty_end(rows[0])) and not any(map(_numeric, above))
        names = above if named else [str(n + 1) for n in range(len(_without_empty_end(rows[0])))]
    else:
        named, rows, lines = True, rows[1:], lines[1:]
    names = _without_empty_end(names)
    if not rows:
        raise DataError(f"{path} holds names of columns and no rows; give one point a line")
    rows = [
        _fitted(path, row, line, names, separator) for row, line in zip(rows, lines, strict=True)
    ]
    decimal_comma = separator != "," and _decimal_commas(path, rows, lines)
    if decimal_comma:
        notes = (*notes, f"{path}: commas in numbers are decimal commas")
    return Table(path, tuple(names), rows, lines, named, decimal_comma, notes)


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Text of a file in one of the usual encodings.

    Parameters
    ----------
    path : Path

    Returns
    -------
    text : str
    notes : tuple of str
        Encoding, where it is not plain.

    Raises
    ------
    DataError
        If the file cannot be read, is empty, too large, or no text.
    """
    try:
        if not path.is_file() and path.exists():  # which may have no end
            what = "a folder" if path.is_dir() else "a pipe or a device"
            raise DataError(f"{path} is {what}; name a text file with one point a line")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(content) > LARGEST:
        raise DataError(f"{path} is larger than the {LARGEST / 1e6:g} MB that a table may have")
    notes: tuple[str, ...] = ()
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        notes = (f"{path} is no text in UTF-8 and was read as Latin-1",)
    if CONTROL.search(text):
        raise DataError(f"{path} is no text; a table has one point a line, separated by commas")
    if not text.strip():
        raise DataError(f"{path} is empty; a table has names of columns and one point a line")
    return text, notes


def _lines(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The last comment above the rows, and the lines that hold something, with their numbers."""
    header = ""
    body: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if comment := COMMENT.match(line):
            header = header if body else line[comment.end() :]
        elif line.strip():
            body.append((number, line))
    return header, body


def _separator(line: str) -> str:
    """Separator of a line: that of `SEPARATORS` which stands outside quotes, or blanks."""
    plain = re.sub(r"\s*([,;|])\s*", r"\1", re.sub(r'"[^"]*"', "", line))
    return next((mark for mark in SEPARATORS if mark in plain), BLANKS)


def _split(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Texts of each line, which a quotation never leaves."""
    mark = " " if separator == BLANKS else separator
    rows = []
    for line in lines:
        if separator == BLANKS:
            line = " ".join(UNIT_APART.sub("", line).split())
        row = line.split(mark)
        if '"' in line:
            row = next(csv.reader([line], delimiter=mark, skipinitialspace=True))
        rows.append([value.strip() for value in row])
    return rows


def _numeric(text: str) -> bool:
    """Whether a text is a number, perhaps with a comma."""
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def _without_empty_end(row: list[str]) -> list[str]:
    """A row without the empty texts after its last separator."""
    while row and not row[-1]:
        row = row[:-1]
    return row


def _fitted(
    path: Path, row: list[str], line: int, names: Sequence[str], separator: str
) -> list[str]:
    """A row with one text for each column.

    Raises
    ------
    DataError
        If it has more or fewer.
    """
    if len(row) > len(names) and not any(row[len(names) :]):
        row = row[: len(names)]
    if len(row) == len(names):
        return row
    remedy = "give one value for each column"
    if separator == "," and len(row) > len(names):
        remedy += "; write decimals with a point, or separate columns by semicolons"
    raise DataError(
        f"{path}:{line} has {len(row)} values, separated by {SEPARATORS.get(separator, BLANKS)}, "
        f"and there are {len(names)} columns ({', '.join(names)[:200]}); {remedy}"
    )


def _decimal_commas(path: Path, rows: Sequence[Sequence[str]], lines: Sequence[int]) -> bool:
    """Whether commas in the numbers of a table are decimal commas.

    Raises
    ------
    DataError
        If they could as well separate thousands.
    """
    first: tuple[str, int] | None = None
    certain = False
    for row, line in zip(rows, lines, strict=True):
        for value in row:
            if "," in value and COMMA_NUMBER.fullmatch(value):
                first = first or (value, line)
                whole, _, decimals = value.lstrip("+-").partition(",")
                certain = certain or len(decimals) != 3 or whole.startswith("0") or len(whole) > 3
    if first is None or certain:
        return first is not None
    raise DataError(
        f"{path}:{first[1]}: `{first[0]}` may be {first[0].replace(',', '.')} or "
        f"{first[0].replace(',', '')}; write it without a comma"
    )
