"""`trimetal targets`: the chips, and what is known of each."""

from __future__ import annotations

import argparse

from trimetal.runtime.tables import aligned
from trimetal.transpiler.target import DEFAULT_TARGET, TARGETS, Target, get_target

from .common import OK

HELP = "list the chips and what is known of them"

_HEADER = ("target", "family", "cores", "GB/s", "MSL", "bfloat", "matrix unit", "dynamic caching")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: none."""
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    print(aligned([_HEADER, *(_row(target) for target in TARGETS.values())]))
    any_target = get_target()
    print(
        f"\nAll: simdgroups of {any_target.simd_width}, threadgroups of up to "
        f"{any_target.max_threads_per_threadgroup} threads and {any_target.threadgroup_memory} "
        f"bytes, {any_target.max_buffers} buffers. Default: {DEFAULT_TARGET}."
    )
    return OK


def _row(target: Target) -> tuple[str, ...]:
    return (
        target.name,
        f"Apple{target.family}",
        str(target.gpu_cores),
        str(target.bandwidth),
        ".".join(map(str, target.msl_version)),
        "native" if target.native_bfloat else "emulated",
        target.matrix_unit,
        "yes" if target.dynamic_caching else "no",
    )
