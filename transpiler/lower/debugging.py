"""Prints and assertions: one record for each element, by the first thread that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt
from ..ir.attributes import OpaqueAttr
from ..ir.core import Op, Value
from ..ir.types import I1, I32, TensorType
from .context import Context
from .elements import Elements, distribution
from .exchange import only_if
from .roots import Root, lowers_scalar, makes_roots
from .shared_memory import coordinate_of

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan


class ReportRoot(Root):
    """Records the elements of a tensor."""

    effect = "write"

    def __init__(self, op: metal.Report, value: Value) -> None:
        super().__init__(op, [value], value)
        self.report_op = op
        self.value = value

    def keeps_apart(self, other: Root) -> bool:
        """All elements of one print come before those of the next."""
        return isinstance(other, ReportRoot)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """The records of this step."""
        context, op = group.context, self.report_op
        value = elements.full(self.value, group.position)
        context.builder.locate(op)
        first = context.is_first_copy(distribution(self.value).replicated_threads)
        for component in range(elements.lanes):
            part = value if elements.lanes == 1 else context.extract(value, component)
            when = context.builder.both(first, _negated(context, part)) if op.fails else first
            number = self._number(elements, component)
            with only_if(context, when):
                _record(context, op, number, None if op.fails else part)

    def _number(self, elements: Elements, component: int) -> Value:
        """The element's number, row by row."""
        type_, builder = self.value.type, elements.builder
        assert isinstance(type_, TensorType)
        number = builder.constant(0)
        stride = type_.size
        for dim, size in enumerate(type_.shape):
            stride //= size
            coordinate = coordinate_of(elements, self.value, dim, component)
            number = builder.add(number, builder.mul(coordinate, stride))
        return number


@makes_roots(metal.Report)
def _report_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, metal.Report)
    assert op.value is not None
    return [ReportRoot(op, op.value)]


@lowers_scalar(metal.Report)
def scalar_report(context: Context, op: Op) -> None:
    """One thread of the program records."""
    assert isinstance(op, metal.Report)
    builder = context.builder
    value = None if op.value is None else context.scalar(op.value)
    first = builder.compare("eq", context.thread, builder.constant(0))
    when = builder.both(first, _negated(context, value)) if value and op.fails else first
    with only_if(context, when):
        _record(context, op, builder.constant(0), None if op.fails else value)


def _negated(context: Context, condition: Value) -> Value:
    true = context.builder.constant(-1, I1)
    return context.builder.binary(arith.Xori, condition, true)


def _record(context: Context, op: metal.Report, number: Value, value: Value | None) -> None:
    builder = context.builder
    program = [
        builder.value(tt.GetProgramId((), (I32,), {"axis": OpaqueAttr(axis)})) for axis in "xyz"
    ]
    operands = [context.scalar(op.buffer), *program, number, *([] if value is None else [value])]
    builder.insert(metal.Record(operands, (), {"site": op.attributes["site"]}))
