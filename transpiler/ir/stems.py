"""The Python variable behind a value."""

from __future__ import annotations

import re

from .core import Value
from .location import variable_name

_MADE_UP = re.compile(r"\d*|arg\d+|c-?\d+(_i\d+)?|cst|true|false")


def stem_of(value: Value) -> str:
    """The variable's name: `%offs_1` and `%offs_2` are both `offs`; "" where there is none.

    The location says it exactly; the SSA name (since Triton 3.5) with a number added.
    """
    if not value.name:
        return ""  # made by a pass
    location = value.defining_op.location if value.defining_op else value.location
    variable = variable_name(location)
    stem = re.sub(r"_\d+$", "", value.name)
    if variable and (variable in (value.name, stem) or _MADE_UP.fullmatch(stem)):
        return variable
    return "" if _MADE_UP.fullmatch(stem) else stem


def name_with(value: Value, ending: str) -> str:
    """A name for what belongs to a variable: `x_partial`, or `partial` where it has no name."""
    stem = stem_of(value)
    return f"{stem}_{ending}" if stem else ending
