"""What older Tritons (2.1 to 3.8) wrote differently, read into 3.9's ops, types and attributes.

This is the only place that knows a version.
"""

from __future__ import annotations

from ..ir.attributes import Attribute
from ..ir.encodings import SharedEncoding
from ..ir.types import MemDescType, Type

SHARED_SPACE = "#ttg.shared_memory"

# Dialect prefixes that were renamed: 3.3 (GPU and NVIDIA), 3.6 (AMD).
_DIALECTS = {"triton_gpu": "ttg", "triton_nvidia_gpu": "ttng", "amdgpu": "amdg"}
_TYPES = {"tt.memdesc": "ttg.memdesc"}
_ATTRIBUTES = {"ttg.shared": "ttg.swizzled_shared"}
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
