"""What `triton.testing.do_bench` asks of a device."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from trimetal.runtime.arguments import AnyArray

# More than the last-level cache of the machines that this runs on, and quick to write.
_CACHE_BYTES = 32 << 20


class Event:
    """A point in time, as a stream of a GPU would record it."""

    def __init__(self, enable_timing: bool = False) -> None:
        self._seconds = 0.0

    def record(self) -> None:
        """Take the time, once all is done that came before."""
        DeviceInterface.synchronize()
        self._seconds = time.perf_counter()

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from here to a later event; more than 0, since callers divide by it."""
        return max((end._seconds - self._seconds) * 1e3, 1e-6)


class DeviceInterface:
    """The device that runs kernels; on the CPU, a launch has ended when it returns."""

    Event = Event

    @staticmethod
    def synchronize() -> None:
        """Wait for the end of what MLX has under way."""
        mlx: Any = sys.modules.get("mlx.core")
        if mlx is not None and mlx.metal.is_available():
            mlx.synchronize()

    @staticmethod
    def current_device() -> int:
        """The only device."""
        return 0


def cache_sized_buffer() -> AnyArray:
    """Memory to write between two runs, so that a run does not find the last one's data cached."""
    return np.zeros(_CACHE_BYTES, np.uint8)
