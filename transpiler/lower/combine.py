"""What the combine block of a reduction is: one known op, with a neutral element, or anything."""

from __future__ import annotations

from ..dialects import arith, tt
from ..ir.core import Op
from ..ir.types import F16, F32, I32, FloatType, IntegerType, Type

# The neutral element of a combine op, as a function of the float type; maxnumf ignores NaN, so its
# neutral element is NaN (a maximum over nothing but NaNs stays NaN); -0.0 + x is x for every x.
_FLOAT_IDENTITIES: dict[type[Op], float] = {
    arith.Addf: -0.0,
    arith.Mulf: 1.0,
    arith.Maxnumf: float("nan"),
    arith.Minnumf: float("nan"),
    arith.Maximumf: float("-inf"),
    arith.Minimumf: float("inf"),
}
_NUMBERS = ("-0.0", "1.0", "nan", "-inf", "inf")
_FLOAT_BITS = {
    "f32": dict(
        zip(_NUMBERS, (1 << 31, 127 << 23, 0x7FC00000, 0xFF800000, 0x7F800000), strict=True)
    ),
    "f16": dict(zip(_NUMBERS, (0x8000, 0x3C00, 0x7E00, 0xFC00, 0x7C00), strict=True)),
    "bf16": dict(zip(_NUMBERS, (0x8000, 0x3F80, 0x7FC0, 0xFF80, 0x7F80), strict=True)),
}


def single_op(op: tt.Reduce) -> Op | None:
    """The combine op of a reduction whose block is one op on its two arguments."""
    block = op.combine
    if len(op.operands) != 1 or len(block.ops) != 2:
        return None
    (first, last) = block.ops
    used = list(first.operands)
    ordered = used in (block.args, block.args[::-1])
    return first if ordered and list(last.operands) == first.results else None


def identity_bits(op: tt.Reduce) -> int | None:
    """The neutral element of a reduction (an integer, or a float's bits); None: none is known."""
    combine = single_op(op)
    if combine is None:
        return None
    type_ = combine.result.type
    if isinstance(type_, FloatType):
        number = _FLOAT_IDENTITIES.get(type(combine))
        return None if number is None else _FLOAT_BITS.get(type_.name, {}).get(str(number))
    if not isinstance(type_, IntegerType):
        return None
    top = type_.width - 1
    identities: dict[type[Op], int] = {
        arith.Addi: 0,
        arith.Ori: 0,
        arith.Xori: 0,
        arith.Muli: 1,
        arith.Andi: -1,
        arith.Maxui: 0,
        arith.Minui: -1,
        arith.Maxsi: -(1 << top),
        arith.Minsi: (1 << top) - 1,
    }
    return identities.get(type(combine))


def is_simd_sum(op: tt.Reduce, type_: Type) -> bool:
    """Whether simd_sum does the same: a sum's order is free; it takes float, half and int."""
    return isinstance(single_op(op), arith.Addf | arith.Addi) and type_ in (F32, F16, I32)
