"""The attributes by which a kernel's parameter tells a thread where it is."""

from __future__ import annotations

_INDEX = ("uint", "ushort")
_POSITION = ("uint", "ushort", "uint2", "ushort2", "uint3", "ushort3")

# Attribute -> the types that its parameter may have.
POSITIONS: dict[str, tuple[str, ...]] = {
    "thread_position_in_grid": _POSITION,
    "thread_position_in_threadgroup": _POSITION,
    "threadgroup_position_in_grid": _POSITION,
    "threads_per_grid": _POSITION,
    "threads_per_threadgroup": _POSITION,
    "dispatch_threads_per_threadgroup": _POSITION,
    "threadgroups_per_grid": _POSITION,
    "thread_index_in_threadgroup": _INDEX,
    "thread_index_in_simdgroup": _INDEX,
    "simdgroup_index_in_threadgroup": _INDEX,
    "simdgroups_per_threadgroup": _INDEX,
    "dispatch_simdgroups_per_threadgroup": _INDEX,
    "threads_per_simdgroup": _INDEX,
    "thread_execution_width": _INDEX,
    "quadgroup_index_in_threadgroup": _INDEX,
    "thread_index_in_quadgroup": _INDEX,
    "quadgroups_per_threadgroup": _INDEX,
}

# Those that must agree with each other on being scalar, of two or of three components.
VECTOR_POSITIONS = frozenset(name for name, types in POSITIONS.items() if types is _POSITION)
