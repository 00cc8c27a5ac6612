"""Rules for a kernel's parameters, which no C++ compiler knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trimetal.runtime.source.positions import POSITIONS, VECTOR_POSITIONS
from trimetal.runtime.source.structure import Function, Parameter, Unit
from trimetal.runtime.source.tokens import Token
from trimetal.transpiler.errors import SourceText, Span

from .finding import Finding

_BUFFERS = 31
_MAX_THREADS = 1024

# A place, a rule and a message.
Problem = tuple[Token, str, str]


def signature_findings(unit: Unit, name: str) -> list[Finding]:
    """What is wrong with the parameters and attributes of the kernels."""
    source = SourceText(unit.text, name)
    return [
        Finding(rule, message, Span(source, token.start, token.end))
        for kernel in unit.kernels()
        for token, rule, message in _kernel_problems(unit, kernel)
    ]


def _kernel_problems(unit: Unit, kernel: Function) -> Iterator[Problem]:
    yield from _head_problems(unit, kernel)
    seen: set[tuple[str, str | None]] = set()
    for parameter in kernel.parameters:
        yield from _parameter_problems(parameter)
        key = (parameter.attribute or "", parameter.attribute_argument)
        if parameter.attribute is not None and key in seen:
            text = key[0] if key[1] is None else f"{key[0]}({key[1]})"
            yield parameter.token, "attribute", f"a second parameter with [[{text}]]"
        seen.add(key)
    yield from _disagreement(kernel)


def _head_problems(unit: Unit, kernel: Function) -> Iterator[Problem]:
    """The kernel's own attributes and result."""
    head = unit.tokens[kernel.head[0] : kernel.head[1]]
    if "void" not in [token.text for token in head]:
        yield kernel.token, "kernel", f"kernel {kernel.name!r} must return void"
    for token in head:
        limit = re.match(r"\[\[\s*max_total_threads_per_threadgroup\s*\(\s*(\w*)", token.text)
        if limit and not (limit.group(1).isdigit() and 1 <= int(limit.group(1)) <= _MAX_THREADS):
            message = f"max_total_threads_per_threadgroup is a number from 1 to {_MAX_THREADS}"
            yield token, "attribute", message


def _parameter_problems(parameter: Parameter) -> Iterator[Problem]:
    attribute = parameter.attribute
    if attribute is None:
        message = f"parameter {parameter.name!r} of a kernel has no attribute"
        yield parameter.token, "attribute", message
    elif attribute == "buffer":
        yield from _buffer_problems(parameter)
    elif attribute == "threadgroup":
        if "threadgroup" not in parameter.spaces or not parameter.is_pointer:
            message = f"parameter {parameter.name!r} must be a threadgroup pointer"
            yield parameter.token, "attribute", message
    elif attribute not in POSITIONS:
        yield parameter.token, "attribute", f"unknown attribute [[{attribute}]]"
    elif parameter.type not in POSITIONS[attribute]:
        types = ", ".join(POSITIONS[attribute])
        message = f"[[{attribute}]] is one of {types}, not {parameter.type}"
        yield parameter.token, "attribute", message


def _buffer_problems(parameter: Parameter) -> Iterator[Problem]:
    name, index = parameter.name, parameter.attribute_argument or ""
    if not (index.isdigit() and int(index) < _BUFFERS):
        yield parameter.token, "buffer", f"buffer({index}): an index is from 0 to {_BUFFERS - 1}"
    if not (parameter.is_pointer or parameter.is_reference):
        yield parameter.token, "buffer", f"buffer {name!r} must be a pointer or a reference"
    elif not parameter.spaces & {"device", "constant"}:
        yield parameter.token, "buffer", f"buffer {name!r} must be in device or constant memory"
    elif parameter.type.count("*") + parameter.type.count("&") > 1:
        yield parameter.token, "buffer", f"buffer {name!r} is a pointer to a pointer"


def _disagreement(kernel: Function) -> Iterator[Problem]:
    """Positions are all scalars, or all of two, or all of three components."""
    first: Parameter | None = None
    for parameter in kernel.parameters:
        if parameter.attribute not in VECTOR_POSITIONS:
            continue
        if first is None:
            first = parameter
        elif parameter.type[-1] != first.type[-1] and {parameter.type[-1], first.type[-1]} & {
            "2",
            "3",
        }:
            message = (
                f"[[{parameter.attribute}]] is {parameter.type} and [[{first.attribute}]] is "
                f"{first.type}: all positions must have the same number of components"
            )
            yield parameter.token, "attribute", message
