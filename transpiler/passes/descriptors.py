"""Tensor descriptors become pointers, sizes and strides; their tiles become masked accesses.

    %d = tt.make_tensor_descriptor %p, [%m, %n], [%s, %c1]
    %x = tt.descriptor_load %d[%i, %j]             ->    %x = tt.load %pointers, %mask, %zeros

A descriptor is carried by loops as its parts: the base, a size (i32) for each dimension, a stride
(i64, in elements) for each, and an i1 that says whether what is out of bounds reads as NaN (else as
zero). A kernel argument that is a descriptor becomes kernel arguments in this order:

    %x: !tt.tensordesc<64x32xf16>    ->    %x_ptr: !tt.ptr<f16>, %x_size0: i32, %x_size1: i32,
                                           %x_stride0: i64, %x_stride1: i64, %x_nan: i1

Offsets are computed in 64 bits, element by element; what is out of bounds is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..dialects import arith, tt, ttg
from ..errors import UnsupportedError
from ..ir.attributes import (
    ArrayAttr,
    Attribute,
    DictAttr,
    IntegerAttr,
    OpaqueAttr,
    StringAttr,
    TypeAttr,
)
from ..ir.core import Module, Op, Value
from ..ir.floats import bits_of_float
from ..ir.traits import with_element
from ..ir.types import (
    I1,
    I32,
    I64,
    FloatType,
    FunctionType,
    IntegerType,
    PointerType,
    TensorDescType,
    TensorType,
    Type,
    element_of,
)
from .expansion import Expansion, refuse
from .insertion import Before, line_type


def lower_descriptors(module: Module) -> None:
    """See the module's text."""
    for function in module.functions:
        if isinstance(function, tt.Func) and any(map(_uses_descriptor, function.walk())):
            _Descriptors(function).run()


def _uses_descriptor(op: Op) -> bool:
    blocks = [block for region in op.regions for block in region.blocks]
    values = [*op.operands, *op.results, *(arg for block in blocks for arg in block.args)]
    return any(isinstance(value.type, TensorDescType) for value in values)


def _parts(type_: Type) -> list[Type] | None:
    if not isinstance(type_, TensorDescType):
        return None
    rank = len(type_.shape)
    return [PointerType(_element(type_)), *[I32] * rank, *[I64] * rank, I1]


def _element(type_: TensorDescType) -> Type:
    """Descriptors know signs, tensors do not."""
    element = type_.element
    return IntegerType(element.width) if isinstance(element, IntegerType) else element


def part_names(rank: int) -> list[str]:
    """What is put behind a descriptor's name for each of its parts."""
    sizes, strides = ([f"_{what}{dim}" for dim in range(rank)] for what in ("size", "stride"))
    return ["_ptr", *sizes, *strides, "_nan"]


@dataclass(frozen=True)
class _Descriptor:
    """The parts of a descriptor."""

    base: Value
    sizes: list[Value]
    strides: list[Value]
    nan: Value
    type: TensorDescType


class _Descriptors:
    def __init__(self, function: tt.Func) -> None:
        self.function = function
        self.expansion = Expansion(_parts, self._rewrite, _names)

    def run(self) -> None:
        """Expand the arguments, then all ops."""
        entry = self.function.entry
        self._expand_signature()
        entry.args = self.expansion.values(entry.args, entry)
        self.expansion.run(entry)

    def _expand_signature(self) -> None:
        """Types and attributes of the function's arguments."""
        types: list[Type] = []
        attributes: list[dict[str, Attribute]] = []
        for value, known in zip(self.function.entry.args, self.function.arg_attrs, strict=True):
            parts = _parts(value.type)
            if parts is None:
                types.append(value.type)
                attributes.append(dict(known))
                continue
            types += parts
            named: dict[str, Attribute] = {"tt.descriptor": StringAttr(value.name)}
            attributes += [named] * len(parts)
        results = self.function.type.results
        self.function.attributes["function_type"] = TypeAttr(FunctionType(tuple(types), results))
        if "arg_attrs" in self.function.attributes or any(attributes):
            self.function.attributes["arg_attrs"] = _dictionaries(attributes)

    def _of(self, value: Value) -> _Descriptor:
        type_ = value.type
        assert isinstance(type_, TensorDescType)
        parts, rank = self.expansion.parts[value], len(type_.shape)
        sizes, strides = parts[1 : 1 + rank], parts[1 + rank : 1 + 2 * rank]
        return _Descriptor(parts[0], sizes, strides, parts[-1], type_)

    def _rewrite(self, op: Op) -> None:
        match op:
            case tt.MakeTensorDescriptor():
                nan = Before(op).integer(-(op.padding == "nan"), I1)
                self.expansion.parts[op.result] = [op.base, *op.shape, *op.strides, nan]
            case tt.DescriptorLoad():
                tile = _Tile(op, self._of(op.desc), op.result).at(op.indices)
                self._load(op, tile)
            case tt.DescriptorGather():
                tile = _Tile(op, self._of(op.desc), op.result)
                self._load(op, tile.rows(op.x_offsets, op.y_offset))
            case tt.DescriptorStore():
                tile = _Tile(op, self._of(op.desc), op.source).at(op.indices)
                tile.before.insert(tt.Store((tile.pointers(), op.source, tile.mask())))
            case tt.DescriptorScatter():
                tile = _Tile(op, self._of(op.desc), op.source).rows(op.x_offsets, op.y_offset)
                tile.before.insert(tt.Store((tile.pointers(), op.source, tile.mask())))
            case tt.DescriptorReduce():
                self._reduce(op)
            case _:
                raise refuse(op, "on a tensor descriptor is not supported yet")

    def _load(self, op: Op, tile: _Tile) -> None:
        operands = (tile.pointers(), tile.mask(), tile.padding())
        load = tile.before.value(tt.Load(operands, (op.result.type,)), op.result.name)
        load.location = op.result.location
        op.result.replace_all_uses_with(load)

    def _reduce(self, op: tt.DescriptorReduce) -> None:
        descriptor = self._of(op.desc)
        element = descriptor.type.element
        kind: str = op.kind
        if kind in ("inc", "dec"):
            raise refuse(op, f"{kind} has no atomic in Metal")
        if isinstance(element, FloatType) and kind == "add":
            kind = "fadd"
        elif isinstance(element, IntegerType) and element.sign == "u" and kind in ("min", "max"):
            kind = f"u{kind}"
        tile = _Tile(op, descriptor, op.source).at(op.indices)
        attributes = {
            "atomic_rmw_op": OpaqueAttr(kind),
            "sem": OpaqueAttr("relaxed"),
            "scope": OpaqueAttr("gpu"),
        }
        operands = (tile.pointers(), op.source, tile.mask())
        tile.before.insert(tt.AtomicRmw(operands, (op.source.type,), attributes))


class _Tile:
    """The pointers of a tile: for each dimension of the descriptor, where its elements are."""

    def __init__(self, op: Op, descriptor: _Descriptor, tensor: Value) -> None:
        type_ = tensor.type
        assert isinstance(type_, TensorType)
        self.op, self.descriptor, self.type = op, descriptor, type_
        self.before = Before(op)
        self._offset: Value | None = None
        self._mask: Value | None = None

    def at(self, indices: Sequence[Value]) -> _Tile:
        """The tile that begins at `indices`; dimensions of size 1 may be missing in the tensor."""
        for dim, index in enumerate(indices):
            place = self._dims()[dim]
            start = self.before.wide(index)
            if place is None:
                self._add(dim, self.before.splat(start, self.type))
            else:
                line = line_type(self.type, place, I32)
                steps = self.before.wide(self.before.range(line))
                starts = self.before.splat(start, line)
                self._add_line(dim, self.before.binary(arith.Addi, starts, steps), place)
        return self

    def rows(self, rows: Value, column: Value) -> _Tile:
        """Rows in a list, from one column on."""
        before = self.before
        line = line_type(self.type, 0, element_of(rows.type))
        listed = rows
        if rows.type != line:
            listed = before.value(ttg.ConvertLayout((rows,), (line,)))
        self._add_line(0, before.wide(listed), 0)
        columns = line_type(self.type, 1, I32)
        steps = before.wide(before.range(columns))
        starts = before.splat(before.wide(column), columns)
        self._add_line(1, before.binary(arith.Addi, starts, steps), 1)
        return self

    def _dims(self) -> list[int | None]:
        """For each dimension of the descriptor that of the tensor; None: it has size 1 and none."""
        sizes, shape = self.descriptor.type.shape, list(self.type.shape)
        if sizes == self.type.shape:
            return list(range(len(sizes)))
        found: list[int | None] = []
        place = 0
        for dim, size in enumerate(sizes):
            left = len(sizes) - dim
            if size == 1 and (
                place == len(shape) or shape[place] != 1 or left > len(shape) - place
            ):
                found.append(None)
                continue
            if place == len(shape) or shape[place] != size:
                raise UnsupportedError(
                    f"{self.op.op_name}: a tile {self.type} of {self.descriptor.type}", self.op.span
                )
            found.append(place)
            place += 1
        return found

    def _add_line(self, dim: int, positions: Value, place: int) -> None:
        """Positions along a dimension of the tensor, as a line of i64."""
        before, descriptor = self.before, self.descriptor
        type_ = positions.type
        assert isinstance(type_, TensorType)
        size = before.splat(before.wide(descriptor.sizes[dim]), type_)
        stride = before.splat(descriptor.strides[dim], type_)
        inside = self._inside(positions, size)
        offset = before.binary(arith.Muli, positions, stride)
        self._join(before.spread(offset, place, self.type), before.spread(inside, place, self.type))

    def _add(self, dim: int, positions: Value) -> None:
        before, descriptor = self.before, self.descriptor
        size = before.splat(before.wide(descriptor.sizes[dim]), self.type)
        stride = before.splat(descriptor.strides[dim], self.type)
        inside = self._inside(positions, size)
        self._join(before.binary(arith.Muli, positions, stride), inside)

    def _inside(self, positions: Value, size: Value) -> Value:
        before = self.before
        zero = before.integer(0, positions.type)
        not_before = before.compare("sge", positions, zero)
        return before.binary(arith.Andi, not_before, before.compare("slt", positions, size))

    def _join(self, offset: Value, mask: Value) -> None:
        before = self.before
        if self._offset is None or self._mask is None:
            self._offset, self._mask = offset, mask
            return
        self._offset = before.binary(arith.Addi, self._offset, offset)
        self._mask = before.binary(arith.Andi, self._mask, mask)

    def pointers(self) -> Value:
        """The pointer of each element."""
        assert self._offset is not None
        bases = self.before.splat(self.descriptor.base, self.type)
        return self.before.value(tt.Addptr((bases, self._offset), (bases.type,)))

    def mask(self) -> Value:
        """Which elements are in bounds."""
        assert self._mask is not None
        return self._mask

    def padding(self) -> Value:
        """What elements out of bounds read as."""
        before, element = self.before, element_of(self.type)
        zeros = before.bits(0, with_element(self.type, element))
        nan = self.descriptor.nan
        if not isinstance(element, FloatType):
            return zeros
        op = nan.defining_op
        known = op.attributes["value"] if isinstance(op, arith.Constant) else None
        if isinstance(known, IntegerAttr):
            bits = bits_of_float(float("nan"), element) if known.value else 0
            return before.bits(bits, zeros.type) if bits else zeros
        numbers = before.bits(bits_of_float(float("nan"), element), element)
        zero = before.bits(0, element)
        chosen = before.value(arith.Select((nan, numbers, zero), (element,)))
        return before.splat(chosen, self.type)


def _names(type_: Type) -> list[str]:
    assert isinstance(type_, TensorDescType)
    return part_names(len(type_.shape))


def _dictionaries(entries: list[dict[str, Attribute]]) -> ArrayAttr:
    return ArrayAttr(tuple(DictAttr(tuple(entry.items())) for entry in entries))
