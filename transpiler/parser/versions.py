"""What older Tritons (2.1 to 3.8) wrote differently, read into 3.9's ops, types and attributes.

This is the only place that knows a version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..dialects import arith, tt, ttg, ttng
from ..ir.assembly import ASYNC_TOKEN
from ..ir.attributes import (
    ArrayAttr,
    Attribute,
    DenseArrayAttr,
    DictAttr,
    IntegerAttr,
    OpaqueAttr,
    UnitAttr,
)
from ..ir.core import Op, Value
from ..ir.encodings import (
    DotOperandEncoding,
    Encoding,
    NvidiaMmaEncoding,
    SharedEncoding,
)
from ..ir.types import I1, I32, I64, FloatType, IntegerType, MemDescType, Type

if TYPE_CHECKING:
    from .grammar import Item
    from .reader import OpReader

SHARED_SPACE = "#ttg.shared_memory"

# Dialect prefixes that were renamed: 3.3 (GPU and NVIDIA), 3.6 (AMD).
_DIALECTS = {"triton_gpu": "ttg", "triton_nvidia_gpu": "ttng", "amdgpu": "amdg"}
_TYPES = {"tt.memdesc": "ttg.memdesc"}
_ATTRIBUTES = {"ttg.shared": "ttg.swizzled_shared", "ttg.mma": "ttg.nvidia_mma"}
_OPS: dict[str, str] = {
    "ttg.cmpi": "arith.cmpi",
    "ttg.cmpf": "arith.cmpf",
    "ttg.select": "arith.select",
    "tt.view": "tt.reshape",
    "tt.pure_extern_elementwise": "tt.extern_elementwise",
    "tt.impure_extern_elementwise": "tt.extern_elementwise",
    "ttng.dot_async": "ttng.warp_group_dot",
    "ttng.dot_wait": "ttng.warp_group_dot_wait",
    "ttg.local_barrier": "ttg.barrier",
}


def _renamed(name: str) -> str:
    prefix, dot, rest = name.partition(".")
    return f"{_DIALECTS[prefix]}.{rest}" if dot and prefix in _DIALECTS else name


def op_name(name: str) -> str:
    """Today's name of an op."""
    name = _renamed(name)
    return _OPS.get(name, name)


def key_name(key: str) -> str:
    """Today's key of a module or discardable attribute."""
    return _renamed(key)


def type_name(name: str) -> str:
    """Today's name of a type; `name` starts with `!` if it is a dialect's."""
    if not name.startswith("!"):
        return name
    name = _renamed(name[1:])
    return "!" + _TYPES.get(name, name)


def attribute_name(name: str) -> str:
    """Today's name of a `#dialect.attribute`."""
    name = _renamed(name[1:])
    return "#" + _ATTRIBUTES.get(name, name)


def space_name(name: str) -> str:
    """Today's name of a memory space."""
    return attribute_name(name) if name.startswith("#") else name


def shared_tensor(shape: tuple[int, ...], element: Type, encoding: SharedEncoding) -> MemDescType:
    """2.1 wrote a view of shared memory as a tensor with a shared layout."""
    return MemDescType(shape, element, encoding, SHARED_SPACE, mutable=True)


def encoding(name: str, values: dict[str, Attribute]) -> tuple[str, dict[str, Attribute]]:
    """Today's name and parameters of a layout."""
    values = dict(values)
    _blocks_of_cluster(values)
    match name:
        case "#ttg.swizzled_shared" if "hasLeadingOffset" in values:  # up to 3.2
            if _number(values.pop("hasLeadingOffset")):
                return "#ttg.nvmma_shared", _leading_offset(values)
        case "#ttg.nvidia_mma" if "instrShape" not in values:  # 2.1
            values["instrShape"] = _list(16, 8)
        case "#ttg.amd_mfma":
            _mfma(values)
        case "#ttg.amd_wmma" if "warpsPerCTA" in values:  # up to 3.6
            _wmma(values)
        case _:
            pass
    return name, values


def _number(attribute: Attribute | None) -> int:
    return attribute.value if isinstance(attribute, IntegerAttr) else 0


def _numbers(attribute: Attribute | None) -> list[int]:
    items = attribute.items if isinstance(attribute, ArrayAttr) else ()
    return [_number(item) for item in items]


def _list(*values: int) -> ArrayAttr:
    return ArrayAttr(tuple(IntegerAttr(value, I64) for value in values))


def _blocks_of_cluster(values: dict[str, Attribute]) -> None:
    """Up to 3.5, CTAsPerCGA, CTASplitNum and CTAOrder stood where CGALayout stands."""
    count, split = _numbers(values.pop("CTAsPerCGA", None)), values.pop("CTASplitNum", None)
    order = _numbers(values.pop("CTAOrder", None)) or list(range(len(count)))[::-1]
    parts = _numbers(split) or count
    bases: list[ArrayAttr] = []
    for dim in order:
        if dim >= len(count) or dim >= len(parts):
            continue
        for bit in range(max(count[dim], 1).bit_length() - 1):
            value = 1 << bit if 1 << bit < parts[dim] else 0
            bases.append(_list(*(value if i == dim else 0 for i in range(len(count)))))
    if bases:
        values["CGALayout"] = ArrayAttr(tuple(bases))


def _leading_offset(values: dict[str, Attribute]) -> dict[str, Attribute]:
    """A shared layout with a leading offset is what wgmma reads: nvmma_shared today."""
    vec = max(1, _number(values.pop("vec", None)))
    values.pop("perPhase", None)
    phases = _number(values.pop("maxPhase", None))
    order = _numbers(values.pop("order", None))
    transposed = IntegerAttr(-1 if order[:1] == [0] else 0, I1)
    return {
        **values,
        "swizzlingByteWidth": IntegerAttr(16 * phases, I64),
        "transposed": transposed,
        "elementBitWidth": IntegerAttr(128 // vec, I64),
    }


def _mfma(values: dict[str, Attribute]) -> None:
    """versionMajor up to 3.4; no K in the instruction's shape up to 3.5."""
    if "versionMajor" in values:
        values["version"] = values.pop("versionMajor")
        values.pop("versionMinor", None)
    shape = _numbers(values.get("instrShape"))
    if len(shape) == 2:
        # The layout does not depend on K; this is the one of 16-bit operands.
        values["instrShape"] = _list(*shape, {32: 8, 16: 16}.get(min(shape), 4))


def _wmma(values: dict[str, Attribute]) -> None:
    """warpsPerCTA, walked along N first, where ctaLayout stands; the first ones had no version."""
    warps = _numbers(values.pop("warpsPerCTA"))
    bases: list[ArrayAttr] = []
    for dim in reversed(range(len(warps))):
        for bit in range(max(warps[dim], 1).bit_length() - 1):
            bases.append(_list(*(1 << bit if i == dim else 0 for i in range(len(warps)))))
    values["ctaLayout"] = DictAttr((("warp", ArrayAttr(tuple(bases))),))
    values.setdefault("version", IntegerAttr(1, I64))
    values.setdefault("isTranspose", IntegerAttr(0, I1))
    if len(warps) != 2:
        values.setdefault("rank", IntegerAttr(len(warps), I64))


# Texts that a class's format replaced, by op. They are tried when today's does not fit.
_CAST = "$source attr-dict `:` functional-type(operands, results)"  # 2.1
_BUFFER_TAIL = "(`stride` `=` $stride^)? attr-dict `:` type(%s)"  # up to 3.8
_FORMATS: dict[str, tuple[str, ...]] = {
    "tt.splat": (_CAST,),
    "tt.broadcast": (_CAST,),
    "tt.expand_dims": (_CAST,),
    "tt.reshape": (_CAST,),
    "tt.trans": (_CAST,),
    "tt.fp_to_fp": (_CAST,),
    "tt.bitcast": (_CAST,),
    "tt.int_to_ptr": (_CAST,),
    "tt.ptr_to_int": (_CAST,),
    "ttg.convert_layout": (_CAST,),
    "tt.cat": ("$lhs `,` $rhs attr-dict `:` functional-type(operands, results)",),
    # Cache clauses (3.0 to 3.8), and the value's type instead of the pointer's (2.1).
    "tt.load": (
        "$ptr (`,` $mask^)? (`,` $other^)? attr-dict `:` type($ptr)",
        "$ptr (`,` $mask^)? (`,` $other^)? attr-dict `:` type($result)",
    ),
    "tt.store": (
        "$ptr `,` $value (`,` $mask^)? attr-dict `:` type($ptr)",
        "$ptr `,` $value (`,` $mask^)? attr-dict `:` type($value)",
    ),
    "ttg.async_copy_global_to_local": (
        "$source `,` $target (`mask` $mask^)? (`other` $other^)? attr-dict"
        " `:` type($source) `->` stripped(ttg.memdesc $target)",
    ),
    "ttg.async_commit_group": ("($inputs^)? attr-dict",),  # up to 3.4
    "amdg.buffer_load": (
        "$ptr `[` $offsets `]` (`,` $mask^)? (`,` $other^)? " + _BUFFER_TAIL % "$result",
    ),
    "amdg.buffer_store": (
        "$value `,` $ptr `[` $offsets `]` (`,` $mask^)? " + _BUFFER_TAIL % "$value",
    ),
    "amdg.buffer_atomic_rmw": (
        "$kind `,` $sem `,` $scope `,` $value `,` $ptr `[` $offsets `]` (`,` $mask^)? "
        + _BUFFER_TAIL % "$result",
    ),
}


def formats(name: str) -> tuple[str, ...]:
    """Older formats of an op."""
    return _FORMATS.get(name, ())


def take_clauses(reader: OpReader) -> None:
    """Take `cacheModifier = cg` and `evictionPolicy = evict_last` (3.0 to 3.8) out of a text."""
    found: dict[str, str] = {}
    items: list[Item] = []
    skip = 0
    for index, item in enumerate(reader.items):
        if skip:
            skip -= 1
        elif item in ("cacheModifier", "evictionPolicy"):
            following = reader.items[index + 1 : index + 3]
            if len(following) == 2 and following[0] == "=" and isinstance(following[1], str):
                found[str(item)] = str(following[1])
                skip = 2
        else:
            items.append(item)
    if found:
        reader.items = items
        policy = _policy(found.get("cacheModifier", ""), found.get("evictionPolicy", ""))
        reader.parts.attributes["cachePolicy"] = policy


def _policy(modifier: str, eviction: str) -> OpaqueAttr:
    modifier, eviction = modifier or "none", eviction or "evict_normal"
    return OpaqueAttr(
        f"#tt.cache_policy<cache_modifier = {modifier}, eviction_policy = {eviction}>"
    )


# In the order of 2.1's enums, from 1.
_MODIFIERS = ("none", "ca", "cg", "wb", "cs", "wt", "cv")
_EVICTIONS = ("evict_normal", "evict_first", "evict_last")
_OLD_KEYS = frozenset(("cache", "evict", "allowTF32", "allow_reorder", "N"))


def attributes(found: dict[str, Attribute]) -> dict[str, Attribute]:
    """Today's attributes of an op."""
    if _OLD_KEYS.isdisjoint(found):
        return found
    found = dict(found)
    if "cache" in found or "evict" in found:  # 2.1
        modifier = _MODIFIERS[_choice(found.pop("cache", None), len(_MODIFIERS))]
        eviction = _EVICTIONS[_choice(found.pop("evict", None), len(_EVICTIONS))]
        if (modifier, eviction) != ("none", "evict_normal"):
            found["cachePolicy"] = _policy(modifier, eviction)
    if "allowTF32" in found:  # 2.1
        found["inputPrecision"] = OpaqueAttr("tf32" if _number(found.pop("allowTF32")) else "ieee")
    if "N" in found:  # tmem_subslice, up to 3.8
        found["offset"] = found.pop("N")
    reorder = found.get("allow_reorder")
    if isinstance(reorder, IntegerAttr):  # up to 3.1
        del found["allow_reorder"]
        if reorder.value:
            found["allow_reorder"] = UnitAttr()
    return found


def _choice(attribute: Attribute | None, count: int) -> int:
    return min(max(_number(attribute) - 1, 0), count - 1)


def generic(name: str, found: dict[str, Attribute]) -> dict[str, Attribute]:
    """Today's attributes of an op in generic form."""
    found = attributes(found)
    if name == "tt.scan":  # 2.1 only scanned forward
        found.setdefault("reverse", IntegerAttr(0, I1))
    return found


def operand_layout(layout: Encoding, element: Type) -> Encoding:
    """Up to 3.1, operands of wgmma left out kWidth: 32 bits of elements."""
    if (
        isinstance(layout, DotOperandEncoding)
        and layout.k_width == 0
        and isinstance(layout.parent, NvidiaMmaEncoding)
        and isinstance(element, IntegerType | FloatType)
    ):
        return DotOperandEncoding(layout.op_idx, layout.parent, max(1, 32 // element.width))
    return layout


def implied(name: str) -> dict[str, Attribute]:
    """What an old name of an op says that is an attribute today."""
    match name:
        case "tt.pure_extern_elementwise":  # 2.1
            return {"pure": IntegerAttr(-1, I1)}
        case "tt.impure_extern_elementwise":
            return {"pure": IntegerAttr(0, I1)}
        case "triton_nvidia_gpu.dot_async":  # 3.0, 3.1
            return {"isAsync": IntegerAttr(-1, I1)}
        case _:
            return {}


class Rewritten:
    """Today's ops for an old one, and the values that its results are."""

    def __init__(self, ops: Sequence[Op], values: Sequence[Value]) -> None:
        self.ops = list(ops)
        self.values = list(values)


def rewritten(reader: OpReader, name: str) -> Rewritten | None:
    """Read an op that became other ones; None if it is none of them, or does not fit."""
    read = _REWRITES.get(name)
    if read is None:
        return None
    # Of ops that are still there, only the old text has types in brackets.
    if reader.cls is not None and all(item.type != "group" for item in reader.items):
        return None
    found = read(reader)
    if found is None:
        reader.restart()
    return found


def _one(op: Op) -> Rewritten:
    return Rewritten([op], op.results)


def _subview(reader: OpReader) -> Rewritten | None:
    """3.0 to 3.4: `ttg.memdesc_subview %m[%i, %j] : memdesc -> memdesc`."""
    source = reader.value()
    offsets = reader.values_in(reader.node("list", "'['"))
    attributes = reader.optional_dictionary()
    reader.expect(":")
    reader.check_types([source], [reader.type()])
    reader.expect("->")
    type_ = reader.type()
    reader.end()
    return _part(reader, source, offsets, [_constant(v) for v in offsets], type_, attributes)


def _part(
    reader: OpReader,
    source: Value,
    offsets: Sequence[Value | None],
    constants: Sequence[int | None],
    type_: Type,
    attributes: dict[str, Attribute],
) -> Rewritten | None:
    """An element along the first dimension, or a part at constant offsets."""
    view = source.type
    if not isinstance(view, MemDescType) or not isinstance(type_, MemDescType):
        return None
    whole = all(offset == 0 for offset in constants[1:])
    element = type_.shape == (view.shape[1:] or (1,)) and offsets[0] is not None
    if element and whole and offsets[0] is not None:
        op = reader.create(ttg.MemdescIndex, [source, offsets[0]], [type_], attributes)
        return _one(op)
    known = [offset for offset in constants if offset is not None]
    if len(view.shape) != len(type_.shape) or len(known) != len(constants):
        return None
    if view.shape == type_.shape and view.mutable and not type_.mutable:
        # A read-only view of all; today's views keep what they may do.
        return Rewritten([], [source]) if not any(known) else None
    found = {**attributes, "offsets": DenseArrayAttr(I32, tuple(known))}
    return _one(reader.create(ttg.MemdescSubslice, [source], [type_], found))


def _constant(value: Value) -> int | None:
    op = value.defining_op
    if isinstance(op, arith.Constant) and isinstance(op.value, IntegerAttr):
        return op.value.value
    return None


def _alloc_tensor(reader: OpReader) -> Rewritten:
    """2.1: `triton_gpu.alloc_tensor : tensor<..., #shared>`."""
    attributes = reader.optional_dictionary()
    reader.expect(":")
    type_ = reader.type()
    reader.end()
    return _one(reader.create(ttg.LocalAlloc, [], [type_], attributes))


def _convert_layout(reader: OpReader) -> Rewritten | None:
    """2.1 moved to and from shared memory by converting the layout."""
    source = reader.value()
    attributes = reader.optional_dictionary()
    reader.expect(":")
    inputs, results = reader.function_type()
    reader.end()
    reader.check_types([source], inputs)
    kinds = isinstance(inputs[0], MemDescType), isinstance(results[0], MemDescType)
    match kinds:
        case (True, False):
            return _one(reader.create(ttg.LocalLoad, [source], results, attributes))
        case (False, True):
            return _one(reader.create(ttg.LocalAlloc, [source], results, attributes))
        case _:
            return None


def _trans(reader: OpReader) -> Rewritten | None:
    """2.1 transposed views of shared memory by tt.trans, whose order was always (1, 0)."""
    source = reader.value()
    attributes = reader.optional_dictionary()
    reader.expect(":")
    inputs, results = reader.function_type()
    reader.end()
    reader.check_types([source], inputs)
    attributes.setdefault("order", DenseArrayAttr(I32, (1, 0)))
    cls = ttg.MemdescTrans if isinstance(inputs[0], MemDescType) else tt.Trans
    return _one(reader.create(cls, [source], results, attributes))


def _tc_gen5_mma(reader: OpReader) -> Rewritten:
    """3.3: `ttng.tc_gen5_mma %a, %b, %d, %use_d, %predicate[, %barrier] : (T, ...) -> ()`."""
    values = reader.value_run(5, 6)
    attributes = reader.optional_dictionary()
    reader.expect(":")
    inputs, results = reader.function_type()
    reader.end()
    reader.check_types(values, inputs)
    # The barrier was for a dot that runs; today it has a predicate of its own.
    barriers = len(values) - 5
    segments = (1, 1, 1, 0, 1, 1, barriers, barriers)
    operands = [*values, *values[4:5] * barriers]
    op = reader.create(ttng.TcGen5Mma, operands, results, attributes, segments=segments)
    return _one(op)


def _extract_slice(reader: OpReader) -> Rewritten | None:
    """2.1: `triton_gpu.extract_slice %t[0, %i] [sizes] [strides] : T to T`, in shared memory."""
    source = reader.value()
    inner = reader.within(reader.node("list", "'['"))
    offsets: list[Value | None] = []
    constants: list[int | None] = []
    while not inner.done:
        item = inner.peek()
        if item is not None and item.type == "NUMBER":
            offsets.append(None)
            constants.append(inner.integer())
        else:
            values = inner.values(True)
            offsets += values
            constants += [_constant(value) for value in values]
        if not inner.accept(","):
            break
    for _ in range(2):
        reader.node("list", "'['")
    attributes = reader.optional_dictionary()
    reader.expect(":")
    reader.check_types([source], [reader.type()])
    reader.expect("to")
    type_ = reader.type()
    reader.end()
    ops: list[Op] = []
    view = source.type
    if not isinstance(view, MemDescType) or not isinstance(type_, MemDescType):
        return None
    if len(view.shape) > len(type_.shape) and offsets and offsets[0] is None:
        value = IntegerAttr(constants[0] or 0, I32)
        index = reader.create(arith.Constant, (), [I32], {"value": value})
        ops.append(index)
        offsets[0] = index.result
    found = _part(reader, source, offsets, constants, type_, attributes)
    return None if found is None else Rewritten([*ops, *found.ops], found.values)


def _insert_slice_async(reader: OpReader) -> Rewritten | None:
    """2.1: `triton_gpu.insert_slice_async %p, %m, %i[, %mask[, %other]] {axis} : T -> T`.

    The result is the whole buffer; today a view of the element is copied into.
    """
    values = reader.value_run(3, 5)
    attributes = reader.optional_dictionary()
    reader.expect(":")
    reader.check_types(values[:1], [reader.type()])
    reader.expect("->")
    reader.check_types(values[1:2], [reader.type()])
    reader.end()
    axis = attributes.pop("axis", None)
    source, target, index = values[:3]
    view = target.type
    if not isinstance(view, MemDescType) or _number(axis) != 0:
        return None
    shape = view.shape[1:]
    type_ = MemDescType(shape, view.element, view.encoding, view.space, mutable=True)
    element = reader.create(ttg.MemdescIndex, [target, index], [type_])
    found = reader.normalised_for(ttg.AsyncCopyGlobalToLocal, attributes)
    copy = reader.create(
        ttg.AsyncCopyGlobalToLocal,
        [source, element.result, *values[3:]],
        [ASYNC_TOKEN],
        found,
        segments=(1, 1, int(len(values) > 3), int(len(values) > 4)),
    )
    return Rewritten([element, copy], [target])


# Old ops that became others.
_REWRITES: dict[str, Callable[[OpReader], Rewritten | None]] = {
    "ttg.memdesc_subview": _subview,
    "ttg.alloc_tensor": _alloc_tensor,
    "ttg.convert_layout": _convert_layout,
    "tt.trans": _trans,
    "ttng.tc_gen5_mma": _tc_gen5_mma,
    "ttg.extract_slice": _extract_slice,
    "ttg.insert_slice_async": _insert_slice_async,
}
