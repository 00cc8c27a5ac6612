"""The launcher of one kernel: takes what Triton passes, and hands it to the runtime's kernel."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .memory import address_of, sized_address_of
from .mlx_arrays import Copies, is_mlx
from .parameters import argument_getters
from .shader_text import SHADER, arguments_of
from .triton_api import Source

Hook = Callable[[object], object]

# Set to "none", kernels are compiled and do not run: a test that still passes tests no result.
_LAUNCH = "TRIMETAL_LAUNCH"
# The runtime's settings that need to know where an array ends.
_CHECKS = ("TRIMETAL_CHECK_BUFFERS", "TRIMETAL_SCHEDULES")


def launches_are_off() -> bool:
    """Whether kernels are compiled only."""
    return os.environ.get(_LAUNCH) == "none"


class Launcher:
    """Launches one kernel. All that does not depend on the values is worked out here, once."""

    def __init__(self, source: Source, metadata: Any) -> None:
        arguments = arguments_of(getattr(metadata, SHADER))
        self._getters = argument_getters(source.signature.values(), arguments)
        self._buffers = [i for i, a in enumerate(arguments) if a.kind == "buffer"]
        self._written = [i for i, a in enumerate(arguments) if a.written]
        checked = any(os.environ.get(name) for name in _CHECKS)
        self._address_of = sized_address_of if checked else address_of
        self._off = launches_are_off()

    def __call__(
        self,
        x: int,
        y: int,
        z: int,
        stream: object,
        kernel: Callable[..., None],
        packed_metadata: object,
        launch_metadata: object,
        enter_hook: Hook | None,
        exit_hook: Hook | None,
        *values: object,
    ) -> None:
        """Run the kernel to its end."""
        if enter_hook is not None:
            enter_hook(launch_metadata)
        if not self._off:
            given = [get(values) for get in self._getters]
            copies = self._replace_arrays(given)
            kernel((x, y, z), *given)
            if copies is not None:
                copies.write_back()
        if exit_hook is not None:
            exit_hook(launch_metadata)

    def _replace_arrays(self, given: list[Any]) -> Copies | None:
        """Puts addresses in the place of arrays."""
        copies = None
        copied: set[int] = set()
        for index in self._written:
            if is_mlx(given[index]):
                copies = copies or Copies()
                copied.add(id(given[index]))
        for index in self._buffers:
            value = given[index]
            if copies is not None and id(value) in copied:
                given[index] = copies.address_of(value)
            else:
                given[index] = self._address_of(value)
        return copies
