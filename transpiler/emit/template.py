"""The templates, loaded once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from .statements import PrintedLine, Struct

_NOTE_COLUMN = 80
_LINE_LIMIT = 100


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("trimetal", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


@lru_cache
def template(name: str) -> Template:
    """A template by its file name."""
    return _environment().get_template(name)


def macro(file: str, name: str) -> Callable[..., str]:
    """A macro of a template, as a function that gives its text."""
    function = getattr(template(file).module, name)
    return lambda *arguments: str(function(*arguments))


def with_note(line: PrintedLine) -> str:
    """A line with the comment behind it, in one column where that fits."""
    if not line.note:
        return line.text
    room = _LINE_LIMIT - len(line.note) - 3
    column = min(_NOTE_COLUMN, max(room, len(line.text) + 2))
    return (
        f"{line.text:<{column}}// {line.note}"
        if len(line.text) < column
        else (f"{line.text}  // {line.note}")
    )


def render_kernel(
    *,
    name: str,
    simdgroups: int,
    threads: int,
    struct: Struct | None,
    parameters: list[str],
    lines: list[PrintedLine],
    assumptions: list[str],
    functions: list[str],
) -> str:
    """The text of a kernel's file."""
    return template("kernel.metal.jinja").render(
        name=name,
        simdgroups=simdgroups,
        threads=threads,
        struct=struct,
        parameters=parameters,
        assumptions=assumptions,
        functions=functions,
        lines=[with_note(line) for line in lines],
    )
