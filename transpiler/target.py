"""The chips that Metal code is made for, as data: passes read fields and never a chip's name.

Sources, by the letters in the comments below:

A  Apple: Metal Feature Set Tables, Metal Shading Language specification, chip specification pages.
   Same on every family here: 32 KB of threadgroup memory, 1,024 threads, 31 buffers, float atomics
   in device memory, no double, no 8-bit float.
M  Third-party measurement (philipturner/metal-benchmarks for M1 and M2; for later chips as said).
   Mesa's driver has the same register file as a table of threads by registers.
S  Source code of MLX (architecture strings, a SIMD width of 32) and of Mesa's driver.

Nothing here was measured on an Apple GPU by this project.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from .errors import TrimetalError

Atomics64 = Literal["none", "min_max"]
MatrixUnit = Literal["simdgroup", "tensor"]

# macOS 14: MLX needs it, and bfloat is a type from there on.
MSL_FLOOR = (3, 1)


@dataclass(frozen=True)
class Banks:
    """Threadgroup memory answers `count` accesses a cycle, each to another `width`-byte column."""

    count: int
    width: int

    @property
    def row(self) -> int:
        """Bytes until the columns repeat."""
        return self.count * self.width


@dataclass(frozen=True)
class Target:
    """One chip. A variant (newer MSL, other cores) is made with `dataclasses.replace`."""

    name: str
    # Apple7 (M1) to Apple10 (M5): decides the instructions.
    family: int
    # The number in "applegpu_g15s".
    generation: int
    # The largest configuration that is sold under the name (A: M2 Ultra 76 cores and 800 GB/s, M3
    # Ultra 80 cores and 819 GB/s; reviews give 819.2 for both, the product of bus and clock).
    gpu_cores: int
    bandwidth: int  # GB/s
    banks: Banks
    # Whether the ALUs compute in bfloat; without it the type exists, and costs conversions.
    native_bfloat: bool
    # Atomics on 64-bit integers in device memory. MSL offers min and max of ulong at most, on every
    # family: no add, no exchange, no compare-and-swap (A: specification, 6.15.4.6).
    atomics64: Atomics64
    # "simdgroup": 8x8 simdgroup_matrix on the ALUs. "tensor": a matrix unit besides, used through
    # tensor operations, which need MSL 4.0.
    matrix_unit: MatrixUnit
    # Registers, threadgroup memory and stack share one on-chip memory: a larger register tile does
    # not lower the number of resident threads by a fixed table.
    dynamic_caching: bool
    # Simdgroups that may load the same matrix of an operand each for itself from device memory,
    # rather than once, together, through threadgroup memory. A choice, after S (metal-flash-
    # attention stages on M1 and M2 and loads directly from M3 on); not measured.
    direct_sharing: int
    msl_version: tuple[int, int] = MSL_FLOOR
    simd_width: int = 32
    threadgroup_memory: int = 32768  # bytes
    # 32-bit registers that an instruction can name (M: M1 and M2; dougallj/applegpu). Chips with
    # dynamic caching are taken to be the same: more would spill, or leave room for fewer threads.
    registers: int = 128
    max_threads_per_threadgroup: int = 1024
    max_buffers: int = 31
    float_atomics: bool = True
    # Of one core, for estimates of occupancy (M: M1 and M2; later chips, which share one memory
    # among all three, are taken as these).
    register_file: int = 208 << 10  # bytes
    threadgroup_memory_per_core: int = 60 << 10  # bytes
    threads_per_core: int = 3072

    def __post_init__(self) -> None:
        if self.msl_version < MSL_FLOOR:
            wanted = ".".join(map(str, self.msl_version))
            raise TrimetalError(f"MSL {wanted} is too old: Trimetal needs 3.1 (macOS 14) or later")

    @property
    def max_simdgroups(self) -> int:
        """Simdgroups in the largest threadgroup."""
        return self.max_threads_per_threadgroup // self.simd_width

    @property
    def has_tensor_operations(self) -> bool:
        """Whether the matrix unit can be used with this version of MSL."""
        return self.matrix_unit == "tensor" and self.msl_version >= (4, 0)


@dataclass(frozen=True)
class _Generation:
    """What all chips of one generation share, and their (variant, cores, GB/s)."""

    name: str
    family: int
    generation: int
    banks: Banks
    native_bfloat: bool
    atomics64: Atomics64
    matrix_unit: MatrixUnit
    dynamic_caching: bool
    variants: tuple[tuple[str, int, int], ...]

    def targets(self) -> list[Target]:
        return [
            Target(
                name=f"{self.name}-{variant}" if variant else self.name,
                family=self.family,
                generation=self.generation,
                gpu_cores=cores,
                bandwidth=bandwidth,
                banks=self.banks,
                native_bfloat=self.native_bfloat,
                atomics64=self.atomics64,
                matrix_unit=self.matrix_unit,
                dynamic_caching=self.dynamic_caching,
                direct_sharing=4 if self.dynamic_caching else 0,
            )
            for variant, cores, bandwidth in self.variants
        ]


# M: M1 has 32 banks of 4 bytes, M3 Pro 32 of 8 bytes. M2 is taken as M1, M4 and M5 as M3: not
# measured. A wrong width costs speed, never a result.
_NARROW = Banks(32, 4)
_WIDE = Banks(32, 8)

_GENERATIONS = (
    _Generation(
        name="m1",
        family=7,
        generation=13,
        banks=_NARROW,
        native_bfloat=False,
        atomics64="none",
        matrix_unit="simdgroup",
        dynamic_caching=False,
        variants=(("", 8, 68), ("pro", 16, 200), ("max", 32, 400), ("ultra", 64, 800)),
    ),
    _Generation(
        name="m2",
        family=8,
        generation=14,
        banks=_NARROW,
        native_bfloat=False,
        atomics64="min_max",
        matrix_unit="simdgroup",
        dynamic_caching=False,
        variants=(("", 10, 100), ("pro", 19, 200), ("max", 38, 400), ("ultra", 76, 800)),
    ),
    _Generation(
        name="m3",
        family=9,
        generation=15,
        banks=_WIDE,
        native_bfloat=True,
        atomics64="min_max",
        matrix_unit="simdgroup",
        dynamic_caching=True,
        variants=(("", 10, 100), ("pro", 18, 150), ("max", 40, 400), ("ultra", 80, 819)),
    ),
    _Generation(
        name="m4",
        family=9,
        generation=16,
        banks=_WIDE,
        native_bfloat=True,
        atomics64="min_max",
        matrix_unit="simdgroup",
        dynamic_caching=True,
        variants=(("", 10, 120), ("pro", 20, 273), ("max", 40, 546)),
    ),
    _Generation(
        name="m5",
        family=10,
        generation=17,
        banks=_WIDE,
        native_bfloat=True,
        atomics64="min_max",
        matrix_unit="tensor",
        dynamic_caching=True,
        variants=(("", 10, 153), ("pro", 20, 307), ("max", 40, 614)),
    ),
)

DEFAULT_TARGET = "m3"
TARGETS: dict[str, Target] = {
    target.name: target for generation in _GENERATIONS for target in generation.targets()
}

# S: the last letter of an architecture string. "s" is a Pro or a Max; the larger is meant here.
# "p" is a phone's chip.
_VARIANT_OF_LETTER = {"p": "", "g": "", "s": "-max", "c": "-max", "d": "-ultra"}


def get_target(target: str | Target = DEFAULT_TARGET) -> Target:
    """The target of a name ("m3", "m3-pro", also "M3 Pro"); a Target is returned as it is."""
    if isinstance(target, Target):
        return target
    name = target.strip().lower().replace(" ", "-").replace("_", "-")
    if name in TARGETS:
        return TARGETS[name]
    close = difflib.get_close_matches(name, TARGETS, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else ""
    raise TrimetalError(f'no target "{target}"{hint}', note=f"the targets are {', '.join(TARGETS)}")


def target_for_architecture(architecture: str) -> Target:
    """The target of a device's architecture string, such as "applegpu_g15s".

    A generation later than the last one known is treated as that one (a GPU family has all that the
    ones before it have); a variant that is not sold, as the next smaller one.
    """
    text = architecture.removeprefix("applegpu_g")
    digits = text[:2]
    known = {generation.generation: generation for generation in _GENERATIONS}
    if text == architecture or not digits.isdigit() or int(digits) < min(known):
        raise TrimetalError(
            f'no target for the architecture "{architecture}"',
            note='"applegpu_g13g" (M1) and later are known',
        )
    name = known[min(int(digits), max(known))].name
    variant = _VARIANT_OF_LETTER.get(text[2:3], "")
    names = (name + variant, f"{name}-max", name)
    return TARGETS[next(candidate for candidate in names if candidate in TARGETS)]
