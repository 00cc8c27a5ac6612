"""Layouts that the tests of layouts share: one of each kind, on shapes that it can have."""

from __future__ import annotations

from trimetal.transpiler.ir.encodings import (
    AmdMfmaEncoding,
    AmdRotatingSharedEncoding,
    AmdWmmaEncoding,
    BlockedEncoding,
    DotOperandEncoding,
    Encoding,
    GenericLinearEncoding,
    LinearEncoding,
    NvidiaMmaEncoding,
    NvmmaSharedEncoding,
    PaddedSharedEncoding,
    SharedEncoding,
    SharedLinearEncoding,
    SliceEncoding,
    SwizzledSharedEncoding,
)

Shape = tuple[int, ...]
FLAT: list[Shape] = [(64, 64), (16, 16), (128, 32), (32, 128), (8, 8), (4, 4), (1, 64), (256, 16)]
DEEP: list[Shape] = [(2, 32, 32), (4, 64, 16), (1, 16, 16)]

BLOCKED = [
    BlockedEncoding((1, 4), (4, 8), (4, 1), (1, 0)),
    BlockedEncoding((4, 1), (8, 4), (1, 4), (0, 1)),
    BlockedEncoding((2, 2), (4, 8), (2, 2), (1, 0)),
    BlockedEncoding((4, 4), (8, 8), (2, 2), (1, 0)),
]
BLOCKED_3D = [
    BlockedEncoding((1, 2, 4), (4, 4, 2), (2, 1, 2), (2, 0, 1)),
    BlockedEncoding((1, 1, 4), (1, 4, 8), (4, 1, 1), (2, 1, 0)),
]
MMA = [
    NvidiaMmaEncoding(2, 0, (2, 2), (16, 8)),
    NvidiaMmaEncoding(2, 0, (4, 1), (16, 8)),
    NvidiaMmaEncoding(3, 0, (4, 1), (16, 16, 16)),
    NvidiaMmaEncoding(3, 0, (4, 2), (16, 32, 16)),
    AmdMfmaEncoding(3, (2, 2), (32, 32, 8), True),
    AmdMfmaEncoding(3, (4, 1), (16, 16, 16), False),
    AmdMfmaEncoding(4, (2, 2), (16, 16, 32), True, tiles_per_warp=(2, 2)),
    AmdMfmaEncoding(2, (2, 2), (16, 16, 4), False, element_bit_width=64),
    AmdMfmaEncoding(3, (2, 2), (64, 4, 4), True),
    AmdMfmaEncoding(3, (2, 2), (4, 64, 4), False),
    AmdWmmaEncoding(1, False, (), ((0, 1), (1, 0))),
    AmdWmmaEncoding(2, True, (), ((1, 0), (2, 0))),
    AmdWmmaEncoding(3, True, ((0, 1), (1, 0)), ((0, 2), (2, 0)), instr_shape=(16, 16, 32)),
    AmdWmmaEncoding(3, True, (), ((0, 1), (1, 0)), instr_shape=(32, 16, 128)),
]
MMA_3D = [
    NvidiaMmaEncoding(2, 0, (2, 2, 1), (1, 16, 8)),
    AmdMfmaEncoding(3, (2, 2, 1), (16, 16, 16), True),
    AmdWmmaEncoding(2, True, (), ((0, 1, 0), (0, 0, 1))),
]
LINEAR = [
    LinearEncoding(
        ((0, 1), (8, 0)),
        ((0, 2), (0, 4), (1, 0), (2, 0), (4, 0)),
        ((16, 0), (32, 0)),
    ),
    GenericLinearEncoding(
        ((0, 1), (8, 0)),
        ((0, 2), (0, 4), (1, 0), (2, 0), (4, 0)),
        ((16, 0), (32, 3)),
    ),
]
SWIZZLED = [
    SwizzledSharedEncoding(8, 2, 4, (1, 0)),
    SwizzledSharedEncoding(4, 1, 8, (0, 1)),
    SwizzledSharedEncoding(1, 1, 1, (1, 0)),
]
SWIZZLED_3D = [SwizzledSharedEncoding(8, 1, 8, (1, 2, 0))]
ROTATING = [AmdRotatingSharedEncoding(4, 2, 4, (1, 0)), AmdRotatingSharedEncoding(2, 1, 2, (0, 1))]
NVMMA = [
    NvmmaSharedEncoding(width, transposed, bits)
    for width in (0, 32, 64, 128)
    for transposed in (False, True)
    for bits in (8, 16, 32)
]
NVMMA_SHAPES: list[Shape] = [(64, 64), (128, 64), (64, 128), (16, 256), (512, 64), (64, 512)]


def operands(parent: Encoding) -> list[DotOperandEncoding]:
    """Operands that Triton makes for a dot with a result of this layout."""
    match parent:
        case NvidiaMmaEncoding(version_major=3):
            return [DotOperandEncoding(0, parent, width) for width in (1, 2, 4)]
        case NvidiaMmaEncoding():
            return [DotOperandEncoding(i, parent, w) for i in (0, 1) for w in (1, 2, 4)]
        case AmdMfmaEncoding():
            return [DotOperandEncoding(i, parent, w) for i in (0, 1) for w in (1, 4, 8)]
        case AmdWmmaEncoding(version=1):
            return [DotOperandEncoding(i, parent, 16) for i in (0, 1)]
        case AmdWmmaEncoding():
            return [DotOperandEncoding(i, parent, w) for i in (0, 1) for w in (4, 8, 16)]
        case _:
            return [DotOperandEncoding(i, parent) for i in (0, 1)]


def distributed() -> list[tuple[Encoding, Shape]]:
    """Distributed layouts with shapes."""
    found: list[tuple[Encoding, Shape]] = []
    for parents, shapes in ((BLOCKED + MMA, FLAT), (BLOCKED_3D + MMA_3D, DEEP)):
        for parent in parents:
            for shape in shapes:
                found.append((parent, shape))
                for dim in range(len(shape)):
                    rest = (*shape[:dim], *shape[dim + 1 :])
                    found.append((SliceEncoding(dim, parent), rest))
                found += [(operand, shape) for operand in operands(parent)]
    nested = SliceEncoding(0, SliceEncoding(1, BLOCKED_3D[0]))
    found += [(nested, (64,)), (nested, (4,))]
    found += [(layout, shape) for layout in LINEAR for shape in ((64, 8), (128, 32))]
    return found


def fits(layout: NvmmaSharedEncoding, shape: Shape) -> bool:
    """Whether Triton takes the layout for a shape: whole rows of the swizzle, 8 of them."""
    if layout.swizzling_byte_width == 0:
        return True
    row, other = (shape[0], shape[1]) if layout.transposed else (shape[1], shape[0])
    return row >= 8 * layout.swizzling_byte_width // layout.element_bit_width and other >= 8


def shared() -> list[tuple[SharedEncoding, Shape]]:
    """Layouts of shared memory with shapes."""
    found: list[tuple[SharedEncoding, Shape]] = []
    found += [(layout, shape) for layout in SWIZZLED + ROTATING for shape in FLAT]
    found += [(layout, shape) for layout in SWIZZLED_3D for shape in DEEP]
    found += [(layout, shape) for layout in NVMMA for shape in NVMMA_SHAPES if fits(layout, shape)]
    found += [(NvmmaSharedEncoding(64, False, 16, dims=3), (2, 64, 64))]
    found += [
        (PaddedSharedEncoding(((32, 4), (256, 8)), (1, 0), (16, 64)), (16, 64)),
        (PaddedSharedEncoding(((32, 4),), offset=((0, 1), (0, 2), (2, 0), (1, 0))), (4, 4)),
        (SharedLinearEncoding(((0, 1), (0, 2), (1, 1), (2, 0))), (4, 4)),
        (SharedLinearEncoding(((0, 1), (0, 2), (0, 4), (1, 2), (2, 4), (4, 0))), (8, 8)),
    ]
    return found
