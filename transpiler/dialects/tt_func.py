"""Triton's functions, calls and program ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..ir.attributes import (
    ArrayAttr,
    Attribute,
    DictAttr,
    StringAttr,
    SymbolAttr,
    TypeAttr,
)
from ..ir.core import Block, Op, Region
from ..ir.fields import attribute, symbol, variadic, word
from ..ir.traits import require_type, types_of
from ..ir.types import I32, FunctionType, Type

if TYPE_CHECKING:
    from ..ir.printer import Printer
    from ..parser.reader import Argument, OpReader

AXES = ("x", "y", "z")


class Func(Op):
    """A function: the kernel (public), or one that it calls (private)."""

    name = "tt.func"
    isolated = True
    single_block = False
    empty_regions = (0,)  # a declaration
    branching = True
    results_defined = 0
    regions_held = 1
    sym_name = symbol()
    sym_visibility = attribute()
    function_type = attribute()
    arg_attributes = attribute(key="arg_attrs")
    result_attributes = attribute(key="res_attrs")

    @property
    def is_public(self) -> bool:
        """Whether it is a kernel."""
        return self.sym_visibility in (StringAttr("public"), None)

    @property
    def type(self) -> FunctionType:
        """Types of arguments and results."""
        found = self.function_type
        assert isinstance(found, TypeAttr) and isinstance(found.type, FunctionType)
        return found.type

    @property
    def arg_attrs(self) -> list[dict[str, Attribute]]:
        """The attributes of each argument, such as `tt.divisibility`."""
        return _dictionaries(self.arg_attributes, len(self.type.inputs))

    @property
    def body(self) -> Region:
        """The blocks; none in a declaration."""
        return self.regions[0]

    @property
    def entry(self) -> Block:
        """The first block, whose arguments are the function's."""
        return self.body.blocks[0]

    @classmethod
    def parse(cls, reader: OpReader) -> Func:
        """Read `[public] @name(...) [-> (T)] [attributes {...}] [{...}]`."""
        visibility = reader.accept_token("WORD")
        name = SymbolAttr(reader.symbol_name())
        arguments, types = _signature(reader)
        results, result_attributes = _results(reader)
        attributes = reader.optional_attributes()
        found: dict[str, Attribute] = {"sym_name": name}
        if visibility is not None:
            found["sym_visibility"] = StringAttr(str(visibility))
        found["function_type"] = TypeAttr(FunctionType(tuple(types), tuple(results)))
        if any(argument.attributes for argument in arguments):
            found["arg_attrs"] = _array([argument.attributes for argument in arguments])
        if any(result_attributes):
            found["res_attrs"] = _array(result_attributes)
        found.update(attributes)
        has_body = not reader.done
        region = reader.region(arguments) if has_body else Region()
        reader.end()
        return reader.create(cls, (), (), found, [region])

    def print(self, printer: Printer) -> None:
        """Write what `parse` reads."""
        visibility = self.sym_visibility
        if isinstance(visibility, StringAttr):
            printer.text(f" {visibility.value}")
        printer.text(f" {printer.symbol(self.sym_name)}(")
        printer.text(", ".join(self._arguments(printer)))
        printer.text(")")
        self._print_results(printer)
        inherent = ("sym_name", "sym_visibility", "function_type", "arg_attrs", "res_attrs")
        printer.attribute_dict(self, inherent, keyword=" attributes")
        if self.body.blocks:
            printer.text(" ")
            printer.region(self.body)

    def _arguments(self, printer: Printer) -> list[str]:
        attributes = self.arg_attrs
        if self.body.blocks:
            pairs = zip(self.entry.args, attributes, strict=True)
            return [printer.argument_text(value, found) for value, found in pairs]
        return [
            f"{printer.type_text(type_)}{_suffix(printer, found)}"
            for type_, found in zip(self.type.inputs, attributes, strict=True)
        ]

    def _print_results(self, printer: Printer) -> None:
        results = self.type.results
        if not results:
            return
        attributes = _dictionaries(self.result_attributes, len(results))
        texts = [
            f"{printer.type_text(type_)}{_suffix(printer, found)}"
            for type_, found in zip(results, attributes, strict=True)
        ]
        bare = len(texts) == 1 and not attributes[0] and not isinstance(results[0], FunctionType)
        printer.text(f" -> {texts[0]}" if bare else f" -> ({', '.join(texts)})")

    def verify(self) -> None:
        """The entry block takes the function's arguments; returns give its results."""
        found = self.function_type
        fits = isinstance(found, TypeAttr) and isinstance(found.type, FunctionType)
        self.require(fits, "there is no function type")
        if not self.body.blocks:
            return
        inputs = list(self.type.inputs)
        arguments = types_of(self.entry.args)
        self.require(arguments == inputs, "the entry block's arguments are not the function's")
        for block in self.body.blocks:
            last = block.ops[-1] if block.ops else None
            if isinstance(last, Return):
                returned = types_of(last.operands)
                if returned != list(self.type.results):
                    last.require(
                        False, f"returns {_list(returned)}, expected {_list(self.type.results)}"
                    )


def _list(types: Sequence[Type]) -> str:
    return f"({', '.join(map(str, types))})"


def _suffix(printer: Printer, attributes: dict[str, Attribute]) -> str:
    return f" {printer.dictionary(attributes)}" if attributes else ""


def _array(items: Sequence[dict[str, Attribute]]) -> ArrayAttr:
    return ArrayAttr(tuple(DictAttr(tuple(item.items())) for item in items))


def _dictionaries(found: Attribute | None, count: int) -> list[dict[str, Attribute]]:
    if not isinstance(found, ArrayAttr):
        return [{} for _ in range(count)]
    return [dict(item.items) if isinstance(item, DictAttr) else {} for item in found.items]


def _signature(reader: OpReader) -> tuple[list[Argument], list[Type]]:
    """The arguments between brackets; those of a declaration have types only."""
    node = reader.node("group", "'('")
    if node.items and node.items[0].type == "VALUES":
        arguments = reader.arguments_in(node)
        return arguments, [argument.type for argument in arguments]
    inner = reader.within(node)
    arguments: list[Argument] = []
    while not inner.done:
        arguments.append(inner.typed_argument())
        if not inner.accept(","):
            break
    inner.end()
    return arguments, [argument.type for argument in arguments]


def _results(reader: OpReader) -> tuple[list[Type], list[dict[str, Attribute]]]:
    if not reader.accept("->"):
        return [], []
    node = reader.accept_node("group")
    if node is None:
        return [reader.type()], [{}]
    inner = reader.within(node)
    types: list[Type] = []
    attributes: list[dict[str, Attribute]] = []
    while not inner.done:
        found = inner.typed_argument()
        types.append(found.type)
        attributes.append(found.attributes)
        if not inner.accept(","):
            break
    inner.end()
    return types, attributes


class Call(Op):
    """Calls a function of the module."""

    name = "tt.call"
    regions_held = 0
    callee = symbol()
    inputs = variadic()
    format = "$callee `(` $inputs `)` attr-dict `:` functional-type(operands, results)"


class Return(Op):
    """End of a function."""

    name = "tt.return"
    pure = True
    terminator = True
    results_defined = 0
    regions_held = 0
    values = variadic()
    format = "attr-dict ($values^ `:` type($values))?"


class _ProgramDim(Op):
    pure = True
    results_defined = 1
    regions_held = 0
    axis = word(values=AXES, required=True)
    format = "$axis attr-dict `:` type($result)"

    def verify(self) -> None:
        """The result is i32."""
        require_type(self, self.result, I32, "the result")


class GetProgramId(_ProgramDim):
    """Which program of the grid this is, along `axis`."""

    name = "tt.get_program_id"


class GetNumPrograms(_ProgramDim):
    """How many programs the grid has along `axis`."""

    name = "tt.get_num_programs"
