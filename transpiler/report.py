"""`Shader.report`: what a shader needs and does, as plain numbers under readable names.

What stands under a name with "(estimate)" is one: the register count (analysis/registers.py), and
the occupancy that follows from it and from what is known of a core (target.py). "work" is counted
in the lowered program with every mask taken as true (analysis/work.py). The rest is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .analysis.registers import registers_per_thread
from .analysis.work import Work, work_of
from .dialects import metal, metal_matrix
from .ir.types import ArrayType
from .target import Target

_REGISTER_BYTES = 4


class Report(Mapping[str, object]):
    """A report that is made when it is first read: few who transpile read it."""

    def __init__(self, make: Callable[[], dict[str, object]]) -> None:
        self._make: Callable[[], dict[str, object]] | None = make
        self._facts: dict[str, object] = {}

    def _made(self) -> dict[str, object]:
        if self._make is not None:
            self._facts, self._make = self._make(), None
        return self._facts

    def __getitem__(self, name: str) -> object:
        return self._made()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

    def __reduce__(self) -> tuple[type, tuple[dict[str, object]]]:
        return dict, (self._made(),)


def facts_of(
    kernel: metal.Kernel, source: str, target: Target, threadgroup_memory: int
) -> dict[str, object]:
    """The facts about a lowered kernel, its text, and its bytes of threadgroup memory."""
    threads = kernel.simdgroups * target.simd_width
    registers = registers_per_thread(kernel)
    report: dict[str, object] = {
        "target": target.name,
        "threads per threadgroup": threads,
        "simdgroups": kernel.simdgroups,
        "threadgroup memory (bytes)": threadgroup_memory,
        "barriers": source.count("threadgroup_barrier("),
        "lines": source.count("\n"),
        "fragments per simdgroup": _fragments(kernel),
        "registers per thread (estimate)": registers,
    }
    report |= _occupancy(threads, registers, threadgroup_memory, target)
    work = work_of(kernel, target.simd_width)
    report["work"] = [
        {"where": "once", **_numbers(work.once)},
        *({"where": f"a turn of {loop.where}", **_numbers(loop.work)} for loop in work.loops),
    ]
    return report


def _fragments(kernel: metal.Kernel) -> int:
    """8x8 matrices that a simdgroup declares."""
    return sum(
        op.result.type.count
        for op in kernel.walk()
        if isinstance(op, metal.Local)
        and isinstance(op.result.type, ArrayType)
        and metal_matrix.is_matrices(op.result.type)
    )


def resident_threads(registers: int, target: Target) -> int:
    """Threads of so many 32-bit registers that a core has room for: pairs of simdgroups."""
    pair = 2 * target.simd_width
    fitting = target.register_file // (max(1, registers) * _REGISTER_BYTES)
    return min(target.threads_per_core, max(pair, fitting // pair * pair))


def _occupancy(
    threads: int, registers: int, threadgroup_memory: int, target: Target
) -> dict[str, object]:
    """How many threadgroups a core holds at a time, and what limits them."""
    limits = {
        "threads": target.threads_per_core // threads,
        "registers": resident_threads(registers, target) // threads,
    }
    if threadgroup_memory:
        limits["threadgroup memory"] = target.threadgroup_memory_per_core // threadgroup_memory
    cause = min(limits, key=lambda name: limits[name])
    groups = max(1, limits[cause])
    return {
        "threadgroups per core (estimate)": groups,
        "occupancy (estimate)": round(min(1.0, groups * threads / target.threads_per_core), 3),
        "occupancy is limited by": cause,
    }


def _numbers(work: Work) -> dict[str, object]:
    numbers: dict[str, object] = {
        "barriers": work.barriers,
        "fragment loads": work.fragment_loads,
        "multiply-accumulates": work.multiply_accumulates,
        "atomics": work.atomics,
        "device bytes": work.device_bytes,
        "threadgroup bytes": work.threadgroup_bytes,
        "flops": work.flops,
    }
    if work.fragment_loads:
        ratio = work.multiply_accumulates / work.fragment_loads
        numbers["multiply-accumulates per fragment load"] = round(ratio, 3)
    if work.flops:
        numbers["device bytes per flop"] = round(work.device_bytes / work.flops, 4)
    return numbers
