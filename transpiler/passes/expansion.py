"""Replaces values of one kind by lists of other values, through loops and branches.

A pass gives the types that a type becomes (none: the value goes away; a descriptor: a pointer,
sizes and strides), and a function for the ops that make or take such values. What loops and
branches carry of them is expanded here.

    %r = scf.for ... iter_args(%d = %x) -> (D)       %r:2 = scf.for ... iter_args(%a = %p, %b = %s)
      scf.yield %y : D                         ->      scf.yield %q, %t : P, S
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..dialects import scf
from ..errors import UnsupportedError
from ..ir.core import Block, Op, Value
from ..ir.types import Type

Types = Callable[[Type], "list[Type] | None"]
Suffixes = Callable[[Type], Sequence[str]]  # what is put behind a value's name for each part

_CARRIERS = (scf.For, scf.While, scf.If, scf.Yield, scf.Condition)


class Expansion:
    """One run over a function; `parts` has what each expanded value became.

    `rewrite` is called for every op that has an operand or result of an expanded type and is no
    control flow. It sets `parts` of the results, makes the op's other results be what its users
    need, and may leave the op where it is: ops that are not needed any more are erased at the end.
    """

    def __init__(self, types: Types, rewrite: Callable[[Op], None], suffixes: Suffixes) -> None:
        self.parts: dict[Value, list[Value]] = {}
        self._types = types
        self._rewrite = rewrite
        self._suffixes = suffixes
        self._done: list[Op] = []

    def run(self, block: Block) -> None:
        """Rewrite a block and all that is nested in it; `parts` of its arguments are set."""
        self._block(block)
        for op in reversed(self._done):
            op.erase()

    def of(self, value: Value) -> list[Value]:
        """What a value became; itself where it is not expanded."""
        return self.parts.get(value, [value])

    def _block(self, block: Block) -> None:
        for op in list(block.ops):
            if isinstance(op, _CARRIERS):
                self._carrier(op)
            elif op.regions:
                for region in op.regions:
                    for inner in region.blocks:
                        self._block(inner)
            elif any(self._types(v.type) is not None for v in (*op.operands, *op.results)):
                self._rewrite(op)
                self._done.append(op)

    def _carrier(self, op: Op) -> None:
        if any(self._types(value.type) is not None for value in op.operands):
            op.set_operands([part for value in op.operands for part in self.of(value)])
        for region in op.regions:
            for block in region.blocks:
                block.args = self.values(block.args, block)
                self._block(block)
        op.results = self.values(op.results, op)

    def values(self, old: Sequence[Value], owner: Op | Block) -> list[Value]:
        """Arguments of a block, or results of an op, with new ones where types are expanded."""
        made: list[Value] = []
        for value in old:
            types = self._types(value.type)
            if types is None:
                value.index = len(made)
                made.append(value)
                continue
            self.parts[value] = []
            for suffix, type_ in zip(self._suffixes(value.type), types, strict=False):
                part = Value(type_, owner, len(made), f"{value.name}{suffix}" if value.name else "")
                part.location = value.location
                self.parts[value].append(part)
                made.append(part)
        return made


def refuse(op: Op, reason: str = "is not supported yet") -> UnsupportedError:
    """The error for an op that takes or makes such values otherwise."""
    return UnsupportedError(f"{op.op_name} {reason}", op.span)
