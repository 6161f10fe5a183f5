"""One vocabulary: one meaning for a class name, locals that name an object, plain sentences."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_tree import MODULES, nodes

# Words that say when a value was computed, not what it is.
WORDS = ["asked", "found", "given", "held", "kept", "known", "made", "moved", "seen", "taken"]
WORDS += ["told", "wanted"]

# Phrases that make a sentence a riddle, or that English says otherwise.
PHRASES = {
    "that which": r"\bthat which\b",
    "What ... .": r"\bWhat\b(?![^.?]*\?)",
    "Who ... .": r"\bWho\b(?![^.?]*\?)",
    "Those that": r"\bThose (?:that|which|who|of)\b",
    "what goes": r"\bwhat (?:goes|comes|leaves|enters|waits|stays|is left|is kept|is there)\b",
    "of what": r"\b(?:about|by|for|from|of|on|than|to|with) what\b",
    "what of": r"\bwhat of\b",
    "all that": r"\ball that (?:are|come|goes|has|have|is|it|takes?|they|was)\b",
    "is none": r"(?<!there )\b(?:are|is) none\b(?! of)",
    "nothing of": r"\bnothing of\b",
    "every so many": r"\bso many\b(?! (?:as|that))|\bmanieth\b",
    "put off": r"\bputs? off\b",
    "turning round": r"\bturning round\b",
}

# What remains. Numbers only fall, to zero: rename or rewrite, then lower or delete the row.
CLASSES: dict[str, int] = {}
NAMES: dict[str, int] = {}
SENTENCES: dict[str, int] = {}


def classes() -> dict[str, set[str]]:
    """Modules in which each class name is defined."""
    defined = defaultdict(set)
    for module in MODULES:
        for node in nodes(module):
            if isinstance(node, ast.ClassDef):
                defined[node.name].add(module)
    return defined


def bound(source: str | bytes) -> Counter[str]:
    """Names that a source binds: variables, parameters, attributes and functions."""
    names: Counter[str] = Counter()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names[node.id] += 1
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names[node.attr] += 1
        elif isinstance(node, ast.arg):
            names[node.arg] += 1
        elif isinstance(node, ast.FunctionDef):
            names[node.name] += 1
    return names


def prose(source: str) -> Iterator[str]:
    """Docstrings of a module, its classes, functions and attributes; blocks of comments."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    comment, last = "", 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1:
            yield comment
            comment = ""
        comment, last = f"{comment} {token.string.lstrip('# ')}", token.start[0]
    yield comment


def paragraphs(text: str) -> Iterator[str]:
    """The text of a page without its code."""
    yield from re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL).split("\n\n")


def odd(texts: Iterator[str]) -> Counter[str]:
    """Phrases in texts, whatever their line breaks."""
    joined = [re.sub(r"\s+", " ", text) for text in texts]
    return Counter(
        name
        for text in joined
        for name, pattern in PHRASES.items()
        for _ in re.findall(pattern, text)
    )


def pages() -> Iterator[Path]:
    """Pages of the documentation."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").rglob("*.md"))


def compare(counts: dict[str, int], allowed: dict[str, int]) -> None:
    """Exactly as many as the table says: none more, and none fewer."""
    grown = {name: n for name, n in counts.items() if n > allowed.get(name, 0)}
    assert not grown
    shrunk = {name: counts.get(name, 0) for name in allowed if counts.get(name, 0) < allowed[name]}
    assert not shrunk, "lower these numbers in the table; delete rows of 0"


def test_class_names_have_one_meaning() -> None:
    """No class name is defined in two modules."""
    compare({name: len(m) for name, m in classes().items() if len(m) > 1}, CLASSES)


def test_names_say_what_they_hold() -> None:
    """No variable, parameter, attribute or function has one of `WORDS` for a name."""
    counts = {module: bound(path.read_bytes()) for module, path in MODULES.items()}
    compare({module: sum(names[w] for w in WORDS) for module, names in counts.items()}, NAMES)


def test_sentences_are_plain() -> None:
    """No docstring, comment or page has one of `PHRASES`."""
    counts = {m: odd(prose(p.read_text(encoding="utf-8"))) for m, p in MODULES.items()}
    for page in pages():
        name = str(page.relative_to(ROOT))
        counts[name] = odd(paragraphs(page.read_text(encoding="utf-8")))
    compare({name: found.total() for name, found in counts.items()}, SENTENCES)


@pytest.mark.parametrize(
    "text",
    [
        "The point that which moves.",
        "What x stands for.",
        "Who wants\nto make a file.",
        "It is late. Those that wait go first.",
        "The end of what is read.",
        "Such a contrast is none that a filter removes.",
        "every so many steps",
    ],
)
def test_every_phrase_is_seen(text: str) -> None:
    assert odd(iter([text])).total() == 1


def test_every_name_and_text_is_seen() -> None:
    """Names however they are bound; texts wherever they stand."""
    source = '''
"""What it is."""

class A:
    made: int
    """What it is."""

    def kept(self, given):
        # Those
        # that wait.
        self.held = found = [seen for seen in given]
        return self.held, found
'''
    assert {w: n for w, n in bound(source).items() if w in WORDS} == dict.fromkeys(
        ("made", "kept", "given", "held", "found", "seen"), 1
    )
    assert odd(prose(source)).total() == 3
