"""MLIR's cf: branches between blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.attributes import Attribute, DenseArrayAttr
from ..ir.core import Op, Successor, Value
from ..ir.fields import operand, string
from ..ir.traits import require_type, types_of
from ..ir.types import I1, I32, Type

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import OpReader


class _Branch(Op):
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0

    def verify(self) -> None:
        """Each block gets what it takes."""
        for target in self.successors:
            passed = types_of(target.arguments(self))
            taken = types_of(target.block.args)
            if passed != taken:
                message = f"passes {len(passed)} values ({_list(passed)}) to a block with"
                self.require(False, f"{message} {len(taken)} arguments ({_list(taken)})")


def _list(types: list[Type]) -> str:
    return ", ".join(map(str, types))


class Br(_Branch):
    """Goes to a block."""

    name = "cf.br"

    @classmethod
    def parse(cls, reader: OpReader) -> Br:
        """Read `^bb1[(%a : T)]`."""
        block, values = reader.successor()
        attributes = reader.optional_dictionary()
        reader.end()
        targets = [Successor(block, 0, len(values))]
        return reader.create(cls, values, (), attributes, successors=targets)

    def print(self, printer: Printer) -> None:
        """Write `^bb1[(%a : T)]`."""
        printer.text(" ")
        printer.successor(self, 0)
        printer.attribute_dict(self)


class CondBr(_Branch):
    """Goes to the first block where the condition holds, else to the second."""

    name = "cf.cond_br"
    segmented = True
    condition = operand()

    @classmethod
    def parse(cls, reader: OpReader) -> CondBr:
        """Read `%c [weights([a, b])], ^bb1[(...)], ^bb2[(...)]`."""
        condition = reader.value()
        attributes: dict[str, Attribute] = {}
        if reader.accept("weights"):
            inner = reader.within(reader.node("group", "'('"))
            listed = inner.within(inner.node("list", "'['"))
            weights = [listed.integer()]
            while listed.accept(","):
                weights.append(listed.integer())
            attributes["branch_weights"] = DenseArrayAttr(I32, tuple(weights))
        operands: list[Value] = [condition]
        targets: list[Successor] = []
        for _ in range(2):
            reader.expect(",")
            block, values = reader.successor()
            targets.append(Successor(block, len(operands), len(values)))
            operands += values
        attributes.update(reader.optional_dictionary())
        reader.end()
        segments = (1, *(target.count for target in targets))
        return reader.create(cls, operands, (), attributes, successors=targets, segments=segments)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        printer.text(" ")
        printer.values([self.condition])
        weights = self.attributes.get("branch_weights")
        if isinstance(weights, DenseArrayAttr):
            printer.text(f" weights([{', '.join(map(str, weights.values))}])")
        for index in range(2):
            printer.text(", ")
            printer.successor(self, index)
        printer.attribute_dict(self, ("branch_weights",))

    def verify(self) -> None:
        """The condition is i1; each block gets what it takes."""
        require_type(self, self.condition, I1, "the condition")
        super().verify()


class Assert(Op):
    """Stops the program where the argument does not hold."""

    name = "cf.assert"
    results_defined = 0
    regions_held = 0
    argument = operand()
    message = string(key="msg", required=True)
    format = "$argument `,` $message attr-dict"

    def verify(self) -> None:
        """The argument is i1."""
        require_type(self, self.argument, I1, "the argument")
