"""Dots and layout changes that only other GPUs have become Triton's own.

%d = ttng.warp_group_dot %m, %n, %c           %a = ttg.local_load %m
%w = ttng.warp_group_dot_wait %d       ->     %b = ttg.local_load %n
                                              %d = tt.dot %a, %b, %c      (%w is %d)

Such a dot may be under way while others start; here it is done where it stands, so its buffers are
read before anybody overwrites them.
"""

from __future__ import annotations

from ..dialects import amdg, arith, tt, ttg, ttng
from ..ir.attributes import OpaqueAttr
from ..ir.core import Module, Value
from ..ir.encodings import BlockedEncoding
from ..ir.types import MemDescType, TensorType
from .insertion import Before

# Hints to the scheduler, without meaning.
_HINTS = ("rocdl.s.setprio", "rocdl.sched.barrier", "rocdl.sched.group.barrier")


def make_dots_plain(module: Module) -> None:
    """See the module's text."""
    for op in list(module.walk()):
        if isinstance(op, ttng.WarpGroupDot):
            _dot(op, module)
        elif isinstance(op, ttng.WarpGroupDotWait):
            op.replace_with(list(op.inputs))
        elif isinstance(op, ttng.FenceAsyncShared) or op.op_name in _HINTS:
            op.erase()  # there is no asynchronous unit, and nothing to schedule by hand
        elif isinstance(op, amdg.InThreadTranspose):
            at = Before(op)
            made = ttg.ConvertLayout((op.source,), (op.result.type,))
            op.replace_with([at.value(made, op.result.name)])


def _dot(op: ttng.WarpGroupDot, module: Module) -> None:
    at = Before(op)
    a, b = (_in_registers(at, value, module) for value in (op.a, op.b))
    c = op.c
    if op.use_c is not None:
        zero = at.bits(0, c.type)
        c = at.value(arith.Select((op.use_c, c, zero), (c.type,)))
    attributes = {"inputPrecision": OpaqueAttr(op.input_precision)}
    made = tt.Dot((a, b, c), (op.result.type,), attributes)
    op.replace_with([at.value(made, op.result.name)])


def _in_registers(at: Before, value: Value, module: Module) -> Value:
    """An operand as a tensor; its layout is chosen anew later."""
    type_ = value.type
    if not isinstance(type_, MemDescType):
        return value
    threads = module.threads_per_warp
    layout = BlockedEncoding((1, 4), (threads // 8, 8), (module.num_warps, 1), (1, 0))
    tensor = TensorType(type_.shape, type_.element, layout)
    return at.value(ttg.LocalLoad((value,), (tensor,)), value.name)
