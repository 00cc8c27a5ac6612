"""The driver half of the backend: which device there is, and how kernels are loaded and run."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .activation import BACKEND, is_wanted, select_if_requested
from .settings import chip_name, device_name, launches_are_off
from .triton_api import DriverBase, GPUTarget, late

if TYPE_CHECKING:
    from trimetal.transpiler.target import Target

select_if_requested()

# Where PyTorch keeps the tensors that a device of the runtime works on.
_TORCH_DEVICES = {"metal": "mps"}


class TrimetalDriver(DriverBase):
    """Runs kernels on the runtime's default device, or on the one that TRIMETAL_DEVICE names."""

    def __init__(self) -> None:
        from .launcher import Launcher

        self.utils = Utilities()
        self.launcher_cls = Launcher
        self._knows_mlx = False

    @classmethod
    def is_active(cls) -> bool:
        """Whether Triton may choose this driver."""
        return is_wanted()

    def get_current_target(self) -> GPUTarget:
        """The chip that kernels are compiled for: this machine's, or what TRIMETAL_TARGET says."""
        return GPUTarget(BACKEND, chip_name(), 32)

    def get_current_device(self) -> int:
        """The only device. Triton asks before it looks at a launch's arguments."""
        if not self._knows_mlx:
            from .mlx_arrays import adopt

            self._knows_mlx = adopt()
        return 0

    def set_current_device(self, device: int) -> None:
        """There is only one."""

    def get_current_stream(self, device: int | None = None) -> int:
        """The only stream."""
        return 0

    def get_active_torch_device(self) -> Any:
        """Where PyTorch should make the tensors for kernels."""
        name = device_name()
        return importlib.import_module("torch").device(_TORCH_DEVICES.get(name, name))

    def map_python_to_cpp_type(self, ty: str) -> str:
        """A C++ type for Triton's name of one, for tools that write C++ around kernels."""
        return "void*" if ty.startswith("*") else _CPP_TYPES.get(ty, ty)

    def get_benchmarker(self) -> Callable[..., Any]:
        """What an autotuner measures with."""
        return late("testing").do_bench

    def get_device_interface(self) -> Any:
        """What `do_bench` asks for events and for the end of the work."""
        from .benchmarking import DeviceInterface

        return DeviceInterface

    def get_empty_cache_for_benchmark(self) -> Any:
        """What `do_bench` writes to between two runs."""
        from .benchmarking import cache_sized_buffer

        return cache_sized_buffer()

    def clear_cache(self, cache: Any) -> None:
        """Write to it."""
        cache.fill(0)


class Utilities:
    """What Triton calls to load a kernel."""

    def get_device_properties(self, device: int) -> dict[str, int]:
        """What heuristics ask about a GPU, in CUDA's words."""
        from trimetal.transpiler.target import get_target

        target = get_target(chip_name())
        return {
            "max_shared_mem": target.threadgroup_memory,
            "max_num_regs": _registers(target),
            "max_threads_per_sm": target.threads_per_core,
            "multiprocessor_count": target.gpu_cores,
            "warpSize": target.simd_width,
            "sm_clock_rate": 0,
            # Triton takes the bandwidth to be 2 * clock (kHz) * width (bits) / 8.
            "mem_clock_rate": target.bandwidth * 1000,
            "mem_bus_width": 4000,
        }

    def load_binary(
        self, name: str, binary: bytes, shared: int, device: int
    ) -> tuple[object, object, int, int, int]:
        """Module, function, registers, spills and the most threads of a compiled kernel."""
        from trimetal import runtime
        from trimetal.transpiler.target import get_target

        from .shader_text import read_shader

        shader = read_shader(binary)
        target = get_target(shader.target)
        limit = target.max_threads_per_threadgroup
        # Metal does not tell: as many as let the largest threadgroup start.
        registers = _registers(target) // limit
        if launches_are_off():
            return shader, None, registers, 0, limit
        return shader, runtime.compile(shader, device_name()), registers, 0, limit

    def unload_module(self, module: object) -> None:
        """Python's own memory management does it."""

    def set_printf_fifo_size(self, size: int) -> None:
        """Nothing is kept back: what a kernel prints appears at once."""


def _registers(target: Target) -> int:
    """The registers (32 bits) of a core."""
    return target.register_file // 4


_CPP_TYPES = {
    "i1": "bool",
    **{f"i{bits}": f"int{bits}_t" for bits in (8, 16, 32, 64)},
    "u1": "bool",
    **{f"u{bits}": f"uint{bits}_t" for bits in (8, 16, 32, 64)},
    "fp16": "double",
    "bf16": "double",
    "fp32": "double",
    "fp64": "double",
}
