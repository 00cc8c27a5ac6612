"""Launches the kernel of this package. Needs MLX, or PyTorch for tensors on "mps".

This file and the texts beside it are the whole: neither Trimetal nor Triton is imported.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
import operator
import re
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

# MLX counts threads in 32 bits.
_MAX_THREADS = 2**31 - 1
# MLX passes smaller arrays in constant memory, where no kernel can write.
_SMALL = 8
_COPY_BLOCK, _COPY_THREADS = 1024, 256
_WORDS = {1: "uchar", 2: "ushort", 4: "uint", 8: "ulong"}
# How PyTorch passes a scalar that is no 64-bit integer and no float.
_CASTS = {
    "bool": "uint8",
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "float16": "fp16",
    "bfloat16": "bf16",
}


class LaunchError(ValueError):
    """An argument or the grid does not fit the kernel; nothing was written."""


class Array(Protocol):
    """An array of MLX, or a tensor of PyTorch on "mps"."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        ...

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        ...


@dataclass(frozen=True)
class Empty:
    """For `results`: an array that the kernel fills, and that is made without contents.

    `dtype` is a name as MLX and PyTorch have it, such as "float32".
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Argument:
    """What an argument of a shader must be; see the table in shaders.json."""

    name: str
    kind: str
    index: int
    offset: int
    divisibility: int
    written: bool
    bits: int
    # Names of types; the first one is the shader's own.
    dtypes: Sequence[str]
    # As Python's struct packs a scalar.
    format: str


class Shader:
    """One text, and what a launch of it must know."""

    def __init__(self, folder: Path, fields: Mapping[str, Any]) -> None:
        self.name: str = fields["name"]
        self.file: str = fields["file"]
        self.generation: int = fields["generation"]
        self.threads: int = fields["threads"]
        self.constants: dict[str, Any] = fields["constants"]
        self.arguments = [Argument(**each) for each in fields["arguments"]]
        self.frames: dict[str, dict[str, Any]] = fields["frames"]
        self.source = (folder / self.file).read_text("utf-8")

    def own_type(self, index: int) -> Any:
        """MLX's type of an argument in the text; -1 is the output that says the kernel has run."""
        return _mlx_type("uint32" if index < 0 else self.arguments[index].dtypes[0])

    @functools.cached_property
    def mps_function(self) -> Any:
        """The kernel as PyTorch compiles it."""
        torch: Any = importlib.import_module("torch")
        text = f"#pragma METAL fp contract(off)\n{self.source}"
        return getattr(torch.mps.compile_shader(text), self.name)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - a package has a few shaders, which stay
    def mlx_function(self, form: str) -> Any:
        """The kernel as MLX takes it; `form` says how the arrays that are written are passed."""
        if form not in self.frames:
            raise LaunchError("either all arrays that are written are Empty, or none")
        frame = self.frames[form]
        return _mlx().fast.metal_kernel(
            name=frame["name"],
            input_names=[name for name, _ in frame["inputs"]],
            output_names=[name for name, _ in frame["outputs"]],
            source=frame["source"],
            header=frame["header"],
        )


class Kernel:
    """All shaders of one kernel; a launch takes the first that fits its arguments."""

    def __init__(self, folder: Path) -> None:
        fields = json.loads((folder / "shaders.json").read_text("utf-8"))
        self.shaders = [Shader(folder, each) for each in fields["shaders"]]
        self.copy_source: str = fields["copy"]

    def launch(self, grid: int | Sequence[int], values: Mapping[str, Any], stream: Any) -> None:
        """Run the kernel; the arrays that it writes change in place.

        Arrays of MLX are lazy: they have their new value, which is computed when it is needed.
        """
        groups = _groups(grid)
        shader, given = self._fitting(values)
        for argument, value in zip(shader.arguments, given, strict=True):
            if isinstance(value, Empty):
                raise LaunchError(f"{argument.name}: an array is expected; Empty is for results")
        if 0 in groups:
            return
        if _is_torch(given):
            _run_on_mps(shader, groups, given)
            return
        for index, array in self._run_on_mlx(shader, groups, given, stream).items():
            given[index][...] = array

    def results(
        self, grid: int | Sequence[int], values: Mapping[str, Any], stream: Any
    ) -> tuple[Any, ...]:
        """What the kernel writes, as new arrays; the arguments keep their values."""
        groups = _groups(grid)
        shader, given = self._fitting(values)
        written = [i for i, argument in enumerate(shader.arguments) if argument.written]
        if _is_torch(given):
            for index in written:
                given[index] = _new_tensor(given[index])
            if 0 not in groups:
                _run_on_mps(shader, groups, given)
            return tuple(given[index] for index in written)
        if 0 in groups:
            return tuple(_new_array(given[index]) for index in written)
        found = self._run_on_mlx(shader, groups, given, stream)
        return tuple(found[index] for index in written)

    def _fitting(self, values: Mapping[str, Any]) -> tuple[Shader, list[Any]]:
        """The first shader that takes these values, and its arguments in order."""
        reasons: list[str] = []
        generations = {shader.generation for shader in self.shaders}
        wanted = _best(generations, _generation()) if len(generations) > 1 else None
        for shader in self.shaders:
            if wanted not in (None, shader.generation):
                continue
            given = [values.get(argument.name) for argument in shader.arguments]
            reason = _misfit(shader, given, values)
            if not reason:
                return shader, given
            reasons.append(f"{shader.file}: {reason}" if len(self.shaders) > 1 else reason)
        raise LaunchError("no shader of this package fits:\n" + "\n".join(reasons))

    def _run_on_mlx(
        self, shader: Shader, groups: tuple[int, int, int], given: Sequence[Any], stream: Any
    ) -> dict[int, Any]:
        """New arrays for the arguments that are written, by their index."""
        _refuse_aliases(shader, given)
        if groups[0] * shader.threads > _MAX_THREADS:
            raise LaunchError(f"grid {groups}: too many programs in the first dimension")
        written = [i for i, argument in enumerate(shader.arguments) if argument.written]
        forms = {"output" if isinstance(given[i], Empty) else "private" for i in written}
        form = "+".join(sorted(forms)) or "private"
        run, frame = shader.mlx_function(form), shader.frames[form]
        private = {i: self._private_copy(given[i], stream) for i in written if form == "private"}
        inputs = [
            private[index] if index in private else _mlx_input(shader, index, given, stream)
            for _, index in frame["inputs"]
        ]
        made = [given[index] for _, index in frame["outputs"] if index >= 0]
        outputs = run(
            inputs=inputs,
            output_shapes=[each.shape for each in made] or [(1,)],
            output_dtypes=[shader.own_type(index) for _, index in frame["outputs"]],
            grid=(groups[0] * shader.threads, groups[1], groups[2]),
            threadgroup=(shader.threads, 1, 1),
            stream=stream,
        )
        found = {
            index: output.view(_mlx_type(given[index].dtype), stream=stream)
            for (_, index), output in zip(frame["outputs"], outputs, strict=True)
            if index >= 0
        }
        for index, memory in private.items():
            array = given[index]
            found[index] = self._copy(memory, array.size, array.shape, outputs[0], stream)
        return found

    def _private_copy(self, array: Any, stream: Any) -> Any:
        """Memory with the contents of an array that nobody else sees, and the kernel may write."""
        count = max(_SMALL, -(-array.nbytes // 16) * 16 // array.itemsize)
        return self._copy(array, array.size, (count,), None, stream)

    def _copy(self, array: Any, count: int, shape: Any, after: Any, stream: Any) -> Any:
        """A copy that MLX does not merge with another one, made once `after` is there."""
        core = _mlx()
        space = "constant" if array.size < _SMALL else "device"
        run = self._copy_function(space, _WORDS[array.itemsize], after is not None)
        inputs = [core.reshape(array, (-1,), stream=stream), core.array(count, core.int64)]
        (copy,) = run(
            inputs=inputs if after is None else [*inputs, after],
            output_shapes=[shape],
            output_dtypes=[array.dtype],
            grid=(-(-count // _COPY_BLOCK) * _COPY_THREADS, 1, 1),
            threadgroup=(_COPY_THREADS, 1, 1),
            stream=stream,
        )
        return copy

    @functools.lru_cache(maxsize=16)  # noqa: B019 - a package has one kernel, which stays
    def _copy_function(self, space: str, word: str, waits: bool) -> Any:
        source = self.copy_source.replace("SPACE", space).replace("WORD", word)
        return _mlx().fast.metal_kernel(
            name=f"trimetal_copy_{space}_{word}",
            input_names=["array", "count", *(["after"] if waits else [])],
            output_names=["copy"],
            source=source,
        )


def _mlx() -> Any:
    try:
        return sys.modules.get("mlx.core") or importlib.import_module("mlx.core")
    except ImportError:
        raise LaunchError("these kernels need MLX: pip install mlx") from None


def _groups(grid: int | Sequence[int]) -> tuple[int, int, int]:
    """The grid as three numbers of programs."""
    given = grid if isinstance(grid, Sequence) else (grid,)
    try:
        sizes = [operator.index(size) for size in given]
    except TypeError:
        raise LaunchError(f"a grid is one to three integers, not {grid!r}") from None
    if not 1 <= len(sizes) <= 3 or min(sizes) < 0:
        raise LaunchError(f"a grid is one to three integers from 0, not {grid!r}")
    x, y, z = (*sizes, 1, 1)[:3]
    return x, y, z


@functools.lru_cache(maxsize=1)
def _generation() -> int:
    """The number in "applegpu_g15s" of this machine's GPU: that in "Apple M3 Max", and 12."""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        text = ""
    found = re.match(r"Apple M(\d+)", text)
    return 12 + int(found.group(1)) if found else 0


def _best(generations: set[int], wanted: int) -> int:
    """The newest generation that is not newer than this machine's, or the oldest one."""
    return max((each for each in generations if each <= wanted), default=min(generations))


def _misfit(shader: Shader, given: Sequence[Any], values: Mapping[str, Any]) -> str:
    """Why the values do not fit the shader, or ""."""
    for name, constant in shader.constants.items():
        if name in values and values[name] != constant:
            return f"{name}: {constant} is expected, found {values[name]}"
    for argument, value in zip(shader.arguments, given, strict=True):
        check = _misfit_of_array if argument.kind == "buffer" else _misfit_of_number
        reason = check(argument, value)
        if reason:
            return f"{argument.name}: {reason}"
    return ""


def _misfit_of_array(argument: Argument, value: Any) -> str:
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return f"an array is expected, not {type(value).__name__}"
    if _dtype_name(value) not in argument.dtypes:
        expected = " or ".join(argument.dtypes)
        return f"an array of {expected} is expected, found {_dtype_name(value)}"
    if 0 in value.shape:
        return "an array with elements is expected"
    if isinstance(value, Empty):
        return "" if argument.written else "the kernel only reads this array, and Empty has nothing"
    if _is_torch([value]):
        if value.device.type != "mps" or not value.is_contiguous():
            return "a contiguous tensor on mps is expected"
        if value.storage_offset() * value.element_size() % argument.divisibility:
            return f"an address divisible by {argument.divisibility} bytes is expected"
    elif type(value).__module__ != "mlx.core":
        return f"an array of MLX is expected, not {type(value).__module__}.{type(value).__name__}"
    return ""


def _misfit_of_number(argument: Argument, value: Any) -> str:
    if "float" in argument.dtypes[0]:
        is_number = isinstance(value, (int, float)) or hasattr(value, "__float__")
        return "" if is_number else f"a number is expected, not {type(value).__name__}"
    try:
        number = operator.index(value)
    except TypeError:
        return f"an integer is expected, not {type(value).__name__}"
    if not -(1 << (argument.bits - 1)) <= number < 1 << argument.bits:
        return f"{number} does not fit {argument.dtypes[0]}"
    if number % argument.divisibility:
        return f"a multiple of {argument.divisibility} is expected, found {number}"
    return ""


def _refuse_aliases(shader: Shader, given: Sequence[Any]) -> None:
    """An array that is written is passed once: MLX's arrays are values."""
    for index, argument in enumerate(shader.arguments):
        others = [a.name for i, a in enumerate(shader.arguments) if given[i] is given[index]]
        if argument.written and not isinstance(given[index], Empty) and len(others) > 1:
            raise LaunchError(f"{' and '.join(others)} are one array: pass a copy for one of them")


def _dtype_name(value: Any) -> str:
    return str(value.dtype).rpartition(".")[2].removesuffix("_")


def _is_torch(values: Sequence[Any]) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and any(isinstance(value, torch.Tensor) for value in values)


def _number(argument: Argument, value: Any) -> int | float | bool:
    """A scalar as the shader has it: unsigned values become signed ones of the same bits."""
    if "float" in argument.dtypes[0]:
        return float(value)
    number = operator.index(value)
    if argument.dtypes[0] == "bool":
        return bool(number)
    return number - (1 << argument.bits) if number >> (argument.bits - 1) == 1 else number


def _packed(shader: Shader, given: Sequence[Any], word: str) -> list[int]:
    """The scalars that share a slot, as words of their struct; eight of 64 bits at least."""
    memory = bytearray(8 * _SMALL)
    for argument, value in zip(shader.arguments, given, strict=True):
        if argument.kind != "scalar":
            continue
        end = argument.offset + argument.bits // 8
        memory.extend(bytes(max(0, -(-end // 8) * 8 - len(memory))))
        number = _number(argument, value)
        if argument.dtypes[0] == "bfloat16":
            number = _bfloat_bits(float(number))
        struct.pack_into(f"<{argument.format}", memory, argument.offset, number)
    return list(struct.unpack(f"<{len(memory) // struct.calcsize(word)}{word}", memory))


def _bfloat_bits(number: float) -> int:
    """The bits of the bfloat nearest to a number of single precision, to even."""
    (wide,) = struct.unpack("<I", struct.pack("<f", number))
    if math.isnan(number):
        return (wide >> 16) | 0x40
    return (wide + 0x7FFF + ((wide >> 16) & 1)) >> 16


def _mlx_type(dtype: Any) -> Any:
    """MLX's type of a name, or the type itself."""
    if not isinstance(dtype, str):
        return dtype
    return getattr(_mlx(), "bool_" if dtype == "bool" else dtype)


def _mlx_input(shader: Shader, index: int, given: Sequence[Any], stream: Any) -> Any:
    """What MLX gets for an input that the kernel only reads; -1 is the packed scalars."""
    core = _mlx()
    if index < 0:
        return core.array(_packed(shader, given, "q"), core.int64)
    argument, value = shader.arguments[index], given[index]
    own = shader.own_type(index)
    if argument.kind == "scalar":
        return core.array(_number(argument, value), own)
    array = value if value.dtype == own else value.view(own, stream=stream)
    if array.size >= _SMALL:
        return array
    flat = core.reshape(array, (-1,), stream=stream)
    return core.pad(flat, (0, _SMALL - array.size), stream=stream)


def _new_array(value: Any) -> Any:
    core = _mlx()
    if isinstance(value, Empty):
        return core.zeros(value.shape, _mlx_type(value.dtype))
    return core.array(value)


def _new_tensor(value: Any) -> Any:
    if isinstance(value, Empty):
        torch: Any = importlib.import_module("torch")
        return torch.empty(value.shape, dtype=getattr(torch, value.dtype), device="mps")
    return value.clone()


def _run_on_mps(shader: Shader, groups: tuple[int, int, int], given: Sequence[Any]) -> None:
    """The shader's own text on tensors, which PyTorch binds without copying them."""
    slots: dict[int, list[tuple[Argument, Any]]] = {}
    for argument, value in zip(shader.arguments, given, strict=True):
        slots.setdefault(argument.index, []).append((argument, value))
    bound: list[Any] = []
    casts: dict[int, str] = {}
    for index in range(len(slots)):
        (argument, value), *others = slots[index]
        if others:
            bound.append(_packed(shader, given, "i"))
            casts[index] = "int32"
        elif argument.kind == "scalar":
            bound.append(_number(argument, value))
            if argument.dtypes[0] in _CASTS:
                casts[index] = _CASTS[argument.dtypes[0]]
        else:
            bound.append(value)
    shader.mps_function(
        *bound,
        threads=[groups[0] * shader.threads, groups[1], groups[2]],
        group_size=[shader.threads, 1, 1],
        arg_casts=casts or None,
    )
