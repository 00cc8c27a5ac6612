"""Prints and assertions become records in a hidden buffer, an argument behind the kernel's own.

    tt.print " x: " {...} : %x, %y              metal.report %debug_buffer, %x {site = 1}
                                         ->     metal.report %debug_buffer, %y {site = 2}
    tt.assert %c, "in range"                    metal.report %debug_buffer, %c {fails, site = 3}

What the numbers of the sites mean is an attribute of that argument (see transpiler/debug.py).
Assertions that hold at compile time are dropped. The program goes on behind one that fails: Metal
cannot stop it, and the launcher raises the error when it has ended.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from ..debug import DebugSite, sites_to_text
from ..dialects import arith, metal, tt
from ..ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseAttr,
    DictAttr,
    IntegerAttr,
    StringAttr,
    TypeAttr,
    UnitAttr,
)
from ..ir.core import Module, Op, Value
from ..ir.location import source_line
from ..ir.types import I32, U32, FunctionType, PointerType, element_of, shape_of
from .insertion import Before

DEBUG = "tt.debug"  # the attribute of the hidden argument


def record_debugging(module: Module) -> None:
    """See the module's text."""
    for function in module.functions:
        if isinstance(function, tt.Func) and function.body.blocks:
            _drop_true_assertions(function)
            ops: list[Op] = [o for o in function.walk() if isinstance(o, tt.Print | tt.Assert)]
            if ops:
                _record(function, ops)


def _drop_true_assertions(function: tt.Func) -> None:
    for op in list(function.walk()):
        if isinstance(op, tt.Assert) and _is_true(op.condition):
            op.erase()


def _is_true(condition: Value) -> bool:
    op = condition.defining_op
    if isinstance(op, tt.Splat):
        return _is_true(op.source)
    known = op.attributes["value"] if isinstance(op, arith.Constant) else None
    if isinstance(known, IntegerAttr):
        return known.value != 0
    return isinstance(known, DenseAttr) and all(known.entries)


def _record(function: tt.Func, ops: list[Op]) -> None:
    sites: list[DebugSite] = []
    buffer = function.entry.add_argument(PointerType(U32), "debug_buffer")
    for op in ops:
        if isinstance(op, tt.Print):
            _print(op, buffer, sites)
        else:
            assert isinstance(op, tt.Assert)
            site = DebugSite("assert", op.message, _where(op), "i1", shape_of(op.condition.type))
            _report(op, buffer, [op.condition], sites, site)
        op.erase()
    _add_to_signature(function, sites)


def _print(op: tt.Print, buffer: Value, sites: list[DebugSite]) -> None:
    if not op.args:
        _report(op, buffer, [], sites, DebugSite("print", op.prefix, _where(op)))
    signs = op.is_signed
    for number, value in enumerate(op.args):
        site = DebugSite(
            "print",
            op.prefix,
            _where(op),
            str(element_of(value.type)),
            shape_of(value.type),
            number if len(op.args) > 1 else -1,
            op.hex,
            bool(signs[number]) if number < len(signs) else True,
        )
        _report(op, buffer, [value], sites, site)


def _report(
    op: Op, buffer: Value, values: list[Value], sites: list[DebugSite], site: DebugSite
) -> None:
    sites.append(site)
    attributes: dict[str, Attribute] = {"site": IntegerAttr(len(sites), I32)}
    if site.kind == "assert":
        attributes["fails"] = UnitAttr()
    Before(op).insert(metal.Report((buffer, *values), (), attributes))


def _where(op: Op) -> str:
    at = source_line(op.location)
    if at is None or not at.line:
        return ""
    return f"{PurePosixPath(at.file).name}:{at.line}"


def _add_to_signature(function: tt.Func, sites: list[DebugSite]) -> None:
    type_ = function.type
    attributes: list[dict[str, Attribute]] = [dict(known) for known in function.arg_attrs]
    attributes.append({DEBUG: StringAttr(sites_to_text(sites))})
    inputs = (*type_.inputs, PointerType(U32))
    function.attributes["function_type"] = TypeAttr(FunctionType(inputs, type_.results))
    function.attributes["arg_attrs"] = ArrayAttr(
        tuple(DictAttr(tuple(each.items())) for each in attributes)
    )
