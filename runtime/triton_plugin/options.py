"""The options of a compilation: what Triton's front end asks for, and what a launch may set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from .triton_api import knobs


@dataclass(frozen=True)
class MetalOptions:
    """Keyword arguments of a launch that are not the kernel's own. All are part of the cache key.

    Many mean nothing here and have the values that change nothing: Triton's front end, its hooks or
    kernels that were written for other GPUs name them.
    """

    num_warps: int = 4
    num_ctas: int = 1
    num_stages: int = 1
    warp_size: int = 32
    maxnreg: int | None = None
    # The chip, by Trimetal's name.
    arch: str = ""
    backend_name: str = "trimetal"
    debug: bool = False
    # Only with debug: a device assertion for each signed integer operation.
    sanitize_overflow: bool = True
    enable_fp_fusion: bool = True
    launch_cooperative_grid: bool = False
    launch_pdl: bool = False
    cluster_dims: tuple[int, int, int] = (1, 1, 1)
    extern_libs: tuple[tuple[str, str], ...] = ()
    supported_fp8_dtypes: tuple[str, ...] = (
        "fp8e4b15",
        "fp8e4b8",
        "fp8e4nv",
        "fp8e5",
        "fp8e5b16",
    )
    deprecated_fp8_dot_operand_dtypes: tuple[str, ...] = ()
    # Multiplication is exact in every mode: each asks for this much precision or less.
    allowed_dot_input_precisions: tuple[str, ...] = ("ieee", "tf32", "tf32x3", "bf16x3", "bf16x6")
    default_dot_input_precision: str = "ieee"
    max_num_imprecise_acc_default: int = 0
    instrumentation_mode: str = ""
    fpsan_homomorphic_casts: bool = False
    # A file that replaces a stage's result (an autotuner's configuration may name one).
    ir_override: str | None = None

    def __post_init__(self) -> None:
        if self.num_warps < 1 or self.num_warps & (self.num_warps - 1):
            # Of the type that Triton's other backends raise.
            raise AssertionError(f"num_warps must be a power of 2, not {self.num_warps}")
        if self.instrumentation_mode:
            raise ValueError(
                f"instrumentation mode {self.instrumentation_mode!r} is not there for Metal"
            )

    def hash(self) -> str:
        """A name for these options: equal exactly if all are."""
        text = repr([(field.name, getattr(self, field.name)) for field in fields(self)])
        return hashlib.sha256(text.encode()).hexdigest()


def parse_options(given: Mapping[str, Any], arch: str) -> MetalOptions:
    """The options of one compilation; what is not given, or given as None, has its default."""
    known = {field.name for field in fields(MetalOptions)}
    chosen = {name: value for name, value in given.items() if name in known and value is not None}
    if "extern_libs" in chosen:
        chosen["extern_libs"] = tuple(sorted(dict(chosen["extern_libs"]).items()))
    chosen["enable_fp_fusion"] = fusion(chosen.get("enable_fp_fusion"))
    arch = chosen.pop("arch", None) or knobs.runtime.override_arch or arch
    return replace(MetalOptions(**chosen), arch=arch)


def fusion(asked: bool | None) -> bool:
    """Whether products and sums become `fma`: what is asked for, else as Triton's settings say."""
    language = knobs.language
    if getattr(language, "force_disable_fp_fusion", False):  # Triton 3.9
        return False
    return getattr(language, "default_fp_fusion", True) if asked is None else asked
