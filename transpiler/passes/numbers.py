"""Numbers that Metal has: 64-bit floats are refused, ops of two results become ops of one.

%low, %high = arith.mului_extended %a, %b    ->    %low = arith.muli %a, %b
                                                   %high = tt.mulhiui %a, %b
"""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import arith, math, tt
from ..errors import UnsupportedError
from ..ir.attributes import OpaqueAttr
from ..ir.core import Module, Op, Value
from ..ir.traits import bool_of
from ..ir.types import F64, PointerType, Type, element_of
from .folding import constant_before


def refuse_doubles(module: Module) -> None:
    """Raises UnsupportedError at the first op on 64-bit floats, or else on pointers to them."""
    note = "Metal has no 64-bit floats: use float32"
    for is_refused in (_is_double, _is_pointer_to_double):
        for op in module.walk():
            if any(is_refused(value.type) for value in (*op.operands, *op.results)):
                raise UnsupportedError(f"{op.op_name} on f64", op.span, note)


def _is_double(type_: Type) -> bool:
    return element_of(type_) == F64


def _is_pointer_to_double(type_: Type) -> bool:
    element = element_of(type_)
    return isinstance(element, PointerType) and element_of(element.pointee) == F64


def split_results(module: Module) -> None:
    """See the module's text. Refuses calls of device functions that have effects."""
    for op in list(module.walk()):
        if isinstance(op, tt.ExternElementwise) and not op.is_pure:
            raise UnsupportedError(f"the device function {op.symbol} has effects", op.span)
        split = _SPLITS.get(type(op))
        if split is not None:
            op.replace_with(split(_Before(op)))


class _Before:
    """Makes ops before an op, of its type."""

    def __init__(self, op: Op) -> None:
        self.op = op

    def make(self, kind: type[Op], *operands: Value) -> Value:
        """The result of a new op of the operands' type."""
        return self._insert(kind(operands, (operands[-1].type,)))

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """A comparison of integers."""
        attributes = {"predicate": OpaqueAttr(predicate)}
        return self._insert(arith.Cmpi((a, b), (bool_of(a.type),), attributes))

    def _insert(self, made: Op) -> Value:
        made.location, made.span = self.op.location, self.op.span
        assert self.op.parent is not None
        return self.op.parent.insert_before(self.op, made).result


def _product(signed: bool) -> Callable[[_Before], list[Value]]:
    def split(before: _Before) -> list[Value]:
        a, b = before.op.operands
        low, high = before.make(arith.Muli, a, b), before.make(tt.Mulhiui, a, b)
        if signed:  # a negative factor counts as 2^n too much
            zero = constant_before(before.op, 0, a.type)
            for x, y in ((a, b), (b, a)):
                negative = before.compare("slt", x, zero)
                excess = before.make(arith.Select, negative, y, zero)
                high = before.make(arith.Subi, high, excess)
        return [low, high]

    return split


def _sum(before: _Before) -> list[Value]:
    a, b = before.op.operands
    total = before.make(arith.Addi, a, b)
    return [total, before.compare("ult", total, a)]


def _difference(before: _Before) -> list[Value]:
    a, b = before.op.operands
    return [before.make(arith.Subi, a, b), before.compare("ult", a, b)]


def _sine_and_cosine(before: _Before) -> list[Value]:
    (x,) = before.op.operands
    return [before.make(math.Sin, x), before.make(math.Cos, x)]


_SPLITS: dict[type[Op], Callable[[_Before], list[Value]]] = {
    arith.MuluiExtended: _product(signed=False),
    arith.MulsiExtended: _product(signed=True),
    arith.AdduiExtended: _sum,
    arith.SubuiExtended: _difference,
    math.Sincos: _sine_and_cosine,
}
