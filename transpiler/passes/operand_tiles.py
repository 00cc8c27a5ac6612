"""How a dot's operand lies in threadgroup memory, and which operands need not be put there.

An operand is rows of elements, each with padding behind it. A matrix whose registers run along its
columns is staged transposed: its columns are the rows. In slices of K the memory holds one slice.
"""

from __future__ import annotations

from ..dialects import metal, tt
from ..ir.core import Value
from ..ir.encodings import LinearEncoding
from ..ir.types import TensorType, bit_width
from ..lower.distribution import distribution_of
from ..simdgroup import SIDE
from .layouts import encoding_of
from .tiling import left_operand_layout

PADDING = 16  # bytes behind each row: rows start in different banks, aligned for wide accesses


def is_transposed(value: Value) -> bool:
    """Whether a staged operand's rows are its columns: where registers run along them."""
    type_ = tensor_of(value)
    for basis in distribution_of(type_).registers:
        dims = [dim for dim, offset in enumerate(basis) if offset == 1]
        if dims:
            return dims[0] == type_.rank - 2
    threads = distribution_of(type_).threads
    return bool(threads) and threads[0][type_.rank - 2] == 1


def tile_shape(value: Value, side: int, slices: int = 1) -> tuple[int, int, int]:
    """Matrices, rows and elements of a row, as they are staged: of one slice of K."""
    type_ = tensor_of(value)
    sizes = list(type_.shape[-2:])
    sizes[0 if side else 1] //= slices
    height, width = (max(SIDE, size) for size in sizes)
    if is_transposed(value):
        height, width = width, height
    return (type_.shape[0] if type_.rank > 2 else 1), height, width


def pitch_of(value: Value, width: int) -> int:
    """Elements from one staged row to the next."""
    return width + PADDING * 8 // bit_width(value.type)


def tile_elements(value: Value, side: int, slices: int = 1) -> int:
    """Elements of a staged operand, with padding."""
    batch, height, width = tile_shape(value, side, slices)
    return batch * height * pitch_of(value, width)


def tile_bytes(value: Value, side: int, slices: int = 1) -> int:
    """Threadgroup memory of a staged operand."""
    return tile_elements(value, side, slices) * bit_width(value.type) // 8


# -- where operands come from ----------------------------------------------------------------------


def transposed_source(value: Value) -> Value | None:
    """What a matrix is the transpose of."""
    op = value.defining_op
    return op.source if isinstance(op, tt.Trans) and tuple(op.order) == (1, 0) else None


def stays_in_registers(dot: tt.Dot) -> bool:
    """Whether the left operand's fragments lie where the result's rows do."""
    expected = held_type(dot)
    return expected is not None and distribution_of(expected) == distribution_of(tensor_of(dot.a))


def held_type(dot: tt.Dot) -> TensorType | None:
    """The left operand's type as fragments in registers; None where it has no such form."""
    type_, result = tensor_of(dot.a), tensor_of(dot.result)
    encoding = encoding_of(dot.result)
    if min(*type_.shape[-2:], result.shape[-1]) < SIDE or type_.rank != 2:
        return None
    if not isinstance(encoding, LinearEncoding):
        return None
    layout = left_operand_layout(type_.shape, encoding)
    return TensorType(type_.shape, type_.element, layout)


def is_view(value: Value, dot: tt.Dot) -> bool:
    """Whether an operand can be read from a buffer, which stays as it is until the dot."""
    op = value.defining_op
    if not isinstance(op, metal.TileLoad) or op.indices is not None or op.parent is not dot.parent:
        return False
    if 1 not in op.strides[-2:] or min(tensor_of(value).shape[-2:]) < SIDE:
        return False
    assert op.parent is not None
    ops = op.parent.ops
    between = ops[ops.index(op) + 1 : ops.index(dot)]
    return not any(
        isinstance(inner, metal.TileStore | metal.TileAtomicRmw) and inner.array is op.array
        for each in between
        for inner in each.walk()
    )


def tensor_of(value: Value) -> TensorType:
    """The type of a tensor value."""
    assert isinstance(value.type, TensorType)
    return value.type
