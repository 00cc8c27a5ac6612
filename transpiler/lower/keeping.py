"""Which values, of those that several groups need, are computed once and kept in registers.

Computing again costs instructions, keeping costs registers. A value is kept where it saves enough
of the first for the second: `_KEEP_ABOVE` instructions a register. What it is made of may be needed
for it alone: those registers become free when it is kept, and it may take none at all.

    %c = arith.subf %x, %mean         of %x and %rstd in two loops: keep %n instead of %x, which is
    %n = arith.mulf %c, %rstd         as large, and the second loop has two instructions less
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..dialects import arith, math, tt
from ..ir.core import Op, Value
from ..ir.types import TensorType, bit_width, element_of
from .distribution import distribution_of
from .roots import Keep
from .views import coordinate_map

if TYPE_CHECKING:
    from .plan import Group, Plan

_KEEP_ABOVE = 8  # instructions for a register
_CHEAP = 4  # instructions that are not worth a register for each of a thread's elements
_EXPENSIVE = 16
_SMALLEST_REGISTER = 16  # bits


def values_to_keep(plan: Plan) -> set[Value]:
    """Computed values that several groups need (or a deeper loop), worth their registers."""
    return _Keeping(plan).values()


class _Keeping:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.costs: dict[Value, int] = {}
        self._read: dict[int, set[Value]] = {}
        self._smaller: dict[Value, set[Value]] = {}

    def values(self) -> set[Value]:
        """See `values_to_keep`."""
        weights: dict[Value, int] = {}
        first: dict[Value, int] = {}  # the number of the group that computes a value first
        for number, group in enumerate(self.plan.groups):
            counted: set[Value] = set()
            for root in group.roots:
                for value, _, read in self.plan.visits(root, group):
                    if not read and value not in counted:
                        counted.add(value)
                        weights[value] = weights.get(value, 0) + self._weight(value, group)
                        first.setdefault(value, number)
        shared = {
            value
            for value, weight in weights.items()
            if weight > 1
            and value not in self.plan.kept
            and self._is_worth(value, weight, first[value])
        }
        # Of a chain keep the last value only: the others are then needed in one place.
        last = [v for v in shared if not any(user in shared for user in self._dependents(v))]
        return {kept for value in last for kept in self._smallest(value)}

    def _is_worth(self, value: Value, weight: int, group: int) -> bool:
        """Whether computing it `weight` times costs more than the registers that a value takes."""
        cost = self._cost(value)
        saved = (weight - 1) * cost
        if cost <= 1:
            return False
        if cost > _CHEAP and saved > _KEEP_ABOVE:
            return True
        bits = _register_bits(value)
        taken = bits - sum(map(_register_bits, self._free_with(value, group)))
        return taken <= 0 or (cost > _CHEAP and saved * bits > _KEEP_ABOVE * taken)

    def _free_with(self, value: Value, group: int) -> set[Value]:
        """Loaded and kept values that nobody reads behind a group if it keeps a value.

        They go element by element, as the value's come. Not so matrices, nor what is from outside
        of a loop, whose next turn needs it.
        """
        if group not in self._read:
            self._read[group] = self._read_behind(group)
        needed = self._read[group] - self._read_behind(group, value)
        assert value.defining_op is not None
        block = value.defining_op.parent
        makers = ((v, v.defining_op) for v in needed)
        return {
            v
            for v, op in makers
            if op is not None
            and op.parent is block
            and (isinstance(op, tt.Load) or v in self.plan.kept)
        }

    def _read_behind(self, number: int, also: Value | None = None) -> set[Value]:
        """Values that are read from where they were put, `also` one more, by groups behind one."""
        stack: list[Value] = []
        for group in self.plan.groups[number + 1 :]:
            for root in group.roots:
                for value in root.operands:
                    stack += self.plan.tensor_operands(value) if isinstance(root, Keep) else [value]
        seen: set[Value] = set()
        found: set[Value] = set()
        while stack:
            value = stack.pop()
            if value in seen:
                continue
            seen.add(value)
            if value is also or self.plan.is_available(value):
                found.add(value)
            else:
                stack += self.plan.tensor_operands(value)
        return found

    def _smallest(self, value: Value) -> set[Value]:
        """The value, or fewer elements that it is cheaply made of: a row of a sum with a column."""
        if value not in self._smaller:
            found = {kept for each in self._costly(value) for kept in self._smallest(each)}
            is_smaller = sum(map(_registers, found)) < _registers(value)
            self._smaller[value] = found if found and is_smaller else {value}
        return self._smaller[value]

    def _costly(self, value: Value) -> list[Value]:
        """What would have to be kept instead of a value; nothing where that is the value itself."""
        op = value.defining_op
        assert op is not None
        operands = [v for v in op.operands if isinstance(v.type, TensorType)]
        costly = [v for v in operands if self._cost(v) > _CHEAP]
        cheap = own_cost(op) + sum(self._cost(v) for v in operands if v not in costly)
        if cheap > _CHEAP or any(self.plan.is_available(v) for v in costly):
            return []
        return costly

    def _weight(self, value: Value, group: Group) -> int:
        op = value.defining_op
        assert op is not None
        assert op.parent is not None
        return 3 if group.depth > self.plan.depths[op.parent] else 1

    def _dependents(self, value: Value) -> Iterator[Value]:
        for user in value.users:
            yield from (result for result in user.results if not self.plan.is_available(result))

    def _cost(self, value: Value) -> int:
        """Instructions to compute one element again, available values being free."""
        costs, order = self.costs, [value]
        while order:
            top = order[-1]
            op = top.defining_op
            if top in costs or op is None or (self.plan.is_available(top) and top is not value):
                costs.setdefault(top, 0)
                order.pop()
                continue
            operands = [v for v in op.operands if isinstance(v.type, TensorType)]
            missing = [v for v in operands if v not in costs]
            if missing:
                order.extend(missing)
                continue
            costs[top] = own_cost(op) + sum(costs[v] for v in operands)
            order.pop()
        return costs[value]


def _registers(value: Value) -> int:
    """Elements of a tensor that a thread has."""
    assert isinstance(value.type, TensorType)
    return distribution_of(value.type).count


def _register_bits(value: Value) -> int:
    """Bits of the registers for a thread's elements of a tensor."""
    return _registers(value) * max(_SMALLEST_REGISTER, bit_width(element_of(value.type)))


def own_cost(op: Op) -> int:
    """Instructions of one element, roughly: division and functions count, views are free."""
    if isinstance(op, arith.Constant | tt.Splat | tt.MakeRange) or coordinate_map(op) is not None:
        return 0
    heavy = (arith.Divsi, arith.Divui, arith.Remsi, arith.Remui, arith.Divf, arith.Remf)
    if isinstance(op, heavy) or op.op_name.startswith(("math.", "tt.extern", "tt.precise")):
        return 1 if isinstance(op, math.Absf | math.Absi | math.Fma) else _EXPENSIVE
    return 1
