"""Computes the elements of tensor values inside one step of a register loop."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass

from ..dialects import arith, metal, tt
from ..errors import UnsupportedError
from ..ir.attributes import DenseAttr, OpaqueAttr
from ..ir.core import Op, Value
from ..ir.types import FloatType, IntegerType, PointerType, TensorType, element_of
from .context import Context, Storage, operation
from .distribution import Distribution, Position, distribution_of
from .iteration import Iteration, combine
from .widths import Form, form_of


@dataclass(frozen=True)
class Element:
    """A value in this step: a vector (form VECTOR, more than one lane), or its first component."""

    form: Form
    value: Value


class Elements:
    """The values of one step: each is computed once, at the first need."""

    def __init__(
        self,
        context: Context,
        iteration: Iteration,
        storages: dict[Value, Storage] | None = None,
    ) -> None:
        # Arrays of this step alone come before those of the kernel.
        self.storages = ChainMap(storages or {}, context.storages)
        self.context = context
        self.builder = context.builder
        self.iteration = iteration
        self.lanes = iteration.lanes
        self.identity_values: dict[Value, Element] = {}
        self.recomputed: set[Value] = set()  # values that are not read from their storage
        self._memo: dict[tuple[Value, Position], Element] = {}

    # -- asking --------------------------------------------------------------------------------

    def first(self, value: Value, position: Position) -> Value:
        """Component 0 of a value (all of it where the form is uniform)."""
        element = self.element(value, position)
        if element.form is Form.VECTOR and self.lanes > 1:
            return self.context.extract(element.value, 0)
        return element.value

    def full(self, value: Value, position: Position) -> Value:
        """All components of a value: a vector, or a scalar where there is one lane."""
        element = self.element(value, position)
        if self.lanes == 1 or element.form is Form.VECTOR:
            return element.value
        vector = self.context.splat(element.value, self.lanes)
        if element.form is Form.UNIFORM:
            return vector
        steps = self.builder.resized(self.context.iota(self.lanes), vector.type)
        # An aligned run does not wrap around.
        flags = {"overflowFlags": OpaqueAttr("nsw")} if self._is_aligned(value) else {}
        return self.builder.value(arith.Addi((vector, steps), (vector.type,), flags))

    def _is_aligned(self, value: Value) -> bool:
        """Whether every run of a value that counts up starts at a multiple of its length."""
        info = self.context.axis[value]
        dims = [d for d in range(info.rank) if info.contiguity[d] >= self.lanes]
        return all(info.multiple(d, self.lanes) >= self.lanes for d in dims)

    def define(self, value: Value, computed: Value, form: Form) -> None:
        """Give the value of a root of this group (at its own position), or a new one."""
        self.identity_values[value] = Element(form, computed)
        self._memo.pop((value, distribution(value).identity), None)

    def produce(self, value: Value) -> None:
        """Compute a value that others will read from its storage."""
        position = distribution(value).identity
        op = value.defining_op
        assert op is not None
        for needed, at in self.context.plan.operand_positions(value, position):
            self.element(needed, at)
        self.identity_values[value] = self._evaluate(op, value, position)

    def element(self, value: Value, position: Position) -> Element:
        """A value with its form; whatever it needs is computed first, without recursion."""
        if not isinstance(value.type, TensorType):
            return Element(Form.UNIFORM, self.context.scalar(value))
        stack = [(value, position)]
        while stack:
            top = stack[-1]
            if top in self._memo:
                stack.pop()
                continue
            missing = [need for need in self._needs(*top) if need not in self._memo]
            if missing:
                stack.extend(reversed(missing))
            else:
                self._memo[top] = self._compute(*top)
                stack.pop()
        return self._memo[value, position]

    # -- computing -----------------------------------------------------------------------------

    def _is_given(self, value: Value) -> bool:
        return value in self.identity_values or self._is_stored(value)

    def _is_stored(self, value: Value) -> bool:
        return value in self.storages and value not in self.recomputed

    def _needs(self, value: Value, position: Position) -> list[tuple[Value, Position]]:
        op = value.defining_op
        if self._is_given(value) or op is None:
            return []
        return self.context.plan.operand_positions(value, position)

    def _compute(self, value: Value, position: Position) -> Element:
        if value in self.identity_values and position == distribution(value).identity:
            return self.identity_values[value]
        form = form_of(value, position, self.lanes, self.context.axis) or Form.VECTOR
        if self._is_stored(value):
            return self._read(self.storages[value], position, form)
        op = value.defining_op
        assert op is not None, f"%{value.name} is read before it is there"
        return self._evaluate(op, value, position)

    def _evaluate(self, op: Op, value: Value, position: Position) -> Element:
        self.builder.locate(op)
        form = form_of(value, position, self.lanes, self.context.axis) or Form.VECTOR
        if isinstance(op, tt.Splat):
            return Element(Form.UNIFORM, self.context.scalar(op.source))
        if isinstance(op, arith.Constant):
            return Element(Form.UNIFORM, self._constant(op))
        if isinstance(op, tt.MakeRange):
            return Element(form, self._range(op, position))
        if self.context.plan.view(value) is not None:
            ((source, at),) = self.context.plan.operand_positions(value, position)
            return self.element(source, at)
        return self._elementwise(op, value, position, form)

    def _elementwise(self, op: Op, value: Value, position: Position, form: Form) -> Element:
        as_vector = form is Form.VECTOR and self.lanes > 1
        operands = [self._operand(op, v, position, as_vector) for v in op.operands]
        self.builder.locate(op)
        type_ = metal.with_lanes(element_of(value.type), self.lanes if as_vector else 1)
        return Element(form, self.builder.value(operation(op, operands, [type_]), value.name))

    def _operand(self, op: Op, value: Value, position: Position, as_vector: bool) -> Value:
        if not isinstance(value.type, TensorType):
            return self.context.scalar(value)
        if not as_vector:
            return self.first(value, position)
        is_condition = isinstance(op, arith.Select) and value is op.condition
        if is_condition and self.element(value, position).form is Form.UNIFORM:
            return self.first(value, position)
        return self.full(value, position)

    def _constant(self, op: arith.Constant) -> Value:
        attribute = op.attributes["value"]
        assert isinstance(attribute, DenseAttr)
        if not attribute.is_splat:
            raise UnsupportedError("a dense constant with different elements", op.span)
        element = element_of(op.result.type)
        if isinstance(element, FloatType):
            return self.builder.float_constant(attribute.entries[0], element)
        assert isinstance(element, IntegerType)
        return self.builder.constant(attribute.entries[0], element)

    def _range(self, op: tt.MakeRange, position: Position) -> Value:
        value = self.builder.add(
            self.coordinate(op.result, position, 0), self.builder.constant(op.start)
        )
        if value is not self.context.thread:
            value.name = value.name or op.result.name
        return value

    def coordinate(self, value: Value, position: Position, dim: int) -> Value:
        """Coordinate `dim` of the element of a tensor value at a position."""
        layout = distribution(value)
        thread, thread_bits = self.context.thread_part(layout, dim)
        weights = [basis[dim] for basis in layout.registers]
        register = self.iteration.weighted(position, weights)
        register_bits = 0
        for weight in weights:
            register_bits |= weight
        return combine(self.builder, [(thread, thread_bits), (register, register_bits)])

    # -- arrays --------------------------------------------------------------------------------

    def _read(self, storage: Storage, position: Position, form: Form) -> Element:
        """The value of a register (or of `lanes` registers) out of an array."""
        lane_mask = self.lanes - 1
        touches = any(mask & lane_mask for mask in position[: storage.bits])
        if not touches:
            return Element(Form.UNIFORM, self._read_one(storage, position, 0))
        if form is not Form.VECTOR:
            return Element(form, self._read_one(storage, position, 0))
        low = storage.lanes.bit_length() - 1
        aligned = position[:low] == tuple(1 << bit for bit in range(low))
        if storage.lanes == self.lanes and storage.form is Form.VECTOR and aligned:
            index, _ = self.index(storage, position)
            return Element(Form.VECTOR, self.context.read(storage.array, index))
        parts = [self._read_one(storage, position, component) for component in range(self.lanes)]
        type_ = metal.with_lanes(parts[0].type, self.lanes)
        return Element(Form.VECTOR, self.context.pack(parts, type_))

    def register(self, storage: Storage, position: Position) -> Value:
        """The first register of this step at a position of an array."""
        return self._read_one(storage, position, 0)

    def _read_one(self, storage: Storage, position: Position, component: int) -> Value:
        index, lane = self._entry(storage, position, component)
        if storage.lanes == 1 or lane is None:
            return self.context.read(storage.array, index)
        if storage.form is Form.VECTOR:
            return self.context.read(storage.array, index, lane)
        first = self.context.read(storage.array, index)
        if storage.form is Form.UNIFORM:
            return first
        return self.builder.add(first, self.builder.resized(lane, first.type))

    def _entry(
        self, storage: Storage, position: Position, component: int
    ) -> tuple[Value, Value | None]:
        """Entry of an array, and component of it, for one component of this step's vectors."""
        index, lane = self.index(storage, position)
        lane_bits = self.lanes - 1
        touched = [
            (1 << bit, mask)
            for bit, mask in enumerate(position[: storage.bits])
            if (mask & lane_bits & component).bit_count() % 2
        ]
        shift = sum(weight for weight, _ in touched)
        # Bits that component 0 may have set too are toggled, not added.
        join = self.builder.xor if any(m & ~lane_bits for _, m in touched) else self.builder.add
        index = join(index, self.builder.constant(shift // storage.lanes))
        if storage.lanes == 1:
            return index, None
        return index, join(lane, self.builder.constant(shift % storage.lanes))

    def write(self, storage: Storage, value: Value, position: Position) -> None:
        """Set this step's registers: `value` has all components."""
        context = self.context
        low = self.lanes.bit_length() - 1
        assert storage.form is Form.VECTOR, "the first of each entry's registers is written alone"
        if position[:low] != tuple(1 << bit for bit in range(low)):
            self._write_each(storage, value, position)
            return
        index, lane = self.index(storage, position)
        if storage.lanes == self.lanes:
            context.write(value, storage.array, index)
        elif storage.lanes > self.lanes:
            for component in range(self.lanes):
                part = value if self.lanes == 1 else context.extract(value, component)
                at = self.builder.add(lane, self.builder.constant(component))
                context.write(part, storage.array, index, at)
        else:
            for component in range(0, self.lanes, storage.lanes):
                part = self._slice(value, component, storage.lanes)
                step = self.builder.constant(component // storage.lanes)
                context.write(part, storage.array, self.builder.add(index, step))

    def write_first(self, storage: Storage, value: Value, position: Position) -> None:
        """Set the entry of this step's registers, of which the array holds the first."""
        assert storage.lanes == self.lanes
        index, _ = self.index(storage, position)
        self.context.write(value, storage.array, index)

    def _write_each(self, storage: Storage, value: Value, position: Position) -> None:
        """Components that do not lie side by side in the array."""
        for component in range(self.lanes):
            index, lane = self._entry(storage, position, component)
            part = value if self.lanes == 1 else self.context.extract(value, component)
            self.context.write(part, storage.array, index, lane)

    def _slice(self, vector: Value, start: int, size: int) -> Value:
        if size == 1:
            return self.context.extract(vector, start)
        type_ = metal.with_lanes(element_of(vector.type), size)
        attributes = {"index": metal.integer_attribute(start)}
        return self.builder.value(metal.Slice((vector,), (type_,), attributes))

    def index(self, storage: Storage, position: Position) -> tuple[Value, Value]:
        """Entry of an array, and component of the entry, of the first register of this step."""
        low = storage.lanes.bit_length() - 1
        held = position[: storage.bits]
        entry = [1 << (bit - low) if bit >= low else 0 for bit in range(len(held))]
        component = [1 << bit if bit < low else 0 for bit in range(len(held))]
        return self.iteration.weighted(held, entry), self.iteration.weighted(held, component)


def distribution(value: Value) -> Distribution:
    """The distribution of a tensor value."""
    assert isinstance(value.type, TensorType)
    return distribution_of(value.type)


def pointee(pointer: Value) -> FloatType | IntegerType | PointerType:
    """What a pointer, or tensor of pointers, points at."""
    type_ = element_of(pointer.type)
    assert isinstance(type_, PointerType)
    assert isinstance(type_.pointee, FloatType | IntegerType | PointerType)
    return type_.pointee
