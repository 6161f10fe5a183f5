"""From YAML files and the command line to plain values, with the place of each.

Read as YAML 1.2 with anchors and merge keys, without tags. Files that cannot be configs are
refused before they cost memory or time: large, nested deeply, not regular, or endless by aliases.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from fwicli.config.paths import may_be_path
from fwicli.config.problems import ConfigProblem, Key, place_of, shortened

SECTIONS = ("model", "reference", "geometry", "wavelet", "time", "physics", "data")
# Sections that may be meant by the path of a file of data, and how to write it.
OF_DATA = {
    "model": "{{vp: {{file: {}}}, spacing: 10}}",
    "reference": "{{vp: {{file: {}}}, spacing: 10}}",
    "wavelet": "{{kind: file, file: {}}}",
    "data": "{{file: {}}}",
}
YAML_SUFFIXES = (".yaml", ".yml")
COMMAND_LINE = "--set"
START = "`fwi init model` writes a config to start from"
VARIABLE = re.compile(r"\$\{(\w+)\}")
DIRECTIVE = re.compile(r"^%YAML\s+(?!1\.2\b)(\S*)", re.MULTILINE)

# A config of half a megabyte takes ten seconds to read.
LARGEST = 500_000
MOST_VALUES = 200_000
DEEPEST = 40

_TAG = "tag:yaml.org,2002:"
MERGE, TEXT, TIMESTAMP = _TAG + "merge", _TAG + "str", _TAG + "timestamp"
SCALARS = tuple(_TAG + name for name in ("int", "float", "bool", "null"))


class _UnreadableError(Exception):
    """Text that is no config, and where that shows."""

    def __init__(self, message: str, mark: Any = None) -> None:
        super().__init__(message)
        self.mark = mark


class Reader:
    """Reads YAML into plain values; `start` says how to begin a file that holds none.

    Attributes
    ----------
    places : dict
        file:line:column by key.
    problems : list of ConfigProblem
    unread : set of Key
        Places of parts that could not be read.
    """

    def __init__(self, start: str = START) -> None:
        self.places: dict[Key, str] = {}
        self.problems: list[ConfigProblem] = []
        self.unread: set[Key] = set()
        self._count = 0
        self._setting, self._start = "", start
        self._yaml = YAML(typ="safe", pure=True)

    def file(self, path: Path, key: Key = ()) -> dict[str, Any]:
        """Content of a YAML file that stands at `key`; empty if it cannot be read.

        Parameters
        ----------
        path : Path
        key : Key
            Of the section that the file holds.

        Returns
        -------
        tree : dict
        """
        self.places.setdefault(key, str(path))
        try:
            content = _composed(_text_of(path))
            if content is None:
                return {}
            if not isinstance(content, MappingNode):
                message = "must hold `key: value` pairs"
                if not key:
                    message += f"; {self._start}"
                raise _UnreadableError(message, content.start_mark)
            return dict(self._mapping(content, path, key))
        except _UnreadableError as error:
            # Where a file that is named cannot be opened, the name is what is wrong.
            place = place_of(key, self.places)
            message = str(error)
            if error.mark is not None:
                place = self._place(path, error.mark)
            elif key:
                message = f"cannot read {path}: {error}{_meant(path, key)}"
            self._unreadable(key, message, place)
            return {}

    def set(self, tree: Any, setting: str) -> None:
        """Apply one `a.b=c` of the command line; numbers in the path index lists.

        Parameters
        ----------
        tree : dict
            It is changed.
        setting : str
            `a.b=c` of the command line.
        """
        name, equals, text = setting.partition("=")
        steps = name.split(".")
        self._setting = place = f"{COMMAND_LINE} {shortened(_printable(setting))}"
        if _printable(setting) != setting:
            self.problems.append(ConfigProblem((), "is no text in UTF-8", place))
            return
        if not equals or not all(steps) or len(steps) > DEEPEST:
            message = "write it as KEY=VALUE, e.g. model.spacing=10"
            self.problems.append(ConfigProblem((), message, place))
            return
        parent, key = _parent(tree, steps)
        if isinstance(parent, str):
            self.problems.append(ConfigProblem(key, parent, place))
            return
        self._forget(key)
        for depth in range(1, len(key)):  # sections that the setting makes
            self.places.setdefault(key[:depth], place)
        self.places[key] = place
        try:
            node = _composed(text)
            value = None if node is None else self._plain(node, Path(COMMAND_LINE), key)
        except _UnreadableError as error:
            self._unreadable(key, str(error), place)
        else:
            parent[key[-1]] = value

    def _forget(self, key: Key) -> None:
        """Forget the places of a key that is set anew."""
        for below in [k for k in self.places if k[: len(key)] == key]:
            del self.places[below]
        self.problems = [p for p in self.problems if p.key[: len(key)] != key]
        self.unread = {k for k in self.unread if k[: len(key)] != key}

    # --- nodes of YAML ----------------------------------------------------------------------------

    def _plain(self, node: Node, path: Path, key: Key) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _UnreadableError(
                f"holds more than {MOST_VALUES} values, aliases counted; put arrays into files",
                node.start_mark,
            )
        if len(key) > DEEPEST:
            raise _UnreadableError(
                f"is nested more than {DEEPEST} levels deep; no key of a config is", node.start_mark
            )
        if isinstance(node, MappingNode):
            return dict(self._mapping(node, path, key))
        if isinstance(node, SequenceNode):
            if node.tag != _TAG + "seq":
                raise _UnreadableError(_unknown_tag(node), node.start_mark)
            return list(self._items(node, path, key))
        return self._scalar(node, path, key)

    def _items(self, node: SequenceNode, path: Path, key: Key) -> Iterator[Any]:
        for number, item in enumerate(node.value):
            below = (*key, number)
            self.places[below] = self._place(path, item.start_mark)
            yield self._plain(item, path, below)

    def _mapping(self, node: MappingNode, path: Path, key: Key) -> Iterator[tuple[str, Any]]:
        """Keys of a mapping, and those merged into it, whose place is that of `<<`."""
        for name, (mark, item) in self._pairs(node, path, key).items():
            self.places[(*key, name)] = self._place(path, mark)
            yield name, self._plain(item, path, (*key, name))

    def _pairs(
        self, node: MappingNode, path: Path, key: Key, depth: int = 0
    ) -> dict[str, tuple[Any, Node]]:
        """Marks and nodes by name; a mapping's own keys come before those merged into it."""
        self._count += 1
        if depth > DEEPEST or self._count > MOST_VALUES:
            raise _UnreadableError("merges mappings without end", node.start_mark)
        if node.tag != _TAG + "map":
            raise _UnreadableError(_unknown_tag(node), node.start_mark)
        own: dict[str, tuple[Any, Node]] = {}
        for name, item in node.value:
            if name.tag == MERGE:
                continue
            if not isinstance(name, ScalarNode):
                raise _UnreadableError("a key must be a name", name.start_mark)
            if name.value in own:
                first = own[name.value][0].line + 1
                message = f"given twice, first in line {first}; leave out one of the two"
                below, place = (*key, name.value), self._place(path, name.start_mark)
                self.problems.append(ConfigProblem(below, message, place))
            own.setdefault(name.value, (name.start_mark, item))
        for name, item in node.value:
            if name.tag == MERGE:
                for source in _sources(item):
                    for merged, (_, value) in self._pairs(source, path, key, depth + 1).items():
                        own.setdefault(merged, (name.start_mark, value))
        return own

    def _scalar(self, node: Node, path: Path, key: Key) -> Any:
        if node.tag in (TEXT, TIMESTAMP):
            return self._text(node.value, path, key, node.start_mark)
        place = self._place(path, node.start_mark)
        if node.tag not in SCALARS:
            self._unreadable(key, _unknown_tag(node), place)
            return None
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, YAMLError):  # as of more digits than Python reads
            kind, text = node.tag.removeprefix(_TAG), shortened(_printable(node.value))
            self._unreadable(key, f"`{text}` cannot be read as {kind}", place)
            return None

    # --- text -------------------------------------------------------------------------------------

    def _text(self, value: str, path: Path, key: Key, mark: Any) -> Any:
        """Text with variables replaced; the content of a file where it names one."""
        value = VARIABLE.sub(lambda match: self._variable(match, key), value)
        if "\0" in value or _printable(value) != value:
            message = "holds a NUL or half a character, which no name and no path may"
            self._unreadable(key, message, self._place(path, mark))
            return None
        if key in self.unread:
            return value
        if len(key) == 1 and key[0] in SECTIONS:
            section = self._beside(path, value, key)
            return value if section is None else self.file(section, key)
        if may_be_path(key):
            return str(self._beside(path, value, key) or value)
        return value

    def _variable(self, match: re.Match[str], key: Key) -> str:
        value = os.environ.get(match[1])
        if value is None:
            setting = ".".join(str(k) for k in key)
            self._unreadable(
                key,
                f"the environment variable {match[1]} is not set; set it, or give the value "
                f"with --set {setting}=VALUE",
            )
            return match[0]
        return value

    def _beside(self, path: Path, name: str, key: Key) -> Path | None:
        """A path as named in the file `path`."""
        try:
            return (path.parent / Path(name).expanduser()).resolve()
        except (RuntimeError, OSError, ValueError) as error:
            self._unreadable(key, f"`{shortened(name)}` is no path: {error}; write it in full")
            return None

    def _place(self, path: Path, mark: Any) -> str:
        if str(path) == COMMAND_LINE:
            return self._setting
        return f"{path}:{mark.line + 1}:{mark.column + 1}"

    def _unreadable(self, key: Key, message: str, place: str | None = None) -> None:
        self.unread.add(key)
        place = place_of(key, self.places) if place is None else place
        self.problems.append(ConfigProblem(key, message, place))


# First bytes of files that are taken for configs by mistake.
OF_ARRAYS = {
    b"\x93NUMPY": "an array of NumPy",
    b"\x89HDF": "a file of HDF5",
    b"PK\x03\x04": "a zipped file, as .npz",
}


def _text_of(path: Path) -> str:
    """Text of a file that can be a config."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
            raise _UnreadableError(f"is {what}, not a file of YAML")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _UnreadableError(error.strerror or str(error)) from None
    if len(content) > LARGEST:
        raise _UnreadableError(
            f"has {path.stat().st_size} bytes; a config has at most {LARGEST}, and arrays are "
            f"files of their own"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        for magic, form in OF_ARRAYS.items():
            if content.startswith(magic):
                raise _UnreadableError(
                    f"is {form}, not a config; name it in one, as `model: {{vp: {{file: "
                    f"{shortened(path.name)}}}, spacing: 10}}` or `data: {{file: "
                    f"{shortened(path.name)}}}`: `fwi init model` writes one to start from"
                ) from None
        line = content.count(b"\n", 0, error.start) + 1
        raise _UnreadableError(
            f"is no text in UTF-8: line {line} has the byte 0x{content[error.start]:02x}; save it "
            f"as UTF-8"
        ) from None


def _composed(text: str) -> Node | None:
    """Nodes of YAML."""
    if directive := DIRECTIVE.search(text):
        raise _UnreadableError(
            f"says that it is YAML {directive[1]}; configs are YAML 1.2: leave out that line"
        )
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _UnreadableError(f"not valid YAML: {_why(error)}", mark) from None
    except RecursionError:
        raise _UnreadableError("is nested too deeply; no key of a config is") from None
    except (YAMLError, ValueError, OverflowError) as error:
        # The library also raises what its scanner stumbles over, such as chr() of too much.
        reason = _printable(" ".join(str(error).split()))
        raise _UnreadableError(f"not valid YAML: {reason}") from None
    return node


def _why(error: MarkedYAMLError) -> str:
    """In words; a tab is the most frequent reason, and hardest to see."""
    problem = str(error.problem or error.context)
    if "'\\t'" in problem:
        return "a tab; indent with blanks"
    return _printable(problem)


def _sources(node: Node) -> list[MappingNode]:
    """Mappings that a merge key names."""
    sources = node.value if isinstance(node, SequenceNode) else [node]
    for source in sources:
        if not isinstance(source, MappingNode):
            raise _UnreadableError(
                "`<<` merges a mapping, or a list of them, as in `<<: *name`", source.start_mark
            )
    return list(sources)


def _unknown_tag(node: Node) -> str:
    tag = str(node.tag).replace(_TAG, "!!")
    return f"the tag `{_printable(tag)}` is not known here; leave it out"


def _meant(path: Path, key: Key) -> str:
    """Advice where the path of the data stands in place of their section."""
    section = str(key[0])
    if path.suffix and path.suffix not in YAML_SUFFIXES and section in OF_DATA:
        return f"; for a file of data write `{section}: {OF_DATA[section].format(path.name)}`"
    return f"; `{section}` is a section of `key: value` pairs, or the path of a YAML file of them"


def _parent(tree: Any, steps: list[str]) -> tuple[Any, Key]:
    """The mapping or list that holds a key, made where it is missing, and the key.

    Without one, a text that says why.
    """
    key: list[str | int] = []
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        if isinstance(tree, list):
            if not (step.isascii() and step.isdecimal() and len(step) < 10):
                return "is in a list, whose items are numbered from 0", (*key, step)
            if int(step) >= len(tree):
                return f"the list has {len(tree)} items, numbered from 0", (*key, int(step))
            key.append(int(step))
        else:
            key.append(step)
        if last:
            break
        name = key[-1]
        if isinstance(tree, dict) and not isinstance(tree.get(name), dict | list):
            tree[name] = {}
        elif isinstance(tree, list) and not isinstance(tree[int(name)], dict | list):
            tree[int(name)] = {}
        tree = tree[name]
    return tree, tuple(key)


def _printable(text: str) -> str:
    """Text that can be printed in any encoding of Unicode."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
