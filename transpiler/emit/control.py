"""Loops and branches as statements; what they carry becomes variables."""

from __future__ import annotations

from collections.abc import Sequence

from ..dialects import metal, scf
from ..ir.core import Block, Op, Value
from ..ir.types import ArrayType
from .body import BodyWriter, Handler, shuffled
from .names import source_name
from .statements import Line, Nest, Statement
from .types import name_of
from .writer import ORDER, PRIMARY, SUM, Expr, negation


def _block_with_yield(writer: BodyWriter, block: Block, variables: Sequence[str]) -> None:
    """A block whose terminator sets variables."""
    writer.block(block.ops[:-1])
    writer.assign(variables, block.terminator.operands, block.terminator.location)


def _carried(
    writer: BodyWriter, op: Op, inits: Sequence[Value], args: Sequence[Value]
) -> list[str]:
    """A variable for each value that a loop carries, set to its initial value."""
    names: list[str] = []
    for arg, init in zip(args, inits, strict=True):
        text = writer.writer.stored(init).text
        names.append(writer.variable(arg, "carried", op.location, text))
    return names


def _for(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, scf.For)
    note = writer.note(op.location)
    variables = _carried(writer, op, op.inits, op.body.args[1:])
    for result, arg in zip(op.results, op.body.args[1:], strict=True):
        writer.writer.expressions[result] = writer.writer.expressions[arg]
    induction = op.body.args[0]
    unsigned = op.unsigned
    type_ = name_of(induction.type, unsigned)
    convert = writer.writer.unsigned if unsigned else writer.writer.signed
    lower, upper, step = (convert(v) for v in (op.lower, op.upper, op.step))
    name = ""

    def write() -> None:
        nonlocal name
        name = writer.scope.declare(source_name(induction) or "i")
        writer.writer.expressions[induction] = Expr(name, PRIMARY, type_)
        _block_with_yield(writer, op.body, variables)

    body = writer.nested(write)
    advance = f"++{name}" if step.text == "1" else f"{name} += {step.text}"
    head = f"for ({type_} {name} = {lower.text}; {name} < {upper.inside(5)}; {advance})"
    writer.statements.append(Nest(head, body, note=note))


def _if(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, scf.If)
    condition = writer.writer[op.condition].text
    note = writer.note(op.location)
    variables = [writer.variable(result, "chosen", op.location) for result in op.results]
    bodies: list[list[Statement]] = []
    for region in op.regions:
        if region.blocks:
            block = region.block
            bodies.append(writer.nested(lambda b=block: _block_with_yield(writer, b, variables)))
    then, otherwise = (*bodies, [])[:2]
    if not then and otherwise:
        condition, then, otherwise = negation(writer.writer[op.condition]).text, otherwise, []
    writer.statements.append(Nest(f"if ({condition})", then, otherwise, note=note))


def _while(writer: BodyWriter, op: Op) -> None:
    """`while (true) { before; if (!condition) break; after }`; what is passed are variables."""
    assert isinstance(op, scf.While)
    before, after = (region.block for region in op.regions)
    passed = [writer.variable(value, "passed", op.location) for value in after.args]
    for result, value in zip(op.results, after.args, strict=True):
        writer.writer.expressions[result] = writer.writer.expressions[value]
    variables = _carried(writer, op, op.inits, before.args)

    def write() -> None:
        writer.block(before.ops[:-1])
        condition = before.terminator
        writer.assign(passed, condition.operands[1:], condition.location)
        test = writer.writer[condition.operands[0]]
        writer.statements.append(Nest(f"if ({negation(test).text})", [Line("break;")]))
        _block_with_yield(writer, after, variables)

    writer.statements.append(Nest("while (true)", writer.nested(write)))


def _in_place(writer: BodyWriter, value: Value, result: Value) -> str:
    """The accumulator itself, where it has done its work: its name; "" where it is still needed."""
    read = value.defining_op
    if not isinstance(read, metal.Read) or read.parent is not result.owner.parent:  # type: ignore[union-attr]
        return ""
    block = read.parent
    assert block is not None
    array = read.array.defining_op
    if array is None or array.parent is not block or len(value.uses) != 1:
        return ""
    later = block.ops[block.ops.index(read) + 1 :]
    if any(user in inner.walk() for inner in later for user in read.array.users):
        return ""
    name = writer.writer[value].text
    if not name.isidentifier():
        return ""
    writer.writer.expressions[result] = writer.writer[value]
    return name


def _in_variable(writer: BodyWriter, value: Value, result: Value) -> str:
    """The variable that takes the result anyway, set to the value; "" where there is none."""
    block = result.owner.parent
    user = result.users[0] if len(result.uses) == 1 else None
    if not isinstance(user, metal.Write) or user.parent is not block:
        return ""
    assert isinstance(user.array.type, ArrayType)
    if user.array.type.count > 1 or user.array.type.space == "threadgroup":
        return ""
    writer.set_entry(user, writer.writer.stored(value))
    variable = writer.writer[user.array]
    writer.writer.expressions[result] = variable
    return variable.text


def _handed_on(writer: BodyWriter, value: Value, result: Value) -> str:
    """The variable of the butterfly before this one, where nobody else needs it; else ""."""
    if not isinstance(value.defining_op, metal.Butterfly) or len(value.uses) != 1:
        return ""
    if value.defining_op.parent is not result.defining_op.parent:  # type: ignore[union-attr]
        return ""
    writer.writer.expressions[result] = writer.writer[value]
    return writer.writer[value].text


def _butterfly(writer: BodyWriter, op: Op) -> None:
    """Variables that take the inputs, and a loop that combines them with ever nearer lanes."""
    assert isinstance(op, metal.Butterfly)
    names = [
        _in_place(writer, value, result)
        or _in_variable(writer, value, result)
        or _handed_on(writer, value, result)
        or writer.variable(result, "value", op.location, writer.writer.stored(value).text)
        for value, result in zip(op.inputs, op.results, strict=True)
    ]
    count = len(names)
    single = op.first == op.last
    distance = str(op.first)

    def write() -> None:
        nonlocal distance
        distance = distance if single else writer.scope.declare("distance")
        simple = len(op.body.ops) <= 2
        for index, result in enumerate(op.results):
            own = writer.writer.expressions[result]
            other = op.body.args[count + index]
            writer.writer.expressions[op.body.args[index]] = own
            shuffle = shuffled("simd_shuffle_xor", own, result.type, distance)
            if not simple:  # the lanes stay together: never inside `&&` or `?:`
                name = writer.scope.declare(f"other_{own.text}")
                writer.add(f"const {shuffle.type} {name} = {shuffle.text};", op.location)
                shuffle = Expr(name, PRIMARY, shuffle.type)
            writer.writer.expressions[other] = shuffle
        _block_with_yield(writer, op.body, names)

    if single:
        write()
        return
    body = writer.nested(write)
    loop = f"ushort {distance} = {op.first}; {distance} >= {op.last}; {distance} /= 2"
    writer.statements.append(Nest(f"for ({loop})", body))


def _lane_scan(writer: BodyWriter, op: Op) -> None:
    """A loop over distances; all lanes fetch, and those that have a lane there combine."""
    assert isinstance(op, metal.LaneScan)
    names = [
        _in_place(writer, value, result)
        or _in_variable(writer, value, result)
        or writer.variable(result, "value", op.location, writer.writer.stored(value).text)
        for value, result in zip(op.inputs, op.results, strict=True)
    ]
    place = writer.writer[op.place]
    single = op.first == op.last
    distance = str(op.first)

    def write() -> None:
        nonlocal distance
        distance = distance if single else writer.scope.declare("distance")
        for index, result in enumerate(op.results):
            own = writer.writer.expressions[result]
            function = "simd_shuffle_down" if op.reverse else "simd_shuffle_up"
            shuffle = shuffled(function, own, result.type, distance)
            name = writer.scope.declare(f"other_{own.text}" if own.text.isidentifier() else "other")
            writer.add(f"const {shuffle.type} {name} = {shuffle.text};", op.location)
            writer.writer.expressions[op.body.args[index]] = Expr(name, PRIMARY, shuffle.type)
            writer.writer.expressions[op.body.args[len(names) + index]] = own
        test = f"{place.inside(ORDER)} >= {distance}"
        if op.reverse:
            test = f"{place.inside(SUM)} + {distance} < {2 * op.last}"
        body = writer.nested(lambda: _block_with_yield(writer, op.body, names))
        writer.statements.append(Nest(f"if ({test})", body))

    body = writer.nested(write)
    if single:
        writer.statements.extend(body)
        return
    loop = f"ushort {distance} = {op.first}; {distance} <= {op.last}; {distance} *= 2"
    writer.statements.append(Nest(f"for ({loop})", body))


def _shuffle(writer: BodyWriter, op: Op) -> None:
    """A value from another lane: always a statement, all lanes take part."""
    assert isinstance(op, metal.SimdShuffle)
    lane = writer.writer[op.lane].text
    _declare_shuffled(writer, op, "simd_shuffle", op.source, lane)


def _shift(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.SimdShift)
    function = f"simd_shuffle_{op.direction}"
    _declare_shuffled(writer, op, function, op.source, str(op.distance))


def _shuffle_xor(writer: BodyWriter, op: Op) -> None:
    assert isinstance(op, metal.SimdShuffleXor)
    _declare_shuffled(writer, op, "simd_shuffle_xor", op.source, str(op.mask))


def _declare_shuffled(
    writer: BodyWriter, op: Op, function: str, source: Value, argument: str
) -> None:
    expr = shuffled(function, writer.writer.stored(source), op.result.type, argument)
    writer.declare(op.result, expr, op)


def _nothing(writer: BodyWriter, op: Op) -> None:
    """Yields are written by the op that they end."""


CONTROL_HANDLERS: dict[type[Op], Handler] = {
    scf.For: _for,
    scf.If: _if,
    scf.While: _while,
    scf.Yield: _nothing,
    metal.Butterfly: _butterfly,
    metal.LaneScan: _lane_scan,
    metal.SimdShift: _shift,
    metal.SimdShuffle: _shuffle,
    metal.SimdShuffleXor: _shuffle_xor,
}
