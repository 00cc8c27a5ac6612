"""Dots on simdgroup matrices: as ops on tensors, and as ops of one thread's program.

An array of matrices is a `!metal.array` in the space "simdgroup": entry i is matrix i, seen as the
two elements of it that a lane holds (`simdgroup.py`).
"""

from __future__ import annotations

from ..ir.core import Op, Value
from ..ir.fields import flag, integer, integers, operand, optional
from ..ir.traits import require_tensor
from ..ir.types import ArrayType, Type
from .metal import with_lanes

MATRIX_SPACE = "simdgroup"


class Stage(Op):
    """A dot's operand, put into threadgroup memory: rows of `pitch` elements.

    With `transposed` a row is a column of the operand. Rows and columns below 8 are filled up to 8:
    `side` says with what (copies along M of the left operand, 0, or N of the right one, 1; zeros
    along K). In `slices` of K the array has one at a time, which the dot itself writes.
    """

    name = "metal.stage"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()
    side = integer(required=True)
    pitch = integer(required=True)
    transposed = flag()
    slices = integer(1)

    def verify(self) -> None:
        """A tensor becomes an array of its elements (whose type is opaque when it was parsed)."""
        tensor = require_tensor(self, self.source)
        type_ = self.result.type
        fits = not isinstance(type_, ArrayType) or type_.element == tensor.element
        self.require(fits, f"{tensor} cannot be staged as {type_}")


class View(Op):
    """A dot's operand that lies in threadgroup memory already: an array, an offset and strides."""

    name = "metal.view"
    pure = True
    results_defined = 1
    regions_held = 0
    array = operand()
    offset = operand()
    side = integer(required=True)
    shape = integers(required=True)
    strides = integers(required=True)


class Direct(Op):
    """A dot's operand whose matrices are loaded from device memory, where they are multiplied.

    `pointers` has the address of each matrix's first element (`tiling.address_layout`), `mask` says
    whether a matrix is loaded, or is zero. Rows (columns, if `transposed`) are `pitch` apart.
    `along_k` is the dimension of the pointers along which the dot sums.
    """

    name = "metal.direct"
    pure = True
    results_defined = 1
    regions_held = 0
    segmented = True
    pointers = operand()
    pitch = operand()
    mask = optional()
    side = integer(required=True)
    along_k = integer(required=True)
    transposed = flag()


class Hold(Op):
    """A staged or direct left operand, loaded into registers: for the dots of a loop behind it."""

    name = "metal.hold"
    pure = True
    results_defined = 1
    regions_held = 0
    source = operand()


class Dot(Op):
    """a times b plus c; a and b are staged or direct, or (a) in registers as fragments."""

    name = "metal.dot"
    pure = True
    results_defined = 1
    regions_held = 0
    a = operand()
    b = operand()
    c = operand()
    depth = integer(required=True)

    def verify(self) -> None:
        """c and the result have one type."""
        self.require(self.c.type == self.result.type, f"{self.c.type} is no {self.result.type}")


class MatrixLoad(Op):
    """simdgroup_load: matrix `entry` of `matrices` from `source`, elements `offset` on.

    `source` is an array in threadgroup memory, or a pointer; its rows are `pitch` elements apart.
    """

    name = "metal.matrix_load"
    matrices = operand()
    entry = operand()
    source = operand()
    offset = operand()
    pitch = operand()
    transposed = flag()


class MultiplyAccumulate(Op):
    """simdgroup_multiply_accumulate: sums[i] = a[j] * b[k] + sums[i]."""

    name = "metal.multiply_accumulate"
    sums = operand()
    sum_entry = operand()
    a = operand()
    a_entry = operand()
    b = operand()
    b_entry = operand()


def matrices(count: int, element: Type) -> ArrayType:
    """The type of an array of matrices."""
    return ArrayType(count, with_lanes(element, 2), MATRIX_SPACE)


def arrays_written(op: Op) -> list[Value]:
    """The arrays of matrices that an op changes."""
    if isinstance(op, MatrixLoad):
        return [op.matrices]
    return [op.sums] if isinstance(op, MultiplyAccumulate) else []


def arrays_read(op: Op) -> list[Value]:
    """The arrays that an op reads: of matrices, and in threadgroup memory."""
    if isinstance(op, MatrixLoad):
        return [op.source] if isinstance(op.source.type, ArrayType) else []
    return [op.sums, op.a, op.b] if isinstance(op, MultiplyAccumulate) else []


def entries_used(op: Op) -> list[Value]:
    """The numbers of the matrices that an op works on."""
    if isinstance(op, MatrixLoad):
        return [op.entry]
    if isinstance(op, MultiplyAccumulate):
        return [op.sum_entry, op.a_entry, op.b_entry]
    return []


def is_matrices(type_: Type) -> bool:
    """Whether a type is an array of matrices."""
    return isinstance(type_, ArrayType) and type_.space == MATRIX_SPACE
