"""What a kernel did while it ran, as the CPU device counts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

_TRAFFIC_FIELDS = 7
COUNTERS = 3 * _TRAFFIC_FIELDS + 6


@dataclass(frozen=True)
class Traffic:
    """Accesses to one memory. The order of the fields is that of headers/trimetal/profile.hpp.

    Loads and stores are those of single threads (a vector of any width is one); fragment loads and
    stores are those of whole simdgroups, 8 x 8 elements each. The bytes are of both kinds together.
    Atomics are neither.
    """

    loads: int
    stores: int
    fragment_loads: int
    fragment_stores: int
    atomics: int
    bytes_loaded: int
    bytes_stored: int


@dataclass(frozen=True)
class Profile:
    """Counts of one launch, over all its threadgroups: what the MSL text asked for.

    A compiler may ask for less of a chip, by keeping in a register what was loaded before. A scalar
    argument is one load of constant memory a thread. Simdgroup operations (shuffles, reductions,
    scans, votes), simdgroup barriers and multiply-accumulates (8 x 8 x 8) are counted once a
    simdgroup, barriers once a threadgroup. `threadgroup_bytes` is what all threadgroups together
    declare of threadgroup memory.
    """

    device: Traffic
    threadgroup: Traffic
    constant: Traffic
    multiply_accumulates: int
    simd_operations: int
    simdgroup_barriers: int
    barriers: int
    threadgroups: int
    threadgroup_bytes: int

    @classmethod
    def from_counters(cls, counters: Sequence[int]) -> Profile:
        """A profile from the counters in the order of headers/trimetal/profile.hpp."""
        starts = range(0, 3 * _TRAFFIC_FIELDS, _TRAFFIC_FIELDS)
        device, threadgroup, constant = (
            Traffic(*counters[start : start + _TRAFFIC_FIELDS]) for start in starts
        )
        return cls(device, threadgroup, constant, *counters[3 * _TRAFFIC_FIELDS :])

    @property
    def fragment_loads(self) -> int:
        """Fragment loads from all memories."""
        return sum(each.fragment_loads for each in (self.device, self.threadgroup, self.constant))

    @property
    def multiply_accumulates_per_fragment_load(self) -> float:
        """How often a loaded fragment is multiplied; infinite where none is loaded."""
        loads = self.fragment_loads
        return self.multiply_accumulates / loads if loads else float("inf")

    def as_dict(self) -> dict[str, object]:
        """Plain numbers by name, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        names = list(asdict(self.device))
        rows = [["", *(name.replace("_", " ") for name in names)]]
        for space in ("device", "threadgroup", "constant"):
            traffic = asdict(getattr(self, space))
            rows.append([space, *(f"{traffic[name]:,}" for name in names)])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        totals = {
            name: value for name, value in asdict(self).items() if not isinstance(value, dict)
        }
        lines += [f"{name.replace('_', ' ')}: {value:,}" for name, value in totals.items()]
        return "\n".join(lines)
