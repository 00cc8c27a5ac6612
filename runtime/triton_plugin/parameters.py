"""From the parameters of a jit function to the arguments of its kernel.

A tuple is its elements, a tensor descriptor its parts, and what was known at compile time is no
argument. All of this is worked out once, from the types.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, cast

from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Argument

# From all values of a launch to one that the kernel takes.
Getter = Callable[[Any], Any]

# The flags of a tensor descriptor, in order; Triton 3.4 passes none, 3.5 and 3.6 the first one.
_FLAGS: tuple[Getter, ...] = (
    lambda descriptor: descriptor.padding == "nan",
    lambda descriptor: descriptor.round_f32_to_tf32,
)


def argument_getters(types: Iterable[object], arguments: Sequence[Argument]) -> list[Getter]:
    """How to get each of the kernel's arguments from the values of the parameters."""
    return _Flattening(arguments).all_of(types)


class _Flattening:
    """Walks the types of the parameters; `_dtypes` are the types of the arguments to come."""

    def __init__(self, arguments: Sequence[Argument]) -> None:
        self._dtypes = [
            argument.dtype if argument.kind == "scalar" else "pointer" for argument in arguments
        ]
        self._getters: list[Getter] = []

    def all_of(self, types: Iterable[object]) -> list[Getter]:
        for index, type_ in enumerate(types):
            self._add(type_, operator.itemgetter(index))
        if len(self._getters) != len(self._dtypes):
            raise LaunchError(
                f"the kernel has {len(self._dtypes)} arguments, a launch passes "
                f"{len(self._getters)}"
            )
        return self._getters

    def _add(self, type_: object, get: Getter) -> None:
        if isinstance(type_, tuple):
            for index, inner in enumerate(cast("tuple[object, ...]", type_)):
                self._add(inner, _chain(get, operator.itemgetter(index)))
        elif isinstance(type_, str) and type_.startswith("tensordesc"):
            self._add_descriptor(get)
        elif type_ != "constexpr":
            self._getters.append(get)

    def _add_descriptor(self, get: Getter) -> None:
        """Base, sizes and strides, flags; then sizes and strides once more."""
        following = self._dtypes[len(self._getters) + 1 :]
        numbers = len(list(takewhile("i64".__eq__, following)))
        flags = len(list(takewhile("i1".__eq__, following[numbers:])))
        extents = [_chain(get, _member("shape", index)) for index in range(numbers // 2)]
        strides = [_chain(get, _member("strides", index)) for index in range(numbers // 2)]
        self._getters += [
            _chain(get, operator.attrgetter("base")),
            *extents,
            *strides,
            *(_chain(get, flag) for flag in _FLAGS[:flags]),
            *extents,
            *strides,
        ]


def _chain(first: Getter, second: Getter) -> Getter:
    return lambda value: second(first(value))


def _member(name: str, index: int) -> Getter:
    return lambda value: getattr(value, name)[index]
