"""How many elements one access moves, and how many one operation computes, in each group.

8-wide vectorization, as Metal has it: one access moves at most 16 bytes of a thread (8 halves, 4
floats), one vector operation works on at most 4 components. A group's `access` is the number of
elements that its step covers, `lanes` the components of its vectors; `access / lanes` vectors make
one access. What is not provably contiguous, aligned and under one mask is accessed one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from ..analysis.axis import AxisAnalysis, AxisInfo
from ..dialects import arith, scf, tt
from ..ir.core import Op, Value
from ..ir.types import IntegerType, PointerType, TensorType, bit_width, element_of
from ..simdgroup import ELEMENTS_PER_LANE
from .distribution import Position, distribution_of
from .plan import Group, Plan
from .roots import Keep, Root

ACCESS_BYTES = 16  # the widest access of one thread
VECTOR_LANES = 4  # the longest vector type of MSL


@dataclass(frozen=True)
class Width:
    """Elements of an access and of a vector; 1 and 1 where a group goes one by one."""

    access: int = 1
    lanes: int = 1

    @property
    def chunks(self) -> int:
        """Vectors that make one access."""
        return self.access // self.lanes


class Form(Enum):
    """How a value varies over the components of one vector."""

    UNIFORM = "one number"
    CONSECUTIVE = "first, first + 1, ..."
    VECTOR = "any"


def form_of(value: Value, position: Position, lanes: int, axis: AxisAnalysis) -> Form | None:
    """The form of a value at a position; None where its registers do not follow the vector."""
    lane_bits = lanes - 1
    touched = [bit for bit, mask in enumerate(position) if mask & lane_bits]
    if not touched:
        return Form.UNIFORM
    first, count = touched[0], lanes.bit_length() - 1
    if [position[bit] for bit in touched] != [1 << i for i in range(count)]:
        return None
    if touched != list(range(first, first + count)):
        return None
    assert isinstance(value.type, TensorType)
    bases = distribution_of(value.type).registers[first : first + count]
    dims = [d for d, offset in enumerate(bases[0]) if offset]
    if len(dims) != 1:
        return Form.VECTOR
    dim = dims[0]
    unit = all(
        offset == (1 << i if d == dim else 0)
        for i, basis in enumerate(bases)
        for d, offset in enumerate(basis)
    )
    if not unit:
        return Form.VECTOR
    info = axis[value]
    if info.constancy[dim] >= lanes:
        return Form.UNIFORM
    return Form.CONSECUTIVE if info.contiguity[dim] >= lanes else Form.VECTOR


@dataclass(frozen=True)
class Counted:
    """How a kept value counts up over each `lanes` registers (or stays): the first is enough."""

    lanes: int
    form: Form


@dataclass(frozen=True)
class Widths:
    """The width of every group, the vector length of every value kept in an array of vectors, and
    the values of whose registers only some are kept."""

    groups: dict[Group, Width]
    lanes_of: dict[Value, int]
    counted: dict[Value, Counted]


def choose_widths(plan: Plan, axis: AxisAnalysis) -> Widths:
    """Groups that access memory come first; the others follow the values that they share."""
    counted: dict[Value, Counted] = {}
    widths: dict[Group, Width] = {}
    lanes_of = dict.fromkeys(plan.pairs, ELEMENTS_PER_LANE)
    deepest_first = sorted(plan.groups, key=lambda group: -group.depth)
    for group in deepest_first:
        if any(root.access for root in group.roots):
            width = _memory_width(group, plan, axis)
            widths[group] = width
            for value in _values_of(group):
                lanes_of.setdefault(value, width.lanes)
    for group in plan.groups:
        lanes = _counted_lanes(group, plan, axis)
        if lanes > 1:
            widths[group] = Width(lanes, lanes)
            for value in _values_of(group):
                form = form_of(value, group.distribution.identity, lanes, axis)
                assert form is not None
                counted[value] = Counted(lanes, form)
        elif group not in widths:
            widths[group] = _register_width(group, plan, axis, lanes_of)
            for value in _values_of(group):
                lanes_of.setdefault(value, widths[group].lanes)
    return Widths(widths, lanes_of, counted)


def _counted_lanes(group: Group, plan: Plan, axis: AxisAnalysis) -> int:
    """Registers that one kept index stands for, where a group only keeps indices."""
    if not all(_is_kept_index(root, plan) for root in group.roots):
        return 1
    lanes = lane_run(group)
    while lanes > 1 and not _counts_up(group, lanes, plan, axis):
        lanes //= 2
    return lanes


def _is_kept_index(root: Root, plan: Plan) -> bool:
    value = root.shaped
    shares = value in plan.same_array or value in plan.same_array.values()
    takes = value in plan.takes_over or value in plan.takes_over.values()
    is_integer = isinstance(element_of(value.type), IntegerType)
    return type(root) is Keep and is_integer and not (shares or takes or value in plan.pairs)


def _counts_up(group: Group, lanes: int, plan: Plan, axis: AxisAnalysis) -> bool:
    """Whether each `lanes` registers of all that a group computes follow from the first."""
    return all(
        form_of(value, position, lanes, axis) in (Form.UNIFORM, Form.CONSECUTIVE)
        for root in group.roots
        for value, position, _ in plan.visits(root, group)
    )


def _values_of(group: Group) -> Iterable[Value]:
    for root in group.roots:
        if root.immediate:
            yield from root.produced
        if root.target is not None:
            yield root.target


def _memory_width(group: Group, plan: Plan, axis: AxisAnalysis) -> Width:
    roots = [root for root in group.roots if root.access]
    limit = lane_run(group)
    found = [(access_width(root, limit, axis), access_limit(root, limit)) for root in roots]
    known = [(width, cap) for width, cap in found if width is not None]
    if not known:
        return Width()
    if all(width == cap for width, cap in known):
        access = max(width for width, _ in known)
    else:
        access = min(width for width, _ in known)
    lanes = min(access, VECTOR_LANES)
    if access > lanes and _addresses_depend_on_memory(group, plan):
        access = lanes
    return Width(access, lanes) if follows_vectors(group, lanes, plan, axis) else Width()


def _register_width(
    group: Group, plan: Plan, axis: AxisAnalysis, lanes_of: dict[Value, int]
) -> Width:
    lengths = {lanes_of[root.target] for root in group.roots if root.target in lanes_of}
    longest = lane_run(group)
    for root in group.roots:
        for value, position, read in plan.visits(root, group):
            if not read or stored_as(value) not in lanes_of:
                continue
            # One number for a whole vector is read alone, however its array is kept.
            if form_of(value, position, longest, axis) is not Form.UNIFORM:
                lengths.add(lanes_of[stored_as(value)])
    if len(lengths) != 1:
        return Width()
    (lanes,) = lengths
    if lanes > longest or not follows_vectors(group, lanes, plan, axis):
        return Width()
    return Width(lanes, lanes)


def stored_as(value: Value) -> Value:
    """The value whose array a tensor lies in: results of loops lie where the loop carries them."""
    op = value.defining_op
    if isinstance(op, scf.For):
        return op.body.args[1 + value.index]
    if isinstance(op, scf.While):
        return op.regions[1].block.args[value.index]
    return value


def lane_run(group: Group) -> int:
    """Registers that lie side by side in the lowest register bits."""
    runs = group.distribution.runs
    return runs[0].size if runs and runs[0].stride == 1 else 1


def lane_dim(group: Group) -> int:
    """The dimension of that run."""
    return group.distribution.runs[0].dim


def element_bytes(pointer: Value) -> int:
    """Bytes of what a pointer, or tensor of pointers, points at."""
    type_ = element_of(pointer.type)
    assert isinstance(type_, PointerType)
    return max(1, bit_width(type_.pointee) // 8)


def access_limit(root: Root, limit: int) -> int:
    """The widest access of a root, were all known to be aligned."""
    return min(limit, ACCESS_BYTES // element_bytes(root.op.operands[0]))


def access_width(root: Root, limit: int, axis: AxisAnalysis) -> int | None:
    """Elements that one access of a load or store may move; None: all read one address."""
    pointer = root.op.operands[0]
    masks = _mask_of(root.op)
    if limit == 1 or _is_single(root.op, pointer):
        return 1
    dim = _dim_of(pointer)
    if root.access == "load" and axis[pointer].constancy[dim] >= limit and not masks:
        return None
    width = access_limit(root, limit)
    size = element_bytes(pointer)
    while width > 1 and not (
        axis[pointer].contiguity[dim] >= width
        and _is_aligned(axis[pointer], dim, width, size)
        and all(axis[mask].constancy[dim] >= width for mask in masks)
    ):
        width //= 2
    return width


def _is_single(op: Op, pointer: Value) -> bool:
    """Whether elements are accessed one by one in any case: volatile ones, and pointers."""
    type_ = element_of(pointer.type)
    is_pointer = isinstance(type_, PointerType) and isinstance(type_.pointee, PointerType)
    return is_pointer or (isinstance(op, tt.Load) and op.is_volatile)


def _is_aligned(info: AxisInfo, dim: int, width: int, size: int) -> bool:
    """Whether every aligned group of `width` elements starts at a multiple of its bytes."""
    return info.divisibility[dim] % (width * size) == 0


def _mask_of(op: Op) -> list[Value]:
    mask = op.mask if isinstance(op, tt.Load | tt.Store) else None
    return [] if mask is None else [mask]


def _dim_of(pointer: Value) -> int:
    assert isinstance(pointer.type, TensorType)
    run = distribution_of(pointer.type).runs[0]
    return run.dim


def _addresses_depend_on_memory(group: Group, plan: Plan) -> bool:
    """Whether an access needs, as its address or mask, what the group itself reads from memory."""
    kinds = [root for root in group.roots if root.effect]
    made = {value for root in kinds for value in root.produced}
    for root in group.roots:
        if root.access:
            address = Root(root.op, [root.op.operands[0], *_mask_of(root.op)], root.shaped)
            if any(value in made for value, _, _ in plan.visits(address, group)):
                return True
    return False


# Triton's own ops with a form on vectors, besides all of arith and math.
_VECTOR_OPS = (
    tt.ApproxDivf,
    tt.Bitcast,
    tt.Clampf,
    tt.ExternElementwise,
    tt.FpToFp,
    tt.Mulhiui,
    tt.PreciseDivf,
    tt.PreciseSqrt,
)


def has_vector_form(op: Op) -> bool:
    """Whether the op can be computed on vectors of up to 4 components."""
    types = [element_of(value.type) for value in (*op.operands, *op.results)]
    if any(isinstance(t, PointerType) for t in types):
        return False
    return op.op_name.startswith(("arith.", "math.")) or isinstance(op, _VECTOR_OPS)


def follows_vectors(group: Group, lanes: int, plan: Plan, axis: AxisAnalysis) -> bool:
    """Whether everything in the group can be computed on vectors of `lanes` components."""
    if lanes == 1:
        return True
    for root in group.roots:
        if not root.takes_vectors:
            return False
        for value, position, read in plan.visits(root, group):
            form = form_of(value, position, lanes, axis)
            if form is None:
                return False
            op = value.defining_op
            if read or form is not Form.VECTOR or op is None:
                continue
            if isinstance(op, tt.MakeRange | arith.Constant):
                return False
            renames = plan.view(value) is not None or isinstance(op, tt.Splat)
            if not renames and not has_vector_form(op):
                return False
    return True
