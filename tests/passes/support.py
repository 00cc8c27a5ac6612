"""A pass on a text: what comes out, as text that parses again."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from trimetal.transpiler.ir.core import Module
from trimetal.transpiler.ir.printer import print_module
from trimetal.transpiler.ir.verify import verify
from trimetal.transpiler.parser import parse
from trimetal.transpiler.target import Target, get_target

HEAD = 'module attributes {"ttg.num-warps" = 4 : i32, "ttg.threads-per-warp" = 32 : i32} {\n'
# A layout with a short name in the tests' texts.
BLOCKED = (
    "#ttg.blocked<{sizePerThread = [4], threadsPerWarp = [32], warpsPerCTA = [4], order = [0]}>"
)


def after(body: str, *passes: Callable[[Module], object]) -> str:
    """The kernel's body (`%p: !tt.ptr<i32>`, `%n: i32`, `%c: i1`) when the passes have run."""
    arguments = "%p: !tt.ptr<i32>, %n: i32, %c: i1"
    text = f"{HEAD}tt.func public @kernel({arguments}) {{\n{body}\n}}\n}}\n"
    return body_of(whole(text, *passes))


def whole(text: str, *passes: Callable[[Module], object]) -> str:
    """A module when the passes have run."""
    module = parse(text.replace("#blocked", BLOCKED))
    for each in passes:
        each(module)
        verify(module)
    printed = print_module(module)
    assert print_module(parse(printed)) == printed
    return printed


def with_target(
    function: Callable[[Module, Target], Module], target: str = "m3"
) -> Callable[[Module], object]:
    """A pass that asks for a target."""
    return lambda module: function(module, get_target(target))


def body_of(printed: str) -> str:
    """The lines of the only function."""
    found = re.search(r"tt\.func public @kernel\(.*?\{\n(.*)\n  \}\n\}", printed, re.DOTALL)
    assert found is not None, printed
    return textwrap.dedent(found.group(1))


def lines(text: str) -> str:
    """An expected text, without the indentation of the test."""
    return textwrap.dedent(text).strip("\n")
