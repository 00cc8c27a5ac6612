"""Counts of two kernels for the same work: by the CPU device, and from the text."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import trimetal
from trimetal import runtime

from .cases import Case

_LANES = 32


@dataclass(frozen=True)
class Measurement:
    """One kernel. Bytes are of device memory; barriers and bytes of memory are of a threadgroup.

    `width` is the mean number of bytes that a thread moves at a time between device memory and
    registers (of a fragment, the two elements that a lane holds). `registers` is an estimate, and
    None of a kernel by hand; `multiplies_per_load` is None without matrices.
    """

    lines: int
    bytes_moved: int
    to_the_least: float
    width: float
    threadgroup_traffic: int
    barriers: float
    threadgroup_bytes: int
    registers: int | None
    multiplies_per_load: float | None


@dataclass(frozen=True)
class Comparison:
    """Trimetal's kernel and the one by hand, and how far their results are apart."""

    name: str
    ours: Measurement
    by_hand: Measurement
    difference: float


def compare(case: Case) -> Comparison:
    """Run both kernels of a case on the same inputs; an AssertionError where they disagree."""
    seed = int(np.random.default_rng().integers(1 << 32))
    shader = trimetal.transpile(case.dump_path)
    by_hand = replace(
        shader,
        source=case.reference_text(),
        threads_per_threadgroup=case.threads,
        report={},
    )
    ours, results = _measured(case, shader, seed)
    theirs, wanted = _measured(case, by_hand, seed)
    difference = max(
        float(np.abs(result - other).max() / np.abs(other).max())
        for result, other in zip(results, wanted, strict=True)
    )
    if not difference <= case.tolerance:
        raise AssertionError(f"{case.name}: the results are {difference:.1e} apart")
    return Comparison(case.name, ours, theirs, difference)


def _measured(
    case: Case, shader: trimetal.Shader, seed: int
) -> tuple[Measurement, list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]]:
    findings = trimetal.check(shader.source)
    if findings:
        raise AssertionError(f"{case.name}: {findings[0]}")
    launch = case.launch(np.random.default_rng(seed))
    counted = runtime.compile(shader, "cpu").profile(launch.grid, *launch.arguments)
    results = [output.astype(np.float64) for output in launch.outputs]
    return _measurement(shader, counted, launch.least_bytes), results


def _measurement(shader: trimetal.Shader, counted: runtime.Profile, least: int) -> Measurement:
    device, shared = counted.device, counted.threadgroup
    moved = device.bytes_loaded + device.bytes_stored
    fragments = device.fragment_loads + device.fragment_stores
    registers = shader.report.get("registers per thread (estimate)")
    has_matrices = counted.multiply_accumulates > 0
    ratio = counted.multiply_accumulates_per_fragment_load
    return Measurement(
        lines=shader.source.count("\n"),
        bytes_moved=moved,
        to_the_least=moved / least,
        width=moved / (device.loads + device.stores + _LANES * fragments),
        threadgroup_traffic=shared.bytes_loaded + shared.bytes_stored,
        barriers=counted.barriers / counted.threadgroups,
        threadgroup_bytes=counted.threadgroup_bytes // counted.threadgroups,
        registers=int(str(registers)) if registers is not None else None,
        multiplies_per_load=ratio if has_matrices else None,
    )
