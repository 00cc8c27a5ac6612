"""Identifiers: the Python names where they are safe in MSL, else something close to them.

A name from the text is input: it may hold any character, be a word of MSL, or contain one of MLX's
attribute names (MLX adds a parameter for each that it finds in the source).
"""

from __future__ import annotations

import re

from ..ir.core import Op, Value
from ..ir.stems import stem_of
from ..ir.types import I1, IntegerType, PointerType, element_of

_WORDS = """
alignas alignof and and_eq array as_type asm assert atomic auto bfloat bitand bitor bool break
buffer case catch char char16_t char32_t class compl complex concept const const_cast constant
constexpr continue decltype default delete depth depthcube device do double dynamic_cast else enum
explicit export extern false fast float for fragment friend function goto half if imaginary inline
int int8_t int16_t int32_t int64_t kernel llong long main matrix mem_flags mesh metal mutable
namespace new noexcept not not_eq nullptr object operator or or_eq packed patch precise private
program programs protected ptrdiff_t public quad ray_data register reinterpret_cast requires
restrict return sampler short signed simd simdgroup simdgroup_barrier simdgroup_matrix size_t
sizeof stage_in static static_assert static_cast struct switch template texture this thread
thread_index thread_local threadgroup threadgroup_barrier threadgroup_imageblock throw true try
typedef typeid typename uchar uint uint8_t uint16_t uint32_t uint64_t ulong union unsigned ushort
using vec vector vertex virtual visible void volatile wchar_t while xor xor_eq INFINITY NAN
COHERENT UNROLL HUGE_VALF MAXFLOAT FLT_MAX FLT_MIN HALF_MAX M_PI M_PI_F M_E M_E_F abs acos all any
asin atan atan2 ceil clamp clz copysign cos cosh cross ctz distance divide dot exp exp10 exp2 fabs
floor fma fmax
fmin fmod fract frexp ilogb isfinite isinf isnan ldexp length log log10 log2 max min mix modf
mulhi normalize popcount pow powr rint rotate round rsqrt saturate select sign signbit sin sincos
sinh sqrt step tan tanh trunc
"""
RESERVED = frozenset(_WORDS.split())

_MLX_ATTRIBUTES = re.compile(
    "dispatch_(quadgroups|simdgroups|threads)_per_threadgroup|grid_origin|grid_size"
    "|quadgroup_index_in_threadgroup|quadgroups_per_threadgroup|simdgroup_index_in_threadgroup"
    "|simdgroups_per_threadgroup|thread_execution_width|thread_index_in_(quad|simd|thread)group"
    "|thread_position_in_(grid|threadgroup)|threadgroup_position_in_grid|threadgroups_per_grid"
    "|threads_per_(grid|simdgroup|threadgroup)"
)
# Of Metal's functions, and of ours.
_PREFIXES = ("simd_", "atomic_", "trimetal_")
_VECTOR_TYPE = re.compile(r"(packed_)?(bool|u?(char|short|int|long)|half|b?float)[234](x[234])?")


def safe(name: str) -> str:
    """A name as an MSL identifier; "" where nothing of it can be kept."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    name = re.sub(r"^\d+_+(?=[A-Za-z])", "", name)  # `%4_sum`, of a value without a name
    name = re.sub(r"__+", "_", name).strip("_") if "__" in name or name.startswith("_") else name
    if not name or not re.search(r"[A-Za-z]", name):
        return ""
    if name[0].isdigit():
        name = f"v{name}"
    if _MLX_ATTRIBUTES.search(name):
        name = name.replace("_", "")
    if name in RESERVED or _VECTOR_TYPE.fullmatch(name) or name.startswith(_PREFIXES):
        name = f"{name}_"
    return name[:60]


def source_name(value: Value) -> str:
    """The Python variable of a value: the name in its location, else the SSA name's stem."""
    stem = safe(stem_of(value))
    if stem and isinstance(value.type, PointerType) and value.defining_op is not None:
        return f"{stem.removesuffix('_ptr')}_base"
    if stem and value.defining_op is not None:
        return _part_of_statement(value, stem)
    return stem


def _part_of_statement(value: Value, stem: str) -> str:
    """A name for what a statement computes on its way to its variable.

    Of `x = tl.where(i < n, y, 0)` the condition is called x too, and of `p += row * n` the product.
    """
    element = element_of(value.type)
    for user in value.users:
        for result in user.results:
            if not result.name or stem_of(result) != stem_of(value):
                continue
            if element == I1 and element_of(result.type) != I1:
                return f"{stem}_mask"
            if isinstance(result.type, PointerType):
                return f"{stem.removesuffix('_ptr')}_offset"
    return stem


class Scope:
    """Names in use: a name may be used again once the block that declared it has ended."""

    def __init__(self, outer: Scope | None = None) -> None:
        self._names: set[str] = set()
        self.outer = outer

    @property
    def root(self) -> Scope:
        """The scope of the kernel itself."""
        return self if self.outer is None else self.outer.root

    def __contains__(self, name: str) -> bool:
        return name in self._names or (self.outer is not None and name in self.outer)

    def declare(self, wanted: str) -> str:
        """The name itself, or with the first free number behind it."""
        name, number = wanted, 1
        while name in self:
            name = f"{wanted}_{number}"
            number += 1
        self._names.add(name)
        return name


def fallback_name(op: Op) -> str:
    """A name for a value that has none in the source."""
    if isinstance(op.result.type, PointerType):
        return "pointer"
    element = element_of(op.result.type)
    if element == I1:
        return "condition"
    return "index" if isinstance(element, IntegerType) else "value"
