"""The parameters of a kernel: buffers and scalars.

Each has a slot of its own, unless the kernel has more arguments than slots: then the scalars are
members of one struct.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

from ..analysis.reads import read_pointers
from ..dialects import metal
from ..errors import OutOfResourcesError, UnsupportedError
from ..ir.attributes import IntegerAttr, StringAttr
from ..ir.core import Value
from ..ir.types import FloatType, IntegerType, PointerType
from ..passes.coverage import STORES
from ..passes.debugging import DEBUG
from ..shader import Argument
from .expressions import Writer
from .names import Scope, source_name
from .statements import Struct
from .types import device_space, name_of, pointee_name
from .writer import PRIMARY, Expr, msl_type


@dataclass(frozen=True)
class Signature:
    """The arguments of a kernel, the text of its parameters, and the struct of scalars if any."""

    arguments: tuple[Argument, ...]
    parameters: tuple[str, ...]
    struct: Struct | None = None


def signature(kernel: metal.Kernel, writer: Writer, scope: Scope, slots: int) -> Signature:
    """Names the arguments, in `slots` slots at most, and tells the writer how to write them."""
    values = kernel.body.args
    if len(values) > slots:
        return _packed(kernel, writer, scope, slots)
    read = read_pointers(kernel)
    arguments = [_argument(kernel, i, writer, scope, read) for i in range(len(values))]
    texts = [_parameter(value, argument) for value, argument in zip(values, arguments, strict=True)]
    return Signature(tuple(arguments), tuple(texts))


def _packed(kernel: metal.Kernel, writer: Writer, scope: Scope, slots: int) -> Signature:
    """The scalars as members of one struct, which has the slot behind the buffers'."""
    struct, parameter = scope.declare("Scalars"), scope.declare("scalars")
    arguments: list[Argument] = []
    buffers: list[str] = []
    members: list[str] = []
    read = read_pointers(kernel)
    slot = sum(isinstance(value.type, PointerType) for value in kernel.body.args)
    if slot >= slots:
        raise OutOfResourcesError("buffer arguments", slot + 1, slots, kernel.span)
    end = 0
    for index, value in enumerate(kernel.body.args):
        argument = _argument(kernel, index, writer, scope, read)
        if argument.kind == "scalar":
            size = _bytes(value)
            offset = (end + size - 1) // size * size
            end = offset + size
            argument = replace(argument, index=slot, offset=offset)
            text = f"{parameter}.{argument.name}"
            writer.expressions[value] = Expr(text, PRIMARY, msl_type(value))
            members.append(f"{msl_type(value)} {argument.name};")
        else:
            argument = replace(argument, index=len(buffers))
            buffers.append(_parameter(value, argument))
        arguments.append(argument)
    text = f"constant {struct}& {parameter} [[buffer({slot})]]"
    return Signature(tuple(arguments), (*buffers, text), Struct(struct, tuple(members)))


def _bytes(value: Value) -> int:
    """Size and alignment of a scalar in MSL; a bool is a byte."""
    assert isinstance(value.type, IntegerType | FloatType)
    return max(value.type.width // 8, 1)


def _argument(
    kernel: metal.Kernel, index: int, writer: Writer, scope: Scope, read: set[Value]
) -> Argument:
    value = kernel.body.args[index]
    name = scope.declare(source_name(value) or f"arg{index}")
    hint = kernel.attributes.get(f"arg{index}.tt.divisibility")
    divisibility = hint.value if isinstance(hint, IntegerAttr) else 1
    found = kernel.attributes.get(f"arg{index}.tt.descriptor")
    descriptor = found.value if isinstance(found, StringAttr) else ""
    type_ = value.type
    if f"arg{index}.{DEBUG}" in kernel.attributes:
        writer.expressions[value] = Expr(name, PRIMARY, name_of(type_))
        return Argument(name, "debug", "i32", index, written=True)
    if isinstance(type_, PointerType):
        const = writer.is_const(value)
        writer.expressions[value] = Expr(name, PRIMARY, name_of(type_, const=const))
        # Pointers in memory are addresses.
        element = "i64" if isinstance(type_.pointee, PointerType) else str(type_.pointee)
        argument = Argument(name, "buffer", element, index, divisibility, not const, descriptor)
        return argument if value in read else _unread(kernel, argument)
    if not isinstance(type_, IntegerType | FloatType):
        raise UnsupportedError(f"a kernel argument of type {type_}", kernel.span)
    writer.expressions[value] = Expr(name, PRIMARY, msl_type(value))
    return Argument(name, "scalar", str(type_), index, divisibility, descriptor=descriptor)


def _unread(kernel: metal.Kernel, argument: Argument) -> Argument:
    """An argument that is not read, with what a launcher may know of what is written."""
    if not argument.written:
        return argument
    stores = kernel.attributes.get(f"arg{argument.index}.{STORES}")
    text = stores.value if isinstance(stores, StringAttr) else ""
    return replace(argument, read=False, stores=text)


def _parameter(value: Value, argument: Argument) -> str:
    slot = f"[[buffer({argument.index})]]"
    if argument.kind == "scalar":
        return f"constant {msl_type(value)}& {argument.name} {slot}"
    assert isinstance(value.type, PointerType)
    space = device_space(value.type, not argument.written)
    return f"{space} {pointee_name(value.type)}* {argument.name} {slot}"


def assumptions(arguments: tuple[Argument, ...]) -> list[str]:
    """What the launcher checks of the arguments, in words."""
    texts: list[str] = []
    for divisor in sorted({a.divisibility for a in arguments if a.divisibility > 1}):
        found = [a for a in arguments if a.divisibility == divisor]
        buffers = [f"&{a.name}[0]" for a in found if a.kind == "buffer"]
        names = [*buffers, *(a.name for a in found if a.kind == "scalar")]
        texts += textwrap.wrap(f"Multiples of {divisor}: {', '.join(names)}.", 97)
    return texts
