"""MLIR's cf: branches between blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir.attributes import Attribute, DenseArrayAttr, DenseAttr
from ..ir.core import Op, Successor, Value
from ..ir.fields import attribute, integers, operand, string, variadic
from ..ir.traits import require_type, types_of
from ..ir.types import I1, I32, IntegerType, TensorType, Type, bit_width

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


class Switch(_Branch):
    """Goes to the block of the case that equals the integer, else to the first block."""

    name = "cf.switch"
    segmented = True
    nested_segments = "case_operand_segments"
    value = operand()
    default_operands = variadic()
    case_operands = variadic()
    case_values = attribute()
    case_operand_segments = integers(required=True)

    @property
    def cases(self) -> tuple[int, ...]:
        """The integers, signed, one for each block but the first."""
        found = self.case_values
        if not isinstance(found, DenseAttr):
            return ()
        return found.entries * (len(self.successors) - 1) if found.is_splat else found.entries

    @classmethod
    def parse(cls, reader: OpReader) -> Switch:
        """Read `%i : T, [default: ^bb1, 42: ^bb2(...)] [{...}]`."""
        value = reader.value()
        reader.expect(":")
        type_ = reader.type()
        reader.check_types([value], [type_])
        if not isinstance(type_, IntegerType):
            reader.fail(f"expected an integer type, found {type_}", reader.items[reader.i - 1])
        reader.expect(",")
        inner = reader.within(reader.node("list", "'['"))
        operands: list[Value] = [value]
        targets: list[Successor] = []
        cases: list[int] = []
        while not targets or inner.accept(","):
            if targets:
                cases.append(_case(inner, type_.width))
            else:
                inner.expect("default")
            inner.expect(":")
            block, values = inner.successor()
            targets.append(Successor(block, len(operands), len(values)))
            operands += values
        inner.end()
        attributes = reader.optional_dictionary()
        reader.end()
        counts = tuple(target.count for target in targets)
        if cases:
            held = TensorType((len(cases),), type_)
            attributes["case_values"] = DenseAttr(tuple(cases), held)
        attributes[cls.nested_segments] = DenseArrayAttr(I32, counts[1:])
        segments = (1, counts[0], sum(counts[1:]))
        return reader.create(cls, operands, (), attributes, successors=targets, segments=segments)

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads; cases as unsigned numbers, as MLIR does."""
        printer.text(" ")
        printer.values([self.value])
        printer.text(" : ")
        printer.types([self.value.type])
        printer.text(", [")
        printer.new_line("  default: ")
        printer.successor(self, 0)
        width = bit_width(self.value.type)
        for index, case in enumerate(self.cases):
            printer.text(",")
            printer.new_line(f"  {case % (1 << width)}: ")
            printer.successor(self, index + 1)
        if self.cases:
            printer.new_line("")
        printer.text("]")
        printer.attribute_dict(self, ("case_values", self.nested_segments))

    def verify(self) -> None:
        """One case for each block but the first; blocks get what they take."""
        type_ = self.value.type
        self.require(isinstance(type_, IntegerType), f"expected an integer, found {type_}")
        found = self.case_values
        typed = not isinstance(found, DenseAttr) or found.type.element == type_
        self.require(typed, f"the cases are {found}, not integers of type {type_}")
        message = f"{len(self.cases)} cases with {len(self.successors)} blocks"
        self.require(len(self.successors) == len(self.cases) + 1, message)
        super().verify()


def _case(reader: OpReader, width: int) -> int:
    """Read a case, signed or unsigned, as a signed integer."""
    token = reader.peek()
    found = reader.integer()
    if not -(1 << width - 1) <= found < 1 << width:
        reader.fail(f"{found} does not fit i{width}", token)
    return found - (1 << width) if found >> width - 1 > 0 else found


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
