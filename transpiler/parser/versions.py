"""What older Tritons (2.1 to 3.8) wrote differently, read into 3.9's ops, types and attributes.

This is the only place that knows a version.
"""

from __future__ import annotations

from ..ir.attributes import ArrayAttr, Attribute, DictAttr, IntegerAttr
from ..ir.encodings import SharedEncoding
from ..ir.types import I1, I64, MemDescType, Type

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


def shared_tensor(
    shape: tuple[int, ...], element: Type, encoding: SharedEncoding
) -> MemDescType:
    """2.1 wrote a view of shared memory as a tensor with a shared layout."""
    return MemDescType(shape, element, encoding, SHARED_SPACE, mutable=True)


def encoding(
    name: str, values: dict[str, Attribute]
) -> tuple[str, dict[str, Attribute]]:
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
_FORMATS: dict[str, tuple[str, ...]] = {
    "tt.splat": ("$source attr-dict `:` functional-type(operands, results)",),  # 2.1
}


def formats(name: str) -> tuple[str, ...]:
    """Older formats of an op."""
    return _FORMATS.get(name, ())


def generic(name: str, attributes: dict[str, Attribute]) -> tuple[str, dict[str, Attribute]]:
    """Today's name and attributes of an op in generic form."""
    return name, attributes
