"""Values of turns that a dump has peeled off the end of a pipelined loop, made behind the loop.

A loop of N turns that runs n = max(N - 2, 0) of them has copied the tiles of turns n and n + 1 when
it ends. `Behind` makes what such a copy loaded again: integers from the counter that comes next,
pointers from where the loop leaves them. A tile may be there for no turn at all, if N is small:
its load is masked then, as the first copies were.
"""

from __future__ import annotations

from ..analysis.polynomial import Polynomial
from ..dialects import arith, tt
from ..ir.core import Value
from ..ir.traits import with_element
from ..ir.types import I1, IntegerType, TensorType, bit_width, element_of
from .folding import splat_of
from .insertion import Before
from .rewrite import is_inside
from .turns import NoShift, Shift, has_tensors, is_plain, moved, written


class Behind:
    """The values of the loop's turn n + `number`, where the loop runs n turns."""

    def __init__(self, shift: Shift, number: int, inside: Before, before: Before) -> None:
        self.shift, self.number = shift, number
        self._inside, self._before = inside, before
        self._width = bit_width(shift.loop.counter.type)
        self._made: dict[Value, Value] = {}
        self._counter: Value | None = None

    def make(self, value: Value, first: Value | None) -> Value:
        """The value for that turn; `first` is that of turn 0."""
        if not is_inside(value, self.shift.loop):
            return value
        if value not in self._made:
            self._made[value] = self._make(value, first)
        return self._made[value]

    def make_mask(
        self, mask: Value | None, first: Value | None, like: Value, *, guarded: bool
    ) -> Value | None:
        """The conditions for that turn; with `guarded` also that there is such a turn."""
        shift, before = self.shift, self._before
        mine, its = shift.without_guards(mask, None), shift.without_guards(first, 0)
        made = [self.make(value, other) for value, other in zip(mine, its, strict=True)]
        if guarded:
            assert isinstance(like.type, TensorType)
            type_ = with_element(like.type, I1)
            made.insert(0, before.value(tt.Splat((self._is_there(),), (type_,))))
        return before.conjunction(made)

    def _is_there(self) -> Value:
        """counter + number * step < upper + peeled * step"""
        loop, before = self.shift.loop, self._before
        sides: list[Value] = []
        for value, times in ((self.counter, self.number), (loop.upper, self.shift.peeled)):
            far = before.binary(arith.Muli, loop.step, before.integer(times, loop.step.type))
            sides.append(before.binary(arith.Addi, value, far))
        return before.compare("slt", sides[0], sides[1])

    @property
    def counter(self) -> Value:
        """What the loop's counter would be next: lower + ceil(max(upper - lower, 0) / step) * step.

        A maximum where the step is 1.
        """
        if self._counter is None:
            loop, before = self.shift.loop, self._before
            step, type_ = splat_of(loop.step), loop.counter.type
            if step is None or step <= 0 or loop.unsigned:
                raise NoShift
            if step == 1:
                self._counter = before.binary(arith.Maxsi, loop.lower, loop.upper)
                return self._counter
            along = before.binary(arith.Subi, loop.upper, loop.lower)
            along = before.binary(arith.Maxsi, along, before.integer(0, type_))
            along = before.binary(arith.Addi, along, before.integer(step - 1, type_))
            turns = before.binary(arith.Divsi, along, loop.step)
            along = before.binary(arith.Muli, turns, loop.step)
            self._counter = before.binary(arith.Addi, loop.lower, along)
        return self._counter

    def _make(self, value: Value, first: Value | None) -> Value:
        shift, before = self.shift, self._before
        number = shift.as_polynomial(value)
        if number is not None and not has_tensors(number):
            return self._integer(number, value)
        argument = shift.moving(value)
        if argument is not None:
            carried = shift.make(value, first, self._inside)
            steps = shift.steps_of(argument)
            if any(is_inside(step, shift.loop) for step in steps):
                raise NoShift
            return moved(shift.loop.results[carried.index - 1], steps * self.number, before)
        op, other = value.defining_op, None if first is None else first.defining_op
        if op is None or not is_plain(op):
            raise NoShift
        alike = other is not None and type(other) is type(op)
        firsts = other.operands if alike and other is not None else [None] * len(op.operands)
        operands = [self.make(v, f) for v, f in zip(op.operands, firsts, strict=True)]
        made = type(op)(operands, [value.type], op.attributes, segments=op.segments)
        return before.value(made, value.name)

    def _integer(self, number: Polynomial, like: Value) -> Value:
        """A uniform integer, or a splat of one."""
        shift, before, type_ = self.shift, self._before, like.type
        turn = Polynomial.of(shift.turn, self._width)
        ahead = Polynomial.number(self.number - shift.turns, self._width)
        at = shift.by_counter(number.at(shift.turn, turn + ahead))
        at = at.at(shift.loop.counter, Polynomial.of(self.counter, self._width))
        if at.constant is not None:
            return before.integer(at.constant, type_)
        element = element_of(type_)
        assert isinstance(element, IntegerType)
        total = written(at, element, before)
        return before.splat(total, type_) if isinstance(type_, TensorType) else total
