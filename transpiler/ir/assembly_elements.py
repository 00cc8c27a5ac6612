"""The pieces of an assembly format: how each is read, written and recognised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .attributes import DenseArrayAttr, IntegerAttr, OpaqueAttr, UnitAttr
from .core import Op
from .fields import AttributeField, OperandField, flag, integer, integers, words
from .types import OpaqueType, Type

if TYPE_CHECKING:
    from ..parser.reader import OpReader
    from .printer import Printer

ASYNC_TOKEN = OpaqueType("!ttg.async.token")

Read: TypeAlias = "Callable[[OpReader], None]"
Write: TypeAlias = "Callable[[Printer, Op], None]"


@dataclass(frozen=True)
class Element:
    """One piece of a format: how it is read, how it is written, what tells that it is there."""

    read: Read
    write: Write
    starts: Callable[[OpReader], bool]
    present: Callable[[Op], bool]
    literal: str | None = None
    operand: OperandField | None = None
    anchor: bool = False
    group: tuple[Element, ...] = ()
    spaced: bool = True  # written behind a space by the rules for variables


def _always(_: object) -> bool:
    return True


def literal(text: str) -> Element:
    """A word or a sign."""

    def read(reader: OpReader) -> None:
        reader.expect(text)

    def starts(reader: OpReader) -> bool:
        return reader.peek() == text

    def write(printer: Printer, op: Op) -> None:
        printer.text(text)

    if not text.strip():
        return Element(lambda reader: None, write, _always, _always, text)
    return Element(read, write, starts, _always, text)


def group(elements: list[Element]) -> Element:
    """What stands in the text or does not."""
    inner = tuple(elements)
    reads = read_steps(elements)
    first = next(e for e in inner if e.literal is None or e.literal.strip())
    starts = first.starts
    if first.literal in BRACKETS:
        starts = _starts_with_node(BRACKETS[first.literal or ""][1])
    present = next(element for element in inner if element.anchor).present

    def read(reader: OpReader) -> None:
        if starts(reader):
            for one in reads:
                one(reader)

    def write(printer: Printer, op: Op) -> None:
        raise AssertionError("groups are written by their elements")

    return Element(read, write, starts, present, group=inner)


def _starts_with_node(kind: str) -> Callable[[OpReader], bool]:
    def starts(reader: OpReader) -> bool:
        item = reader.peek()
        return item is not None and item.type == kind

    return starts


def operand_element(operand: OperandField) -> Element:
    """`$operand`."""
    name = operand.field_name
    several = operand.kind == "variadic"

    def read(reader: OpReader) -> None:
        there = not several or starts(reader)
        reader.parts.operands[name] = reader.values(several) if there else []

    def starts(reader: OpReader) -> bool:
        item = reader.peek()
        return item is not None and item.type == "VALUES"

    def write(printer: Printer, op: Op) -> None:
        printer.values(operand.values(op))

    def present(op: Op) -> bool:
        return bool(operand.values(op))

    return Element(read, write, starts, present, operand=operand)


def attribute_element(found: AttributeField) -> Element:
    """`$attribute`."""
    key = found.key

    def present(op: Op) -> bool:
        value = op.attributes.get(key)
        return value is not None and value != found.absent

    def write(printer: Printer, op: Op) -> None:
        value = op.attributes.get(key, found.absent)
        if isinstance(found, words):
            printer.text(f"<{value.text if isinstance(value, OpaqueAttr) else ''}>")
        elif isinstance(found, integer):
            printer.text(str(value.value) if isinstance(value, IntegerAttr) else "0")
        elif isinstance(value, OpaqueAttr):
            printer.text(value.text)
        elif value is not None and not isinstance(value, UnitAttr):
            printer.attribute(value)

    def read(reader: OpReader) -> None:
        value = reader.field(found)
        if value != found.absent:
            reader.parts.attributes[key] = value

    is_unit = isinstance(found, flag) and not found.is_bool
    spaced = not is_unit
    return Element(read, write, _starts_with(found), present, spaced=spaced)


def _starts_with(found: AttributeField) -> Callable[[OpReader], bool]:
    types = {"integer": "NUMBER", "word": "WORD", "string": "STRING", "words": "angle"}
    type_ = types.get(found.kind, "")

    return _starts_with_node(type_)


def dictionary(elsewhere: frozenset[str]) -> Element:
    """`attr-dict`; the keys `elsewhere` are written by others."""

    def read(reader: OpReader) -> None:
        node = reader.accept_dict()
        if node is not None:
            reader.parts.attributes.update(reader.dictionary(node))

    def write(printer: Printer, op: Op) -> None:
        printer.attribute_dict(op, elsewhere)

    def starts(reader: OpReader) -> bool:
        item = reader.peek()
        return item is not None and item.type == "dict"

    return Element(read, write, starts, lambda op: bool(op.attributes), spaced=False)


def all_operands() -> Element:
    """`operands`."""

    def read(reader: OpReader) -> None:
        item = reader.peek()
        there = item is not None and item.type == "VALUES"
        reader.parts.flat = reader.values(True) if there else []

    def write(printer: Printer, op: Op) -> None:
        printer.values(op.operands)

    return Element(read, write, _always, lambda op: bool(op.operands))


def operand_type(operand: OperandField) -> Element:
    """`type($operand)`."""
    name = operand.field_name
    several = operand.kind == "variadic"

    def read(reader: OpReader) -> None:
        reader.parts.types[name] = reader.type_list() if several else [reader.type()]

    def write(printer: Printer, op: Op) -> None:
        printer.types([value.type for value in operand.values(op)])

    def starts(reader: OpReader) -> bool:
        item = reader.peek()
        return item is not None and item.type in ("TYPE", "WORD", "BANG")

    return Element(read, write, starts, lambda op: bool(operand.values(op)))


def operand_types() -> Element:
    """`type(operands)`."""

    def read(reader: OpReader) -> None:
        reader.parts.flat_types = reader.type_list()

    def write(printer: Printer, op: Op) -> None:
        printer.types([value.type for value in op.operands])

    return Element(read, write, _always, lambda op: bool(op.operands))


def result_types(index: int | None, *, hide_token: bool = False) -> Element:
    """`type($result)` or `type(results)`; a token that brackets make is not among them."""

    def shown(op: Op) -> list[Type]:
        results = op.results if index is None else op.results[index : index + 1]
        types = [value.type for value in results]
        return [type_ for type_ in types if not (hide_token and type_ == ASYNC_TOKEN)]

    def read(reader: OpReader) -> None:
        before = reader.parts.result_types or []
        more = reader.type_list() if index is None else [reader.type()]
        reader.parts.result_types = [*before, *more]

    def write(printer: Printer, op: Op) -> None:
        printer.types(shown(op))

    return Element(read, write, _always, lambda op: bool(shown(op)))


def functional_type(operand: OperandField | None) -> Element:
    """`functional-type(operands, results)`."""

    def read(reader: OpReader) -> None:
        inputs, results = reader.function_type()
        if operand is None:
            reader.parts.flat_types = inputs
        else:
            reader.parts.types[operand.field_name] = inputs
        reader.parts.result_types = results

    def write(printer: Printer, op: Op) -> None:
        operands = op.operands if operand is None else operand.values(op)
        printer.function_type([v.type for v in operands], [v.type for v in op.results])

    return Element(read, write, _always, _always)


def stripped(head: str, full: Element, name: str, cls: type[Op]) -> Element:
    """`stripped(head $field)`."""
    is_result = name in cls.result_names

    def read(reader: OpReader) -> None:
        found = [reader.stripped_type(head)]
        if is_result:
            reader.parts.result_types = [*(reader.parts.result_types or []), *found]
        else:
            reader.parts.types[name] = found

    def write(printer: Printer, op: Op) -> None:
        if is_result:
            type_ = op.results[cls.result_names.index(name)].type
        else:
            field_ = getattr(cls, name)
            assert isinstance(field_, OperandField)
            type_ = field_.values(op)[0].type
        printer.stripped_type(type_)

    return Element(read, write, full.starts, full.present)


def offsets(key: str) -> Element:
    """`offsets($field)`."""

    def read(reader: OpReader) -> None:
        values: list[int] = []
        while True:
            values.append(reader.integer())
            if not reader.accept(","):
                break
        reader.parts.attributes[key] = DenseArrayAttr(integers.type, tuple(values))

    def write(printer: Printer, op: Op) -> None:
        value = op.attributes.get(key)
        values = value.values if isinstance(value, DenseArrayAttr) else ()
        printer.text(", ".join(map(str, values)))

    return Element(read, write, _always, _always)


def token(operand: OperandField) -> Element:
    """`[%dependency]`, directly behind an operand."""

    def read(reader: OpReader) -> None:
        node = reader.accept_node("list")
        if node is not None:
            reader.parts.token = True
            reader.parts.operands[operand.field_name] = reader.values_in(node)

    def write(printer: Printer, op: Op) -> None:
        if any(value.type == ASYNC_TOKEN for value in op.results):
            printer.text("[")
            printer.values(operand.values(op))
            printer.text("]")

    return Element(read, write, _always, lambda op: True, spaced=False)


def barriers(guarded: OperandField, predicates: OperandField) -> Element:
    """`, %barrier[%predicate], ...`."""

    def read(reader: OpReader) -> None:
        first, second = reader.guarded_values()
        reader.parts.operands[guarded.field_name] = first
        reader.parts.operands[predicates.field_name] = second

    def write(printer: Printer, op: Op) -> None:
        pairs = zip(guarded.values(op), predicates.values(op), strict=True)
        for barrier, predicate in pairs:
            printer.text(", ")
            printer.values([barrier])
            printer.text("[")
            printer.values([predicate])
            printer.text("]")

    return Element(read, write, _always, _always, spaced=False)


BRACKETS = {"(": (")", "group"), "[": ("]", "list"), "<": (">", "angle")}


def read_steps(elements: list[Element]) -> tuple[Read, ...]:
    """The readers; a list of operands that commas join, or a pair of brackets, is one step."""
    reads: list[Read] = []
    i = 0
    while i < len(elements):
        run = _run_at(elements, i)
        if len(run) > 1:
            reads.append(_read_run(run))
            i += _run_length(elements, i)
        elif elements[i].literal in BRACKETS:
            closing, kind = BRACKETS[elements[i].literal or ""]
            end = next(j for j in range(i, len(elements)) if elements[j].literal == closing)
            reads.append(_read_inside(read_steps(elements[i + 1 : end]), kind))
            i = end + 1
        else:
            reads.append(elements[i].read)
            i += 1
    return tuple(reads)


def _read_inside(reads: tuple[Read, ...], kind: str) -> Read:
    """The reader of a pair of brackets, which are one syntax node."""

    def read(reader: OpReader) -> None:
        inner = reader.within(reader.node(kind, "a bracket"))
        for one in reads:
            one(inner)
        inner.end()

    return read


def _run_at(elements: list[Element], i: int) -> list[OperandField]:
    """The operand fields of the list that starts at element i."""
    first = elements[i].operand
    if first is None or first.kind != "one":
        return []
    run = [first]
    i += 1
    while i < len(elements):
        if elements[i].literal == "," and i + 1 < len(elements):
            following = elements[i + 1].operand
            step = 2
        else:
            inner = elements[i].group
            following = inner[1].operand if len(inner) == 2 and inner[0].literal == "," else None
            step = 1
        if following is None or following.kind == "variadic":
            break
        run.append(following)
        i += step
    return run


def _run_length(elements: list[Element], i: int) -> int:
    start = i
    found = len(_run_at(elements, i)) - 1
    i += 1
    while found:
        i += 2 if elements[i].literal == "," else 1
        found -= 1
    return i - start


def _read_run(run: list[OperandField]) -> Read:
    names = tuple(operand.field_name for operand in run)
    least = sum(1 for operand in run if operand.kind == "one")

    def read(reader: OpReader) -> None:
        values = reader.value_run(least, len(names))
        operands = reader.parts.operands
        for name, value in zip(names, values, strict=False):
            operands[name] = [value]

    return read
