"""The CUDA C++ text of a kernel: the MSL text, edited, and an entry that hands it its arguments."""

from __future__ import annotations

from trimetal.runtime.arguments import element_bytes
from trimetal.runtime.source.binding import SOURCE_NAME, Slots, bindings, kernel_of, position
from trimetal.runtime.source.edits import EditedText
from trimetal.runtime.source.positions import POSITIONS
from trimetal.runtime.source.rewrite_cuda import for_cuda
from trimetal.runtime.source.structure import Function, Parameter, Unit, parse_unit
from trimetal.transpiler.shader import Argument, Shader

ENTRY = "trimetal_entry"

# Metal's positions of a thread in CUDA's words. A threadgroup is one line of threads.
_SIMDGROUPS = ("TRIMETAL_THREADS / 32 + (TRIMETAL_THREADS % 32 != 0)",)
_QUADGROUPS = ("TRIMETAL_THREADS / 4 + (TRIMETAL_THREADS % 4 != 0)",)
_VALUES = {
    "thread_position_in_grid": (
        "blockIdx.x * TRIMETAL_THREADS + threadIdx.x",
        "blockIdx.y",
        "blockIdx.z",
    ),
    "threads_per_grid": ("gridDim.x * TRIMETAL_THREADS", "gridDim.y", "gridDim.z"),
    "thread_position_in_threadgroup": ("threadIdx.x", "0", "0"),
    "threads_per_threadgroup": ("TRIMETAL_THREADS", "1", "1"),
    "dispatch_threads_per_threadgroup": ("TRIMETAL_THREADS", "1", "1"),
    "threadgroup_position_in_grid": ("blockIdx.x", "blockIdx.y", "blockIdx.z"),
    "threadgroups_per_grid": ("gridDim.x", "gridDim.y", "gridDim.z"),
    "thread_index_in_threadgroup": ("threadIdx.x",),
    "thread_index_in_simdgroup": ("threadIdx.x % 32",),
    "simdgroup_index_in_threadgroup": ("threadIdx.x / 32",),
    "simdgroups_per_threadgroup": _SIMDGROUPS,
    "dispatch_simdgroups_per_threadgroup": _SIMDGROUPS,
    "threads_per_simdgroup": ("32",),
    "thread_execution_width": ("32",),
    "quadgroup_index_in_threadgroup": ("threadIdx.x / 4",),
    "thread_index_in_quadgroup": ("threadIdx.x % 4",),
    "quadgroups_per_threadgroup": _QUADGROUPS,
}
assert set(_VALUES) == set(POSITIONS)


def cuda_source(shader: Shader) -> tuple[str, EditedText]:
    """The CUDA C++ text, and the edited MSL text in it (to find columns back)."""
    unit = parse_unit(shader.source)
    kernel = kernel_of(unit, shader)
    edited = for_cuda(unit)
    lines = (
        f"#define TRIMETAL_THREADS {shader.threads_per_threadgroup}u",
        '#include "metal.hpp"',
        "namespace metal {",
        f'#line 1 "{SOURCE_NAME}"',
        edited.text,
        '#line 1 "entry"',
        *_entry(unit, kernel, shader),
        "}  // namespace metal",
        "",
    )
    return "\n".join(lines), edited


def _entry(unit: Unit, kernel: Function, shader: Shader) -> list[str]:
    """A `__global__` function with one parameter for each of the launcher's slots."""
    parameters = ["const void*" for _ in shader.arguments]
    statements: list[str] = []
    values: list[str] = []
    for parameter, slots in bindings(unit, kernel, shader):
        if not slots:
            values.append(position(unit, parameter, _VALUES))
        elif len(slots) > 1:
            for slot, argument in slots:
                parameters[slot] = f"trimetal_bytes<{element_bytes(argument.dtype)}>"
            name = f"struct_{parameter.attribute_argument}"
            statements += _struct(parameter, name, slots)
            values.append(name)
        else:
            slot, argument = slots[0]
            parameters[slot] = _type(parameter, argument)
            values.append(f"a{slot}")
    listed = ", ".join(f"{type_} a{slot}" for slot, type_ in enumerate(parameters))
    return [
        "template <int N> struct alignas(N) trimetal_bytes { char value[N]; };",
        'extern "C" __global__ void __launch_bounds__(TRIMETAL_THREADS)',
        f"{ENTRY}({listed}) {{",
        *statements,
        f"    {kernel.name}({', '.join(values)});",
        "}",
    ]


def _type(parameter: Parameter, argument: Argument) -> str:
    """The entry's own parameter for one that is bound to a buffer."""
    if argument.kind == "scalar":
        return parameter.value_type
    const = "" if argument.written else "const "
    words = parameter.type.split()
    return f"{const if 'const' in words else ''}{parameter.value_type}*"


def _struct(parameter: Parameter, name: str, members: Slots) -> list[str]:
    """Statements that put the scalars of a slot together."""
    return [
        f"    {parameter.value_type} {name};",
        *(
            f"    memcpy((char*)&{name} + {argument.offset}, &a{slot}, sizeof a{slot});"
            for slot, argument in members
        ),
    ]
