"""Notes which elements of an array a store writes, for launchers (see transpiler/coverage.py).

The note is an attribute of the argument. Stores in branches, through pointers that a loop moves,
and at offsets that are no sums of products get none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..coverage import Bound, Coverage, Loop, Sum, coverage_to_text
from ..dialects import arith, scf, tt, ttg
from ..ir.attributes import ArrayAttr, Attribute, DenseAttr, DictAttr, IntegerAttr, StringAttr
from ..ir.core import Block, Module, Op, Value
from ..ir.types import PointerType, shape_of

STORES = "tt.stores"  # the attribute


class _UnknownError(Exception):
    """A value that is no sum of products of what a launch knows."""


def note_coverage(module: Module) -> None:
    """See the module's text."""
    for function in module.functions:
        if isinstance(function, tt.Func) and function.body.blocks:
            _note(function)


def _note(function: tt.Func) -> None:
    found: dict[int, list[Coverage]] = {}
    for op in function.walk():
        if isinstance(op, tt.Store):
            try:
                argument, coverage = _Reader(function, op).read()
            except _UnknownError:
                continue
            found.setdefault(argument, []).append(coverage)
    if not found:
        return
    attributes: list[dict[str, Attribute]] = [dict(known) for known in function.arg_attrs]
    for argument, stores in found.items():
        attributes[argument][STORES] = StringAttr(coverage_to_text(stores))
    function.attributes["arg_attrs"] = ArrayAttr(
        tuple(DictAttr(tuple(each.items())) for each in attributes)
    )


@dataclass
class _Pointer:
    """An argument, and the offset from it in elements."""

    argument: int
    offset: Sum


class _Reader:
    """Reads the offsets and the mask of one store."""

    def __init__(self, function: tt.Func, store: tt.Store) -> None:
        self._store = store
        self._arguments = {value: index for index, value in enumerate(function.entry.args)}
        self._loops = _loops_around(store, function)
        self._narrow: list[Bound] = []

    def read(self) -> tuple[int, Coverage]:
        """The argument that is stored to, and what is stored there."""
        pointer = self._pointer(self._store.ptr)
        bounds = self._bounds(self._store.mask) if self._store.mask is not None else []
        loops = [
            Loop(self._number(loop.lower), self._number(loop.upper), self._number(loop.step))
            for loop in self._loops
        ]
        shape = shape_of(self._store.ptr.type)
        bounds += self._narrow
        return pointer.argument, Coverage(pointer.offset, tuple(bounds), shape, tuple(loops))

    def _pointer(self, value: Value) -> _Pointer:
        if value in self._arguments and isinstance(value.type, PointerType):
            return _Pointer(self._arguments[value], {})
        op = value.defining_op
        if isinstance(op, tt.Addptr):
            base = self._pointer(op.operands[0])
            return _Pointer(base.argument, _added(base.offset, self._number(op.operands[1])))
        if op is not None and _is_reshaping(op):
            base = self._pointer(op.operands[0])
            return _Pointer(base.argument, _moved(op, base.offset))
        raise _UnknownError

    def _number(self, value: Value) -> Sum:
        """An integer, or each element of a tensor of them."""
        if value in self._arguments:
            return {(f"a{self._arguments[value]}",): 1}
        op = value.defining_op
        if op is None:
            return self._counter(value)
        if isinstance(op, arith.Constant):
            return _constant(op)
        if isinstance(op, tt.MakeRange):
            return _added({("d0",): 1} if op.end - op.start > 1 else {}, _plain(op.start))
        if isinstance(op, tt.GetProgramId | tt.GetNumPrograms):
            letter = "p" if isinstance(op, tt.GetProgramId) else "g"
            return {(f"{letter}{'xyz'.index(op.axis)}",): 1}
        if isinstance(op, arith.Addi | arith.Subi | arith.Muli):
            lhs, rhs = (self._number(operand) for operand in op.operands)
            if isinstance(op, arith.Muli):
                return _product(lhs, rhs)
            return _added(lhs, rhs if isinstance(op, arith.Addi) else _product(rhs, _plain(-1)))
        if isinstance(op, arith.Extsi):
            number = self._number(op.operands[0])
            self._narrow.append(Bound(number, _plain(2**31 - 1)))  # else it has wrapped before
            return number
        if _is_reshaping(op):
            return _moved(op, self._number(op.operands[0]))
        raise _UnknownError

    def _counter(self, value: Value) -> Sum:
        for index, loop in enumerate(self._loops):
            if value is loop.counter:
                turns = _product({(f"k{index}",): 1}, self._number(loop.step))
                return _added(self._number(loop.lower), turns)
        raise _UnknownError

    def _bounds(self, mask: Value) -> list[Bound]:
        """The conditions of which a mask is made."""
        op = mask.defining_op
        if isinstance(op, arith.Andi):
            return [bound for operand in op.operands for bound in self._bounds(operand)]
        if isinstance(op, arith.Constant) and _constant(op).get(()):
            return []
        if isinstance(op, arith.Cmpi):
            lhs, rhs = (self._number(operand) for operand in op.operands)
            if op.predicate in ("sgt", "sge"):
                lhs, rhs = rhs, lhs
            elif op.predicate not in ("slt", "sle"):
                raise _UnknownError
            return [Bound(lhs, _added(rhs, _plain(op.predicate in ("sle", "sge"))))]
        if op is not None and _is_reshaping(op):
            bounds = self._bounds(op.operands[0])
            return [Bound(_moved(op, each.below), _moved(op, each.limit)) for each in bounds]
        raise _UnknownError


def _loops_around(store: Op, function: tt.Func) -> list[scf.For]:
    """The counted loops around a store, the outer first; nothing else decides whether it runs."""
    loops: list[scf.For] = []
    block: Block | None = store.parent
    while block is not None and block is not function.entry:
        owner = block.parent_op
        if not isinstance(owner, scf.For) or owner.unsigned:
            raise _UnknownError
        loops.append(owner)
        block = owner.parent
    return loops[::-1]


def _is_reshaping(op: Op) -> bool:
    kinds = tt.Splat | tt.Broadcast | tt.ExpandDims | tt.Trans | ttg.ConvertLayout
    return isinstance(op, kinds)


def _moved(op: Op, total: Sum) -> Sum:
    """A sum with the indices of an op's result instead of those of its operand."""
    if isinstance(op, tt.ExpandDims):
        return _renamed(total, lambda axis: axis + (axis >= op.axis))
    if isinstance(op, tt.Trans):
        return _renamed(total, list(op.order).index)
    return total


def _renamed(total: Sum, to: Callable[[int], int]) -> Sum:
    result: Sum = {}
    for factors, number in total.items():
        names = [f"d{to(int(name[1:]))}" if name[0] == "d" else name for name in factors]
        result[tuple(sorted(names))] = number
    return result


def _plain(number: int) -> Sum:
    return {(): number} if number else {}


def _constant(op: arith.Constant) -> Sum:
    value = op.attributes["value"]
    if isinstance(value, DenseAttr) and value.is_splat:
        return _plain(value.entries[0])
    if isinstance(value, IntegerAttr):
        return _plain(value.value)
    raise _UnknownError


def _added(lhs: Sum, rhs: Sum) -> Sum:
    result = dict(lhs)
    for factors, number in rhs.items():
        result[factors] = result.get(factors, 0) + number
    return {factors: number for factors, number in result.items() if number}


def _product(lhs: Sum, rhs: Sum) -> Sum:
    result: Sum = {}
    for left, number in lhs.items():
        for right, by in rhs.items():
            result = _added(result, {tuple(sorted((*left, *right))): number * by})
    return result
