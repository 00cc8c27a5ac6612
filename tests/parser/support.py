"""What the tests of the parser share."""

from __future__ import annotations

from pathlib import Path

from trimetal.transpiler.ir.core import Module, Op
from trimetal.transpiler.parser import parse

DATA = Path(__file__).parent / "data"
DUMPS = sorted(DATA.glob("*.ttgir"))
HEAD = 'module attributes {"ttg.num-warps" = 4 : i32} {'
BLOCKED = (
    "#blocked = #ttg.blocked<{sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [4], "
    "order = [0]}>"
)


def module_of(body: str, arguments: str = "", aliases: str = BLOCKED) -> Module:
    """A module with one function that holds these lines."""
    return parse(text_of(body, arguments, aliases))


def text_of(body: str, arguments: str = "", aliases: str = BLOCKED) -> str:
    """The text of a module with one function that holds these lines."""
    return f"{aliases}\n{HEAD}\ntt.func @f({arguments}) {{\n{body}\n  tt.return\n}}\n}}\n"


def ops_of(module: Module, name: str) -> list[Op]:
    """All ops of a name."""
    return [op for op in module.walk() if op.op_name == name]


def one(module: Module, name: str) -> Op:
    """The only op of a name."""
    (found,) = ops_of(module, name)
    return found
