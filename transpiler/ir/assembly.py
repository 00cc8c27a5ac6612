"""Assembly formats: one string says how the text of an op is read and how it is written.

The language is that of MLIR's assemblyFormat, so that a class can be held against Triton's own
definitions (`*.td`):

    "$ptr (`,` $mask^)? (`,` $other^)? attr-dict `:` type($ptr)"

`` `word` `` is literal text, `$name` an operand or attribute field, `(...)?` stands where its first
element stands and is written when the element marked `^` is there. Directives: `attr-dict`,
`operands`, `type(x)` with x a `$field`, `operands` or `results`; `functional-type(x, results)`;
`stripped(head $field)`, a type without its `!dialect.head`; and, where Triton has code of its own,
`offsets($field)` (static offsets), `token($field)` (`[%dependency]`, which makes a token result),
`barriers($barriers, $predicates)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from .attributes import Attribute, DenseArrayAttr, IntegerAttr, OpaqueAttr, UnitAttr
from .core import Op, Value
from .fields import AttributeField, OperandField, flag, integer, integers, words
from .types import OpaqueType, Type

if TYPE_CHECKING:
    from ..parser.reader import OpReader
    from .printer import Printer

ASYNC_TOKEN = OpaqueType("!ttg.async.token")


@dataclass
class Parts:
    """What the text of an op has given so far."""

    operands: dict[str, list[Value]] = field(default_factory=dict[str, "list[Value]"])
    types: dict[str, list[Type]] = field(default_factory=dict[str, "list[Type]"])
    attributes: dict[str, Attribute] = field(default_factory=dict[str, Attribute])
    flat: list[Value] | None = None  # all operands, where the format reads them as one list
    flat_types: list[Type] | None = None
    result_types: list[Type] | None = None
    token: bool = False  # a `token(...)` directive stood in the text

    def type(self, name: str) -> Type:
        """The type of an operand field: as printed, else that of the value."""
        printed = self.types.get(name)
        if printed:
            return printed[0]
        return self.operands[name][0].type

    def operand(self, index: int) -> Type:
        """The type of an operand that was read as one of a list."""
        assert self.flat is not None
        return self.flat_types[index] if self.flat_types else self.flat[index].type


Read: TypeAlias = "Callable[[OpReader], None]"
Write: TypeAlias = "Callable[[Printer, Op], None]"
_SPLIT = re.compile(r"`[^`]*`|\$\w+|[\w.-]+\(|\)\?|[()^,]|[\w.-]+")


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


class Assembly:
    """A compiled format."""

    def __init__(self, cls: type[Op], text: str) -> None:
        self.elements = _Compiler(cls, text).elements()
        self.reads = _reads(self.elements)
        self.writes = tuple(element.write for element in _spaced(self.elements))

    def read(self, reader: OpReader) -> None:
        """Read the text of one op."""
        for read in self.reads:
            read(reader)
        reader.end()

    def write(self, printer: Printer, op: Op) -> None:
        """Write the text of one op."""
        for write in self.writes:
            write(printer, op)


@lru_cache(maxsize=None)
def assembly_of(cls: type[Op], text: str = "") -> Assembly:
    """The compiled format of a class, or of an older text of it."""
    return Assembly(cls, text or cls.format)


class _Compiler:
    def __init__(self, cls: type[Op], text: str) -> None:
        self.cls = cls
        self.tokens = _SPLIT.findall(text)
        self.i = 0
        self.named = frozenset(re.findall(r"\$(\w+)", text)) & frozenset(self.attribute_names())

    def attribute_names(self) -> dict[str, str]:
        """Python names of the attribute fields and their keys."""
        return {
            name: field_.key
            for base in reversed(self.cls.__mro__)
            for name, field_ in vars(base).items()
            if isinstance(field_, AttributeField)
        }

    def elements(self, until: str = "") -> list[Element]:
        found: list[Element] = []
        while self.i < len(self.tokens) and self.tokens[self.i] != until:
            found.append(self.element())
        self.i += 1
        return found

    def element(self) -> Element:
        token = self.tokens[self.i]
        self.i += 1
        if token == "(":
            return _group(self.elements(")?"))
        if token.startswith("`"):
            return _literal(token[1:-1])
        if token.startswith("$"):
            element = self.variable(token[1:])
        elif token.endswith("("):
            element = self.directive(token[:-1])
        elif token == "attr-dict":
            element = _dictionary(frozenset(self.attribute_names()[n] for n in self.named))
        elif token == "operands":
            element = _all_operands()
        else:
            raise ValueError(f"{self.cls.name}: what is {token!r} in its format?")
        if self.i < len(self.tokens) and self.tokens[self.i] == "^":
            self.i += 1
            element = _with(element, anchor=True)
        return element

    def variable(self, name: str) -> Element:
        found = getattr(self.cls, name)
        if isinstance(found, OperandField):
            return _operand(found)
        assert isinstance(found, AttributeField), (self.cls, name)
        return _attribute(found)

    def directive(self, name: str) -> Element:
        arguments: list[str] = []
        while self.tokens[self.i] != ")":
            if self.tokens[self.i] != ",":
                arguments.append(self.tokens[self.i].lstrip("$"))
            self.i += 1
        self.i += 1
        match name:
            case "type":
                return self.type_of(arguments[0])
            case "functional-type":
                return _functional_type(self.operand_field(arguments[0]))
            case "stripped":
                return _stripped(arguments[0], self.type_of(arguments[1]), arguments[1], self.cls)
            case "offsets":
                return _offsets(self.attribute_names()[arguments[0]])
            case "token":
                return _token(self.operand_field(arguments[0]))
            case "barriers":
                return _barriers(*(self.operand_field(a) for a in arguments))
            case _:
                raise ValueError(f"{self.cls.name}: what is {name}() in its format?")

    def operand_field(self, name: str) -> OperandField | None:
        found = None if name in ("operands", "results") else getattr(self.cls, name)
        assert found is None or isinstance(found, OperandField)
        return found

    def type_of(self, name: str) -> Element:
        if name == "operands":
            return _operand_types()
        if name == "results":
            return _result_types(None)
        if name in self.cls.result_names:
            return _result_types(self.cls.result_names.index(name))
        found = self.operand_field(name)
        assert found is not None
        return _type(found)


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


def _with(element: Element, *, anchor: bool = False, write: Write | None = None) -> Element:
    return Element(
        element.read,
        write or element.write,
        element.starts,
        element.present,
        element.literal,
        element.operand,
        anchor or element.anchor,
        element.group,
        element.spaced,
    )


def _literal(text: str) -> Element:
    def read(reader: OpReader) -> None:
        reader.expect(text)

    def starts(reader: OpReader) -> bool:
        return reader.peek() == text

    def write(printer: Printer, op: Op) -> None:
        printer.text(text)

    if not text:
        return Element(lambda reader: None, lambda printer, op: None, _always, _always, "")
    return Element(read, write, starts, _always, text)


def _group(elements: list[Element]) -> Element:
    inner = tuple(elements)
    reads = _reads(elements)
    first = next(e for e in inner if e.literal != "")
    starts = first.starts
    if first.literal in _BRACKETS:
        starts = _starts_with_node(_BRACKETS[first.literal or ""][1])
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


def _operand(operand: OperandField) -> Element:
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


def _attribute(found: AttributeField) -> Element:
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
        reader.parts.attributes[key] = reader.field(found)

    is_unit = isinstance(found, flag) and not found.is_bool
    spaced = not is_unit
    return Element(read, write, _starts_with(found), present, spaced=spaced)


def _starts_with(found: AttributeField) -> Callable[[OpReader], bool]:
    types = {"integer": "NUMBER", "word": "WORD", "string": "STRING", "words": "angle"}
    type_ = types.get(found.kind, "")

    return _starts_with_node(type_)


def _dictionary(elsewhere: frozenset[str]) -> Element:
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


def _all_operands() -> Element:
    def read(reader: OpReader) -> None:
        item = reader.peek()
        there = item is not None and item.type == "VALUES"
        reader.parts.flat = reader.values(True) if there else []

    def write(printer: Printer, op: Op) -> None:
        printer.values(op.operands)

    return Element(read, write, _always, lambda op: bool(op.operands))


def _type(operand: OperandField) -> Element:
    name = operand.field_name
    several = operand.kind == "variadic"

    def read(reader: OpReader) -> None:
        reader.parts.types[name] = reader.type_list() if several else [reader.type()]

    def write(printer: Printer, op: Op) -> None:
        printer.types([value.type for value in operand.values(op)])

    return Element(read, write, _always, lambda op: bool(operand.values(op)))


def _operand_types() -> Element:
    def read(reader: OpReader) -> None:
        reader.parts.flat_types = reader.type_list()

    def write(printer: Printer, op: Op) -> None:
        printer.types([value.type for value in op.operands])

    return Element(read, write, _always, lambda op: bool(op.operands))


def _result_types(index: int | None) -> Element:
    def read(reader: OpReader) -> None:
        before = reader.parts.result_types or []
        reader.parts.result_types = [
            *before,
            *(reader.type_list() if index is None else [reader.type()]),
        ]

    def write(printer: Printer, op: Op) -> None:
        results = op.results if index is None else op.results[index : index + 1]
        printer.types([value.type for value in results])

    return Element(read, write, _always, lambda op: len(op.results) > (index or 0))


def _functional_type(operand: OperandField | None) -> Element:
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


def _stripped(head: str, full: Element, name: str, cls: type[Op]) -> Element:
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

    return _with(Element(read, write, full.starts, full.present))


def _offsets(key: str) -> Element:
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


def _token(operand: OperandField | None) -> Element:
    assert operand is not None

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


def _barriers(barriers: OperandField | None, predicates: OperandField | None) -> Element:
    assert barriers is not None and predicates is not None

    def read(reader: OpReader) -> None:
        first, second = reader.guarded_values()
        reader.parts.operands[barriers.field_name] = first
        reader.parts.operands[predicates.field_name] = second

    def write(printer: Printer, op: Op) -> None:
        pairs = zip(barriers.values(op), predicates.values(op), strict=True)
        for barrier, predicate in pairs:
            printer.text(", ")
            printer.values([barrier])
            printer.text("[")
            printer.values([predicate])
            printer.text("]")

    return Element(read, write, _always, _always, spaced=False)


_BRACKETS = {"(": (")", "group"), "[": ("]", "list"), "<": (">", "angle")}


def _reads(elements: list[Element]) -> tuple[Read, ...]:
    """The readers; a list of operands that commas join, or a pair of brackets, is one step."""
    reads: list[Read] = []
    i = 0
    while i < len(elements):
        run = _run_at(elements, i)
        if len(run) > 1:
            reads.append(_read_run(run))
            i += _run_length(elements, i)
        elif elements[i].literal in _BRACKETS:
            closing, kind = _BRACKETS[elements[i].literal or ""]
            end = next(j for j in range(i, len(elements)) if elements[j].literal == closing)
            reads.append(_read_inside(_reads(elements[i + 1 : end]), kind))
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


def _spaced(elements: list[Element]) -> list[Element]:
    """The elements with MLIR's rules for spaces worked in."""
    return _Spacer().all(elements)


class _Spacer:
    """Where MLIR's format printer puts a space (mlir-tblgen, OpFormatGen.cpp)."""

    def __init__(self) -> None:
        self.space = True
        self.punctuation = False

    def all(self, elements: list[Element]) -> list[Element]:
        return [self.one(element) for element in elements]

    def one(self, element: Element) -> Element:
        if element.group:
            return self.group(element)
        if element.literal is not None:
            return self.literal(element, element.literal)
        if not element.spaced:
            # attr-dict brings its own space; tokens and barriers want none.
            self.space, self.punctuation = True, False
            return element
        space = self.space or not self.punctuation
        self.space, self.punctuation = True, False
        return _with(element, write=_write_spaced(element.write)) if space else element

    def literal(self, element: Element, text: str) -> Element:
        if not text:
            self.space, self.punctuation = False, False
            return element
        space = self.space and _wants_space(text, self.punctuation)
        self.space = len(text) != 1 or text not in "<({["
        self.punctuation = not (text[0] == "_" or text[0].isalpha())
        return _with(element, write=_write_spaced(element.write)) if space else element

    def group(self, element: Element) -> Element:
        writes = tuple(e.write for e in self.all(list(element.group)))
        present = element.present

        def write(printer: Printer, op: Op) -> None:
            if present(op):
                for one in writes:
                    one(printer, op)

        return _with(element, write=write)


def _wants_space(text: str, after_punctuation: bool) -> bool:
    if len(text) != 1:
        return True
    return text not in (">)}]," if after_punctuation else "<>(){}[],")


def _write_spaced(write: Write) -> Write:
    def spaced(printer: Printer, op: Op) -> None:
        printer.text(" ")
        write(printer, op)

    return spaced
