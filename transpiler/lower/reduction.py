"""tt.reduce: fold the registers, then the lanes, then the SIMD-groups.

Which bits of a layout lie along the axis says what is where: register bits are folded in the
group's own loop (into accumulators), lane bits by a butterfly of shuffles, SIMD-group bits through
threadgroup memory, of which every thread then folds what it needs. Bits that select copies are not
folded.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt
from ..errors import UnsupportedError
from ..ir.core import Block, Op, Value
from ..ir.stems import name_with
from ..ir.types import I32, FloatType, TensorType, element_of
from .combine import combine_values, identity_bits, is_simd_sum, single_op
from .context import Context, Storage
from .distribution import Distribution, Run, distribution_of
from .elements import Elements
from .iteration import Iteration, loops_over, register_loops, thread_weighted
from .roots import Root, makes_roots
from .widths import has_vector_form, lane_dim

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan

LANE_BITS = 5  # log2 of the SIMD width


class ReduceRoot(Root):
    """A reduction of one or more tensors; the results are scalars, or tensors of one rank less."""

    def __init__(self, op: tt.Reduce) -> None:
        super().__init__(op, list(op.operands), op.operands[0])
        self.reduce_op = op
        self.takes_vectors = not self.is_alone and all(
            has_vector_form(inner) or inner.terminator for inner in op.combine.ops
        )
        self._reduction: Reduction | None = None

    @property
    def is_alone(self) -> bool:
        """Without a neutral element it starts from the first elements: loops of its own."""
        return identity_bits(self.reduce_op) is None

    @property
    def produced(self) -> list[Value]:
        """The results."""
        return self.op.results

    @property
    def reduction(self) -> Reduction:
        """What `prepare` made."""
        assert self._reduction is not None
        return self._reduction

    def prepare(self, group: GroupLowering) -> None:
        """Make the accumulators."""
        self._reduction = start(group, self)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Fold this step's elements into them."""
        fold_step(group.context, elements, self.reduction)

    def run_alone(self, group: GroupLowering) -> None:
        """Fold all registers."""
        fold_alone(group.context, self.reduction)

    def finish(self, group: GroupLowering) -> None:
        """Fold lanes."""
        finish(group.context, self.reduction)

    def receive(self, group: GroupLowering) -> None:
        """Fold SIMD-groups."""
        receive(group.context, self.reduction)


@makes_roots(tt.Reduce)
def _reduce_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Reduce)
    return [ReduceRoot(op)]


@dataclass
class Reduction:
    """A reduction on its way: accumulators over the register bits that it keeps."""

    root: ReduceRoot
    op: tt.Reduce
    distribution: Distribution
    lanes: int  # components of the vectors that are folded
    folds_lanes: bool  # whether those components lie along the axis
    kept: tuple[int, ...]  # register bits, above the vector's, that are not along the axis
    along: tuple[int, ...]  # register bits, above the vector's, along the axis
    accumulators: list[Value]
    shared: _Shared | None = None
    targets: list[Storage] = field(default_factory=list[Storage])

    @property
    def is_direct(self) -> bool:
        """Whether each step's value is all that its registers add: no accumulator is needed."""
        return not self.along and not self.root.is_alone

    @property
    def kept_lanes(self) -> int:
        """Components of an accumulator: those along the axis are folded step by step."""
        return 1 if self.folds_lanes else self.lanes

    @property
    def count(self) -> int:
        """Entries of an accumulator array."""
        return 1 << len(self.kept)


def start(lowering: GroupLowering, root: ReduceRoot) -> Reduction:
    """Make the accumulators."""
    context, width, op = lowering.context, lowering.width, root.reduce_op
    layout = lowering.group.distribution
    along_bits = [_is_along(basis, op.axis, op) for basis in (*layout.registers, *layout.threads)]
    low = width.lanes.bit_length() - 1
    bits = range(low, len(layout.registers))
    reduction = Reduction(
        root,
        op,
        layout,
        width.lanes,
        width.lanes > 1 and lane_dim(lowering.group) == op.axis,
        tuple(bit for bit in bits if not along_bits[bit]),
        tuple(bit for bit in bits if along_bits[bit]),
        [],
    )
    context.builder.locate(op)
    if reduction_simdgroup_bits(reduction):
        reduction.shared = _Shared(context, reduction)
    if reduction.is_direct and not reduction.shared:
        reduction.targets = _targets(context, reduction)
        return reduction
    if reduction.is_direct and reduction.kept:
        return reduction
    for value, result in zip(op.operands, op.results, strict=True):
        element = metal.with_lanes(element_of(value.type), reduction.kept_lanes)
        reduction.accumulators.append(context.local(reduction.count, element, result.name))
    if reduction.along and identity_bits(op) is not None:
        _set_identity(context, reduction)
    return reduction


def _is_along(basis: Sequence[int], axis: int, op: Op) -> bool:
    if basis[axis] and any(offset for d, offset in enumerate(basis) if d != axis):
        raise UnsupportedError("a reduction over a layout that mixes its axis with others", op.span)
    return basis[axis] != 0


def _set_identity(context: Context, reduction: Reduction) -> None:
    bits = identity_bits(reduction.op)
    assert bits is not None
    (array,) = reduction.accumulators
    runs = [Run(0, 1, 0, reduction.count.bit_length() - 1)] if reduction.count > 1 else []
    with register_loops(context.builder, runs) as variables:
        type_ = element_of(reduction.op.operands[0].type)
        builder = context.builder
        if isinstance(type_, FloatType):
            value = builder.float_constant(bits, type_)
        else:
            value = builder.constant(bits, type_)
        index = variables[0].value if variables else builder.constant(0)
        context.write(context.splat(value, reduction.kept_lanes), array, index)


def fold_step(context: Context, elements: Elements, reduction: Reduction) -> None:
    """Fold this step's elements into the accumulators."""
    position = reduction.distribution.identity
    values = [elements.full(value, position) for value in reduction.op.operands]
    index = kept_index(elements.iteration, reduction)
    context.builder.locate(reduction.op)
    if reduction.folds_lanes:
        values = fold_components(context, reduction, values)
    if reduction.is_direct:
        if not elements.iteration.variables and (comment := stages(reduction)):
            context.section(comment)
        _pass_on(context, reduction, values, index)
        return
    if reduction.along:
        old = [context.read(array, index) for array in reduction.accumulators]
        values = combine_values(context, reduction.op, old, values)
    for value, array in zip(values, reduction.accumulators, strict=True):
        context.write(value, array, index)


def kept_index(iteration: Iteration, reduction: Reduction) -> Value:
    """The accumulator of this step."""
    weights = [
        1 << reduction.kept.index(bit) if bit in reduction.kept else 0
        for bit in range(len(reduction.distribution.registers))
    ]
    return iteration.weighted(reduction.distribution.identity, weights)


def fold_alone(context: Context, reduction: Reduction) -> None:
    """Fold registers with a combine block that has no neutral element: start from the first.

    One loop over what is kept; in it the first element, then a loop over the others along the axis.
    """
    builder = context.builder
    kept_runs = loops_over(reduction.kept)
    position = reduction.distribution.identity
    with register_loops(builder, kept_runs) as variables:
        first = Elements(context, Iteration(builder, 1, list(variables)))
        index = kept_index(first.iteration, reduction)
        for value, array in zip(reduction.op.operands, reduction.accumulators, strict=True):
            context.write(first.full(value, position), array, index)
        if not reduction.along:
            return
        along_runs = loops_over(reduction.along)
        with register_loops(builder, along_runs) as inner:
            step = Elements(context, Iteration(builder, 1, [*variables, *inner]))
            values = [step.full(value, position) for value in reduction.op.operands]
            old = [context.read(array, index) for array in reduction.accumulators]
            new = combine_values(context, reduction.op, old, values)
            is_first = _all_zero(context, [variable.value for variable in inner])
            for value, before, array in zip(new, old, reduction.accumulators, strict=True):
                kept = builder.value(arith.Select((is_first, before, value), (value.type,)))
                context.write(kept, array, index)


def _all_zero(context: Context, values: list[Value]) -> Value:
    builder = context.builder
    result: Value | None = None
    for value in values:
        result = builder.both(result, builder.compare("eq", value, builder.constant(0)))
    assert result is not None
    return result


def finish(context: Context, reduction: Reduction) -> None:
    """Fold lanes: the results of a SIMD-group, or what the SIMD-groups share."""
    context.builder.locate(reduction.op)
    if reduction.is_direct:
        if reduction.shared is not None:
            reduction.targets = _targets(context, reduction)
        return
    if comment := stages(reduction):
        context.section(comment)
    reduction.targets = _targets(context, reduction)
    with _kept_registers(context, reduction) as index:
        values = [context.read(array, index) for array in reduction.accumulators]
        _pass_on(context, reduction, values, index)


def receive(context: Context, reduction: Reduction) -> None:
    """Fold SIMD-groups, and put the results where their users look."""
    context.builder.locate(reduction.op)
    if reduction.shared is not None:
        with _kept_registers(context, reduction) as index:
            values = reduction.shared.receive(index)
            _put(context, reduction.op, values, reduction.targets, index)
    if stages(reduction):
        context.section()


@contextmanager
def _kept_registers(context: Context, reduction: Reduction) -> Generator[Value, None, None]:
    """A loop over the entries of the accumulators; without one where there is one entry."""
    runs = [Run(0, 1, 0, len(reduction.kept))] if reduction.kept else []
    with register_loops(context.builder, runs) as variables:
        yield variables[0].value if variables else context.builder.constant(0)


def _through(context: Context, variables: list[Value], values: list[Value]) -> list[Value]:
    """Put values into variables, and read them there: one name for all stages of a reduction."""
    zero = context.builder.constant(0)
    for variable, value in zip(variables, values, strict=True):
        context.write(value, variable, zero)
    return [context.read(variable, zero) for variable in variables]


def stages(reduction: Reduction) -> str:
    """What is folded between threads, in words."""
    op = reduction.op
    lanes = sum(1 for b in reduction.distribution.threads[:LANE_BITS] if b[op.axis])
    groups = len(reduction_simdgroup_bits(reduction))
    parts = [f"{1 << lanes} lanes"] * bool(lanes) + [f"{1 << groups} simdgroups"] * bool(groups)
    return f"{_verb(op)} over {', then over '.join(parts)}" if parts else ""


def _verb(op: tt.Reduce) -> str:
    combine = single_op(op)
    mnemonic = combine.op_name.partition(".")[2] if combine else ""
    verbs = {"add": "sum", "mul": "product", "max": "maximum", "min": "minimum"}
    return next((verb for key, verb in verbs.items() if mnemonic.startswith(key)), "reduction")


def _pass_on(context: Context, reduction: Reduction, values: list[Value], index: Value) -> None:
    """Fold a thread's values over the lanes; the results, or what the SIMD-groups share."""
    values = fold_lanes(context, reduction, values)
    if reduction.shared is not None:
        if reduction.count == 1:
            values = _through(context, reduction.accumulators, values)
        reduction.shared.send(values, index)
    else:
        _put(context, reduction.op, values, reduction.targets, index)


def fold_components(context: Context, reduction: Reduction, values: list[Value]) -> list[Value]:
    """Fold the components of vectors along the axis, in pairs."""
    parts = [[context.extract(v, i) for v in values] for i in range(reduction.lanes)]
    while len(parts) > 1:
        half = range(0, len(parts), 2)
        parts = [combine_values(context, reduction.op, parts[i], parts[i + 1]) for i in half]
    return parts[0]


def fold_lanes(context: Context, reduction: Reduction, values: list[Value]) -> list[Value]:
    """Fold the lanes of the SIMD-group."""
    op = reduction.op
    threads = reduction.distribution.threads[:LANE_BITS]
    lane_bits = [bit for bit, basis in enumerate(threads) if basis[op.axis]]
    for first, last in _neighbours(lane_bits):
        if (first, last) == (0, LANE_BITS - 1) and is_simd_sum(op, element_of(values[0].type)):
            attributes = {"kind": metal.word_attribute("sum")}
            reduced = metal.SimdReduce(values, (values[0].type,), attributes)
            values = [context.builder.value(reduced, op.results[0].name)]
        else:
            values = butterfly(context, op, values, first, last)
    return values


def _neighbours(bits: Sequence[int]) -> list[tuple[int, int]]:
    """Maximal runs of neighbouring bits, as (first, last)."""
    runs: list[tuple[int, int]] = []
    for bit in bits:
        if runs and runs[-1][1] == bit - 1:
            runs[-1] = (runs[-1][0], bit)
        else:
            runs.append((bit, bit))
    return runs


def butterfly(
    context: Context, op: tt.Reduce, values: list[Value], first: int, last: int
) -> list[Value]:
    """Combine over lane bits first .. last: afterwards all those lanes hold the result."""
    types = [value.type for value in values]
    body = Block([*types, *types])
    attributes = {
        "first": metal.integer_attribute(1 << last),
        "last": metal.integer_attribute(1 << first),
    }
    loop = metal.Butterfly(values, types, attributes, [metal.region(body)])
    context.builder.insert(loop)
    for result, value in zip(loop.results, op.results, strict=True):
        result.name = value.name
    with context.builder.at(body):
        count = len(values)
        new = combine_values(context, op, body.args[:count], body.args[count:])
        context.builder.insert(metal.Yield(new))
    return loop.results


def reduction_simdgroup_bits(reduction: Reduction) -> list[int]:
    """Bits of the thread index, above the lane's, along the axis."""
    threads = reduction.distribution.threads
    return [b for b in range(LANE_BITS, len(threads)) if threads[b][reduction.op.axis]]


class _Shared:
    """Partial results in threadgroup memory: [SIMD-group along the axis][kept register][place]."""

    def __init__(self, context: Context, reduction: Reduction) -> None:
        self.context, self.reduction = context, reduction
        op, layout = reduction.op, reduction.distribution
        along = [bit for bit, basis in enumerate(layout.threads) if basis[op.axis]]
        places = [
            bit for bit, basis in enumerate(layout.threads) if any(basis) and bit not in along
        ]
        groups = reduction_simdgroup_bits(reduction)
        self.partials = 1 << len(groups)
        self.places = 1 << len(places)
        self.stride = self.places * reduction.count
        self.lanes = reduction.kept_lanes
        lane_mask = sum(1 << bit for bit in along if bit < LANE_BITS)
        self.silent = lane_mask | layout.replicated_threads
        self.place_weights = [
            1 << places.index(b) if b in places else 0 for b in range(len(layout.threads))
        ]
        self.group_weights = [
            self.stride << groups.index(b) if b in groups else 0 for b in range(len(layout.threads))
        ]
        self.arrays = [
            context.threadgroup(
                self.partials * self.stride,
                metal.with_lanes(element_of(value.type), reduction.kept_lanes),
                name_with(result, "partial"),
            )
            for value, result in zip(op.operands, op.results, strict=True)
        ]

    def _place(self, index: Value) -> Value:
        builder = self.context.builder
        place, _ = thread_weighted(builder, self.context.thread, self.place_weights)
        return builder.add(builder.mul(index, self.places), place)

    def send(self, values: list[Value], index: Value) -> None:
        """The first lane along the axis writes its SIMD-group's partial results."""
        context, builder = self.context, self.context.builder
        group, _ = thread_weighted(builder, context.thread, self.group_weights)
        at = builder.add(group, self._place(index))
        condition = context.is_first_copy(self.silent)
        body = Block()
        if condition is None:
            for value, array in zip(values, self.arrays, strict=True):
                context.write(value, array, at)
            return
        builder.insert(metal.If((condition,), (), {}, [metal.region(body)]))
        with builder.at(body):
            for value, array in zip(values, self.arrays, strict=True):
                context.write(value, array, at)
            builder.insert(metal.Yield())

    def receive(self, index: Value) -> list[Value]:
        """Every thread folds the partial results of its place."""
        context, builder = self.context, self.context.builder
        place, zero = self._place(index), builder.constant(0)
        if self.partials == 2:
            return self._combined(self._partials(place, 0), self._partials(place, 1))
        results = self._variables()
        for value, result in zip(self._partials(place, 0), results, strict=True):
            context.write(value, result, zero)
        with self._over_other_partials() as number:
            at = builder.add(builder.mul(number, self.stride), place)
            old = [context.read(result, zero) for result in results]
            new = self._combined(old, [context.read(array, at) for array in self.arrays])
            for value, result in zip(new, results, strict=True):
                context.write(value, result, zero)
        return [context.read(result, zero) for result in results]

    def _partials(self, place: Value, number: int) -> list[Value]:
        builder = self.context.builder
        at = builder.add(builder.constant(number * self.stride), place)
        return [self.context.read(array, at) for array in self.arrays]

    def _combined(self, left: list[Value], right: list[Value]) -> list[Value]:
        return combine_values(self.context, self.reduction.op, left, right)

    def _variables(self) -> list[Value]:
        """Where the result grows: the accumulators, or in a loop over kept registers new ones."""
        if self.reduction.count == 1:
            return self.reduction.accumulators
        return [
            self.context.local(1, metal.with_lanes(element_of(r.type), self.lanes), r.name)
            for r in self.reduction.op.results
        ]

    @contextmanager
    def _over_other_partials(self) -> Generator[Value, None, None]:
        builder = self.context.builder
        body = Block([I32])
        body.args[0].name = "i"
        attributes = {
            "start": metal.integer_attribute(1),
            "count": metal.integer_attribute(self.partials),
        }
        builder.insert(metal.RegisterLoop((), (), attributes, [metal.region(body)]))
        with builder.at(body):
            yield body.args[0]
            builder.insert(metal.Yield())


def _targets(context: Context, reduction: Reduction) -> list[Storage]:
    """Storage of tensor results; none for scalars."""
    results = reduction.op.results
    if not isinstance(results[0].type, TensorType):
        return []
    targets: list[Storage] = []
    for result in results:
        assert isinstance(result.type, TensorType)
        _check_result_layout(reduction, distribution_of(result.type))
        storage = context.new_storage(result.type, reduction.kept_lanes, result.name)
        context.storages[result] = storage
        targets.append(storage)
    return targets


def _check_result_layout(reduction: Reduction, result: Distribution) -> None:
    """The result's registers are those kept, in order: Triton infers the layout so."""
    axis, layout = reduction.op.axis, reduction.distribution

    def without_axis(basis: tuple[int, ...]) -> tuple[int, ...]:
        return (*basis[:axis], *basis[axis + 1 :])

    kept = [b for b in layout.registers if not b[axis]]
    expected = tuple(without_axis(basis) for basis in kept)
    threads = tuple(
        (0,) * len(result.shape) if basis[axis] else without_axis(basis) for basis in layout.threads
    )
    if result.registers != expected or result.threads != threads:
        raise UnsupportedError(
            "a reduction whose result layout is not the slice of its operand's", reduction.op.span
        )


def _put(
    context: Context,
    op: tt.Reduce,
    values: list[Value],
    targets: list[Storage],
    index: Value,
) -> None:
    for result, value in zip(op.results, values, strict=True):
        value.name = value.name or result.name
        if not targets:
            context.scalars[result] = value
    for storage, value in zip(targets, values, strict=False):
        context.write(value, storage.array, index)
