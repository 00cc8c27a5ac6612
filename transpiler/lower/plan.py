"""Decides, before any code is made, what is computed together, and what is kept in registers.

A tensor op is not lowered on its own. *Roots* are what must happen: stores, loads, reductions,
values carried by loops. Neighbouring roots over one distribution form a *group*, which becomes one
loop over the registers; everything else is computed where a root needs it, inside that loop.
A value that would be costly to compute in two groups becomes a root itself ("keep").

    %x = tt.load ...                 group 1: load x, reduce max        -> x kept, max
    %m = "tt.reduce"(%x) max         group 2: keep num, reduce sum      -> num kept, den
    %e = arith.subf %x, %m           group 3: store num / den
    %num = math.exp %e
    %den = "tt.reduce"(%num) sum
    %q = arith.divf %num, %den
    tt.store %p, %q
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..dialects import arith, scf, tt, ttg
from ..errors import UnsupportedError
from ..ir.core import Block, Op, Value
from ..ir.types import TensorType
from .distribution import Distribution, Position, distribution_of, through
from .keeping import values_to_keep
from .roots import ROOT_MAKERS, Carry, Keep, Root
from .views import coordinate_map, view_map


@dataclass(eq=False)
class Group:
    """Roots that share one loop over the registers of a distribution."""

    distribution: Distribution
    roots: list[Root] = field(default_factory=list[Root])
    depth: int = 0  # number of loops around it

    @property
    def has_load(self) -> bool:
        """Whether memory is read."""
        return any(root.effect == "read" for root in self.roots)

    @property
    def has_store(self) -> bool:
        """Whether memory is written."""
        return any(root.effect == "write" for root in self.roots)


@dataclass(eq=False)
class Control:
    """A structured op with the segments of its blocks."""

    op: Op
    bodies: list[list[Segment]]


@dataclass(eq=False)
class Scalar:
    """An op on uniform values: done by every thread (or, stores, by one)."""

    op: Op


Segment: TypeAlias = "Scalar | Group | Control"

Visit = tuple[Value, Position, bool]  # value, position, whether it is read (not computed)


class Plan:
    """The segments of a kernel, the kept values, and which values need storage."""

    def __init__(self, function: Op, threadgroup_memory: int) -> None:
        self.function = function
        self.threadgroup_memory = threadgroup_memory
        self.kept: set[Value] = set()
        self._views: dict[Value, Position | None] = {}
        self._roots: dict[Op, bool] = {}
        self.segments: list[Segment] = []
        self.groups: list[Group] = []
        self.depths: dict[Block, int] = {}
        # Values kept in pairs of elements; those of them that are kept as arrays of matrices;
        # results that lie in the array of another value.
        self.pairs: set[Value] = set()
        self.matrices: set[Value] = set()
        self.same_array: dict[Value, Value] = {}
        while True:
            before = len(self.kept)
            self.groups = []
            self.segments = self._plan_block(function.regions[0].block, 0)
            self._put_stores_behind_loads(self.segments, self._values_read_elsewhere())
            self.kept |= values_to_keep(self)
            if len(self.kept) == before:
                break
        self.stored = self._values_read_elsewhere()
        # value -> another one whose array it takes, since nobody needs that one any more.
        self.takes_over = self._arrays_taken_over() | self._loops_in_a_row()

    # -- following values ---------------------------------------------------------------------

    def view(self, value: Value) -> Position | None:
        """`view_map`, computed once for each value."""
        if value not in self._views:
            self._views[value] = view_map(value)
        return self._views[value]

    def is_available(self, value: Value) -> bool:
        """Whether a tensor is read from where it was put, not computed where it is needed."""
        op = value.defining_op
        return op is None or value in self.kept or bool(op.regions) or self.is_root(op)

    def is_root(self, op: Op) -> bool:
        """Whether the op is one: a view is, where its elements move between threads."""
        known = self._roots.get(op)
        if known is None:
            if coordinate_map(op) is not None:
                known = any(self.view(result) is None for result in op.results)
            else:
                known = type(op) in ROOT_MAKERS
            self._roots[op] = known
        return known

    def operand_positions(self, value: Value, position: Position) -> list[tuple[Value, Position]]:
        """The tensor operands of a computed value, at the positions that its own gives."""
        mapping = self.view(value)
        at = position if mapping is None else through(position, mapping)
        return [(operand, at) for operand in self.tensor_operands(value)]

    def tensor_operands(self, value: Value) -> list[Value]:
        """The tensors that a value is computed from."""
        op = value.defining_op
        assert op is not None
        if self.view(value) is not None:
            return [op.operands[0]]
        return [operand for operand in op.operands if isinstance(operand.type, TensorType)]

    def visits(self, root: Root, group: Group) -> Iterator[Visit]:
        """Every tensor value that the root needs, with the position at which it is needed."""
        stack = [(v, self._position_in(root, v, group)) for v in reversed(root.operands)]
        seen = set(stack)
        forced = set(root.operands) if isinstance(root, Keep) else set[Value]()
        while stack:
            value, position = stack.pop()
            if self.is_available(value) and value not in forced:
                yield value, position, True
                continue
            yield value, position, False
            for entry in reversed(self.operand_positions(value, position)):
                if entry not in seen:
                    seen.add(entry)
                    stack.append(entry)

    def _position_in(self, root: Root, value: Value, group: Group) -> Position:
        """Where a root needs an operand: a root with loops of its own, in the operand's layout."""
        if root.is_alone and isinstance(value.type, TensorType):
            return distribution_of(value.type).identity
        return group.distribution.identity

    # -- grouping -----------------------------------------------------------------------------

    def _plan_block(self, block: Block, depth: int) -> list[Segment]:
        self.depths[block] = depth
        planner = _BlockPlanner(self, depth)
        for op in block.ops:
            if op.regions and type(op) not in ROOT_MAKERS:
                self._plan_control(planner, op, depth)
            else:
                planner.add_op(op)
        planner.flush()
        return planner.segments

    def _plan_control(self, planner: _BlockPlanner, op: Op, depth: int) -> None:
        if isinstance(op, scf.For):
            planner.carry(op, op.inits, op.body.args[1:])
        elif isinstance(op, scf.While):
            planner.carry(op, op.inits, op.regions[0].block.args)
        elif not isinstance(op, scf.If):
            raise UnsupportedError(f"{op.op_name} is not supported yet", op.span)
        planner.flush()
        inner = depth if isinstance(op, scf.If) else depth + 1
        bodies = [self._plan_block(region.block, inner) for region in op.regions if region.blocks]
        planner.segments.append(Control(op, bodies))

    # -- what to keep -------------------------------------------------------------------------

    def _values_read_elsewhere(self) -> set[Value]:
        """Values that outlive the group that makes them, and so need an array."""
        maker = {
            value: group for group in self.groups for root in group.roots for value in root.produced
        }
        stored: set[Value] = set()
        for group in self.groups:
            for root in group.roots:
                for value, _, read in self.visits(root, group):
                    if read and maker.get(value) is not group:
                        stored.add(value)
        return stored

    def _put_stores_behind_loads(self, segments: list[Segment], stored: set[Value]) -> None:
        """Where all that a loop loads has an array anyway, its stores get a loop of their own.

        No compiler moves a load to before a store that may be to the same place: in one loop each
        step would wait for its own loads.
        """
        for segment in list(segments):
            if isinstance(segment, Control):
                for body in segment.bodies:
                    self._put_stores_behind_loads(body, stored)
            elif isinstance(segment, Group) and segment.has_load and segment.has_store:
                stores = [root for root in segment.roots if root.effect == "write"]
                others = [root for root in segment.roots if root.effect != "write"]
                in_arrays = all(root.immediate and stored >= set(root.produced) for root in others)
                if in_arrays and all(root.access == "store" for root in stores):
                    behind = Group(segment.distribution, stores, segment.depth)
                    segment.roots = others
                    segments.insert(segments.index(segment) + 1, behind)
                    self.groups.insert(self.groups.index(segment) + 1, behind)

    def _arrays_taken_over(self) -> dict[Value, Value]:
        """Kept values that may replace, element by element, the last value that they need.

        `numerator = exp(x - top)` is written over `x` where only this group still reads x, each
        element for itself.
        """
        uses: dict[Value, list[tuple[Group, Position]]] = {}
        for group in self.groups:
            made = {value for root in group.roots for value in root.produced}
            for root in group.roots:
                for value, position, read in self.visits(root, group):
                    if read and value in self.stored and value not in made:
                        uses.setdefault(value, []).append((group, position))
        taken: dict[Value, Value] = {}
        for group in self.groups:
            for root in group.roots:
                if isinstance(root, Keep) and root.op.result in self.stored:
                    found = self._last_needed(root, group, uses, set(taken.values()))
                    if found is not None:
                        taken[root.op.result] = found
        return taken

    def _loops_in_a_row(self) -> dict[Value, Value]:
        """Loops' arguments that start as what a loop before gave, where nobody else needs that."""
        return {
            argument: init
            for loop in self.function.walk()
            if isinstance(loop, scf.For)
            for argument, init in zip(loop.iter_args, loop.inits, strict=True)
            if isinstance(init.defining_op, scf.For)
            and init.defining_op.parent is loop.parent
            and len(init.uses) == 1
            and isinstance(init.type, TensorType)
        }

    def _last_needed(
        self,
        root: Keep,
        group: Group,
        uses: dict[Value, list[tuple[Group, Position]]],
        taken: set[Value],
    ) -> Value | None:
        result = root.op.result
        for value, _, read in self.visits(root, group):
            op = value.defining_op
            if not read or op is None or value in taken or value.type != result.type:
                continue
            same_place = op.parent is root.op.parent and not op.regions
            alone = all(
                user is group and position == group.distribution.identity
                for user, position in uses.get(value, [])
            )
            if value in self.stored and same_place and alone:
                return value
        return None


class _BlockPlanner:
    """Collects the segments of one block.

    A uniform value that is computed from what an open group makes (a sum, divided by a number)
    waits for the end of it, so that another sum that does not need it can still join. Nothing else
    can: what is loaded or kept would take registers while the threads wait for one another.
    """

    def __init__(self, plan: Plan, depth: int) -> None:
        self.plan = plan
        self.depth = depth
        self.segments: list[Segment] = []
        self.group: Group | None = None
        self.waiting: list[Op] = []

    def flush(self) -> None:
        """Close the open group."""
        if self.group is not None:
            self.segments.append(self.group)
            self.segments += map(Scalar, self.waiting)
            self.group = None
            self.waiting = []

    def _late(self) -> set[Value]:
        """Values that exist only behind the open group."""
        if self.group is None:
            return set()
        return _late_values(self.group) | {v for op in self.waiting for v in op.results}

    def add_op(self, op: Op) -> None:
        """Place one op without nested control flow."""
        tensors = [v for v in (*op.operands, *op.results) if isinstance(v.type, TensorType)]
        if op.terminator:
            self._add_terminator(op)
        elif not tensors:
            self._add_scalar(op)
        elif self.plan.is_root(op):
            for root in ROOT_MAKERS[type(op)](op, self.plan):
                self._add(root)
        elif not computable(op):
            raise UnsupportedError(f"{op.op_name} is not supported yet", op.span)
        else:
            for result in op.results:
                if result in self.plan.kept:
                    self._add(Keep(op, result))

    def _add_terminator(self, op: Op) -> None:
        parent = op.parent_op
        if isinstance(parent, scf.For):
            self.carry(op, op.operands, parent.body.args[1:])
        elif isinstance(parent, scf.If):
            self.carry(op, op.operands, parent.results)
        elif isinstance(op, scf.Condition) and isinstance(parent, scf.While):
            self.carry(op, op.operands[1:], parent.regions[1].block.args)
        elif isinstance(parent, scf.While):
            self.carry(op, op.operands, parent.regions[0].block.args)

    def carry(self, op: Op, values: Sequence[Value], targets: Sequence[Value]) -> None:
        """Set the storage of tensor targets, all at once."""
        roots = [
            Carry(op, value, target)
            for value, target in zip(values, targets, strict=True)
            if isinstance(target.type, TensorType)
            and self.plan.same_array.get(value, value) is not target
        ]
        if self._overwrites_needed(roots):
            for root in roots:
                self.plan.kept.update(v for v in root.operands if v.defining_op is not None)
        for root in roots:
            self._add(root)

    def _overwrites_needed(self, roots: list[Carry]) -> bool:
        """Whether a target is read, elsewhere than at its own element, after it was set."""
        for index, root in enumerate(roots):
            group = Group(distribution_of_value(root.operands[0]))
            earlier = {
                r.target for r in roots[:index] if r.operands[0].type != root.operands[0].type
            }
            everyone = {r.target for r in roots}
            for value, position, _ in self.plan.visits(root, group):
                moved = position != group.distribution.identity
                if value in earlier or (value in everyone and moved):
                    return True
        return False

    def _add_scalar(self, op: Op) -> None:
        group = self.group
        if group is not None:
            late = self._late()
            if op.pure and any(v in late for v in op.operands):
                self.waiting.append(op)
                return
            reads = isinstance(op, tt.Load)
            ordered = group.has_store or (group.has_load and not reads) or self.waiting
            if not op.pure and (ordered or any(v in late for v in op.operands)):
                self.flush()
        self.segments.append(Scalar(op))

    def _add(self, root: Root) -> None:
        distribution = distribution_of_value(root.shaped)
        if root.is_alone:
            self.flush()
        if self.group is not None and not self._fits(root, distribution):
            self.flush()
        if self.group is None:
            self.group = Group(distribution, [], self.depth)
            self.plan.groups.append(self.group)
        self.group.roots.append(root)
        if root.is_alone:
            self.flush()

    def _fits(self, root: Root, distribution: Distribution) -> bool:
        group = self.group
        assert group is not None
        if group.distribution != distribution or not self._keeps_memory_order(root, group):
            return False
        if root.after in group.roots or (self.waiting and not _is_sum(root)):
            return False
        immediate = {v for r in group.roots if r.immediate for v in r.produced}
        late = self._late()
        targets = {r.target for r in group.roots}
        for value, position, _ in self.plan.visits(root, group):
            if value in late or (value in targets and root.target is None):
                return False
            if value in immediate and position != distribution.identity:
                return False
            op = value.defining_op
            if op is not None and any(v in late for v in op.operands):
                return False
        return True

    def _keeps_memory_order(self, root: Root, group: Group) -> bool:
        """A fused loop mixes its accesses: only those that cannot meet may share it.

        Accesses through one pointer value meet at the same element only. Accesses through
        different arguments are taken to be apart, or to be the same element (x stored where x was
        loaded). Where threads meet others' elements a barrier stands between (memory_order.py).
        """
        if any(root.keeps_apart(other) or other.keeps_apart(root) for other in group.roots):
            return False
        if root.access == "load":
            return not group.has_store
        if not root.access:
            return True
        pointer = root.operands[0]
        others = [r.operands[0] for r in group.roots if r.access]
        return all(other is pointer or are_apart(other, pointer) for other in others)


def _late_values(group: Group) -> set[Value]:
    """Values that exist only when the group's loop has ended."""
    return {v for root in group.roots if not root.immediate for v in root.produced}


def _is_sum(root: Root) -> bool:
    """Whether all that a root does is to give values behind the loop."""
    return not root.immediate and not root.effect and root.target is None


def distribution_of_value(value: Value) -> Distribution:
    """The distribution of a tensor value; errors point at the op that defines it."""
    assert isinstance(value.type, TensorType)
    try:
        return distribution_of(value.type)
    except UnsupportedError as error:
        op = value.defining_op
        raise UnsupportedError(error.message, op.span if op else None) from None


def computable(op: Op) -> bool:
    """Whether the op's elements can be computed one by one, where they are needed."""
    if isinstance(op, tt.Splat | tt.MakeRange | arith.Constant):
        return True
    return op.pure and (op.elementwise or coordinate_map(op) is not None)


def are_apart(a: Value, b: Value) -> bool:
    """Whether two pointers are offsets of two different kernel arguments."""
    bases = base_argument(a), base_argument(b)
    return None not in bases and bases[0] is not bases[1]


_KEEP_BASE = (
    tt.Addptr,
    tt.Splat,
    tt.Bitcast,
    tt.Broadcast,
    tt.ExpandDims,
    tt.Trans,
    tt.Reshape,
    ttg.ConvertLayout,
)


def base_argument(pointer: Value) -> Value | None:
    """The kernel argument that a pointer, or tensor of pointers, is an offset of; None: unknown."""
    while True:
        op = pointer.defining_op
        if op is None:
            block = pointer.owner
            assert isinstance(block, Block)
            return pointer if isinstance(block.parent_op, tt.Func) else None
        if isinstance(op, _KEEP_BASE):
            pointer = op.operands[0]
        else:
            return None
