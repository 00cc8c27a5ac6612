"""What the lowering of one kernel knows and shares: builder, plan, values and their storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..analysis.axis import AxisAnalysis
from ..dialects import metal
from ..ir.core import Op, Value
from ..ir.stems import stem_of
from ..ir.types import I32, ArrayType, TensorType, Type, element_of
from ..target import Target
from .builder import Builder
from .distribution import Distribution, distribution_of
from .iteration import thread_weighted
from .plan import Plan
from .widths import Form, Widths

if TYPE_CHECKING:
    from .tiles import Tile


@dataclass(frozen=True)
class Storage:
    """An array of one thread that holds a tensor value: register i is entry i / lanes.

    Only the register bits below `bits` count; the others are not held (a step of a loop). Where the
    `form` is not VECTOR an entry is the first of its registers; the others follow from it.
    """

    array: Value
    lanes: int
    bits: int
    form: Form = Form.VECTOR

    @property
    def space(self) -> str:
        """Where the array lies: "thread", or "simdgroup" for one of matrices."""
        assert isinstance(self.array.type, ArrayType)
        return self.array.type.space


@dataclass
class Context:
    """The lowering of one kernel."""

    builder: Builder
    target: Target
    plan: Plan
    axis: AxisAnalysis
    widths: Widths
    scalars: dict[Value, Value]
    storages: dict[Value, Storage]
    thread: Value
    simdgroups: int
    tiles: dict[Value, Tile] = field(default_factory=dict[Value, "Tile"])

    def scalar(self, value: Value) -> Value:
        """The lowered value of a uniform scalar."""
        return self.scalars[value]

    def local(self, count: int, element: Type, name: str, space: str = "thread") -> Value:
        """A new array of one thread; in the space "simdgroup" of matrices."""
        type_ = ArrayType(count, element, space)
        op = metal.Local((), (type_,), {"count": metal.integer_attribute(count)})
        return self.builder.value(op, name)

    def threadgroup(self, count: int, element: Type, name: str) -> Value:
        """A new array in threadgroup memory, for this use alone."""
        type_ = ArrayType(count, element, "threadgroup")
        return self.builder.value(metal.Threadgroup((), (type_,)), name)

    def storage(self, value: Value, name: str = "") -> Storage:
        """The storage of a tensor value, made at the first call (at the current place).

        `name` is for a value whose own says nothing.
        """
        if value in self.plan.same_array and value not in self.storages:
            self.storages[value] = self.storage(self.plan.same_array[value])
        counted = self.widths.counted.get(value)
        lanes = counted.lanes if counted else self.widths.lanes_of.get(value, 1)
        space = "simdgroup" if value in self.plan.matrices else "thread"
        taken = self.storages.get(self.plan.takes_over.get(value, value))
        if taken is not None and (taken.lanes, taken.space) == (lanes, space):
            self.storages.setdefault(value, taken)
        if value not in self.storages:
            assert isinstance(value.type, TensorType)
            form = counted.form if counted else Form.VECTOR
            self.storages[value] = self.new_storage(
                value.type, lanes, value.name if stem_of(value) else name, space, form
            )
        return self.storages[value]

    def new_storage(
        self,
        type_: TensorType,
        lanes: int,
        name: str,
        space: str = "thread",
        form: Form = Form.VECTOR,
    ) -> Storage:
        """An array for all registers of a tensor type."""
        bits = len(distribution_of(type_).registers)
        element = metal.with_lanes(element_of(type_), lanes if form is Form.VECTOR else 1)
        return Storage(self.local((1 << bits) // lanes, element, name, space), lanes, bits, form)

    def read(self, array: Value, index: Value, lane: Value | None = None) -> Value:
        """An entry of an array."""
        assert isinstance(array.type, ArrayType)
        entry = array.type.element
        operands = (array, index) if lane is None else (array, index, lane)
        type_ = entry if lane is None else element_of(entry)
        return self.builder.value(metal.Read(operands, (type_,)), array.name)

    def write(self, value: Value, array: Value, index: Value, lane: Value | None = None) -> None:
        """Set an entry of an array."""
        operands = (value, array, index) if lane is None else (value, array, index, lane)
        self.builder.insert(metal.Write(operands))

    def thread_part(self, distribution: Distribution, dim: int) -> tuple[Value, int]:
        """What the thread index adds to coordinate `dim`, and the bits that it may set."""
        weights = [basis[dim] for basis in distribution.threads]
        return thread_weighted(self.builder, self.thread, weights)

    def is_first_copy(self, replicated: int) -> Value | None:
        """Whether the thread is the first of those with its elements; None: it is the only one."""
        if not replicated:
            return None
        total = (1 << len(bin(self.simdgroups * 32 - 1)[2:])) - 1
        low = replicated & -replicated
        if replicated == total & ~(low - 1):
            return named(
                self.builder.compare("ult", self.thread, self.builder.constant(low)), "is_first"
            )
        masked = self.builder.both(self.thread, self.builder.constant(replicated))
        assert masked is not None
        is_first = self.builder.compare("eq", masked, self.builder.constant(0))
        return named(is_first, "is_first")

    def section(self, text: str = "") -> None:
        """A part of the program begins, for readers of the MSL."""
        self.builder.insert(metal.Section((), (), {"text": metal.word_attribute(text)}))

    def splat(self, value: Value, lanes: int) -> Value:
        """A vector of copies; a scalar of its own for one component."""
        if lanes == 1:
            return value
        type_ = metal.with_lanes(value.type, lanes)
        return self.builder.value(metal.SplatVector((value,), (type_,)), value.name)

    def extract(self, vector: Value, index: int) -> Value:
        """One component of a vector."""
        attributes = {"index": metal.integer_attribute(index)}
        op = metal.Extract((vector,), (element_of(vector.type),), attributes)
        return self.builder.value(op)

    def pack(self, parts: list[Value], type_: Type) -> Value:
        """A vector of scalars or shorter vectors."""
        return parts[0] if len(parts) == 1 else self.builder.value(metal.Pack(parts, (type_,)))

    def iota(self, lanes: int) -> Value:
        """vector<lanes x i32>: 0, 1, ..."""
        return self.builder.value(metal.Iota((), (metal.with_lanes(I32, lanes),)))


def named(value: Value, name: str) -> Value:
    """A value that a pass made, with a name for readers."""
    value.name = name
    return value


def operation(op: Op, operands: list[Value], types: list[Type]) -> Op:
    """The same op on other operands and types."""
    return type(op)(
        operands,
        types,
        op.attributes,
        location=op.location,
        span=op.span,
    )
