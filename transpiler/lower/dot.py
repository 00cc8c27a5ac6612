"""Dots: loops over fragments that load, multiply and accumulate simdgroup matrices.

    for k:                                    one step: 8 columns of a, 8 rows of b
        a[i] = load ...        for all i      fragments of the simdgroup's rows
        for j:
            b = load ...                      one fragment of its columns
            sums[i][j] += a[i] * b            for all i

The sums of f32 dots are the result's array itself, which a loop carries from turn to turn. Other
results (f16, bf16, i32) have sums of their own in f32, and are rounded at the end of the dot; sums
of 8-bit integers are exact for 1,024 steps of K, after which they are added to the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeGuard

from ..dialects import arith, metal, metal_matrix, scf
from ..ir.core import Op, Value
from ..ir.types import (
    F32,
    I32,
    ArrayType,
    TensorType,
    Type,
    element_of,
)
from ..passes.direct import steps_masked
from ..simdgroup import ELEMENTS_PER_LANE, SIDE
from .context import Context, Storage
from .distribution import Position, distribution_of
from .elements import Elements
from .exchange import only_if
from .fragments import Direct, FragmentLoads, Operand, counted, operand_of, tensors_of
from .iteration import Iteration, loop_runs, register_loops
from .plan import Group, Plan
from .roots import Root, makes_roots
from .tiles import Tile, coordinate, write_elements
from .widths import follows_vectors, stored_as

if TYPE_CHECKING:
    from .group import GroupLowering

_EXACT_STEPS = 1024  # of K: 2^7 * 2^7 * 2^10 = 2^24, the last integer that f32 counts to


class Multiply(Root):
    """A dot with its own loops."""

    def __init__(self, op: Op, plan: Plan) -> None:
        a, b, c = op.operands
        self._plan = plan
        super().__init__(op, [c, *tensors_of(a), *tensors_of(b)], op.result)

    @property
    def is_alone(self) -> bool:
        """Its loops run over fragments."""
        return True

    @property
    def produced(self) -> list[Value]:
        """The result."""
        return self.op.results

    def run_alone(self, group: GroupLowering) -> None:
        """Start the sums, multiply, and put them into the result."""
        context, op = group.context, self.op
        assert isinstance(op, metal_matrix.Dot)
        lowering = DotLowering(context, op)
        lowering.start(group)
        lowering.multiply(operand_of(context, op.a), operand_of(context, op.b), op.depth)
        lowering.finish()


@makes_roots(metal_matrix.Dot)
def _dot_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, metal_matrix.Dot)
    _claim_matrices(op, plan)
    if isinstance(op.a.type, TensorType):
        maker = op.a.defining_op
        if maker is not None and not plan.is_available(op.a):
            plan.kept.add(op.a)
        plan.pairs.add(op.a)
        plan.matrices.add(op.a)
    return [Multiply(op, plan)]


def _claim_matrices(op: Op, plan: Plan) -> None:
    """The result is kept as matrices: where a loop carries it in the same array."""
    type_ = op.result.type
    assert isinstance(type_, TensorType)
    if type_.shape[-1] < SIDE:
        return
    values = {op.result}
    carried = carried_accumulator(op)
    chosen = chosen_accumulator(op, plan)
    if carried is not None:
        values.add(carried)
        plan.same_array[op.result] = carried
    elif chosen is not None:
        values.add(chosen)
        plan.same_array[op.result] = chosen
        plan.same_array[chosen] = op.operands[2]
    plan.pairs |= values
    if holds_matrices(type_):
        plan.matrices |= values


def holds_matrices(type_: Type) -> bool:
    """Whether a dot sums right in its result: f32, at least a fragment wide."""
    return isinstance(type_, TensorType) and type_.element == F32 and type_.shape[-1] >= SIDE


def carried_accumulator(op: Op) -> Value | None:
    """The loop's argument whose array the result may take over: nothing else needs its old value.

    The argument must go into the dot as c, through elementwise ops and other dots alone, and the
    result must come back as the argument's next value.
    """
    loop = op.parent_op
    if not isinstance(loop, scf.For):
        return None
    for argument in loop.body.args[1:]:
        if argument.type == op.result.type and _comes_back(argument, op):
            return argument
    return None


def chosen_accumulator(op: Op, plan: Plan) -> Value | None:
    """The result of an scf.if that is the dot's in one block, and c in the other; else None.

    Where nobody else needs a loop's sums any more, the dot goes on with their array, if a dot has
    made it.
    """
    before, branch = op.operands[2], op.parent_op
    maker = before.defining_op
    if not isinstance(maker, scf.For | scf.If) or before.type != op.result.type:
        return None
    if not isinstance(branch, scf.If) or branch.else_block is None:
        return None
    # Else the branch is in a loop of its own, whose later turns need the same sums again.
    if branch.parent is not maker.parent or stored_as(before) not in plan.pairs:
        return None
    ends = [branch.then_block.terminator, branch.else_block.terminator]
    own, other = ends if op.parent is branch.then_block else ends[::-1]
    if op.result.users != [own] or len(op.result.uses) > 1:
        return None
    ((_, index),) = op.result.uses
    only_here = len(before.uses) == 2 and {user for user, _ in before.uses} == {op, other}
    return branch.results[index] if only_here and other.operands[index] is before else None


def _comes_back(argument: Value, dot: Op) -> bool:
    """Whether an argument is updated by a dot, and by nothing that needs two values of it."""
    value, passed = argument, False
    while len(value.uses) == 1:
        ((user, index),) = value.uses
        passed = passed or user is dot
        if user.parent is not argument.owner:
            return False
        if isinstance(user, scf.Yield):
            return passed and index == argument.index - 1
        if not _updates(user, index, value):
            return False
        value = user.result
    return False


def _updates(user: Op, index: int, value: Value) -> bool:
    """Whether an op makes a new accumulator of an old one, element by element."""
    if isinstance(user, metal_matrix.Dot):
        return index == 2
    is_plain = user.elementwise and user.pure and len(user.results) == 1
    return is_plain and user.result.type == value.type


class DotLowering:
    """The sums of one dot, and the loops that add to them."""

    def __init__(self, context: Context, op: Op) -> None:
        self.context = context
        self.builder = context.builder
        self.op = op
        type_ = op.result.type
        assert isinstance(type_, TensorType)
        self.type = type_
        self.layout = distribution_of(type_)
        self.loads = FragmentLoads(context, self.layout)
        self.is_direct = holds_matrices(type_)
        self.rows = self._fragments(-2)
        self.columns = self._fragments(-1)
        self.matrices = self._registers(0) if type_.rank > 2 else 1
        self.sums: Value | None = None

    def _registers(self, dim: int) -> int:
        return 1 << sum(1 for basis in self.layout.registers if basis[dim])

    def _fragments(self, dim: int) -> int:
        return 1 << sum(1 for basis in self.layout.registers if basis[dim] >= SIDE)

    # -- before and after ----------------------------------------------------------------------

    def start(self, group: GroupLowering) -> None:
        """c into the sums; zeros where the sums are not the result."""
        context, c = self.context, self.op.operands[2]
        context.builder.locate(self.op)
        result = context.storage(self.op.result)
        if self.is_direct:
            self.sums = result.array
            if context.storages.get(c) != result:
                self._copy_start(group, result, self.layout.identity)
            return
        self.sums = self.new_matrices(self.rows * self.columns * self.matrices, F32, "sums")
        if self.type.element != I32:
            self._copy_start(group, self._sums_storage(), self._sum_position())
            return
        if context.storages.get(c) != result:
            self._copy_start(group, result, self.layout.identity)
        self._fill_zero()

    def _copy_start(self, group: GroupLowering, into: Storage, position: Position) -> None:
        """An array takes c."""
        context, builder = self.context, self.builder
        start = Root(self.op, [self.op.operands[2]], self.op.result)
        alone = Group(group.group.distribution, [start])
        fits = into.lanes == ELEMENTS_PER_LANE and follows_vectors(
            alone, ELEMENTS_PER_LANE, context.plan, context.axis
        )
        lanes = ELEMENTS_PER_LANE if fits and position == self.layout.identity else 1
        with register_loops(builder, loop_runs(self.layout, lanes.bit_length() - 1)) as loops:
            step = Elements(context, Iteration(builder, lanes, loops))
            value = step.full(self.op.operands[2], self.layout.identity)
            builder.locate(self.op)
            entry = into.array.type
            assert isinstance(entry, ArrayType)
            if element_of(entry.element) != element_of(value.type):
                wide = metal.with_lanes(F32, lanes)
                value = builder.value(arith.Extf((value,), (wide,)))
            step.write(into, value, position)

    def _sums_storage(self) -> Storage:
        assert self.sums is not None
        return Storage(self.sums, ELEMENTS_PER_LANE, len(self._sum_position()))

    def _fill_zero(self) -> None:
        assert self.sums is not None
        zero = self.context.splat(self.builder.float_constant(0, F32), ELEMENTS_PER_LANE)
        with counted(self.builder, self.rows * self.columns * self.matrices, "i") as index:
            self.context.write(zero, self.sums, index)

    def new_matrices(self, count: int, element: Type, name: str) -> Value:
        """A new array of matrices."""
        type_ = metal_matrix.matrices(count, element)
        op = metal.Local((), (type_,), {"count": metal.integer_attribute(count)})
        return self.builder.value(op, name)

    def finish(self) -> None:
        """Sums in f32 become the result's elements, where they are not."""
        if not self.is_direct:
            self.flush(last=True)

    def flush(self, *, last: bool = False) -> None:
        """Put the sums into the result: integers are added, and start again from zero."""
        context, builder = self.context, self.builder
        result, sums = context.storage(self.op.result), self._sums_storage()
        lanes = ELEMENTS_PER_LANE if result.lanes == ELEMENTS_PER_LANE else 1
        with register_loops(builder, loop_runs(self.layout, lanes.bit_length() - 1)) as loops:
            step = Elements(context, Iteration(builder, lanes, loops))
            total = self._total(step, sums, result, lanes)
            step.write(result, total, self.layout.identity)
        if not last:
            self._fill_zero()

    def _sum_position(self) -> tuple[int, ...]:
        """The sums' register bits as bits of the result: all, but the pair's where N is 1."""
        if any(basis[-1] == 1 for basis in self.layout.registers):
            return self.layout.identity
        return (0, *self.layout.identity)

    def _total(self, step: Elements, sums: Storage, result: Storage, lanes: int) -> Value:
        """The sums in the result's type; integers with the result so far."""
        builder = self.builder
        index, lane = step.index(sums, self._sum_position())
        value = self.context.read(sums.array, index, None if lanes > 1 else lane)
        narrow = metal.with_lanes(self.type.element, lanes)
        if self.type.element == I32:
            index, lane = step.index(result, self.layout.identity)
            at = None if lanes == result.lanes else lane
            older = self.context.read(result.array, index, at)
            count = builder.value(arith.Fptosi((value,), (narrow,)))
            return builder.binary(arith.Addi, older, count)
        if self.type.element == F32:
            return value
        return builder.value(arith.Truncf((value,), (narrow,)))

    # -- loops ---------------------------------------------------------------------------------

    def multiply(self, a: Operand, b: Operand, depth: int) -> None:
        """Add the products of all fragments along K to the sums, slice after slice of K."""
        sliced = [each for each in (a, b) if is_sliced(each)]
        if not sliced:
            self._multiply_parts(a, b, depth, None)
            return
        slices = sliced[0].slices
        with counted(self.builder, slices, "slice") as index:
            for tile, value in zip((a, b), self.op.operands, strict=False):
                if is_sliced(tile):
                    stage = value.defining_op
                    assert isinstance(stage, metal_matrix.Stage)
                    _write_slice(self.context, stage.source, tile, index)
            done = self.builder.mul(index, depth // slices // SIDE)
            self._multiply_parts(a, b, depth // slices, done)
            if self.type.element == I32 and depth > _EXACT_STEPS:
                self.flush()

    def _multiply_parts(self, a: Operand, b: Operand, depth: int, done: Value | None) -> None:
        """A slice of K: integers are added to the result before their sums get too large."""
        most = _EXACT_STEPS // SIDE
        steps = max(1, depth // SIDE)
        if self.type.element == I32 and steps > most:
            with counted(self.builder, steps // most, "part") as part:
                self._multiply(a, b, most, self.builder.mul(part, most), done)
                self.flush()
        else:
            self._multiply(a, b, steps, self.builder.constant(0), done)

    def _multiply(
        self, a: Operand, b: Operand, steps: int, first: Value, done: Value | None
    ) -> None:
        """So many steps of K, from `first` of a slice on, before which `done` were done."""
        with (
            counted(self.builder, self.matrices, "m") as matrix,
            counted(self.builder, steps, "k") as k,
        ):
            within = self.builder.add(first, k)
            step = _Step(matrix, within, within if done is None else self.builder.add(done, within))
            if isinstance(a, Direct) and isinstance(b, Direct) and steps_masked(a.op, b.op):
                with only_if(self.context, a.condition(self.context, step.k)):
                    self._step(replace(a, mask=None), replace(b, mask=None), step)
            else:
                self._step(a, b, step)

    def _step(self, a: Operand, b: Operand, step: _Step) -> None:
        """One step of K: a column of fragments of a, and one fragment of b after another."""
        builder = self.builder
        left, stride = self._left_fragments(a, step)
        assert not isinstance(b, Storage)
        right = self.new_matrices(1, b.element, "b")
        with counted(self.builder, self.columns, "j") as j:
            self.loads.load(b, right, builder.constant(0), step.matrix, step.of(b), j)
            with counted(self.builder, self.rows, "i") as i:
                entry = builder.add(builder.mul(i, self.columns), j)
                whole = builder.mul(step.matrix, self.rows * self.columns)
                at = builder.mul(i, stride)
                at = builder.add(at, step.of(a)) if isinstance(a, Storage) else at
                assert self.sums is not None
                operands = (self.sums, builder.add(whole, entry), left, at)
                zero = builder.constant(0)
                builder.insert(metal_matrix.MultiplyAccumulate((*operands, right, zero)))

    def _left_fragments(self, a: Operand, step: _Step) -> tuple[Value, int]:
        """The array with a's fragments, and the entries from one row of fragments to the next."""
        if isinstance(a, Storage):
            assert isinstance(self.op.operands[0].type, TensorType)
            return a.array, self.op.operands[0].type.shape[-1] // SIDE
        left = self.new_matrices(self.rows, a.element, "a")
        with counted(self.builder, self.rows, "i") as i:
            self.loads.load(a, left, i, step.matrix, step.of(a), i)
        return left, 1


@dataclass(frozen=True)
class _Step:
    """A step of K: of a batch's matrix, its number within a slice, and among all steps."""

    matrix: Value
    within: Value
    k: Value

    def of(self, operand: Operand) -> Value:
        """Its number in an operand: a tile of slices has one of them."""
        return self.within if is_sliced(operand) else self.k


def is_sliced(operand: Operand) -> TypeGuard[Tile]:
    """Whether an operand's tile has one slice of K at a time."""
    return isinstance(operand, Tile) and operand.slices > 1


def _write_slice(context: Context, value: Value, tile: Tile, index: Value) -> None:
    """Write the elements of one slice."""
    builder, layout = context.builder, distribution_of(tile.type)
    with register_loops(builder, loop_runs(layout, tile.lanes.bit_length() - 1)) as loops:
        step = Elements(context, Iteration(builder, tile.lanes, loops))
        along = coordinate(context, tile.type, step, tile.along_k, 1, 0)
        number = builder.div(along, tile.size(tile.along_k))
        inside = builder.compare("eq", number, index)
        with only_if(context, inside):
            part = step.full(value, layout.identity)
            first = context.is_first_copy(layout.replicated_threads)
            write_elements(context, tile, step, part, first)
