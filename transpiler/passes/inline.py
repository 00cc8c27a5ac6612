"""Calls become the bodies of the functions that they call.

    tt.func public @kernel(%x: f32) {             tt.func public @kernel(%x: f32) {
      %y = tt.call @twice(%x) : ...                 %y = arith.addf %x, %x : f32
      ...                                           ...
    tt.func private @twice(%a: f32) -> f32 { ->
      %b = arith.addf %a, %a : f32
      tt.return %b : f32

Metal has functions, but not ones that all threads of a threadgroup enter with tensors spread over
them; `noinline` is a wish about code size that a shader need not follow. Functions end in one
return here: `structure` has seen to that.
"""

from __future__ import annotations

from ..dialects import tt
from ..errors import UnsupportedError
from ..ir.core import Module, Op, Value
from .rewrite import clone

# Copies of callees; beyond this a shader would not compile in reasonable time.
_MOST_OPS = 200_000


def inline_calls(module: Module) -> None:
    """See the module's text; functions that nobody calls are dropped."""
    functions = {f.sym_name: f for f in module.functions if isinstance(f, tt.Func)}
    done: set[str] = set()
    for function in functions.values():
        if function.is_public:
            _inline_into(function, functions, done, [])
    for function in functions.values():
        if not function.is_public:
            function.erase()


def _inline_into(
    function: tt.Func, functions: dict[str, tt.Func], done: set[str], callers: list[str]
) -> None:
    """Callees first, so that every body that is copied holds no call any more."""
    if function.sym_name in done:
        return
    path = [*callers, function.sym_name]
    for call in [op for op in function.walk() if isinstance(op, tt.Call)]:
        callee = functions.get(call.callee)
        if callee is None or not callee.body.blocks:
            raise UnsupportedError(f"a call of @{call.callee}, which has no body", call.span)
        if callee.sym_name in path:
            raise UnsupportedError(
                f"recursion: {' calls '.join(f'@{name}' for name in (*path, callee.sym_name))}",
                call.span,
            )
        _inline_into(callee, functions, done, path)
        _replace(call, callee)
    if sum(1 for _ in function.walk()) > _MOST_OPS:
        raise UnsupportedError(f"more than {_MOST_OPS} ops after inlining", function.span)
    done.add(function.sym_name)


def _replace(call: tt.Call, callee: tt.Func) -> None:
    block = call.parent
    assert block is not None
    body = callee.body.block
    known: dict[Value, Value] = dict(zip(body.args, call.operands, strict=True))
    copies = [clone(op, known) for op in body.ops[:-1]]
    place = block.ops.index(call)
    block.ops[place:place] = copies
    for op in copies:
        op.parent = block
    returned = [known.get(value, value) for value in body.terminator.operands]
    for result, value in zip(call.results, returned, strict=True):
        _keep_name(result, value)
    call.replace_with(returned)


def _keep_name(result: Value, value: Value) -> None:
    """The caller's variable, where the callee has none for what it returns."""
    op: Op | None = value.defining_op
    if op is not None and not value.name:
        value.name = result.name
