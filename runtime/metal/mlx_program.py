"""Launches through MLX: one shader, with arrays that are values.

`results` makes new arrays and leaves its arguments as they are, so it is lazy as MLX is, and works
inside `mx.compile`. A launch in place is that, and the arguments get the new contents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from trimetal.runtime.arguments import pack_members, signed
from trimetal.runtime.arrays import Empty, mlx_dtype
from trimetal.transpiler.coverage import coverage_from_text, covers
from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Argument, Shader

from .copying import copy_after, private_copy, widened
from .frame import Frame, Slot, frame
from .library import core
from .types import SCALARS

# MLX counts threads in 32 bits.
_MAX_THREADS = 2**31 - 1
_MIN_WORDS = 8  # fewer would be in constant memory


@dataclass(frozen=True)
class _Plan:
    """A frame and the function that MLX made of it."""

    frame: Frame
    kernel: Any


class MlxProgram:
    """A shader for MLX. Every way in which arguments are passed has its own text."""

    def __init__(self, shader: Shader) -> None:
        self._shader = shader
        self._stores = {
            index: coverage_from_text(argument.stores)
            for index, argument in enumerate(shader.arguments)
            if argument.written and not argument.read
        }
        self._plan = lru_cache(maxsize=64)(self._make_plan)

    def results(
        self, groups: tuple[int, int, int], values: Sequence[Any], stream: Any = None
    ) -> dict[int, Any]:
        """New arrays for the arguments that are written, by their index; the others' are unread.

        `values` are arrays of MLX, `Empty` and numbers, all checked: one for each argument.
        """
        grid = self._grid(groups)
        slots = self._slots(values, self._filled(groups, values))
        plan = self._plan(slots)
        private: dict[int, Any] = {
            index: private_copy(values[index], stream)
            for index, slot in enumerate(slots)
            if slot.form == "private" and slot.same_as is None
        }
        inputs = [
            private[index] if index in private else self._input(index, values, plan.frame, stream)
            for _, index in plan.frame.inputs
        ]
        made = [values[index] for _, index in plan.frame.outputs if index >= 0]
        outputs = plan.kernel(
            inputs=inputs,
            output_shapes=[tuple(each.shape) for each in made] or [(1,)],
            output_dtypes=[_dtype(each) for each in made] or [core().uint32],
            grid=grid,
            threadgroup=(self._shader.threads_per_threadgroup, 1, 1),
            stream=stream,
        )
        found = {
            index: copy_after(memory, outputs[0], tuple(values[index].shape), stream)
            for index, memory in private.items()
        }
        found |= {i: out for (_, i), out in zip(plan.frame.outputs, outputs, strict=True) if i >= 0}
        for index, slot in enumerate(slots):
            if slot.same_as in found:
                found[index] = found[slot.same_as]
        return found

    def _make_plan(self, slots: tuple[Slot, ...]) -> _Plan:
        made = frame(self._shader, slots)
        kernel = core().fast.metal_kernel(
            name=made.name,
            input_names=[name for name, _ in made.inputs],
            output_names=[name for name, _ in made.outputs],
            source=made.source,
            header=made.header,
        )
        return _Plan(made, kernel)

    def _filled(self, groups: tuple[int, int, int], values: Sequence[Any]) -> list[int]:
        """The arguments of which this launch writes every element and reads none."""
        arguments = self._shader.arguments
        numbers = {
            index: signed(argument, int(value)) if argument.dtype.startswith("i") else 0.0
            for index, (argument, value) in enumerate(zip(arguments, values, strict=True))
            if argument.kind == "scalar"
        }
        return [
            index
            for index, stores in self._stores.items()
            if not isinstance(values[index], Empty)
            and any(covers(store, values[index].size, groups, numbers) for store in stores)
        ]

    def _grid(self, groups: tuple[int, int, int]) -> tuple[int, int, int]:
        """The grid in threads."""
        threads = self._shader.threads_per_threadgroup
        if groups[0] * threads > _MAX_THREADS:
            raise LaunchError(
                f"grid {groups}: MLX takes {_MAX_THREADS // threads} programs of {threads} threads "
                "at most in the first dimension"
            )
        return groups[0] * threads, groups[1], groups[2]

    def _slots(self, values: Sequence[Any], filled: Collection[int]) -> tuple[Slot, ...]:
        """How each argument is passed. An array that is passed twice is one input."""
        first: dict[int, int] = {}
        passed = Counter(id(value) for value in values)
        written = {
            id(value)
            for argument, value in zip(self._shader.arguments, values, strict=True)
            if argument.written
        }
        slots: list[Slot] = []
        for index, (argument, value) in enumerate(zip(self._shader.arguments, values, strict=True)):
            if argument.kind == "scalar":
                slots.append(Slot("scalar", SCALARS[argument.dtype]))
                continue
            same_as = first.setdefault(id(value), index)
            if isinstance(value, Empty) or (index in filled and passed[id(value)] == 1):
                form = "output"
            else:
                form = "private" if id(value) in written else "input"
            dtype = value.dtype if isinstance(value, Empty) else mlx_dtype(value)
            slots.append(Slot(form, dtype, None if same_as == index else same_as))
        return tuple(slots)

    def _input(self, index: int, values: Sequence[Any], made: Frame, stream: Any) -> Any:
        """What MLX gets for an input that the kernel only reads."""
        if index < 0:
            return self._words(values, made)
        argument, value = self._shader.arguments[index], values[index]
        if argument.kind != "scalar":
            return widened(value, stream)
        return _scalar(argument, value)

    def _words(self, values: Sequence[Any], made: Frame) -> Any:
        """The scalars that share an input."""
        members = [
            (replace(self._shader.arguments[index], offset=offset), values[index])
            for index, offset in made.packed
        ]
        words = memoryview(pack_members(members, 8 * _MIN_WORDS)).cast("q")
        return core().array(list(words), core().int64)


def _scalar(argument: Argument, bits: int | float) -> Any:
    """An array without dimensions that holds a number as `Binder` gives it: bits, or a float."""
    name = SCALARS[argument.dtype]
    if argument.dtype in ("f32", "f16"):
        return core().array(bits, mlx_type(name))
    if argument.dtype == "bf16":
        return core().array(bits, core().uint16).view(mlx_type(name))
    return core().array(signed(argument, int(bits)), mlx_type(name))


def _dtype(value: Any) -> Any:
    """MLX's type of an array or of an `Empty`."""
    return mlx_type(value.dtype) if isinstance(value, Empty) else value.dtype


def mlx_type(name: str) -> Any:
    """MLX's type of a name: "float32", "bool"."""
    return getattr(core(), "bool_" if name == "bool" else name)
