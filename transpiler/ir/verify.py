"""Whether a module is well formed: types, operands, regions, terminators, dominance, calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ..errors import Span, UnsupportedError, VerifyError
from .attributes import StringAttr, SymbolAttr
from .core import Block, Module, Op, Region, Value
from .dominance import dominator_tree
from .types import MemDescType, TensorDescType, TensorType, Type

# Triton's own bound on the elements of a tensor (TRITON_MAX_TENSOR_NUMEL).
MAX_ELEMENTS = 1 << 20


def verify(module: Module) -> None:
    """Raise a `VerifyError` at the first thing in the module that does not fit together."""
    _Verifier(module).run()


class _Verifier:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.visible: set[Value] = set()
        self.checked: set[Type] = set()
        self.partitions = 0  # how many warp-specialised regions we are in
        self.threads = (module.threads_per_warp, module.num_warps)
        self.has_warps = "ttg.num-warps" in module.attributes
        self.stack: list[_Step] = []

    def run(self) -> None:
        """Check everything, in the order of the text; nesting costs no stack."""
        self._check_shape(self.module)
        self._check_module()
        self.stack.append(_Enter(self.module, self.module.regions[0]))
        while self.stack:
            step = self.stack.pop()
            match step:
                case _Ops():
                    self._ops(step)
                case _Block():
                    self._block(step)
                case _Enter():
                    self._enter(step)
                case _Results():
                    self._define(step.op.results, step.added)
                case _Leave():
                    self.visible.difference_update(step.added)
                case _Restore():
                    self.visible = step.visible
                    self.partitions -= step.partition

    def _check_module(self) -> None:
        module = self.module
        for key, value in (("threads-per-warp", self.threads[0]), ("num-warps", self.threads[1])):
            if not 0 < value <= 1024:
                _fail(module, f"ttg.{key} is {value}; it should be from 1 to 1024")
        seen: set[str] = set()
        for op in module.body.ops:
            name = _symbol(op)
            if name and name in seen:
                _fail(op, f"there are two functions @{name}")
            seen.add(name)

    # Steps

    def _enter(self, step: _Enter) -> None:
        op, region = step.op, step.region
        if op.isolated:
            partition = int(op.op_name == "ttg.warp_specialize.partitions")
            self.stack.append(_Restore(self.visible, partition))
            self.visible = set()
            self.partitions += partition
        blocks = region.blocks
        if len(blocks) == 1:
            self.stack.append(_Block(blocks[0], {}))
        elif blocks:
            tree = dominator_tree(region)
            # What nothing reaches may use anything; its ops are still checked one by one.
            for block in blocks:
                if block not in tree:
                    self._dead(block)
            self.stack.append(_Block(blocks[0], tree))

    def _dead(self, block: Block) -> None:
        for op in block.ops:
            for inner in op.walk():
                self._check_shape(inner)
                inner.verify()

    def _block(self, step: _Block) -> None:
        added: list[Value] = []
        self.stack.append(_Leave(added))
        self.stack.extend(_Block(child, step.tree) for child in step.tree.get(step.block, ()))
        for value in step.block.args:
            self._check_type(value.type, None)
        self._define(step.block.args, added)
        self.stack.append(_Ops(iter(step.block.ops), added))

    def _ops(self, step: _Ops) -> None:
        visible = self.visible
        for op in step.ops:
            for value in op.operands:
                if value not in visible:
                    _fail(op, f"%{value.name} is used where its definition does not reach")
            self._check_shape(op)
            for value in op.results:
                self._check_type(value.type, op)
            op.verify()
            if op.regions:
                self.stack.append(step)
                self.stack.append(_Results(op, step.added))
                self.stack.extend(_Enter(op, region) for region in reversed(op.regions))
                return
            if op.results:
                self._define(op.results, step.added)

    def _define(self, values: list[Value], added: list[Value]) -> None:
        self.visible.update(values)
        added.extend(values)

    # One op

    def _check_shape(self, op: Op) -> None:
        """What a class says about counts: operands, results, attributes, regions, blocks."""
        found, expected = len(op.results), op.results_defined
        if expected is not None and found != expected:
            _fail(op, f"expected {expected} results, found {found}")
        _check_operands(op)
        _check_attributes(op)
        expected = op.regions_held
        if expected is not None and len(op.regions) != expected:
            _fail(op, f"expected {expected} regions, found {len(op.regions)}")
        for index, region in enumerate(op.regions):
            _check_region(op, index, region)
        for target in op.successors:
            region = op.parent.parent if op.parent is not None else None
            block = target.block
            if region is None or block.parent is not region or block is region.blocks[0]:
                _fail(op, "branches to a block that is none of its region, or is its first")
        if op.op_name == "tt.call":
            self._check_call(op)

    def _check_call(self, op: Op) -> None:
        name = op.attributes.get("callee")
        callee = self.module.function(name.name) if isinstance(name, SymbolAttr) else None
        if callee is None:
            _fail(op, f"there is no function {name}")
            return
        found = getattr(callee, "type", None)
        passed = tuple(value.type for value in op.operands)
        given = tuple(value.type for value in op.results)
        if found is not None and (found.inputs, found.results) != (passed, given):
            _fail(op, f"called as ({_list(passed)}) -> ({_list(given)}), the function is {found}")

    # Types

    def _check_type(self, type_: Type, op: Op | None) -> None:
        if type_ in self.checked:
            return
        span = op.span if op is not None else self.module.span
        if isinstance(type_, TensorType):
            self._check_tensor(type_, span)
        elif isinstance(type_, MemDescType):
            _check_sizes(type_, type_.shape, span)
            _check_sizes(type_, type_.alloc_shape, span)
            rank = getattr(type_.encoding, "rank", 0)
            if rank > len(type_.shape):
                raise VerifyError(f"{type_}: a layout of {rank} dimensions", span)
        elif isinstance(type_, TensorDescType):
            _check_sizes(type_, type_.shape, span)
        if not self.partitions:
            self.checked.add(type_)

    def _check_tensor(self, type_: TensorType, span: Span | None) -> None:
        _check_sizes(type_, type_.shape, span)
        if type_.encoding is None:
            if not self.has_warps:
                raise VerifyError("this is TTIR: its tensors have no layouts", span, _TTIR_NOTE)
            raise VerifyError(f"{type_} has no layout", span)
        rank = type_.encoding.rank
        if rank != type_.rank and rank:
            raise VerifyError(f"{type_}: a layout of {rank} dimensions", span)
        if type_.size & (type_.size - 1):
            raise VerifyError(f"{type_}: the number of elements is no power of two", span)
        if not self.partitions:
            self._check_threads(type_, span)

    def _check_threads(self, type_: TensorType, span: Span | None) -> None:
        """The layout is made for the module's lanes and warps."""
        assert type_.encoding is not None
        try:
            layout = type_.encoding.to_linear(type_.shape)
        except UnsupportedError:
            return  # no known bases: refused when it is lowered
        found = (1 << len(layout.lane), 1 << len(layout.warp))
        if found != self.threads and self.has_warps:
            lanes, warps = found
            message = f"{type_}: a layout for {warps} warps of {lanes} lanes"
            expected = f"the module has {self.threads[1]} of {self.threads[0]}"
            raise VerifyError(f"{message}, {expected}", span)


_TTIR_NOTE = (
    "run the pass convert-triton-to-tritongpu,"
    " or take the .ttgir that Triton dumps beside the .ttir"
)


def _fail(op: Op, message: str) -> None:
    raise VerifyError(f"{op.op_name}: {message}", op.span)


def _list(types: tuple[Type, ...]) -> str:
    return ", ".join(map(str, types))


def _symbol(op: Op) -> str:
    found = op.attributes.get("sym_name")
    if isinstance(found, SymbolAttr):
        return found.name
    return found.value if isinstance(found, StringAttr) else ""


def _check_sizes(type_: Type, shape: tuple[int, ...], span: Span | None) -> None:
    size = 1
    for dim in shape:
        size *= dim
        if dim <= 0 or size > MAX_ELEMENTS:
            text = f"{str(type_)[:80]}: sizes should be positive, and {MAX_ELEMENTS} elements"
            raise VerifyError(f"{text} are the limit", span)


def _check_operands(op: Op) -> None:
    fields = op.operand_fields
    if not fields or op.successors:
        return
    count = len(op.operands)
    if op.segmented or op.segments:
        fits = len(op.segments) == len(fields) and sum(op.segments) == count
        for field, size in zip(fields, op.segments, strict=False):
            fits = fits and not (field.kind == "one" and size != 1)
            fits = fits and not (field.kind == "optional" and size > 1)
        if not fits:
            _fail(op, f"operands in groups of {op.segments}, which its fields do not have")
        return
    least = most = 0
    for field in fields:
        least += field.kind == "one"
        most += 1 if field.kind != "variadic" else count
    if not least <= count <= most:
        expected = str(least) if least == most else f"{least} or more"
        _fail(op, f"expected {expected} operands, found {count}")


def _check_attributes(op: Op) -> None:
    for key, field in op.attribute_fields.items():
        value = op.attributes.get(key)
        if value is None:
            if field.required:
                _fail(op, f"needs the attribute '{key}'")
        elif not field.accepts(value):
            _fail(op, f"the attribute '{key}' cannot be {value}")


def _check_region(op: Op, index: int, region: Region) -> None:
    count = len(region.blocks)
    if op.single_block and count > 1:
        _fail(op, f"expected one block, found {count}")
    ends = bool(op.region_terminator) or op.branching
    if not count and ends and index not in op.empty_regions:
        _fail(op, f"region {index} has no block")
    for block in region.blocks:
        for inner in block.ops[:-1]:
            if _ends_a_block(inner):
                _fail(inner, "ends a block, and ops follow")
        last = block.ops[-1] if block.ops else None
        if op.region_terminator:
            if last is None or last.op_name not in op.region_terminator:
                _fail(last or op, f"a block should end with {' or '.join(op.region_terminator)}")
        elif op.branching and (last is None or not _ends_a_block(last)):
            _fail(last or op, "a block should end with a branch or a return")


# What is still to be done, the next on top.


class _Enter:
    __slots__ = ("op", "region")

    def __init__(self, op: Op, region: Region) -> None:
        self.op = op
        self.region = region


class _Block:
    __slots__ = ("block", "tree")

    def __init__(self, block: Block, tree: dict[Block, list[Block]]) -> None:
        self.block = block
        self.tree = tree


class _Ops:
    __slots__ = ("added", "ops")

    def __init__(self, ops: Iterator[Op], added: list[Value]) -> None:
        self.ops = ops
        self.added = added


class _Results:
    __slots__ = ("added", "op")

    def __init__(self, op: Op, added: list[Value]) -> None:
        self.op = op
        self.added = added


class _Leave:
    __slots__ = ("added",)

    def __init__(self, added: list[Value]) -> None:
        self.added = added


class _Restore:
    __slots__ = ("partition", "visible")

    def __init__(self, visible: set[Value], partition: int) -> None:
        self.visible = visible
        self.partition = partition


_Step: TypeAlias = _Enter | _Block | _Ops | _Results | _Leave | _Restore


def _ends_a_block(op: Op) -> bool:
    """Whether control leaves its block with an op; without a class, its successors say so."""
    return op.terminator or bool(op.successors)
