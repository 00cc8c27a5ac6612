"""Products and the sums that they go into become `fma`, which rounds once.

    %p = arith.mulf %a, %b : f32
    %s = arith.addf %p, %c : f32        ->    %s = math.fma %a, %b, %c : f32

Every compiler of the text is told to fuse nothing (`#pragma METAL fp contract(off)` and its like),
so that all devices compute what the text says; here is decided where it says `fma`. Triton's own
build fuses by default (its option `enable_fp_fusion`): LLVM's AllowFPOpFusion is Fast, and its
DAGCombiner (visitFADDForFMACombine, visitFSUBForFMACombine) takes a product into a sum of the same
basic block, of two products the one with fewer uses, else the first. As NVPTX asks for
(enableAggressiveFMAFusion), a product with several uses is taken, too; unlike there, only if all of
them are such sums, since otherwise the product is computed anyway.

f32 and f16: Metal has `fma` of both. bf16 has none, and its products round by themselves in Triton,
too. What Triton computes by functions (`tt.precise_divf`, `__nv_fmul_rn`) is no product here.
"""

from __future__ import annotations

from ..dialects import arith, math
from ..ir.core import Block, Module, Op, Value
from ..ir.types import F16, F32, element_of
from .rewrite import located

_SUMS = (arith.Addf, arith.Subf)


def contract(module: Module) -> None:
    """See the module's text."""
    for op in module.body.ops:
        for region in op.regions:
            for block in region.blocks:
                _contract_block(block)


def _contract_block(block: Block) -> None:
    ops: list[Op] = []
    for op in block.ops:
        for region in op.regions:
            for inner in region.blocks:
                _contract_block(inner)
        product = _product_of(op, block)
        if product is not None:
            ops += _fused(op, product, block)
        else:
            ops.append(op)
    block.ops = ops
    block.erase([op for op in ops if isinstance(op, arith.Mulf) and not op.result.uses])


def _product_of(op: Op, block: Block) -> Value | None:
    """The operand of a sum or a difference that becomes part of it."""
    if not isinstance(op, _SUMS) or element_of(op.result.type) not in (F32, F16):
        return None
    found = [value for value in op.operands if _goes_into_sums(value, block)]
    return min(found, key=lambda value: len(value.uses), default=None)


def _goes_into_sums(value: Value, block: Block) -> bool:
    """Whether a value is a product of this block that only sums of this block use."""
    op = value.defining_op
    return (
        isinstance(op, arith.Mulf)
        and op.parent is block
        and all(user.parent is block and _is_sum_with(user, value) for user in value.users)
    )


def _is_sum_with(op: Op, value: Value) -> bool:
    """Whether a value is added to something: by an fma too, which was a sum before."""
    return isinstance(op, _SUMS) or (isinstance(op, math.Fma) and value not in (op.a, op.b))


def _fused(op: Op, product: Value, block: Block) -> list[Op]:
    """What stands in the place of a sum or a difference: an fma, before it a sign changed."""
    assert product.defining_op is not None
    a, b = product.defining_op.operands
    is_first = product is op.operands[0]
    c = op.operands[1 if is_first else 0]
    made: list[Op] = []
    if isinstance(op, arith.Subf):
        negated = c if is_first else a
        made.append(located(arith.Negf([negated], [negated.type]), op))
        a, c = (a, made[0].result) if is_first else (made[0].result, c)
    fma = located(math.Fma([a, b, c], [op.result.type]), op)
    fma.result.name, fma.result.location = op.result.name, op.result.location
    op.result.replace_all_uses_with(fma.result)
    op.drop_operands()
    op.parent = None
    for each in (*made, fma):
        each.parent = block
    return [*made, fma]
