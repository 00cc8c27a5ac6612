"""Statements: every op that is not written in place becomes one, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..dialects import metal, metal_matrix
from ..errors import UnsupportedError
from ..ir.core import Block, Op, Value
from ..ir.location import Location, line_name
from ..ir.types import (
    ArrayType,
    FloatType,
    IntegerType,
    PointerType,
    Type,
    VectorType,
    bit_width,
    element_of,
)
from .expressions import COMPONENTS, Writer
from .inlining import Inlining
from .names import Scope, fallback_name, source_name
from .signs import needs_sign
from .statements import Gap, Line, Nest, Statement
from .types import device_space, is_unsigned, name_of, pointee_name, with_sign
from .writer import CONDITIONAL, OR, PRIMARY, UNARY, Expr, call, msl_type

# Defined by the template: arrays indexed in a loop stay in registers if it is unrolled.
UNROLL = "UNROLL"
_LONGEST_INLINE = 80  # characters of an expression that is still written in place

# The one array that others are parts of, where they share threadgroup memory.
SHARED_BYTES = "threadgroup_memory"

Handler = Callable[["BodyWriter", Op], None]


class BodyWriter:
    """Writes blocks; `handlers` has a function for each kind of op that is a statement."""

    def __init__(self, writer: Writer, inlining: Inlining, scope: Scope, registers: int) -> None:
        self.writer = writer
        self.registers = registers  # of a thread, 32 bits each
        self.inlining = inlining
        self.scope = scope
        self.handlers: dict[type[Op], Handler] = dict(HANDLERS)
        self.shared: list[Statement] = []  # threadgroup arrays, declared at the top
        self.statements: list[Statement] = []
        self.functions: dict[str, str] = {}  # texts of functions that the kernel calls, by key
        self.undeclared: set[Value] = set()  # variables that their first value will declare
        self._last_note = ""

    def block(self, ops: Sequence[Op]) -> None:
        """Write ops, in order."""
        for op in ops:
            handler = self.handlers.get(type(op))
            if handler is not None:
                handler(self, op)
            elif len(op.results) == 1:
                self._pure(op)
            else:
                raise UnsupportedError(f"{op.op_name} is not supported yet", op.span)

    def nested(self, write: Callable[[], None]) -> list[Statement]:
        """The statements that `write` makes, in a scope of their own."""
        outer, self.statements = self.statements, []
        self.scope = Scope(self.scope)
        write()
        inner, self.statements = self.statements, outer
        assert self.scope.outer is not None
        self.scope = self.scope.outer
        return inner

    def add(self, text: str, location: Location) -> None:
        """A statement, with the Python line behind it where that changes."""
        self.statements.append(Line(text, self.note(location)))

    def note(self, location: Location) -> str:
        """`file.py:line`, once for each run of statements from one line."""
        note = re.sub(r"[^\x20-\x7e]|\\", "?", line_name(location))
        if not note or note == self._last_note:
            return ""
        self._last_note = note
        return note

    def declare(self, value: Value, expr: Expr, op: Op, *, const: bool = True) -> None:
        """`const T name = expr;`, or `entry = expr;` for a value that an array keeps anyway."""
        write = self.inlining.placed.get(op)
        if write is not None:
            self.set_entry(write, self.writer.stored(value, expr))
            text = _entry(self.writer, write.array, write.index, None)
            assert isinstance(write.array.type, ArrayType)
            self.writer.expressions[value] = Expr(text, PRIMARY, name_of(write.array.type.element))
            return
        type_ = _declared_type(value, expr)
        name = self.scope.declare(source_name(value) or fallback_name(op))
        qualifier = "const " if const and not isinstance(value.type, PointerType) else ""
        self.add(f"{qualifier}{type_} {name} = {expr.text};", op.location)
        self.writer.expressions[value] = Expr(name, PRIMARY, type_)

    def set_entry(self, write: metal.Write, value: Expr) -> None:
        """`entry = value;`; the first value of a variable declares it."""
        place = _entry(self.writer, write.array, write.index, write.lane)
        location = write.location
        if write.array in self.undeclared:
            self.undeclared.discard(write.array)
            self.add(f"{self.writer[write.array].type} {place} = {value.text};", location)
        elif value.text == place:
            return
        else:
            self.add(_assignment(place, value), location)

    def variable(self, value: Value, fallback: str, location: Location, text: str = "") -> str:
        """`T name;` or `T name = text;`, and its name."""
        name = self.scope.declare(source_name(value) or fallback)
        type_ = name_of(value.type, const=self.is_const_pointer(value))
        self.add(f"{type_} {name} = {text};" if text else f"{type_} {name};", location)
        self.writer.expressions[value] = Expr(name, PRIMARY, type_)
        return name

    def assign(self, names: Sequence[str], values: Sequence[Value], location: Location) -> None:
        """Set variables, all at once: through copies where one is needed after it was set."""
        exprs = [self.writer.stored(value) for value in values]
        moves = [
            (name, expr, value)
            for name, expr, value in zip(names, exprs, values, strict=True)
            if name != expr.text
        ]
        changed: set[str] = set()
        clash = False
        for name, expr, _ in moves:
            clash = clash or bool(changed & set(re.findall(r"[A-Za-z_]\w*", expr.text)))
            changed.add(name)
        if clash:
            copies = [self._copy(name, expr.text, value, location) for name, expr, value in moves]
            for (name, _, _), copy in zip(moves, copies, strict=True):
                self.add(f"{name} = {copy};", location)
            return
        for name, expr, _ in moves:
            self.add(_assignment(name, expr), location)

    def _copy(self, name: str, text: str, value: Value, location: Location) -> str:
        copy = self.scope.declare(f"next_{name}")
        type_ = name_of(value.type, const=self.is_const_pointer(value))
        qualifier = "" if isinstance(value.type, PointerType) else "const "
        self.add(f"{qualifier}{type_} {copy} = {text};", location)
        return copy

    def is_const_pointer(self, value: Value) -> bool:
        """Whether nothing is written through a value, which is a pointer."""
        return isinstance(value.type, PointerType) and self.writer.is_const(value)

    def _pure(self, op: Op) -> None:
        expr = self.writer.write(op)
        short = expr.scalar is not None or expr.literal or len(expr.text) <= _LONGEST_INLINE
        short = short or isinstance(op.result.users[0], metal.Write | metal.Store)
        if op in self.inlining and short:
            self.writer.expressions[op.result] = expr
        else:
            self.declare(op.result, expr, op)


def without_parentheses(text: str) -> str:
    """The text without the one pair of parentheses around all of it, if it has one."""
    depth = 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and index < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text


def _declared_type(value: Value, expr: Expr) -> str:
    """Signed, unless the value is unsigned as it is computed and no use needs a sign."""
    if isinstance(value.type, PointerType | VectorType) or not is_unsigned(expr.type):
        return expr.type
    return with_sign(expr.type, not any(needs_sign(user) for user in value.users))


# -- one function for each kind of statement ---------------------------------------------------


def local_array(writer: BodyWriter, op: Op) -> None:
    """A thread's array, or variable."""
    type_ = op.result.type
    assert isinstance(type_, ArrayType)
    name = writer.scope.declare(
        source_name(op.result) or ("values" if type_.count > 1 else "value")
    )
    reads = [user for user in op.result.users if isinstance(user, metal.Read)]
    const = isinstance(type_.element, PointerType) and all(
        writer.writer.is_const(read.result) for read in reads
    )
    element = name_of(type_.element, const=const)
    writer.writer.expressions[op.result] = Expr(name, PRIMARY, element)
    if type_.count > 1:
        writer.add(f"{element} {name}[{type_.count}];", op.location)
    elif _is_set_first(op):
        writer.undeclared.add(op.result)  # declared with its first value
    else:
        writer.add(f"{element} {name};", op.location)


def _is_set_first(op: Op) -> bool:
    """Whether the first access to a variable sets it, in the block that declares it."""
    assert op.parent is not None
    users = set(op.result.users)
    for other in op.parent.ops[op.parent.ops.index(op) + 1 :]:
        touched = [inner for inner in other.walk() if inner in users]
        if touched:
            return touched == [other] and isinstance(other, metal.Write) and other.lane is None
    return False


def _threadgroup(writer: BodyWriter, op: Op) -> None:
    type_ = op.result.type
    assert isinstance(type_, ArrayType)
    name = writer.scope.root.declare(source_name(op.result) or "shared")
    element = name_of(type_.element)
    if "offset" in op.attributes:
        assert isinstance(op, metal.Threadgroup)
        start = f"({SHARED_BYTES} + {op.offset})" if op.offset else SHARED_BYTES
        text = f"threadgroup {element}* {name} = (threadgroup {element}*){start};"
    else:
        text = f"threadgroup {element} {name}[{type_.count}];"
    writer.shared.append(Line(text))
    writer.writer.expressions[op.result] = Expr(name, PRIMARY, element)


def _entry(writer: Writer, array: Value, index: Value, lane: Value | None) -> str:
    """An entry of an array, or a component of it, as an lvalue."""
    type_ = array.type
    assert isinstance(type_, ArrayType)
    text = writer[array].text
    if type_.count > 1 or type_.space == "threadgroup":
        text += f"[{writer[index].text}]"
    if type_.space == metal_matrix.MATRIX_SPACE:
        text = f"trimetal_elements({text})"
    if lane is None:
        return text
    component = writer[lane]
    return text + (
        f".{COMPONENTS[int(component.text)]}" if component.literal else f"[{component.text}]"
    )


def _read(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.Read)
    text = _entry(writer.writer, op.array, op.index, op.lane)
    type_ = name_of(op.result.type, const=writer.is_const_pointer(op.result))
    expr = Expr(text, PRIMARY, type_)
    if op in writer.inlining:
        writer.writer.expressions[op.result] = expr
    else:
        writer.declare(op.result, expr, op)


def write_entry(writer: BodyWriter, op: Op) -> None:
    """Set an entry of an array."""
    assert isinstance(op, metal.Write)
    source = op.value.defining_op
    if source is None or writer.inlining.placed.get(source) is not op:
        writer.set_entry(op, writer.writer.stored(op.value))


def _assignment(place: str, value: Expr) -> str:
    """`place = value;`, or `place += right;` where the value is `place + right`."""
    if value.parts is not None and value.parts[0] == place and value.parts[1] in "+-*/%":
        _, symbol, right = value.parts
        return f"{place} {symbol}= {without_parentheses(right)};"
    return f"{place} = {value.text};"


def _place(writer: Writer, pointer: Value, type_: Type) -> Expr:
    """What a pointer points at, as a scalar or vector of `type_`."""
    expr = writer[pointer]
    assert isinstance(pointer.type, PointerType)
    name = name_of(type_)
    if name != pointee_name(pointer.type):
        space = device_space(pointer.type, writer.is_const(pointer))
        return Expr(f"*({space} {name}*){expr.inside(PRIMARY)}", UNARY, name)
    if expr.place is not None and expr.place[0].precedence == PRIMARY:
        base, index = expr.place
        return Expr(f"{base.text}[{index.text}]", PRIMARY, name)
    return Expr(f"*{expr.inside(UNARY)}", UNARY, name)


def _zero_text(name: str) -> str:
    """What a type is made of to be zero: no integer becomes a vector of bfloat."""
    return "bfloat(0.0f)" if name.startswith("bfloat") and name != "bfloat" else "0"


def _volatile(writer: Writer, op: metal.Load) -> Expr:
    """A place that is read anew each time; bfloat, a class to some compilers, by its bits."""
    name = name_of(op.result.type)
    carrier = "ushort" if name == "bfloat" else name
    assert isinstance(op.ptr.type, PointerType)
    space = device_space(op.ptr.type, writer.is_const(op.ptr))
    text = f"*(volatile {space} {carrier}*){writer[op.ptr].inside(PRIMARY)}"
    if carrier != name:
        return Expr(f"as_type<{name}>({text})", PRIMARY, name)
    return Expr(text, UNARY, name)


def _load(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.Load)
    expr = _place(writer.writer, op.ptr, op.result.type)
    if op.volatile:
        expr = _volatile(writer.writer, op)
    if op.mask is not None:
        name = msl_type(op.result)
        zero = call(name, name, Expr(_zero_text(name), PRIMARY, name))
        other = zero if op.other is None else writer.writer.stored(op.other)
        if isinstance(op.result.type, VectorType):
            writer.declare(op.result, other, op, const=False)
            name = writer.writer[op.result].text
            test = writer.writer[op.mask].text
            writer.statements.append(Nest(f"if ({test})", [Line(f"{name} = {expr.text};")]))
            return
        mask = writer.writer[op.mask].inside(OR)
        expr = Expr(f"{mask} ? {expr.inside(OR)} : {other.inside(OR)}", CONDITIONAL, name)
    writer.declare(op.result, expr, op)


def _store(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.Store)
    place = _place(writer.writer, op.ptr, op.value.type)
    text = f"{place.text} = {writer.writer.stored(op.value).text};"
    if op.mask is None:
        writer.add(text, op.location)
        return
    note = writer.note(op.location)
    head = f"if ({writer.writer[op.mask].text})"
    writer.statements.append(Nest(head, [Line(text)], note=note))


def _if_thread(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.If)
    head = f"if ({writer.writer[op.condition].text})"
    note = writer.note(op.location)
    body = writer.nested(lambda: writer.block(op.body.ops))
    writer.statements.append(Nest(head, body, note=note))


def _register_loop(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.RegisterLoop)
    variable = op.body.args[0]
    name = ""

    def write() -> None:
        nonlocal name
        name = writer.scope.declare(variable.name or "r")
        writer.writer.expressions[variable] = Expr(name, PRIMARY, "int")
        writer.block(op.body.ops)

    body = writer.nested(write)
    head = f"for (int {name} = {op.start}; {name} < {op.count}; ++{name})"
    if indexes_registers(op.body, variable, writer.registers):
        head = f"{UNROLL} {head}"
    writer.statements.append(Nest(head, body))


def indexes_registers(block: Block, variable: Value, registers: int) -> bool:
    """Whether a loop's variable decides an index of a thread's array that can lie in registers.

    Unrolled, it stays there. One of twice the registers or more lies in memory anyway.
    """
    varying = {variable}
    for top in block.ops:
        for op in top.walk():
            if isinstance(op, metal.Read | metal.Write) and _is_indexed(op.array, registers):
                if op.index in varying or op.lane in varying:
                    return True
            elif any(value in varying for value in metal_matrix.entries_used(op)):
                return True
            elif any(value in varying for value in op.operands):
                varying.update(op.results)
    return False


def _is_indexed(array: Value, registers: int) -> bool:
    type_ = array.type
    assert isinstance(type_, ArrayType)
    if type_.space == "threadgroup" or type_.size_in_bytes >= 2 * 4 * registers:
        return False
    return type_.count > 1 or isinstance(type_.element, VectorType)


def _section(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.Section)
    writer.statements.append(Gap())
    if op.text:
        writer.statements.append(Line(f"// {op.text}"))


def _barrier(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.Barrier)
    flags = " | ".join(f"mem_flags::mem_{flag}" for flag in op.flags.split("|"))
    writer.statements.append(Line(f"threadgroup_barrier({flags});"))


def shuffled(function: str, value: Expr, type_: Type, argument: str) -> Expr:
    """A SIMD operation on the bits of a value, as a type that SIMD operations take.

    They take half, float and integers of up to 32 bits, and vectors of them; not bool, bfloat or
    64-bit integers (Metal Shading Language specification, SIMD-group functions).
    """
    element, name = element_of(type_), name_of(type_)
    size = str(type_.size) if isinstance(type_, VectorType) else ""
    carrier = name
    if element == IntegerType(1):
        inner = f"{function}(ushort{size}({value.text}), {argument})"
        return Expr(f"{name}({inner})", PRIMARY, name)
    if bit_width(type_) == 64 and not size:
        carrier = "uint2"
    elif element == FloatType("bf16"):
        carrier = f"ushort{size}"
    if carrier == name:
        return Expr(f"{function}({value.text}, {argument})", PRIMARY, name)
    bits = f"as_type<{carrier}>({value.text})"
    return Expr(f"as_type<{name}>({function}({bits}, {argument}))", PRIMARY, name)


def _simd_reduce(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.SimdReduce)
    source = writer.writer[op.source]
    if isinstance(element_of(op.source.type), IntegerType):
        source = writer.writer.signed(op.source)
    writer.declare(op.result, call(f"simd_{op.kind}", msl_type(op.result), source), op)


def _nothing(writer: BodyWriter, op: Op) -> None:
    """The end of a block leaves no text of its own."""


HANDLERS: dict[type[Op], Handler] = {
    metal.Local: local_array,
    metal.Threadgroup: _threadgroup,
    metal.Read: _read,
    metal.Write: write_entry,
    metal.Load: _load,
    metal.Store: _store,
    metal.If: _if_thread,
    metal.RegisterLoop: _register_loop,
    metal.Barrier: _barrier,
    metal.Section: _section,
    metal.SimdReduce: _simd_reduce,
    metal.Return: _nothing,
    metal.Yield: _nothing,
}
