"""Loads, stores and atomics of tensors in threadgroup memory.

Each thread reads and writes the elements that its layout gives it; of the threads with copies of an
element the first one writes. Barriers between threads are placed later (passes/barriers.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import metal
from ..ir.attributes import OpaqueAttr
from ..ir.core import Op, Value
from ..ir.types import I32, TensorType, element_of
from ..passes.threadgroup_memory import array_of
from .atomics import Copies, guarded, require_supported
from .context import Context
from .elements import Elements, distribution
from .exchange import from_memory, only_if, to_memory
from .iteration import combine, thread_weighted
from .roots import Root, lowers_scalar, makes_roots
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan

TileOp = metal.TileLoad | metal.TileStore | metal.TileAtomicRmw


class TileRoot(Root):
    """An access to an array in threadgroup memory by all elements of a tensor."""

    def __init__(self, op: TileOp, shaped: Value) -> None:
        tensors = [value for value in op.operands if isinstance(value.type, TensorType)]
        super().__init__(op, tensors, shaped)
        self.tile_op = op

    def keeps_apart(self, other: Root) -> bool:
        """Accesses to one array meet through barriers; the offset must exist before the loop."""
        if any(v in self.tile_op.operands for v in other.produced if not other.immediate):
            return True
        if not isinstance(other, TileRoot):
            return False
        if self.effect == "read" and other.effect == "read":
            return False
        return array_of(self.tile_op.array) is array_of(other.tile_op.array)

    def addresses(self, group: GroupLowering, elements: Elements) -> list[Value]:
        """The entry of each component."""
        context, op = group.context, self.tile_op
        indices = None
        if op.indices is not None:
            indices = elements.full(op.indices, group.position)
        context.builder.locate(op)
        found: list[Value] = []
        for component in range(elements.lanes):
            index = None
            if indices is not None:
                part = indices if elements.lanes == 1 else context.extract(indices, component)
                index = context.builder.resized(part, I32)
            found.append(self._address(elements, component, index))
        return found

    def _address(self, elements: Elements, component: int, index: Value | None) -> Value:
        context, builder = elements.context, elements.builder
        op = self.tile_op
        address = context.scalar(op.offset)
        for dim, stride in enumerate(op.strides):
            if index is not None and dim == op.axis:
                coordinate = index
            else:
                coordinate = coordinate_of(elements, self.shaped, dim, component)
            address = builder.add(address, builder.mul(coordinate, stride))
        return address


def coordinate_of(elements: Elements, value: Value, dim: int, component: int) -> Value:
    """Coordinate `dim` of the element that one component of this step's vectors holds."""
    layout = distribution(value)
    context, builder = elements.context, elements.builder
    registers = [basis[dim] for basis in layout.registers]
    thread, thread_bits = thread_weighted(
        builder, context.thread, [basis[dim] for basis in layout.threads]
    )
    register = elements.iteration.weighted(layout.identity, registers)
    lane_bits = elements.lanes.bit_length() - 1
    register_bits = shift = 0
    for bit, weight in enumerate(registers):
        if bit >= lane_bits:
            register_bits |= weight
        elif component >> bit & 1:
            shift ^= weight
    total = combine(builder, [(thread, thread_bits), (register, register_bits)])
    if shift & (thread_bits | register_bits):
        return builder.xor(total, builder.constant(shift))
    return builder.add(total, builder.constant(shift))


class TileLoadRoot(TileRoot):
    """Reads a tensor."""

    immediate = True
    effect = "read"

    @property
    def produced(self) -> list[Value]:
        """The tensor."""
        return self.op.results

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """Read this step's elements, unless where they are is yet to be computed."""
        if self.tile_op.indices is None:
            self._read(group, elements)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Read at indices that this step computes."""
        if self.tile_op.indices is not None:
            self._read(group, elements)

    def _read(self, group: GroupLowering, elements: Elements) -> None:
        context, result = group.context, self.op.result
        array = context.scalar(self.tile_op.array)
        element = element_of(result.type)
        parts = [
            from_memory(context, context.read(array, address), element)
            for address in self.addresses(group, elements)
        ]
        value = context.pack(parts, metal.with_lanes(element, elements.lanes))
        value.name = result.name
        elements.define(result, value, Form.VECTOR)
        group.keep(elements, result)


class TileStoreRoot(TileRoot):
    """Writes a tensor."""

    effect = "write"

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Write this step's elements."""
        op, context = self.tile_op, group.context
        assert isinstance(op, metal.TileStore)
        value = elements.full(op.value, group.position)
        addresses = self.addresses(group, elements)
        array = context.scalar(op.array)
        condition = context.is_first_copy(distribution(op.value).replicated_threads)
        with only_if(context, condition):
            for component, address in enumerate(addresses):
                part = value if elements.lanes == 1 else context.extract(value, component)
                write = metal.Write((to_memory(context, part), array, address))
                if op.number >= 0:
                    write.attributes["store"] = metal.integer_attribute(op.number)
                context.builder.insert(write)


class TileAtomicRoot(TileRoot):
    """Combines elements with a tensor."""

    immediate = True
    effect = "write"

    def __init__(self, op: metal.TileAtomicRmw) -> None:
        super().__init__(op, op.value)
        self.atomic_op = op
        self._copies: Copies | None = None

    @property
    def produced(self) -> list[Value]:
        """What was there before, where that is used."""
        return [result for result in self.op.results if result.uses]

    def prepare(self, group: GroupLowering) -> None:
        """Check, and make memory for copies."""
        op, context = self.atomic_op, group.context
        require_supported(context, op, op.kind, op.value.type, shared=True)
        replicated = distribution(op.value).replicated_threads
        if self.produced and replicated:
            element = element_of(op.result.type)
            self._copies = Copies(context, replicated, group.width.lanes, element)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """The atomics of this step."""
        op, context = self.atomic_op, group.context
        value = elements.full(op.value, group.position)
        mask = None if op.mask is None else elements.full(op.mask, group.position)
        addresses = self.addresses(group, elements)
        context.builder.locate(op)
        first = context.is_first_copy(distribution(op.value).replicated_threads)
        parts: list[Value] = []
        for component, address in enumerate(addresses):
            part, masked = (
                v if v is None or elements.lanes == 1 else context.extract(v, component)
                for v in (value, mask)
            )
            assert part is not None
            when = context.builder.both(first, masked)
            old = self._element(context, part, address, when)
            if old is not None:
                parts.append(old if self._copies is None else self._copies.share(old, component))
        if parts:
            result = op.result
            vector = metal.with_lanes(element_of(result.type), elements.lanes)
            elements.define(result, context.pack(parts, vector), Form.VECTOR)
            group.keep(elements, result)

    def _element(
        self, context: Context, value: Value, address: Value, when: Value | None
    ) -> Value | None:
        array = context.scalar(self.atomic_op.array)
        attributes = {"kind": OpaqueAttr(self.atomic_op.kind)}
        element = value.type if self.produced else None
        return guarded(
            context,
            when,
            element,
            lambda: metal.AtomicRmw((array, value, address), (value.type,), attributes),
        )


@makes_roots(metal.TileLoad, metal.TileStore, metal.TileAtomicRmw)
def _tile_roots(op: Op, plan: Plan) -> list[Root]:
    if isinstance(op, metal.TileLoad):
        return [TileLoadRoot(op, op.result)]
    if isinstance(op, metal.TileStore):
        return [TileStoreRoot(op, op.value)]
    assert isinstance(op, metal.TileAtomicRmw)
    return [TileAtomicRoot(op)]


@lowers_scalar(metal.Threadgroup, metal.ArrayView)
def array(context: Context, op: Op) -> None:
    """An array stays what it is."""
    operands = [context.scalar(value) for value in op.operands]
    made = type(op)(operands, (op.result.type,), op.attributes)
    made.location, made.span = op.location, op.span
    context.scalars[op.result] = context.builder.value(made, op.result.name)
