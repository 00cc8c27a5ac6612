"""What each parameter of a kernel is bound to, for the devices that compile its text as C++."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from trimetal.runtime.spans import refuse
from trimetal.transpiler.errors import CompileError
from trimetal.transpiler.shader import Argument, Shader

from .structure import Function, Parameter, Unit

SOURCE_NAME = "kernel.metal"

Slots = list[tuple[int, Argument]]  # the slots of the launcher that share one buffer


def kernel_of(unit: Unit, shader: Shader) -> Function:
    """The shader's kernel in its text; a `CompileError` where there is none to call."""
    found = [function for function in unit.kernels() if function.name == shader.name]
    if not found:
        names = ", ".join(function.name for function in unit.kernels()) or "none"
        raise CompileError(f"the text has no kernel {shader.name!r}; its kernels: {names}")
    if found[0].is_template:
        raise CompileError(f"kernel {shader.name!r} is a template")
    return found[0]


def bindings(unit: Unit, kernel: Function, shader: Shader) -> Iterator[tuple[Parameter, Slots]]:
    """Each parameter with its arguments, none for a position of the thread.

    A `CompileError` where one side has what the other lacks, or their forms differ.
    """
    arguments: dict[int, Slots] = {}
    for slot, argument in enumerate(shader.arguments):
        arguments.setdefault(argument.index, []).append((slot, argument))
    used: set[int] = set()
    for parameter in kernel.parameters:
        if parameter.attribute != "buffer":
            yield parameter, []
            continue
        index = int(parameter.attribute_argument or -1)
        if index not in arguments:
            refuse_parameter(unit, parameter, f"the shader has no argument for buffer({index})")
        used.add(index)
        _require_form(unit, parameter, index, arguments[index])
        yield parameter, arguments[index]
    missing = [each[0][1].name for index, each in arguments.items() if index not in used]
    if missing:
        raise CompileError(f"the kernel has no parameter for argument {missing[0]!r}")


def _require_form(unit: Unit, parameter: Parameter, index: int, slots: Slots) -> None:
    """Scalars are bound to references, buffers to pointers."""
    argument = slots[0][1]
    if len(slots) > 1:
        if not parameter.is_reference:
            message = f"buffer({index}) is a struct of scalars: use a reference"
            refuse_parameter(unit, parameter, message)
    elif argument.kind == "scalar":
        if not parameter.is_reference:
            message = f"argument {argument.name!r} is a scalar: use a reference"
            refuse_parameter(unit, parameter, message)
    elif not parameter.is_pointer:
        message = f"argument {argument.name!r} is a buffer: use a pointer"
        refuse_parameter(unit, parameter, message)


def position(unit: Unit, parameter: Parameter, values: Mapping[str, Sequence[str]]) -> str:
    """The expression for a parameter that tells a thread where it is, of its components' values."""
    attribute = parameter.attribute or ""
    if attribute == "threadgroup":
        message = "the launcher sets no threadgroup memory lengths: declare an array in the kernel"
        refuse_parameter(unit, parameter, message)
    if attribute not in values:
        refuse_parameter(unit, parameter, f"no value for this parameter: [[{attribute}]]")
    count = int(parameter.type[-1]) if parameter.type[-1] in "234" else 1
    return f"{parameter.type}({', '.join(values[attribute][:count])})"


def refuse_parameter(unit: Unit, parameter: Parameter, message: str) -> NoReturn:
    """Raise a `CompileError` that shows a parameter in the text."""
    refuse(unit.text, parameter.token.start, parameter.token.end, message, SOURCE_NAME)
