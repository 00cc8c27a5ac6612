"""A probe of the map in `simdgroup.py`, which Apple does not document.

The kernel loads a matrix and tells what each lane holds of it, then has each lane set its elements
and stores the matrix. On a device with another map the results differ from `expected`, and no dot
of this compiler is right on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .emit.template import template
from .shader import Argument, Shader
from .simdgroup import ELEMENTS_PER_LANE, LANE_BASES, REGISTER_BASES, SIDE
from .target import DEFAULT_TARGET

_TYPES = {"f32": "float", "f16": "half", "bf16": "bfloat"}
_COUNT = SIDE * SIDE


@dataclass(frozen=True)
class Probe:
    """A kernel of one program, with arguments (matrix, held, written) of 64 elements each.

    `matrix` is the input. A device that the compiler's map is right for gives `held` and `written`.
    """

    shader: Shader
    matrix: tuple[int, ...]
    held: tuple[int, ...]
    written: tuple[int, ...]


def lane_map_probe(dtype: str = "f32") -> Probe:
    """The probe for matrices of f32, f16 or bf16 (64 small integers, which each type holds)."""
    lanes = 1 << len(LANE_BASES)
    type_ = _TYPES[dtype]
    elements = template("simdgroup_elements.metal.jinja").render()
    source = template("lane_map.metal.jinja").render(
        elements=elements, type=type_, lanes=lanes, side=SIDE
    )
    arguments = tuple(
        Argument(name, "buffer", dtype, index, written=index > 0)
        for index, name in enumerate(("matrix", "held", "written"))
    )
    shader = Shader(source, "trimetal_lane_map", arguments, lanes, 0, DEFAULT_TARGET)
    places = [_place(number) for number in range(_COUNT)]
    written = [0] * _COUNT
    for number, place in enumerate(places):
        written[place] = number
    return Probe(shader, tuple(range(_COUNT)), tuple(places), tuple(written))


def _place(number: int) -> int:
    """Which element of the matrix, counted by rows, is element `number` of all lanes' elements."""
    lane, element = divmod(number, ELEMENTS_PER_LANE)
    row = column = 0
    for bit, bases in ((element, REGISTER_BASES), (lane, LANE_BASES)):
        for at, (down, right) in enumerate(bases):
            if bit >> at & 1:
                row ^= down
                column ^= right
    return row * SIDE + column
