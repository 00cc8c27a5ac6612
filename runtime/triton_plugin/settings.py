"""The plugin's settings: which chip to compile for, which device runs kernels, and whether."""

from __future__ import annotations

import os

_TARGET = "TRIMETAL_TARGET"
_DEVICE = "TRIMETAL_DEVICE"
# Set to "none", kernels are compiled and do not run: a test that still passes tests no result.
_LAUNCH = "TRIMETAL_LAUNCH"
# The runtime's settings that need to know where an array ends.
_CHECKS = ("TRIMETAL_CHECK_BUFFERS", "TRIMETAL_SCHEDULES")


def chip_name() -> str:
    """The chip that kernels are compiled for."""
    from trimetal.runtime import target
    from trimetal.transpiler.target import get_target

    chosen = os.environ.get(_TARGET)
    return (get_target(chosen) if chosen else target()).name


def device_name() -> str:
    """The runtime's device that runs kernels."""
    from trimetal import runtime

    return os.environ.get(_DEVICE) or runtime.devices()[0]


def launches_are_off() -> bool:
    """Whether kernels are compiled only."""
    return os.environ.get(_LAUNCH) == "none"


def sizes_are_needed() -> bool:
    """Whether the runtime looks at the sizes of arrays."""
    return any(os.environ.get(name) for name in _CHECKS)
