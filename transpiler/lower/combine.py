"""Combine blocks of reductions and scans: what they are, and their code where it is needed."""

from __future__ import annotations

from collections.abc import Sequence

from ..dialects import arith, metal, tt
from ..ir.core import Block, Op, Value
from ..ir.types import F16, F32, I32, FloatType, IntegerType, Type, VectorType
from ..passes.rewrite import clone
from .context import Context, operation

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
_FLOAT_BITS: dict[str, dict[str, int]] = {
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


def combine_values(
    context: Context, op: tt.Reduce | tt.Scan, left: Sequence[Value], right: Sequence[Value]
) -> list[Value]:
    """The combine block on scalars, or component by component on vectors."""
    return run_block(context, op.combine, [*left, *right])


def run_block(context: Context, block: Block, arguments: Sequence[Value]) -> list[Value]:
    """A copy of a block, without its terminator; gives what the terminator would return.

    On vectors every op works component by component; a block with branches takes scalars.
    """
    known = _seen_from(block, context)
    known.update(zip(block.args, arguments, strict=True))
    types = [value.type for value in arguments]
    lanes = types[0].size if types and isinstance(types[0], VectorType) else 1
    for inner in block.ops[:-1]:
        if lanes == 1:
            context.builder.insert(clone(inner, known))
            continue
        made = _on_vectors(context, inner, [known[v] for v in inner.operands], lanes)
        known.update(zip(inner.results, made, strict=True))
    return [known[value] for value in block.terminator.operands]


def _seen_from(block: Block, context: Context) -> dict[Value, Value]:
    """The uniform values that a block uses from outside."""
    used = (v for top in block.ops for op in top.walk() for v in op.operands)
    return {value: context.scalars[value] for value in used if value in context.scalars}


def _on_vectors(context: Context, op: Op, operands: list[Value], lanes: int) -> list[Value]:
    if isinstance(op, arith.Constant):
        made = context.builder.insert(operation(op, [], [op.result.type]))
        return [context.splat(made.result, lanes)]
    types: list[Type] = [metal.with_lanes(result.type, lanes) for result in op.results]
    operands = [
        value if isinstance(value.type, VectorType) else context.splat(value, lanes)
        for value in operands
    ]
    return context.builder.insert(operation(op, operands, types)).results
