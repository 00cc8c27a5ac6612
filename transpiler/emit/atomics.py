"""Atomics as MSL: Metal's own functions on 32-bit words, and functions of ours for what it lacks.

Metal's atomics have relaxed order, on int, uint and float (float: sums in device memory, exchange).
Everything else is a loop around a compare-and-exchange of the 32-bit word, which compares bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..dialects import metal
from ..ir.core import Op, Value
from ..ir.types import F32, ArrayType, FloatType, PointerType, Type, bit_width
from .body import BodyWriter, Handler
from .statements import Line, Nest
from .template import macro
from .types import device_space, name_of, scalar_name
from .writer import EQUALITY, PRIMARY, SUM, UNARY, Expr, call

TEMPLATE = "atomics.metal.jinja"
RELAXED = "memory_order_relaxed"

_FETCH = {
    "add": "fetch_add",
    "fadd": "fetch_add",
    "and": "fetch_and",
    "or": "fetch_or",
    "xor": "fetch_xor",
    "max": "fetch_max",
    "min": "fetch_min",
    "umax": "fetch_max",
    "umin": "fetch_min",
    "exch": "exchange",
}
# What a loop around a compare-and-exchange stores, of `old` and `value`.
_COMBINED = {
    "add": "{t}(old + value)",
    "fadd": "{t}(old + value)",
    "and": "{t}(old & value)",
    "or": "{t}(old | value)",
    "xor": "{t}(old ^ value)",
    "max": "max(old, value)",
    "min": "min(old, value)",
    "umax": "max(old, value)",
    "umin": "min(old, value)",
    "exch": "value",
}
_UNSIGNED_KINDS = ("umax", "umin")
_SIGNED_KINDS = ("max", "min")
# For parts of a word: its type, bits and mask.
_PARTS = {8: ("uchar", "0xffu"), 16: ("ushort", "0xffffu")}


@dataclass(frozen=True)
class Cell:
    """The place of an atomic, as the text of a pointer to something, without its cast."""

    writer: BodyWriter
    op: metal.Atomic | metal.AtomicPoll

    @property
    def space(self) -> str:
        """Metal's address space."""
        type_ = self.op.operands[0].type
        return device_space(type_) if isinstance(type_, PointerType) else "threadgroup"

    def pointer(self, type_: str) -> Expr:
        """A pointer to a type."""
        writer = self.writer.writer
        target = self.op.operands[0]
        entry = self.op.entry if isinstance(self.op, metal.Atomic) else None
        base = writer[target]
        if entry is not None:
            index = writer[entry]
            text = base.text if index.text == "0" else f"({base.text} + {index.inside(SUM)})"
        else:
            text = base.inside(PRIMARY)
        pointer = f"{self.space} {type_}*"
        if base.type == pointer and entry is None:
            return base
        return Expr(f"({pointer}){text}", UNARY, pointer)


def _is_native(op: metal.AtomicRmw) -> bool:
    """Whether Metal has the atomic."""
    type_ = op.value.type
    if isinstance(type_, FloatType):
        sums = op.kind in ("fadd", "add") and op.space == "device"
        return type_ == F32 and (sums or op.kind == "exch")
    return bit_width(type_) == 32


def _rmw(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.AtomicRmw)
    if bit_width(op.value.type) == 64:
        _minimum_or_maximum_of_64_bits(writer, op)
        return
    value = _operand(writer, op.kind, op.value)
    if _is_native(op):
        pointer = Cell(writer, op).pointer(f"atomic_{value.type}")
        function = f"atomic_{_FETCH[op.kind]}_explicit"
        text = f"{function}({pointer.text}, {value.text}, {RELAXED})"
    else:
        function = _update(writer, op, value.type)
        pointer = Cell(writer, op).pointer(value.type)
        text = f"{function}({pointer.text}, {value.text})"
    _declare(writer, op, Expr(text, PRIMARY, value.type))


def _operand(writer: BodyWriter, kind: str, value: Value) -> Expr:
    """The operand, in the type that the kind works on."""
    expr = writer.writer[value]
    if isinstance(value.type, FloatType):
        name = name_of(value.type)
        return call(name, name, expr) if expr.type != name else expr
    if kind in _UNSIGNED_KINDS:
        wanted = name_of(value.type, unsigned=True)
    elif kind in _SIGNED_KINDS or expr.literal:
        wanted = name_of(value.type)
    else:
        wanted = expr.type
    if expr.literal and bit_width(value.type) == 32:
        negative = wanted.startswith("u") and expr.text.startswith("-")
        return call(wanted, wanted, expr) if negative else Expr(expr.text, PRIMARY, wanted)
    return expr if expr.type == wanted else call(wanted, wanted, expr)


def _update(writer: BodyWriter, op: metal.AtomicRmw, type_: str) -> str:
    """The name of a function of ours for the atomic; its text is added to the kernel's."""
    kind = op.kind.removeprefix("f").removeprefix("u")
    name = f"atomic_{kind}_{type_}"
    width = bit_width(op.value.type)
    combined = _COMBINED[op.kind].format(t=type_)
    if isinstance(op.value.type, FloatType):
        combined = _float_combined(op.kind, type_)
    space = Cell(writer, op).space
    if width == 32:
        text = macro(TEMPLATE, "word_update")(name, space, type_, combined)
    else:
        bits, mask = _PARTS[width]
        text = macro(TEMPLATE, "part_update")(name, space, type_, width, bits, mask, combined)
    writer.functions[f"{name} {space}"] = text
    return name


def _float_combined(kind: str, type_: str) -> str:
    """The sum rounds once; of a number and a NaN the extremes give the number."""
    wide = type_ != "float"
    a, b = ("float(old)", "float(value)") if type_ == "bfloat" else ("old", "value")
    if kind in ("fadd", "add"):
        return f"{type_}({a} + {b})" if wide else "old + value"
    if kind in ("max", "min"):
        extreme = f"f{kind}({a}, {b})"
        return f"{type_}({extreme})" if type_ == "bfloat" else extreme
    return "value"


def _minimum_or_maximum_of_64_bits(writer: BodyWriter, op: metal.AtomicRmw) -> None:
    """The only atomics that Metal has on 64 bits; they give no result."""
    value = writer.writer.unsigned(op.value)
    function = f"atomic_{op.kind.removeprefix('u')}_explicit"
    pointer = Cell(writer, op).pointer("atomic_ulong")
    text = value.text if value.type == "ulong" and not value.literal else f"ulong({value.text})"
    writer.add(f"{function}({pointer.text}, {text}, {RELAXED});", op.location)


def _declare(writer: BodyWriter, op: Op, expr: Expr) -> None:
    """A statement, with a name for the result where it is used."""
    if op.result.uses:
        writer.declare(op.result, expr, op)
    else:
        writer.add(f"{expr.text};", op.location)


# -- compare and swap ------------------------------------------------------------------------------


def _cas(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.AtomicCas)
    width = bit_width(op.value.type)
    carrier = {8: "uchar", 16: "ushort", 32: "uint"}[width]
    compare, value = (_as_bits(writer, v, carrier) for v in (op.compare, op.value))
    name = f"atomic_compare_and_swap_{carrier}"
    space = Cell(writer, op).space
    if width == 32:
        text = macro(TEMPLATE, "word_swap")(name, space)
        pointer = Cell(writer, op).pointer("atomic_uint")
    else:
        text = macro(TEMPLATE, "part_swap")(name, space, carrier, width, _PARTS[width][1])
        pointer = Cell(writer, op).pointer(carrier)
    writer.functions[f"{name} {space}"] = text
    swapped = Expr(f"{name}({pointer.text}, {compare}, {value})", PRIMARY, carrier)
    _declare(writer, op, _from_bits(swapped, op.value.type))


def _as_bits(writer: BodyWriter, value: Value, carrier: str) -> str:
    expr = writer.writer[value]
    if isinstance(value.type, FloatType):
        return f"as_type<{carrier}>({expr.text})"
    if expr.type == carrier or (expr.literal and carrier == "uint" and expr.text[0] != "-"):
        return expr.text
    return f"{carrier}({expr.text})"


def _from_bits(expr: Expr, type_: Type) -> Expr:
    """Bits as a value; integers stay unsigned until a use needs the sign."""
    if isinstance(type_, FloatType) and scalar_name(type_) != expr.type:
        name = scalar_name(type_)
        return call(f"as_type<{name}>", name, expr)
    return expr


# -- loads, stores, polls --------------------------------------------------------------------------


def _loaded(writer: BodyWriter, op: metal.Atomic | metal.AtomicPoll, type_: Type) -> Expr:
    """An atomic load."""
    width = bit_width(type_)
    if width == 32:
        name = name_of(type_)
        pointer = Cell(writer, op).pointer(f"atomic_{name}")
        return Expr(f"atomic_load_explicit({pointer.text}, {RELAXED})", PRIMARY, name)
    carrier = _PARTS[width][0]
    function = f"atomic_load_{carrier}"
    space = Cell(writer, op).space
    text = macro(TEMPLATE, "part_load")(function, space, carrier, width)
    writer.functions[f"{function} {space}"] = text
    pointer = Cell(writer, op).pointer(carrier)
    return _from_bits(Expr(f"{function}({pointer.text})", PRIMARY, carrier), type_)


def _load(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.AtomicLoad)
    _declare(writer, op, _loaded(writer, op, op.result.type))


def _store(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.AtomicStore)
    value = _operand(writer, "exch", op.value)
    pointer = Cell(writer, op).pointer(f"atomic_{value.type}")
    writer.add(f"atomic_store_explicit({pointer.text}, {value.text}, {RELAXED});", op.location)


def _poll(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.AtomicPoll)
    loaded = _loaded(writer, op, op.expected.type)
    expected = writer.writer[op.expected]
    if bit_width(op.expected.type) < 32 or expected.type != loaded.type:
        expected = call(loaded.type, loaded.type, expected)
    test = f"{loaded.text} == {expected.inside(EQUALITY - 1)}"
    note = writer.note(op.location)
    found = writer.variable(op.result, "found", op.location, "false")
    if op.polls is None:
        writer.statements.append(Nest(f"while (!{found})", [Line(f"{found} = {test};")], note=note))
        return
    left = writer.scope.declare("polls_left")
    limit = writer.writer.unsigned(op.polls)
    head = f"for (ulong {left} = {limit.text}; !{found} && {left} > 0; --{left})"
    writer.statements.append(Nest(head, [Line(f"{found} = {test};")], note=note))


def _fence(writer: BodyWriter, op: Op) -> None:
    # First: it defines what the other functions' parameters are qualified with.
    text = macro(TEMPLATE, "fence")()
    writer.functions = {"atomic_device_fence": text, **writer.functions}
    writer.add("atomic_device_fence();", op.location)


def _view(writer: BodyWriter, op: Op) -> None:
    """The bytes of an array as another type: a pointer, declared where the arrays are."""
    assert isinstance(op, metal.ArrayView)
    type_ = op.result.type
    assert isinstance(type_, ArrayType)
    element = name_of(type_.element)
    name = writer.scope.root.declare(op.result.name or "view")
    source = writer.writer[op.array].text
    start = f"((threadgroup uchar*){source} + {op.offset})" if op.offset else source
    text = f"threadgroup {element}* {name} = (threadgroup {element}*){start};"
    writer.shared.append(Line(text))
    writer.writer.expressions[op.result] = Expr(name, PRIMARY, element)


ATOMIC_HANDLERS: dict[type[Op], Handler] = {
    metal.AtomicRmw: _rmw,
    metal.AtomicCas: _cas,
    metal.AtomicLoad: _load,
    metal.AtomicStore: _store,
    metal.AtomicPoll: _poll,
    metal.Fence: _fence,
    metal.ArrayView: _view,
}
