"""Loads and stores of tensors: one access a step where it is wide, several where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dialects import arith, metal, tt
from ..ir.attributes import DenseAttr, IntegerAttr
from ..ir.core import Op, Value
from ..ir.stems import stem_of
from ..ir.types import (
    U32,
    FloatType,
    IntegerType,
    PointerType,
    Type,
    VectorType,
    bit_width,
    element_of,
)
from .context import Context, Storage
from .distribution import Position
from .elements import Elements, distribution, pointee
from .plan import base_argument
from .roots import Root, lowers_scalar, makes_roots
from .widths import ACCESS_BYTES, Form, Width

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan

U64 = IntegerType(64, "u")  # an address


def step_of(pointer: Value) -> int:
    """Bytes of one element behind a pointer."""
    return max(1, bit_width(pointee(pointer)) // 8)


def offset(context: Context, pointer: Value, elements: int) -> Value:
    """A scalar pointer, some elements further."""
    if elements == 0:
        return pointer
    count = context.builder.constant(elements)
    return context.builder.value(tt.Addptr((pointer, count), (pointer.type,)), pointer.name)


def device_load(
    context: Context,
    pointer: Value,
    type_: Type,
    mask: Value | None,
    other: Value | None = None,
    attributes: dict[str, IntegerAttr] | None = None,
) -> Value:
    """metal.load of a scalar or vector; pointers are addresses in memory."""
    if isinstance(type_, PointerType):
        number = None if other is None else _address(context, other)
        loaded = device_load(context, pointer, U64, mask, number, attributes)
        return context.builder.value(tt.IntToPtr((loaded,), (type_,)))
    operands = [v for v in (pointer, mask, other) if v is not None]
    return context.builder.value(metal.Load(operands, (type_,), attributes))


def _address(context: Context, pointer: Value) -> Value:
    return context.builder.value(tt.PtrToInt((pointer,), (U64,)))


def device_store(context: Context, pointer: Value, value: Value, mask: Value | None) -> None:
    """metal.store of a scalar or vector; pointers are addresses in memory."""
    if isinstance(value.type, PointerType):
        value = _address(context, value)
    operands = [v for v in (pointer, value, mask) if v is not None]
    context.builder.insert(metal.Store(operands))


class LoadRoot(Root):
    """A load of a tensor."""

    immediate = True
    access = "load"
    effect = "read"

    def __init__(self, op: tt.Load) -> None:
        super().__init__(op, list(op.operands), op.ptr)
        self.load_op = op
        self._is_one_address = False
        self._has_other = False  # the wide access itself gives what the mask leaves out

    @property
    def produced(self) -> list[Value]:
        """What is loaded."""
        return self.op.results

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """Access memory, or take the vector of an access made before."""
        if group.width.chunks == 1 or self._is_one_address:
            load_step(group.context, elements, self.load_op, group.position)
            group.keep(elements, self.op.result)
        elif not self._has_other:
            apply_other(group.context, elements, self.load_op)

    def open_chunks(self, group: GroupLowering, outer: Elements) -> None:
        """Access memory."""
        form = outer.element(self.load_op.ptr, group.position).form
        self._is_one_address = form is Form.UNIFORM
        if self._is_one_address:
            return
        value = self.op.result
        storage = group.context.storages.get(value)
        if storage is None:
            storage = group.chunk_storages[value] = group.chunk_storage(value)
        other = _other_of_all(outer, self.load_op, group.position)
        self._has_other = other is not None
        load_chunks(group.context, outer, self.load_op, group.width, storage, other)


class StoreRoot(Root):
    """A store of a tensor."""

    access = "store"
    effect = "write"

    def __init__(self, op: tt.Store) -> None:
        super().__init__(op, list(op.operands), op.ptr)
        self.store_op = op
        self._chunks: Storage | None = None

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """What will be stored, before anything is."""
        elements.full(self.store_op.value, group.position)

    def commit(self, group: GroupLowering, elements: Elements) -> None:
        """Access memory, or leave the vector for the access made afterwards."""
        if self._chunks is None:
            store_step(group.context, elements, self.store_op, group.position)
        else:
            value = elements.full(self.store_op.value, group.position)
            elements.write(self._chunks, value, group.position)

    def open_chunks(self, group: GroupLowering, outer: Elements) -> None:
        """An array for the vectors."""
        self._chunks = group.chunk_storage(self.store_op.value, stored_name(self.store_op))

    def close_chunks(self, group: GroupLowering, outer: Elements) -> None:
        """Access memory."""
        assert self._chunks is not None
        store_chunks(group.context, outer, self.store_op, group.width, self._chunks)


@makes_roots(tt.Load)
def _load_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Load)
    return [LoadRoot(op)]


@makes_roots(tt.Store)
def _store_roots(op: Op, plan: Plan) -> list[Root]:
    assert isinstance(op, tt.Store)
    return [StoreRoot(op)]


def stored_name(op: tt.Store) -> str:
    """A name for what a store writes: the variable's, else the argument's (`out` of `out_ptr`)."""
    name = stem_of(op.value)
    base = base_argument(op.ptr)
    if name or base is None:
        return name
    return stem_of(base).removesuffix("_ptr").removesuffix("_pointer")


def load_step(context: Context, elements: Elements, op: tt.Load, position: Position) -> None:
    """A load of as many elements as the step's vectors have (one access, or a few)."""
    context.builder.locate(op)
    form = elements.element(op.ptr, position).form
    pointer = elements.first(op.ptr, position)
    type_ = pointee(pointer)
    mask = None if op.mask is None else elements.first(op.mask, position)
    lanes = elements.lanes
    if form is Form.UNIFORM and lanes > 1:
        loaded = device_load(context, pointer, type_, mask)
        loaded.name = op.result.name
        elements.define(op.result, loaded, Form.UNIFORM)
        return
    other = None if op.other is None else elements.full(op.other, position)
    size = min(lanes, ACCESS_BYTES // step_of(pointer))
    parts: list[Value] = []
    for start in range(0, lanes, size):
        context.builder.locate(op)
        piece = None if other is None else _piece(context, other, start, size, lanes)
        at = offset(context, pointer, start)
        part_type = metal.with_lanes(type_, size)
        loaded = device_load(context, at, part_type, mask, piece, volatile_flag(op))
        loaded.name = op.result.name
        parts.append(loaded)
    value = context.pack(parts, metal.with_lanes(type_, lanes))
    value.name = op.result.name
    elements.define(op.result, value, Form.VECTOR)


def volatile_flag(op: tt.Load) -> dict[str, IntegerAttr]:
    """The attribute that keeps an access from being dropped or merged."""
    return {"volatile": metal.integer_attribute(1)} if op.is_volatile else {}


def _piece(context: Context, vector: Value, start: int, size: int, lanes: int) -> Value:
    if size == lanes:
        return vector
    if size == 1:
        return context.extract(vector, start)
    attributes = {"index": metal.integer_attribute(start)}
    type_ = metal.with_lanes(element_of(vector.type), size)
    return context.builder.value(metal.Slice((vector,), (type_,), attributes))


def _other_of_all(elements: Elements, op: tt.Load, position: Position) -> Value | None:
    """The one number that a wide access gives where the mask is false, if words can hold it."""
    if op.other is None or op.mask is None or is_zero(op.other):
        return None
    element = element_of(op.other.type)
    fits = isinstance(element, IntegerType | FloatType) and bit_width(element) in (16, 32, 64)
    if not fits or elements.element(op.other, position).form is not Form.UNIFORM:
        return None
    return elements.first(op.other, position)


def load_chunks(
    context: Context,
    elements: Elements,
    op: tt.Load,
    width: Width,
    storage: Storage,
    other: Value | None,
) -> None:
    """One 16-byte access a step, split into the vectors of `storage` (8 halves: two half4)."""
    position = distribution(op.result).identity
    context.builder.locate(op)
    pointer = elements.first(op.ptr, position)
    mask = None if op.mask is None else elements.first(op.mask, position)
    vector = metal.with_lanes(pointee(pointer), width.lanes)
    size = step_of(pointer)
    per_access = min(width.access, ACCESS_BYTES // size)
    index, _ = elements.index(storage, position)
    chunk = 0
    for start in range(0, width.access, max(per_access, width.lanes)):
        at = offset(context, pointer, start)
        if per_access <= width.lanes:
            parts = [_joined_load(context, at, vector, width.lanes, per_access, mask, other, op)]
        else:
            parts = _split_load(
                context, at, vector, width.lanes * size, per_access * size, mask, other, op
            )
        for part in parts:
            where = context.builder.add(index, context.builder.constant(chunk))
            context.write(part, storage.array, where)
            chunk += 1


def apply_other(context: Context, elements: Elements, op: tt.Load) -> None:
    """Where the mask is false a chunked load gives `other` (memory gave zero)."""
    if op.other is None or op.mask is None or is_zero(op.other):
        return
    position = distribution(op.result).identity
    loaded = elements.full(op.result, position)
    mask = elements.first(op.mask, position)
    other = elements.full(op.other, position)
    context.builder.locate(op)
    select = arith.Select((mask, loaded, other), (loaded.type,))
    value = context.builder.value(select, op.result.name)
    elements.define(op.result, value, Form.VECTOR)
    storage = context.storages.get(op.result)
    if storage is not None:
        elements.write(storage, value, position)


def is_zero(value: Value) -> bool:
    """Whether a tensor is the constant 0 (all bits)."""
    op = value.defining_op
    attribute = op.attributes.get("value") if isinstance(op, arith.Constant) else None
    return isinstance(attribute, DenseAttr) and attribute.entries == (0,)


def _joined_load(
    context: Context,
    pointer: Value,
    vector: Type,
    lanes: int,
    per_access: int,
    mask: Value | None,
    other: Value | None,
    op: tt.Load,
) -> Value:
    """One vector, of one access or (long elements) several."""
    part_type = metal.with_lanes(vector, per_access)
    given = None if other is None else context.splat(other, per_access)
    parts: list[Value] = []
    for start in range(0, lanes, per_access):
        parts.append(device_load(context, offset(context, pointer, start), part_type, mask, given))
        parts[-1].name = op.result.name
    return context.pack(parts, vector)


def _split_load(
    context: Context,
    pointer: Value,
    vector: Type,
    vector_bytes: int,
    access_bytes: int,
    mask: Value | None,
    other: Value | None,
    op: tt.Load,
) -> list[Value]:
    """The vectors of one access, which moves words of 32 bits."""
    count, words_each = access_bytes // 4, vector_bytes // 4
    given = None
    if other is not None:
        pair = context.splat(other, 32 // bit_width(other.type))
        word = context.builder.value(metal.BitCast((pair,), (U32,)))
        given = context.splat(word, count)
    words = device_load(context, pointer, metal.with_lanes(U32, count), mask, given)
    words.name = f"{stem_of(op.result) or 'loaded'}_bits"
    parts: list[Value] = []
    for start in range(0, count, words_each):
        bits = _piece(context, words, start, words_each, count)
        parts.append(context.builder.value(metal.BitCast((bits,), (vector,)), op.result.name))
    return parts


def store_step(context: Context, elements: Elements, op: tt.Store, position: Position) -> None:
    """A store of the step's vector (one access, or a few)."""
    value = elements.full(op.value, position)
    context.builder.locate(op)
    pointer, mask = store_place(context, elements, op, position)
    lanes = elements.lanes
    size = min(lanes, ACCESS_BYTES // step_of(pointer))
    for start in range(0, lanes, size):
        piece = _piece(context, value, start, size, lanes)
        device_store(context, offset(context, pointer, start), piece, mask)


def store_place(
    context: Context, elements: Elements, op: tt.Store, position: Position
) -> tuple[Value, Value | None]:
    """Where a store goes, and when: only the first of the threads that hold copies stores."""
    pointer = elements.first(op.ptr, position)
    mask = None if op.mask is None else elements.first(op.mask, position)
    replicated = distribution(op.ptr).replicated_threads
    context.builder.locate(op)
    return pointer, context.builder.both(context.is_first_copy(replicated), mask)


def store_chunks(
    context: Context, elements: Elements, op: tt.Store, width: Width, storage: Storage
) -> None:
    """One 16-byte access a step, of the vectors that the step left in `storage`."""
    position = distribution(op.ptr).identity
    pointer, mask = store_place(context, elements, op, position)
    context.builder.locate(op)
    per_access = min(width.access, ACCESS_BYTES // step_of(pointer))
    index, _ = elements.index(storage, position)
    for start in range(0, width.access, max(per_access, width.lanes)):
        parts: list[Value] = []
        for step in range(start, start + max(per_access, width.lanes), width.lanes):
            entry = context.builder.add(index, context.builder.constant(step // width.lanes))
            parts.append(context.read(storage.array, entry))
        at = offset(context, pointer, start)
        if len(parts) > 1:
            device_store(context, at, _as_words(context, parts, step_of(pointer)), mask)
            continue
        for piece in range(0, width.lanes, per_access):
            value = _piece(context, parts[0], piece, per_access, width.lanes)
            device_store(context, offset(context, at, piece), value, mask)


def _as_words(context: Context, parts: list[Value], size: int) -> Value:
    """Vectors as words of 32 bits, joined."""
    assert isinstance(parts[0].type, VectorType)
    words_each = parts[0].type.size * size // 4
    type_ = metal.with_lanes(U32, words_each)
    words = [context.builder.value(metal.BitCast((part,), (type_,))) for part in parts]
    return context.pack(words, metal.with_lanes(U32, words_each * len(parts)))


@lowers_scalar(tt.Load)
def scalar_load(context: Context, op: Op) -> None:
    """A load of one uniform value: every thread reads it."""
    assert isinstance(op, tt.Load)
    mask, other = (None if v is None else context.scalar(v) for v in (op.mask, op.other))
    pointer = context.scalar(op.ptr)
    loaded = device_load(context, pointer, op.result.type, mask, other, volatile_flag(op))
    loaded.name = op.result.name
    context.scalars[op.result] = loaded


@lowers_scalar(tt.Store)
def scalar_store(context: Context, op: Op) -> None:
    """A store of one uniform value: thread 0 writes it."""
    assert isinstance(op, tt.Store)
    builder = context.builder
    first = builder.compare("eq", context.thread, builder.constant(0))
    mask = None if op.mask is None else context.scalar(op.mask)
    device_store(
        context, context.scalar(op.ptr), context.scalar(op.value), builder.both(first, mask)
    )
