"""Triton's loads, stores and atomics on pointers and tensor descriptors."""

from __future__ import annotations

from ..ir.core import Op, Value
from ..ir.fields import attribute, flag, operand, optional, variadic, word
from ..ir.traits import (
    bool_like,
    bool_of,
    is_integer,
    is_pointer,
    like,
    pointee,
    pointee_of,
    require_descriptor,
    require_kind,
    require_same_layout,
    require_tensor,
    require_type,
)
from ..ir.types import I32, I64, IntegerType, element_of

# In the order of Triton's enums, for texts that write the number (TritonAttrDefs.td).
RMW_KINDS = ("and", "or", "xor", "add", "fadd", "max", "min", "umax", "umin", "exch")
SEMANTICS = ("relaxed", "acquire", "release", "acq_rel")
SCOPES = ("gpu", "cta", "sys")
REDUCE_KINDS = ("add", "min", "max", "inc", "dec", "and", "or", "xor")
PADDINGS = ("zero", "nan")


def _check_mask(op: Op, mask: Value | None, like_: Value) -> None:
    if mask is not None:
        require_type(op, mask, bool_of(like_.type), "the mask")


class Addptr(Op):
    """A pointer moved by `offset` elements (of any integer width, signed)."""

    name = "tt.addptr"
    pure = True
    elementwise = True
    results_defined = 1
    regions_held = 0
    ptr = operand()
    offset = operand()
    infer = like("ptr")
    format = "$ptr `,` $offset attr-dict `:` type($ptr) `,` type($offset)"

    def verify(self) -> None:
        """Pointers and integers of one shape."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        require_kind(self, self.offset, is_integer, "an integer offset")
        require_same_layout(self, self.ptr, self.offset)
        require_type(self, self.result, self.ptr.type, "the result")


class Load(Op):
    """Loads where the mask holds; `other`, or anything, elsewhere."""

    name = "tt.load"
    results_defined = 1
    regions_held = 0
    ptr = operand()
    mask = optional()
    other = optional()
    cache_policy = attribute(key="cachePolicy")
    is_volatile = flag(default=False, key="isVolatile")
    infer = pointee_of("ptr")
    format = "$ptr (`,` $mask^)? (`,` $other^)? attr-dict `:` type($ptr)"

    def verify(self) -> None:
        """Mask, other and result have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        _check_mask(self, self.mask, self.ptr)
        require_type(self, self.result, pointee(self.ptr.type), "the result")
        other = self.other
        if other is not None:
            require_type(self, other, self.result.type, "the value of masked lanes")


class Store(Op):
    """Stores where the mask holds."""

    name = "tt.store"
    results_defined = 0
    regions_held = 0
    ptr = operand()
    value = operand()
    mask = optional()
    cache_policy = attribute(key="cachePolicy")
    ignore_cta = flag()
    format = "$ptr `,` $value (`,` $mask^)? attr-dict `:` type($ptr)"

    def verify(self) -> None:
        """Mask and value have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        require_type(self, self.value, pointee(self.ptr.type), "the stored value")
        _check_mask(self, self.mask, self.ptr)


class AtomicRmw(Op):
    """Combines memory with a value (`kind`); the result is what was there before."""

    name = "tt.atomic_rmw"
    results_defined = 1
    regions_held = 0
    kind = word(key="atomic_rmw_op", values=RMW_KINDS, first=1, required=True)
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    value = operand()
    mask = optional()
    format = (
        "$kind `,` $sem `,` $scope `,` $ptr `,` $value (`,` $mask^)? attr-dict"
        " `:` functional-type(operands, results)"
    )

    def verify(self) -> None:
        """Value, mask and result have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        require_type(self, self.value, pointee(self.ptr.type), "the value")
        require_type(self, self.result, self.value.type, "the result")
        _check_mask(self, self.mask, self.ptr)


class AtomicCas(Op):
    """Stores `value` where memory equals `compare`; the result is what was there before."""

    name = "tt.atomic_cas"
    results_defined = 1
    regions_held = 0
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    compare = operand()
    value = operand()
    format = (
        "$sem `,` $scope `,` $ptr `,` $compare `,` $value attr-dict"
        " `:` functional-type(operands, results)"
    )

    def verify(self) -> None:
        """Operands and result have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        for value in (self.compare, self.value, self.result):
            require_type(self, value, pointee(self.ptr.type), "compared and stored values")


class AtomicLoad(Op):
    """A load with an ordering."""

    name = "tt.atomic_load"
    results_defined = 1
    regions_held = 0
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    mask = optional()
    format = (
        "$sem `,` $scope `,` $ptr (`,` $mask^)? attr-dict `:` functional-type(operands, results)"
    )

    def verify(self) -> None:
        """Mask and result have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        require_type(self, self.result, pointee(self.ptr.type), "the result")
        _check_mask(self, self.mask, self.ptr)


class AtomicStore(Op):
    """A store with an ordering."""

    name = "tt.atomic_store"
    results_defined = 0
    regions_held = 0
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    value = operand()
    mask = optional()
    format = "$sem `,` $scope `,` $ptr `,` $value (`,` $mask^)? attr-dict `:` type($ptr)"

    def verify(self) -> None:
        """Mask and value have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        require_type(self, self.value, pointee(self.ptr.type), "the stored value")
        _check_mask(self, self.mask, self.ptr)


class AtomicPoll(Op):
    """Spins until memory equals `expected` or the time is over; whether it did."""

    name = "tt.atomic_poll"
    results_defined = 1
    regions_held = 0
    sem = word(values=SEMANTICS, first=1, required=True)
    scope = word("gpu", values=SCOPES, first=1)
    ptr = operand()
    expected = operand()
    timeout = optional()
    infer = bool_like("expected")
    format = (
        "$sem `,` $scope `,` $ptr `,` $expected (`timeout` $timeout^)? attr-dict"
        " `:` type($ptr) `,` type($expected) `->` type($result)"
    )

    def verify(self) -> None:
        """Expected values and result have the shape of the pointer."""
        require_kind(self, self.ptr, is_pointer, "a pointer")
        require_type(self, self.expected, pointee(self.ptr.type), "the expected value")
        require_type(self, self.result, bool_of(self.expected.type), "the result")
        timeout = self.timeout
        if timeout is not None:
            require_type(self, timeout, I64, "the timeout")


class MakeTensorDescriptor(Op):
    """A descriptor of a tensor in memory, out of base, shape (i32) and strides (i64)."""

    name = "tt.make_tensor_descriptor"
    pure = True
    results_defined = 1
    regions_held = 0
    segmented = True
    base = operand()
    shape = variadic()
    strides = variadic()
    padding = word("zero", values=PADDINGS, first=1)
    format = (
        "$base `,` `[` $shape `]` `,` `[` $strides `]` attr-dict"
        " `:` stripped(tt.ptr $base) `,` stripped(tt.tensordesc $result)"
    )

    def verify(self) -> None:
        """A pointer, and one size and stride for each dimension."""
        require_kind(self, self.base, is_pointer, "a pointer")
        rank = len(require_descriptor(self, self.result).shape)
        found = (len(self.shape), len(self.strides))
        self.require(found == (rank, rank), f"{found} sizes and strides for rank {rank}")
        for values, type_ in ((self.shape, I32), (self.strides, I64)):
            for value in values:
                require_type(self, value, type_, "sizes and strides")


class DescriptorLoad(Op):
    """The tile at `indices` of a descriptor."""

    name = "tt.descriptor_load"
    results_defined = 1
    regions_held = 0
    desc = operand()
    indices = variadic()
    cache_policy = attribute(key="cachePolicy")
    format = "$desc `[` $indices `]` attr-dict `:` type($desc) `->` type($result)"

    def verify(self) -> None:
        """One index for each dimension; the tile's elements are the descriptor's."""
        _check_tile(self, self.desc, self.indices, self.result)


class DescriptorStore(Op):
    """Stores a tile at `indices` of a descriptor."""

    name = "tt.descriptor_store"
    results_defined = 0
    regions_held = 0
    segmented = True
    desc = operand()
    source = operand()
    indices = variadic()
    format = "$desc `[` $indices `]` `,` $source attr-dict `:` type($desc) `,` type($source)"

    def verify(self) -> None:
        """One index for each dimension; the tile's elements are the descriptor's."""
        _check_tile(self, self.desc, self.indices, self.source)


class DescriptorReduce(Op):
    """Combines a tile with memory at `indices` of a descriptor."""

    name = "tt.descriptor_reduce"
    results_defined = 0
    regions_held = 0
    segmented = True
    kind = word(values=REDUCE_KINDS, first=1, required=True)
    desc = operand()
    source = operand()
    indices = variadic()
    format = (
        "$kind `,` $desc `[` $indices `]` `,` $source attr-dict `:` type($desc) `,` type($source)"
    )

    def verify(self) -> None:
        """One index for each dimension; the tile's elements are the descriptor's."""
        _check_tile(self, self.desc, self.indices, self.source)


class DescriptorGather(Op):
    """The rows `x_offsets` of a descriptor, from column `y_offset`."""

    name = "tt.descriptor_gather"
    results_defined = 1
    regions_held = 0
    desc = operand()
    x_offsets = operand()
    y_offset = operand()
    format = (
        "$desc `[` $x_offsets `,` $y_offset `]` attr-dict `:` functional-type(operands, results)"
    )

    def verify(self) -> None:
        """A list of rows, one column, and a tile of as many rows."""
        _check_rows(self, self.desc, self.x_offsets, self.y_offset, self.result)


class DescriptorScatter(Op):
    """Stores rows at `x_offsets` of a descriptor, from column `y_offset`."""

    name = "tt.descriptor_scatter"
    results_defined = 0
    regions_held = 0
    desc = operand()
    x_offsets = operand()
    y_offset = operand()
    source = operand()
    format = "$desc `[` $x_offsets `,` $y_offset `]` `,` $source attr-dict `:` type(operands)"

    def verify(self) -> None:
        """A list of rows, one column, and a tile of as many rows."""
        _check_rows(self, self.desc, self.x_offsets, self.y_offset, self.source)


def _check_tile(op: Op, desc: Value, indices: list[Value], tile: Value) -> None:
    descriptor = require_descriptor(op, desc)
    tensor = require_tensor(op, tile)
    rank = len(descriptor.shape)
    op.require(len(indices) == rank, f"{len(indices)} indices for {descriptor}")
    for index in indices:
        require_type(op, index, I32, "an index")
    element = descriptor.element
    if isinstance(element, IntegerType):  # descriptors know signs, tensors do not
        element = IntegerType(element.width)
    op.require(element_of(tensor) == element, f"a tile {tensor} of {descriptor}")
    size = 1
    for dim in descriptor.shape:
        size *= dim
    op.require(tensor.size == size, f"a tile {tensor} of {descriptor}")


def _check_rows(op: Op, desc: Value, rows: Value, column: Value, tile: Value) -> None:
    require_descriptor(op, desc)
    listed = require_tensor(op, rows)
    tensor = require_tensor(op, tile)
    require_kind(op, rows, is_integer, "integer rows")
    require_type(op, column, I32, "the column")
    fits = listed.rank == 1 and tensor.rank == 2 and tensor.shape[0] == listed.shape[0]
    op.require(fits, f"rows {listed} for {tensor}")


class GridDependencyWait(Op):
    """CUDA's wait for the grids before this one; nothing elsewhere."""

    name = "tt.grid_dependency_wait"
    results_defined = 0
    regions_held = 0
    format = "attr-dict"


class GridDependencyLaunchDependents(Op):
    """CUDA's start of the grids after this one; nothing elsewhere."""

    name = "tt.grid_dependency_launch_dependents"
    results_defined = 0
    regions_held = 0
    format = "attr-dict"
