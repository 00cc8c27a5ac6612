"""CUDA's driver and run-time compiler, by way of NVIDIA's own Python bindings.

`cuda-bindings` (the extra `cuda`) calls both libraries and finds NVRTC among installed wheels; it
brings no arrays of its own, so torch's and cupy's serve equally well.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from typing import Any

from trimetal.transpiler.errors import LaunchError


@functools.lru_cache(maxsize=1)
def _driver() -> Any:
    """The bindings of the driver, which have no types."""
    try:
        return importlib.import_module("cuda.bindings.driver")
    except ImportError as error:
        raise LaunchError(
            f"the CUDA device needs NVIDIA's bindings ({error}): pip install 'trimetal[cuda]'"
        ) from None


def call(name: str, *arguments: object) -> Any:
    """Calls a function of the driver; gives its result, a tuple where there are several."""
    driver = _driver()
    try:
        status, *results = getattr(driver, name)(*arguments)
    except RuntimeError as error:  # no driver to load
        raise LaunchError(f"CUDA's driver: {error}") from None
    if status != driver.CUresult.CUDA_SUCCESS:
        _, text = driver.cuGetErrorString(status)
        words = text.decode() if isinstance(text, bytes) else str(status)
        raise LaunchError(f"{name}: {words}")
    return results[0] if len(results) == 1 else tuple(results)


@functools.lru_cache(maxsize=1)
def is_available() -> bool:
    """Whether a GPU and the bindings are there."""
    try:
        require()
    except LaunchError:
        return False
    return True


def require() -> None:
    """Raises a LaunchError that says what is missing for device "cuda"."""
    call("cuInit", 0)
    if not int(call("cuDeviceGetCount")):
        raise LaunchError("device 'cuda' needs an NVIDIA GPU, and there is none")


def use_gpu() -> None:
    """Makes a GPU current for this thread: the one that is (torch's), or the first."""
    call("cuInit", 0)
    if not int(call("cuCtxGetCurrent")):
        call("cuCtxSetCurrent", call("cuDevicePrimaryCtxRetain", call("cuDeviceGet", 0)))


def architecture() -> str:
    """NVRTC's name of the current GPU's instructions, such as `sm_90`."""
    attribute = _driver().CUdevice_attribute
    device = call("cuCtxGetDevice")
    major, minor = (
        int(call("cuDeviceGetAttribute", which, device))
        for which in (
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        )
    )
    return f"sm_{major}{minor}"


class Function:
    """A function of a compiled module."""

    def __init__(self, cubin: bytes, name: str) -> None:
        self._module = call("cuModuleLoadData", cubin)
        self._function = call("cuModuleGetFunction", self._module, name.encode())

    def launch(
        self,
        groups: tuple[int, int, int],
        threads: int,
        slots: bytes,
        slot_bytes: int,
        stream: int,
    ) -> None:
        """Runs the grid, each slot a parameter; returns before the end of it."""
        memory = ctypes.create_string_buffer(slots, max(len(slots), 1))
        start = ctypes.addressof(memory)
        places = range(start, start + len(slots), slot_bytes)
        parameters = (ctypes.c_void_p * max(len(places), 1))(*places)
        address = ctypes.addressof(parameters)
        shape = (*groups, threads, 1, 1)
        call("cuLaunchKernel", self._function, *shape, 0, stream, address, 0)

    def attribute(self, name: str) -> int:
        """An attribute, such as NUM_REGS."""
        which = getattr(_driver().CUfunction_attribute, f"CU_FUNC_ATTRIBUTE_{name}")
        return int(call("cuFuncGetAttribute", which, self._function))


def wait() -> None:
    """Waits for all that was launched; what went wrong meanwhile is a LaunchError."""
    call("cuCtxSynchronize")


class Memory:
    """Memory of the GPU, freed with the object."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.address = int(call("cuMemAlloc", max(nbytes, 1)))

    def __del__(self) -> None:
        if hasattr(self, "address"):
            _driver().cuMemFree(self.address)

    def write(self, offset: int, source: int, nbytes: int) -> None:
        """Copies from an address of this process."""
        call("cuMemcpyHtoD", self.address + offset, source, nbytes)

    def read(self, offset: int, target: int, nbytes: int) -> None:
        """Copies to an address of this process."""
        call("cuMemcpyDtoH", target, self.address + offset, nbytes)
