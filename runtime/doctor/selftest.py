"""The self-test: a set of kernels on every device of this machine, against NumPy in float64."""

from __future__ import annotations

import importlib
import importlib.util
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import trimetal
from trimetal.runtime.arguments import AnyArray
from trimetal.runtime.kernel import compile, devices
from trimetal.runtime.metal.library import target
from trimetal.transpiler.target import DEFAULT_TARGET, get_target

from .launches import Case, cases

Outcome = Literal["right", "wrong", "refused"]


@dataclass(frozen=True)
class Route:
    """A device, and the arrays that it takes: to them from NumPy's, and back."""

    name: str
    device: str
    target: str
    put: Callable[[AnyArray], Any]
    get: Callable[[Any], AnyArray]


@dataclass(frozen=True)
class Result:
    """How a kernel did on a route. `error` is relative to the largest element, `detail` for us."""

    route: str
    kernel: str
    outcome: Outcome
    error: float | None = None
    milliseconds: float = 0.0
    detail: str = ""


def self_test() -> Iterator[Result]:
    """Run all cases on all routes; nothing that goes wrong ends it."""
    for route in routes():
        for case in cases():
            yield _run(route, case)


def routes() -> tuple[Route, ...]:
    """All ways in which kernels can run here."""
    found = [
        Route(device, device, DEFAULT_TARGET, np.array, np.asarray)
        for device in sorted(devices())
        if device != "metal"
    ]
    if "metal" in devices():
        name = _chip_name()
        if importlib.util.find_spec("mlx"):
            mlx: Any = importlib.import_module("mlx.core")
            found.append(Route("metal, MLX", "metal", name, mlx.array, np.array))
        torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
        if torch is not None and torch.backends.mps.is_available():
            found.append(
                Route(
                    "metal, PyTorch",
                    "metal",
                    name,
                    lambda array: torch.from_numpy(array).to("mps"),
                    lambda tensor: tensor.cpu().numpy(),
                )
            )
    return tuple(found)


def _chip_name() -> str:
    """The chip of this machine's GPU; the default one where it is not known yet."""
    try:
        return target().name
    except trimetal.TrimetalError:
        return get_target().name


def _run(route: Route, case: Case) -> Result:
    wanted = case.launch(np.random.default_rng())
    try:
        kernel = compile(case.shader(route.target), route.device)
        values = [route.put(a) if _is_array(a) else a for a in wanted.arguments]
        start = time.perf_counter()
        kernel(wanted.grid, *values)
        outputs = [v for v, a in zip(values, wanted.arguments, strict=True) if _is_array(a)]
        found = [route.get(value) for value in outputs[-len(wanted.expected) :]]
        milliseconds = (time.perf_counter() - start) * 1e3
    except trimetal.TrimetalError as error:
        return Result(route.name, case.name, "refused", detail=str(error))
    except Exception:  # what another library raises is worth knowing too
        return Result(route.name, case.name, "refused", detail=traceback.format_exc(limit=-4))
    error = max(_error(f, e) for f, e in zip(found, wanted.expected, strict=True))
    outcome: Outcome = "right" if error <= wanted.tolerance else "wrong"
    detail = "" if outcome == "right" else _differences(found, wanted.expected)
    return Result(route.name, case.name, outcome, error, milliseconds, detail)


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray)


def _error(found: AnyArray, expected: AnyArray) -> float:
    """The largest difference, relative to the largest element; infinite for what is no number."""
    if expected.dtype.kind in "iu":
        return 0.0 if np.array_equal(found, expected) else float("inf")
    difference = np.abs(found.astype(np.float64) - expected)
    error = float(np.max(difference) / np.max(np.abs(expected)))
    return error if np.isfinite(error) else float("inf")


def _differences(found: list[AnyArray], expected: tuple[AnyArray, ...]) -> str:
    """The first elements of each output that are wrong; all of a small one."""
    lines: list[str] = []
    for output, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        lines.append(f"output {output}: {ours.dtype}{list(ours.shape)}")
        if ours.size <= 64:
            lines.append(f"  found    {ours.tolist()}\n  expected {theirs.tolist()}")
            continue
        wrong = np.argwhere(~np.isclose(ours.astype(np.float64), theirs, rtol=1e-3, atol=0))
        lines.append(f"  {len(wrong)} elements far from what is expected")
        for place in wrong[:8].tolist():
            at = tuple(place)
            lines.append(f"  {place}: found {ours[at]}, expected {theirs[at]}")
    return "\n".join(lines)
