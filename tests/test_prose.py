"""README is one screen, and sentences of README and of the documentation are short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

BYTES = 8192
WORDS = 20.0
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^( *)(```|~~~).*?^\1\2[ \t]*$", flags=re.MULTILINE | re.DOTALL)
# Rows of tables, headings, pictures, formulas and links of references are no sentences.
NO_PROSE = re.compile(r"^(\||#|!\[| {4}\S|<|:::)")
ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
END = re.compile(r"(?<=[.!?])[)*\"'`]*(?:\s+|$)")
# A full stop that ends no sentence.
SHORT = re.compile(r"\b(?:e\.g|i\.e|et al|vs|Fig|No)\.|(?<=\d)\.(?=\d)")


def paragraphs(text: str) -> list[str]:
    """Running text and items of lists, without code, tables and headings."""
    blocks, lines = [], []
    for line in [*CODE.sub("", text).splitlines(), ""]:
        is_item = ITEM.match(line) is not None
        if lines and (not line.strip() or is_item or NO_PROSE.match(line)):
            blocks.append(" ".join(lines))
            lines = []
        if line.strip() and (is_item or not NO_PROSE.match(line)):
            lines.append(ITEM.sub("", line).strip())
    return blocks


def sentences(text: str) -> list[str]:
    """Sentences of a page, each item of a list at least one."""
    plain = [SHORT.sub(lambda m: m[0].replace(".", ""), block) for block in paragraphs(text)]
    pieces = [END.split(block) for block in plain]
    return [piece.strip() for block in pieces for piece in block if re.search(r"\w", piece)]


def words(sentence: str) -> int:
    """Words of a sentence; code in backquotes is one."""
    plain = re.sub(r"`[^`]*`", "code", re.sub(r"\]\([^)]*\)", "", sentence))
    return len(re.findall(r"[\w'/.-]*\w[\w'/.-]*", plain))


def mean_words(text: str) -> float:
    """Mean number of words of a sentence, 0 on a page without any."""
    counts = [words(sentence) for sentence in sentences(text)]
    return sum(counts) / len(counts) if counts else 0.0


def test_readme_is_one_screen() -> None:
    assert len(README.read_bytes()) <= BYTES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_sentences_are_short(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert mean_words(text) <= WORDS, [s for s in sentences(text) if words(s) > 1.5 * WORDS]


def test_sentences_are_counted() -> None:
    """Tables, code and headings are left out, items of lists and numbers are not cut."""
    text = "# Of no use\n\nOne two three. One of 3.5 m,\nby `a b c`! See [the page](x/y.md).\n\n"
    text += (
        "| a | b |\n\n```sh\nnot this one\n```\n\n- four five\n- six et al. seven\n\n    x = 1\n"
    )
    assert [words(s) for s in sentences(text)] == [3, 6, 3, 2, 4]
    assert mean_words("") == 0.0
    assert mean_words("word " * 21) > WORDS
