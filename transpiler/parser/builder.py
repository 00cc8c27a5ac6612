"""Syntax nodes to IR, in the order of the text; nesting costs no stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, cast

from ..errors import SourceText
from ..ir.attributes import Attribute, DenseArrayAttr
from ..ir.core import Block, Module, Op, Region, Successor, UnknownOp, Value
from ..ir.types import OpaqueType, Type
from . import versions
from .cursor import Cursor
from .nodes import AliasNode, BlockNode, DictNode, FileNode, Node, OpNode, RegionNode, Token
from .reader import Argument, OpReader
from .resolver import Resolver
from .unknown import read_unknown

_Pending: TypeAlias = "tuple[Region, RegionNode, list[Argument]]"

_MODULE = ("module", "builtin.module")
_UNRESOLVED = OpaqueType("?")


class _Frame:
    """A region whose ops are being built."""

    __slots__ = ("blocks", "hidden", "labels", "names", "op", "region", "work")

    def __init__(self, op: Op | None, region: Region) -> None:
        self.op = op
        self.region = region
        self.labels: dict[str, Block] = {}
        self.names: list[str] = []  # defined here, gone at the end
        self.hidden: dict[str, Value] | None = None  # the names outside an isolated region
        self.blocks: list[tuple[Block, BlockNode]] = []
        self.work: Iterator[tuple[Block, OpNode]] = iter(())


class Builder:
    """Builds one module."""

    def __init__(self, source: SourceText, nodes: FileNode) -> None:
        self.source = source
        self.nodes = [node for node in nodes if isinstance(node, OpNode)]
        aliases: dict[str, AliasNode] = {}
        for node in nodes:
            if isinstance(node, AliasNode):
                self._add_alias(aliases, node)
        self.resolver = Resolver(source, aliases)
        self.scope: dict[str, Value] = {}
        # Values used before their definition, with the token of the first use.
        self.forward: dict[str, tuple[Value, Token]] = {}
        self.frames: list[_Frame] = []

    def _add_alias(self, aliases: dict[str, AliasNode], node: AliasNode) -> None:
        name = str(node.name)[:-1].rstrip()
        cursor = Cursor([node.name], self.source, 0, node.name.end_pos)
        if name in aliases:
            cursor.fail(f"{name} is defined twice", node.name)
        aliases[name] = node

    # Names

    def value(self, name: str, reader: Cursor, token: Token) -> Value:
        """The value that a name stands for here."""
        found = self.scope.get(name)
        if found is not None:
            return found
        known = self.forward.get(name)
        if known is not None:
            return known[0]
        # Blocks may stand in another order than control reaches them: the definition can follow.
        if not self._may_follow():
            self._undefined(name, token)
        value = Value(_UNRESOLVED, Block(), 0, name)
        self.forward[name] = (value, token)
        return value

    def _may_follow(self, left: int = 0) -> bool:
        """Whether a name can be defined later: some region around here has several blocks."""
        for frame in reversed(self.frames[: len(self.frames) - left]):
            if len(frame.blocks) > 1:
                return True
            if frame.hidden is not None:
                return False
        return False

    def _undefined(self, name: str, token: Token) -> None:
        text = str(token)
        at = text.find(f"%{name}")
        start = token.start_pos + max(at, 0)
        part = Token("VALUES", f"%{name}", start, start + len(name) + 1)
        Cursor([part], self.source, 0, start).fail(f"%{name} is not defined here", part)

    def retype(self, value: Value, type_: Type, reader: OpReader) -> None:
        """A use says a type that the value does not have: an error, unless it is still to come."""
        known = self.forward.get(value.name)
        if known is not None and known[0] is value and value.type == _UNRESOLVED:
            value.type = type_
            return
        reader.fail(
            f"%{value.name} has type {value.type}, and is used as {type_}",
            reader.items[max(0, reader.i - 1)],
        )

    def define(self, name: str, value: Value, reader: Cursor, token: Token) -> None:
        """Let a name stand for a value from here on."""
        if name in self.scope:
            reader.fail(f"%{name} is defined twice", token)
        value.name = name
        if self.forward:
            self._settle(name, value, reader, token)
        self.frames[-1].names.append(name)
        self.scope[name] = value

    def _settle(self, name: str, value: Value, reader: Cursor, token: Token) -> None:
        known = self.forward.pop(name, None)
        if known is None:
            return
        if known[0].type not in (_UNRESOLVED, value.type):
            reader.fail(f"%{name} has type {value.type}, and was used as {known[0].type}", token)
        known[0].replace_all_uses_with(value)

    def block(self, name: str, reader: Cursor, token: Token) -> Block:
        """The block that a label of this region stands for."""
        found = self.frames[-1].labels.get(name)
        if found is None:
            reader.fail(f"there is no block ^{name} in this region", token)
        return found

    def dictionary(self, cursor: Cursor, node: Node) -> dict[str, Attribute]:
        """The attributes of a `{...}` with today's keys."""
        found = self.resolver.dictionary(cursor, cast(DictNode, node))
        return {versions.key_name(key): value for key, value in found.items()}

    # Building

    def build(self) -> Module:
        """The module of the whole text."""
        if len(self.nodes) == 1 and str(self.nodes[0].name).strip('"') in _MODULE:
            holder = Region([Block()])
            self._run(holder, self.nodes)
            module = cast(Module, holder.block.ops[0])
            module.parent = None
            return module
        region = Region([Block()])
        module = Module(regions=[region])
        self._run(region, self.nodes)
        return module

    def _run(self, region: Region, nodes: Sequence[OpNode]) -> None:
        frame = _Frame(region.parent, region)
        block = region.block
        frame.blocks = [(block, BlockNode(None, None, list(nodes)))]
        frame.work = ((block, node) for node in nodes)
        self.frames.append(frame)
        # Ops whose regions are being built, with the regions that are still to come.
        unfinished: list[tuple[Op, OpNode, list[_Pending]]] = []
        while True:
            frame = self.frames[-1]
            step = next(frame.work, None)
            if step is not None:
                op, pending = self._op(*step)
                if op is None:
                    continue
                if pending:
                    unfinished.append((op, step[1], pending))
                    self._enter(op, *pending.pop(0))
                elif step[1].definition is not None:
                    self._define_results(op, step[1])
                continue
            self._leave(frame)
            if not unfinished:
                return
            op, node, pending = unfinished[-1]
            if pending:
                self._enter(op, *pending.pop(0))
            else:
                unfinished.pop()
                self._define_results(op, node)

    def _rewritten(self, block: Block, node: OpNode, reader: OpReader, name: str) -> bool:
        """Whether the op is an old one that became others, which are added then."""
        found = versions.rewritten(reader, name)
        if found is None:
            return False
        for op in found.ops:
            block.append(op)
            for value in op.results:
                value.location = op.location
        if node.definition is not None:
            self._bind(found.values, node.definition)
        return True

    def _bind(self, values: Sequence[Value], token: Token) -> None:
        """Let names stand for values, which keep a name that they have."""
        names = result_names(str(token))
        cursor = Cursor([token], self.source, 0, token.end_pos)
        if len(names) != len(values):
            cursor.fail(f"{len(values)} results, and {len(names)} names", token)
        for name, value in zip(names, values, strict=True):
            if value.name:
                self.frames[-1].names.append(name)
                self.scope[name] = value
            else:
                self.define(name, value, cursor, token)

    def _op(self, block: Block, node: OpNode) -> tuple[Op | None, list[_Pending]]:
        token = node.name
        text = str(token)
        generic = token.type == "GENERIC"
        written = text[1:-1] if generic else text
        name = versions.op_name(written)
        cls = Op.registry.get("builtin.module" if name == "module" else name)
        reader = OpReader(self, node, cls)
        if not generic and self._rewritten(block, node, reader, name):
            return None, []
        if generic:
            op = self._generic(reader, name)
        elif cls is None:
            op = read_unknown(reader, name)
        else:
            op = cls.parse(reader)
        if name != written:
            for key, value in versions.implied(written).items():
                op.attributes.setdefault(key, value)
        op.parent = block
        block.ops.append(op)
        return op, reader.pending

    # Regions

    def _enter(self, op: Op, region: Region, node: RegionNode, arguments: list[Argument]) -> None:
        op = region.parent or op  # of warp_specialize's regions, some belong to an op inside
        frame = _Frame(op, region)
        self.frames.append(frame)
        if op.isolated:
            frame.hidden, self.scope = self.scope, {}
        for index, block_node in enumerate(node.blocks):
            block = region.add_block(Block())
            frame.blocks.append((block, block_node))
            if block_node.label is not None:
                self._label(frame, block, block_node.label)
            elif index:
                raise AssertionError("only the first block of a region can be without a label")
        entry = frame.blocks[0][0]
        cursor = Cursor([], self.source, 0, node.end_pos)
        for argument in arguments:
            self._argument(entry, argument, cursor)
        frame.work = self._steps(frame)

    def _label(self, frame: _Frame, block: Block, token: Token) -> None:
        block.label = str(token).strip()[1:]
        if block.label in frame.labels:
            cursor = Cursor([token], self.source, 0, token.end_pos)
            cursor.fail(f"^{block.label} is defined twice", token)
        frame.labels[block.label] = block

    def _steps(self, frame: _Frame) -> Iterator[tuple[Block, OpNode]]:
        for block, node in frame.blocks:
            if node.arguments is not None:
                self._block_arguments(block, node.arguments)
            for op_node in node.ops:
                yield block, op_node

    def _block_arguments(self, block: Block, node: Node) -> None:
        op_node = OpNode(None, Token("OP_NAME", "", node.start_pos, node.start_pos), [])
        reader = OpReader(self, op_node, None)
        for argument in reader.arguments_in(node):
            self._argument(block, argument, reader)

    def _argument(self, block: Block, argument: Argument, cursor: Cursor) -> None:
        value = block.add_argument(argument.type)
        value.location = argument.location
        if argument.name:
            self.define(argument.name, value, cursor, cast(Token, argument.item))

    def _leave(self, frame: _Frame) -> None:
        self._finish_blocks(frame)
        if len(frame.blocks) > 1 or frame.hidden is not None:
            self._check_forward(frame)
        self.frames.pop()
        if frame.hidden is not None:
            self.scope = frame.hidden
            return
        for name in frame.names:
            del self.scope[name]

    def _check_forward(self, frame: _Frame) -> None:
        if self.forward and (frame.hidden is not None or not self._may_follow(left=1)):
            name, (_, token) = next(iter(self.forward.items()))
            self._undefined(name, token)

    def _finish_blocks(self, frame: _Frame) -> None:
        """Add the terminators that the text may leave out."""
        op = frame.op
        if op is None or not op.implicit_terminator:
            return
        cls = Op.registry[op.implicit_terminator]
        for block in frame.region.blocks:
            if not block.ops or not block.ops[-1].terminator:
                block.append(cls.implied(op.location, op.span))

    def _define_results(self, op: Op, node: OpNode) -> None:
        token = node.definition
        if token is None:
            return
        names = result_names(str(token))
        cursor = Cursor([token], self.source, 0, token.end_pos)
        if len(names) != len(op.results):
            count = len(op.results)
            cursor.fail(f"{op.op_name} has {count} results, and {len(names)} names", token)
        for name, value in zip(names, op.results, strict=True):
            value.location = op.location
            self.define(name, value, cursor, token)

    # The generic form

    def _generic(self, reader: OpReader, name: str) -> Op:
        operands = reader.values_in(reader.node("group", "'('"))
        targets = self._generic_successors(reader)
        attributes: dict[str, Attribute] = {}
        properties = reader.accept_node("angle")
        if properties is not None:
            inner = reader.inner(properties)
            found = inner.accept_dict()
            if found is not None:
                attributes = self.dictionary(inner, found)
            inner.end()
        regions = reader.accept_node("regions")
        held = [
            self._generic_region(reader, cast(RegionNode, node))
            for node in (regions.items if regions else ())
        ]
        found = reader.accept_dict()
        if found is not None:
            attributes.update(self.dictionary(reader, found))
        reader.expect(":")
        inputs, results = reader.function_type()
        reader.end()
        reader.check_types(operands, inputs)
        return self._from_generic(reader, name, operands, results, attributes, held, targets)

    def _generic_region(self, reader: OpReader, node: RegionNode) -> Region:
        """A region; one without ops and labels has no blocks."""
        (first, *others) = node.blocks
        if first.label is None and not first.ops and not others:
            return Region()
        return reader.region_of(node)

    def _generic_successors(self, reader: OpReader) -> list[Block]:
        node = reader.accept_node("list")
        if node is None:
            return []
        inner = reader.inner(node)
        found: list[Block] = []
        while True:
            token = inner.token("CARET", "a block")
            found.append(self.block(str(token)[1:], inner, token))
            if not inner.accept(","):
                break
        inner.end()
        return found

    def _from_generic(
        self,
        reader: OpReader,
        name: str,
        operands: list[Value],
        results: list[Type],
        attributes: dict[str, Attribute],
        regions: list[Region],
        targets: list[Block],
    ) -> Op:
        attributes = versions.generic(name, attributes)
        reader.cls = cls = Op.registry.get(name)
        segments = _sizes(attributes.pop("operandSegmentSizes", None))
        attributes.pop("resultSegmentSizes", None)
        counts = segments
        if cls is not None and cls.nested_segments:
            counts = [*segments[:-1], *_sizes(attributes.get(cls.nested_segments))]
        successors = _successors(targets, operands, counts)
        if cls is None:
            return UnknownOp(
                name,
                operands,
                results,
                attributes,
                regions,
                successors,
                location=reader.location(),
                span=reader.op_span(),
            )
        return reader.create(
            cls,
            operands,
            results,
            reader.normalised(attributes),
            regions,
            successors,
            segments=segments if cls.segmented else (),
        )


def _sizes(attribute: Attribute | None) -> list[int]:
    if isinstance(attribute, DenseArrayAttr):
        return [int(value) for value in attribute.values]
    return []


def _successors(
    targets: Sequence[Block], operands: Sequence[Value], segments: Sequence[int]
) -> list[Successor]:
    """Branch targets of a generic op: their arguments are its last operands."""
    if not targets:
        return []
    counts = list(segments[-len(targets) :]) if segments else [0] * len(targets)
    if not segments and len(targets) == 1:
        counts = [len(operands)]
    start = len(operands) - sum(counts)
    found: list[Successor] = []
    for block, count in zip(targets, counts, strict=False):
        found.append(Successor(block, start, count))
        start += count
    return found


def result_names(text: str) -> list[str]:
    """The names that `%a, %b:2 =` defines: a, b#0, b#1."""
    names: list[str] = []
    for part in text[:-1].split(","):
        name, colon, count = part.strip()[1:].partition(":")
        if not colon:
            names.append(name)
        elif len(count) > 4:
            return []
        else:
            names += [f"{name}#{i}" for i in range(int(count))]
    return names
