"""What a loop computes for a later turn, as it is for the present one.

A pipelined loop works for turn t + n in turn t, and the ops before the loop have worked for turns 0
to n - 1. `Shift` finds out whether those first ones compute what the loop computes, of other turns,
and makes the ops that compute it for the turn itself.

    before: %a + 0, %a + 32       loop: %a + (t + 2) * 32       shifted: %a + t * 32

Integers are compared as polynomials in the number of the turn. Pointers that every turn moves by
the same steps go on doing so, from where the first turn has them. A condition that says that there
is such a later turn is dropped, since the turn itself is there when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..analysis.polynomial import Polynomial
from ..dialects import arith, scf, tt
from ..ir.core import Op, Value
from ..ir.types import IntegerType, PointerType, TensorType, bit_width, element_of
from .folding import splat_of
from .insertion import Before
from .rewrite import is_inside

# Sums of these are what a tensor of pointers is away from its root: polynomials (uniform offsets)
# and tensors, each with how many times it is added (a polynomial in the number of the turn).
_Steps = list[tuple["Polynomial | Value", Polynomial]]


class NoShift(Exception):  # noqa: N818 - an answer, caught by who asked
    """It is not known what another turn would compute."""


class Shift:
    """The values of a loop's turn t + `turns`, as values of turn t.

    `peeled` turns stand behind the loop.
    """

    def __init__(self, loop: scf.For, turns: int, peeled: int = 0) -> None:
        self.loop, self.turns, self.peeled = loop, turns, peeled
        self.turn = Value(loop.counter.type, loop.body, -1, "turn")  # stands for t, in polynomials
        self._width = bit_width(loop.counter.type)
        self._carried: dict[Value, Polynomial | None] = {}
        self._made: dict[Value, Value] = {}
        # Of tensors that are the same, the first that was met.
        self._tensors: dict[object, Value] = {}

    # -- integers ------------------------------------------------------------------------------

    def polynomial(self, value: Value) -> Polynomial:
        """An integer, or a tensor of them, as the loop's turn t has it.

        Tensors from before the loop, and views of them, stand for themselves.
        """
        width = bit_width(element_of(value.type))
        number, op = splat_of(value), value.defining_op
        if number is not None:
            return Polynomial.number(number, width)
        match op:
            case tt.Splat():
                return self.polynomial(op.source)
            case arith.Addi():
                return self.polynomial(op.operands[0]) + self.polynomial(op.operands[1])
            case arith.Subi():
                return self.polynomial(op.operands[0]) - self.polynomial(op.operands[1])
            case arith.Muli():
                return self.polynomial(op.operands[0]) * self.polynomial(op.operands[1])
            case tt.ExpandDims() | tt.Broadcast():
                return self._view(op, self.polynomial(op.operands[0]))
            case tt.MakeRange():
                return Polynomial.of(self._tensors.setdefault((op.start, value.type), value), width)
            case _:
                return self._leaf(value, width)

    def _view(self, op: Op, source: Polynomial) -> Polynomial:
        """A view of a sum of products: that of each tensor in it."""
        result = Polynomial(source.width)
        for factors, number in source.terms:
            part = Polynomial.number(number, source.width)
            for factor in factors:
                key = (factor, type(op), tuple(op.attributes.items()), op.result.type)
                is_tensor = isinstance(factor.type, TensorType)
                seen = self._tensors.setdefault(key, op.result) if is_tensor else factor
                part = part * Polynomial.of(seen, source.width)
            result = result + part
        return result

    def _leaf(self, value: Value, width: int) -> Polynomial:
        if not is_inside(value, self.loop):
            return Polynomial.of(value, width)
        if value is self.loop.counter:
            lower, step = self.polynomial(self.loop.lower), self.polynomial(self.loop.step)
            return lower + step * Polynomial.of(self.turn, width)
        if value in self.loop.iter_args:
            return self._carried_number(value, width)
        raise NoShift

    def _carried_number(self, argument: Value, width: int) -> Polynomial:
        """An integer that every turn adds the same to."""
        if argument in self._carried:
            known = self._carried[argument]
        else:
            self._carried[argument] = None  # what it depends on may be itself
            index = argument.index - 1
            own = Polynomial.of(argument, width)
            step = self._step_of(argument, self.loop.yields[index]) - own
            known = None
            if not any(step.has(other) for other in (*self.loop.iter_args, self.turn)):
                first = self.polynomial(self.loop.inits[index])
                known = first + step * Polynomial.of(self.turn, width)
            self._carried[argument] = known
        if known is None:
            raise NoShift
        return known

    def _step_of(self, argument: Value, given: Value) -> Polynomial:
        self._carried[argument] = Polynomial.of(argument, bit_width(argument.type))
        found = self.polynomial(given)
        self._carried[argument] = None
        return found

    def _is_integer(self, value: Value) -> bool:
        element = element_of(value.type)
        return isinstance(element, IntegerType) and element.width > 1

    def as_polynomial(self, value: Value) -> Polynomial | None:
        """The polynomial of an integer; None for what has none."""
        if not self._is_integer(value):
            return None
        try:
            return self.polynomial(value)
        except NoShift:
            return None

    def _at(self, polynomial: Polynomial, turn: int) -> Polynomial:
        return polynomial.at(self.turn, Polynomial.number(turn, polynomial.width))

    # -- is it the same ------------------------------------------------------------------------

    def require(self, value: Value | None, firsts: Sequence[Value | None]) -> None:
        """Raise NoShift unless the values made before the loop are those of its first turns."""
        if value is None or None in firsts:
            if value is not None or any(first is not None for first in firsts):
                raise NoShift
            return
        for turn, first in enumerate(firsts):
            assert first is not None
            self._same(value, first, turn)

    def require_mask(self, mask: Value | None, firsts: Sequence[Value | None]) -> None:
        """The same of conditions, without the ones that say that there is such a turn."""
        conditions = self.without_guards(mask, None)
        for turn, first in enumerate(firsts):
            others = self.without_guards(first, turn)
            if len(others) != len(conditions):
                raise NoShift
            for condition, other in zip(conditions, others, strict=True):
                self._same(condition, other, turn)

    def without_guards(self, mask: Value | None, turn: int | None) -> list[Value]:
        """The parts of a mask: of the loop, or (with a number) of the ops for a first turn."""
        found = [] if mask is None else list(_conjuncts(mask))
        return [value for value in found if not self._is_guard(value, turn)]

    def is_guarded(self, mask: Value | None, turn: int) -> bool:
        """Whether an op for a first turn is masked where there is no such turn."""
        found = [] if mask is None else list(_conjuncts(mask))
        return any(not splat_of(value) and self._is_guard(value, turn) for value in found)

    def _is_guard(self, value: Value, turn: int | None) -> bool:
        """Whether a condition says that the turn it is meant for comes before the loop's end."""
        op = value.defining_op
        if isinstance(op, tt.Splat):
            op = op.source.defining_op
        if splat_of(value):
            return True
        if not isinstance(op, arith.Cmpi) or isinstance(op.lhs.type, TensorType):
            return False
        sides = {"slt": (op.lhs, op.rhs), "sgt": (op.rhs, op.lhs)}.get(op.predicate)
        if sides is None or self.loop.unsigned or op.lhs.type != self.loop.lower.type:
            return False
        try:
            found = self.polynomial(sides[0]) - self.polynomial(sides[1])
            bounds = [self.polynomial(v) for v in (self.loop.lower, self.loop.upper)]
            step = self.polynomial(self.loop.step)
        except NoShift:
            return False
        number = Polynomial.number(self.turns if turn is None else turn, self._width)
        if turn is None:
            number = number + Polynomial.of(self.turn, self._width)
        peeled = Polynomial.number(self.peeled, self._width)
        return found == bounds[0] + step * (number - peeled) - bounds[1]

    def _same(self, value: Value, first: Value, turn: int) -> None:
        """`value` of the loop's turn `turn - turns` is `first`."""
        at = turn - self.turns
        number, other = self.as_polynomial(value), self.as_polynomial(first)
        if number is not None and other is not None and value.type == first.type:
            if self._at(number, at) != other:
                raise NoShift
            return
        if value is first:
            return
        if is_pointers(value) and is_pointers(first):
            root, steps = self._pointer(value)
            other_root, other_steps = self._pointer(first)
            if self._total(steps, at) != self._total(other_steps, 0):
                raise NoShift
            if (root, other_root) != (value, first):
                self._same(root, other_root, turn)
                return
        self._same_op(value, first, turn)

    def _same_op(self, value: Value, first: Value, turn: int) -> None:
        if value is first:
            return
        op, other = value.defining_op, first.defining_op
        if op is None or other is None or not is_plain(op) or not is_plain(other):
            raise NoShift
        alike = type(op) is type(other) and op.attributes == other.attributes
        if not alike or value.type != first.type or len(op.operands) != len(other.operands):
            raise NoShift
        for mine, its in zip(op.operands, other.operands, strict=True):
            self._same(mine, its, turn)

    # -- pointers ------------------------------------------------------------------------------

    def _pointer(self, value: Value) -> tuple[Value, _Steps]:
        """A tensor of pointers as a root and what is added to it, as turn t has it."""
        steps: _Steps = []
        number = Polynomial.number(1, self._width)
        while True:
            op = value.defining_op
            if isinstance(op, tt.Addptr):
                step = self._one_step(op.offset)
                if step is None:
                    return value, steps
                steps.append((step, number))
                value = op.ptr
            elif value in self.loop.iter_args:
                per_turn = self._per_turn(value)
                turn = Polynomial.of(self.turn, self._width)
                steps += [(step, number * turn) for step in per_turn]
                value = self.loop.inits[value.index - 1]
            else:
                return value, steps

    def _one_step(self, offset: Value) -> Polynomial | Value | None:
        found = self.as_polynomial(offset)
        if found is not None:
            return found
        return None if is_inside(offset, self.loop) else offset

    def _per_turn(self, argument: Value) -> list[Polynomial | Value]:
        """What every turn adds to pointers that it hands on."""
        steps: list[Polynomial | Value] = []
        value = self.loop.yields[argument.index - 1]
        while value is not argument:
            op = value.defining_op
            step = self._one_step(op.offset) if isinstance(op, tt.Addptr) else None
            if step is None or (isinstance(step, Polynomial) and step.has(self.turn)):
                raise NoShift
            steps.append(step)
            value = op.operands[0]  # type: ignore[union-attr]
        return steps

    def _total(self, steps: _Steps, turn: int) -> dict[Polynomial | Value, int]:
        total: dict[Polynomial | Value, int] = {}
        for step, times in steps:
            key = self._at(step, turn) if isinstance(step, Polynomial) else step
            count = self._at(times, turn).constant
            assert count is not None
            total[key] = total.get(key, 0) + count
        return {key: count for key, count in total.items() if count and not _is_zero(key)}

    # -- making it -----------------------------------------------------------------------------

    def make(self, value: Value, first: Value | None, before: Before) -> Value:
        """The value for turn t, made before an op of the loop; `first` is that of turn 0."""
        if not is_inside(value, self.loop):
            return value
        if value not in self._made:
            self._made[value] = self._make(value, first, before)
        return self._made[value]

    def make_mask(self, mask: Value | None, first: Value | None, before: Before) -> Value | None:
        """The conditions that are left for turn t; None where there are none."""
        mine, its = self.without_guards(mask, None), self.without_guards(first, 0)
        made = [self.make(value, other, before) for value, other in zip(mine, its, strict=True)]
        return before.conjunction(made)

    def _make(self, value: Value, first: Value | None, before: Before) -> Value:
        number = self.as_polynomial(value)
        if number is not None and not has_tensors(number):
            turns = Polynomial.number(self.turns, self._width)
            back = Polynomial.of(self.turn, self._width) - turns
            return self._number(number.at(self.turn, back), value, before)
        argument = self.moving(value)
        if argument is not None:
            return self._moved_from(argument, first)
        op, other = value.defining_op, None if first is None else first.defining_op
        if op is None or not is_plain(op):
            raise NoShift
        alike = other is not None and type(other) is type(op)
        firsts = other.operands if alike and other is not None else [None] * len(op.operands)
        operands = [self.make(v, f, before) for v, f in zip(op.operands, firsts, strict=True)]
        made = type(op)(operands, [value.type], op.attributes, segments=op.segments)
        return before.value(made, value.name)

    def _number(self, number: Polynomial, like: Value, before: Before) -> Value:
        type_ = like.type
        if number.constant is not None:
            return before.integer(number.constant, type_)
        element = element_of(type_)
        total = written(self.by_counter(number), element, before)
        total.name = like.name
        return before.splat(total, type_) if isinstance(type_, TensorType) else total

    def by_counter(self, number: Polynomial) -> Polynomial:
        """With the loop's counter instead of the number of the turn."""
        loop = self.loop
        if not number.has(self.turn):
            return number
        lower, step = self.polynomial(loop.lower), self.polynomial(loop.step).constant
        if step is None or number.width != self._width:
            raise NoShift
        result = Polynomial(number.width)
        along = Polynomial.of(loop.counter, number.width) - lower
        for factors, times in number.terms:
            part = Polynomial.number(times, number.width)
            if factors.count(self.turn) == 1 and times % step == 0:
                part = Polynomial.number(times // step, number.width) * along
            elif self.turn in factors:
                raise NoShift
            for factor in factors:
                if factor is not self.turn:
                    part = part * Polynomial.of(factor, number.width)
            result = result + part
        return result

    def moving(self, value: Value) -> Value | None:
        """The carried pointers that a tensor of pointers is, moved by steps of each turn."""
        if not is_pointers(value):
            return None
        root = value
        while isinstance(root.defining_op, tt.Addptr) and is_inside(root, self.loop):
            root = root.defining_op.ptr
        if root not in self.loop.iter_args:
            return None
        # The steps of all turns are those that every turn makes, and nothing else changes.
        steps = self._pointer(value)[1]
        if any(isinstance(step, Polynomial) and step.has(self.turn) for step, _ in steps):
            raise NoShift
        moved: dict[Polynomial | Value, int] = {}
        for step, count in self._total(steps, 1).items():
            moved[step] = moved.get(step, 0) + count
        for step, count in self._total(steps, 0).items():
            moved[step] = moved.get(step, 0) - count
        wanted: dict[Polynomial | Value, int] = {}
        for step in self._per_turn(root):
            if not _is_zero(step):
                wanted[step] = wanted.get(step, 0) + 1
        if {step: count for step, count in moved.items() if count} != wanted:
            raise NoShift
        return root

    def _moved_from(self, argument: Value, first: Value | None) -> Value:
        """Pointers that start where the first turn has them, and move as others do."""
        if first is None:
            raise NoShift
        loop, last = self.loop, self.loop.body.terminator
        made = loop.body.add_argument(argument.type, argument.name)
        made.location = argument.location
        result = Value(argument.type, loop, len(loop.results), argument.name)
        loop.results.append(result)
        loop.add_operand(first)
        last.add_operand(moved(made, self.steps_of(argument), Before(last)))
        return made

    def steps_of(self, argument: Value) -> list[Value]:
        """The offsets by which each turn moves pointers."""
        steps: list[Value] = []
        value = self.loop.yields[argument.index - 1]
        while value is not argument:
            op = value.defining_op
            assert isinstance(op, tt.Addptr)
            steps.append(op.offset)
            value = op.ptr
        return steps[::-1]


def moved(pointers: Value, steps: Sequence[Value], before: Before) -> Value:
    """Pointers, by so many steps on."""
    name = pointers.name
    for offset in steps:
        pointers = before.value(tt.Addptr((pointers, offset), (pointers.type,)), name)
    return pointers


def written(number: Polynomial, type_: object, before: Before) -> Value:
    """Ops for a polynomial: what is added first, then what is taken away."""
    assert isinstance(type_, IntegerType)
    total: Value | None = None
    for factors, times in sorted(number.terms, key=lambda term: term[1] < 0):
        part: Value | None = None
        for factor in factors:
            part = factor if part is None else before.binary(arith.Muli, part, factor)
        size = abs(times) if total is not None else times
        if part is None:
            part = before.integer(size, type_)
        elif size != 1:
            part = before.binary(arith.Muli, part, before.integer(size, type_))
        kind = arith.Subi if times < 0 else arith.Addi
        total = part if total is None else before.binary(kind, total, part)
    assert total is not None
    return total


def _conjuncts(mask: Value) -> Iterator[Value]:
    op = mask.defining_op
    if isinstance(op, arith.Andi):
        for operand in op.operands:
            yield from _conjuncts(operand)
    elif isinstance(op, tt.Splat) and isinstance(op.source.defining_op, arith.Andi):
        raise NoShift
    else:
        yield mask


def is_pointers(value: Value) -> bool:
    """Whether a value is a pointer, or a tensor of them."""
    return isinstance(element_of(value.type), PointerType)


def is_plain(op: Op) -> bool:
    """Whether an op may be done again, on other operands."""
    return op.pure and not op.regions and len(op.results) == 1 and not op.terminator


def has_tensors(number: Polynomial) -> bool:
    """Whether a polynomial's factors are not all uniform."""
    return any(isinstance(f.type, TensorType) for factors, _ in number.terms for f in factors)


def _is_zero(step: Polynomial | Value) -> bool:
    return isinstance(step, Polynomial) and step.constant == 0
