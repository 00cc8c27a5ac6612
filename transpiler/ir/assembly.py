"""Assembly formats: one string says how the text of an op is read and how it is written.

The language is that of MLIR's assemblyFormat, so that a class can be held against Triton's own
definitions (`*.td`):

    "$ptr (`,` $mask^)? (`,` $other^)? attr-dict `:` type($ptr)"

`` `word` `` is literal text (an empty one says that no space stands here, one of a space that one
more does), `$name` an operand or attribute field, `(...)?` stands where its first stands and
is written when the element marked `^` is there. Directives: `attr-dict`,
`operands`, `type(x)` with x a `$field`, `operands` or `results`; `functional-type(x, results)`;
`stripped(head $field)`, a type without its `!dialect.head`; and, where Triton has code of its own,
`offsets($field)` (static offsets), `token($field)` (`[%dependency]`, which makes a token result),
`barriers($barriers, $predicates)`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from . import assembly_elements as pieces
from .assembly_elements import ASYNC_TOKEN, Element, Write
from .attributes import Attribute
from .core import Op, Value
from .fields import AttributeField, OperandField
from .types import Type

if TYPE_CHECKING:
    from ..parser.reader import OpReader
    from .printer import Printer

__all__ = ["ASYNC_TOKEN", "Assembly", "Parts", "assembly_of"]


class Parts:
    """What the text of an op has given so far."""

    __slots__ = (
        "attributes",
        "flat",
        "flat_types",
        "operands",
        "result_types",
        "token",
        "types",
    )

    def __init__(self) -> None:
        self.operands: dict[str, list[Value]] = {}
        self.types: dict[str, list[Type]] = {}
        self.attributes: dict[str, Attribute] = {}
        # All operands, where the format reads them as one list.
        self.flat: list[Value] | None = None
        self.flat_types: list[Type] | None = None
        self.result_types: list[Type] | None = None
        self.token = False  # a `token(...)` directive stood in the text

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


_SPLIT = re.compile(r"`[^`]*`|\$\w+|[\w.-]+\(|\)\?|[()^,]|[\w.-]+")


class Assembly:
    """A compiled format."""

    def __init__(self, cls: type[Op], text: str) -> None:
        self.elements = _Compiler(cls, text).elements()
        self.reads = pieces.read_steps(self.elements)
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


@cache
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
            return pieces.group(self.elements(")?"))
        if token.startswith("`"):
            return pieces.literal(token[1:-1])
        if token.startswith("$"):
            element = self.variable(token[1:])
        elif token.endswith("("):
            element = self.directive(token[:-1])
        elif token == "attr-dict":
            element = pieces.dictionary(frozenset(self.attribute_names()[n] for n in self.named))
        elif token == "operands":
            element = pieces.all_operands()
        else:
            raise ValueError(f"{self.cls.name}: what is {token!r} in its format?")
        if self.i < len(self.tokens) and self.tokens[self.i] == "^":
            self.i += 1
            element = replace(element, anchor=True)
        return element

    def variable(self, name: str) -> Element:
        found = getattr(self.cls, name)
        if isinstance(found, OperandField):
            return pieces.operand_element(found)
        assert isinstance(found, AttributeField), (self.cls, name)
        return pieces.attribute_element(found)

    def directive(self, name: str) -> Element:
        arguments: list[str] = []
        while self.tokens[self.i] != ")":
            if self.tokens[self.i] != ",":
                arguments.append(self.tokens[self.i].lstrip("$"))
            self.i += 1
        self.i += 1
        first = arguments[0]
        match name:
            case "type":
                return self.type_of(first)
            case "functional-type":
                operand = None if first == "operands" else self.operand_field(first)
                return pieces.functional_type(operand)
            case "stripped":
                field_ = arguments[1]
                return pieces.stripped(first, self.type_of(field_), field_, self.cls)
            case "offsets":
                return pieces.offsets(self.attribute_names()[first])
            case "token":
                return pieces.token(self.operand_field(first))
            case "barriers":
                guarded, predicates = map(self.operand_field, arguments)
                return pieces.barriers(guarded, predicates)
            case _:
                raise ValueError(f"{self.cls.name}: what is {name}() in its format?")

    def operand_field(self, name: str) -> OperandField:
        found = getattr(self.cls, name)
        assert isinstance(found, OperandField), (self.cls, name)
        return found

    def type_of(self, name: str) -> Element:
        if name == "operands":
            return pieces.operand_types()
        if name == "results":
            return pieces.result_types(None, hide_token="token(" in self.tokens)
        if name in self.cls.result_names:
            return pieces.result_types(self.cls.result_names.index(name))
        return pieces.operand_type(self.operand_field(name))


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
        return replace(element, write=_write_spaced(element.write)) if space else element

    def literal(self, element: Element, text: str) -> Element:
        if not text.strip():  # no space, or one more than the rules say
            self.space, self.punctuation = False, True
            return element
        space = self.space and _wants_space(text, self.punctuation)
        self.space = len(text) != 1 or text not in "<({["
        self.punctuation = not (text[0] == "_" or text[0].isalpha())
        return replace(element, write=_write_spaced(element.write)) if space else element

    def group(self, element: Element) -> Element:
        writes = tuple(e.write for e in self.all(list(element.group)))
        present = element.present

        def write(printer: Printer, op: Op) -> None:
            if present(op):
                for one in writes:
                    one(printer, op)

        return replace(element, write=write)


def _wants_space(text: str, after_punctuation: bool) -> bool:
    if len(text) != 1:
        return True
    return text not in (">)}]," if after_punctuation else "<>(){}[],")


def _write_spaced(write: Write) -> Write:
    def spaced(printer: Printer, op: Op) -> None:
        printer.text(" ")
        write(printer, op)

    return spaced
