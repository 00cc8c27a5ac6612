"""The device that the tests of kernels run on: the CPU, or what `pytest --device` names."""

from __future__ import annotations

import os

from trimetal import Shader, runtime
from trimetal.runtime.kernel import Kernel

VARIABLE = "TRIMETAL_TEST_DEVICE"


def device() -> str:
    """The device's name."""
    return os.environ.get(VARIABLE, "cpu")


def compiled(shader: Shader, *, guarded: bool = True) -> Kernel:
    """The shader on that device; on the CPU with every guard, if they are not turned off."""
    if device() != "cpu" or not guarded:
        return runtime.compile(shader, device())
    return runtime.compile(shader, "cpu", schedules=2, check_buffers=True, check_overflow=True)
