"""TTGIR text in, a verified Module out."""

from __future__ import annotations

import os

from .. import collector
from ..errors import ParseError, SourceText, Span
from ..ir.core import Module
from ..ir.verify import verify
from .builder import Builder
from .grammar import read_file

MAX_TEXT = 16 << 20  # characters; a hundred times the largest dump seen

__all__ = ["parse"]


def parse(text_or_path: str | os.PathLike[str], name: str | None = None) -> Module:
    """Read and verify a module.

    A string that holds a newline, or starts with `#` or `module`, is the text itself; any other
    string is a path. `name` is what errors call the text (default: the path, or `<ttgir>`).
    """
    with collector.paused():
        module = parse_unverified(text_or_path, name)
        verify(module)
    return module


def parse_unverified(text_or_path: str | os.PathLike[str], name: str | None = None) -> Module:
    """Read a module that may break the rules of its ops."""
    source = _source(text_or_path, name)
    return Builder(source, read_file(source)).build()


def _source(text_or_path: str | os.PathLike[str], name: str | None) -> SourceText:
    if isinstance(text_or_path, str) and _is_text(text_or_path):
        if len(text_or_path) > MAX_TEXT:
            raise ParseError(f"a text of {len(text_or_path)} characters; {MAX_TEXT} are the limit")
        return SourceText(text_or_path, name or "<ttgir>")
    path = os.fspath(text_or_path)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MAX_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ParseError(f"cannot read {path[:200]!r}: {reason}") from None
    if len(text) > MAX_TEXT:
        source = SourceText(text[:80], path)
        raise ParseError(f"a text of more than {MAX_TEXT} characters", Span(source, 0, 1))
    return SourceText(text, name or path)


def _is_text(text: str) -> bool:
    return "\n" in text or text.lstrip().startswith(("#", "module", '"', "//")) or not text.strip()
