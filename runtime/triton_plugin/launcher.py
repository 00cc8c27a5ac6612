"""The launcher of one kernel: takes what Triton passes, and hands it to the runtime's kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trimetal.runtime.shaders import arguments_from_fields
from trimetal.transpiler.errors import LaunchError

from .memory import address_of, array_of, sized_address_of
from .mlx_arrays import Copies, is_mlx
from .parameters import argument_getters
from .settings import device_name, launches_are_off, sizes_are_needed
from .shader_text import SHADER
from .triton_api import Source

Hook = Callable[[object], object]


class Launcher:
    """Launches one kernel. All that does not depend on the values is worked out here, once."""

    def __init__(self, source: Source, metadata: Any) -> None:
        # The hidden buffer of prints and assertions is the runtime's own.
        found = arguments_from_fields(getattr(metadata, SHADER)["arguments"])
        arguments = tuple(argument for argument in found if argument.kind != "debug")
        self._getters = argument_getters(source.signature.values(), arguments)
        self._buffers = [i for i, a in enumerate(arguments) if a.kind == "buffer"]
        self._written = [i for i, a in enumerate(arguments) if a.written]
        self._address_of = sized_address_of if sizes_are_needed() else address_of
        self._by_address = device_name() == "cpu"
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
        if not self._off and 0 not in (x, y, z):
            given = [get(values) for get in self._getters]
            try:
                copies = self._to_addresses(given) if self._by_address else self._to_arrays(given)
                kernel((x, y, z), *given)
            except LaunchError as error:
                from .failures import failed_launch

                raise failed_launch(error) from error
            if copies is not None:
                copies.write_back()
        if exit_hook is not None:
            exit_hook(launch_metadata)

    def _to_arrays(self, given: list[Any]) -> None:
        """Puts arrays that the runtime takes in the place of Triton's."""
        for index in self._buffers:
            given[index] = array_of(given[index])

    def _to_addresses(self, given: list[Any]) -> Copies | None:
        """Puts addresses in the place of arrays; what a kernel must not write to is copied."""
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
