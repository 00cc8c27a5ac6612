"""The CUDA C++ text of a kernel: the MSL text, edited, and an entry that hands it its arguments."""

from __future__ import annotations

from trimetal.runtime.arguments import element_bytes
from trimetal.runtime.source.edits import EditedText
from trimetal.runtime.source.positions import POSITIONS
from trimetal.runtime.source.rewrite_cuda import for_cuda
from trimetal.runtime.source.structure import Function, Parameter, Unit, parse_unit
from trimetal.runtime.spans import refuse
from trimetal.transpiler.errors import CompileError
from trimetal.transpiler.shader import Argument, Shader

SOURCE_NAME = "kernel.metal"
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
    kernel = _kernel(unit, shader)
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


def _kernel(unit: Unit, shader: Shader) -> Function:
    found = [function for function in unit.kernels() if function.name == shader.name]
    if not found or found[0].is_template:
        raise CompileError(f"the text has no kernel {shader.name!r}")
    return found[0]


def _entry(unit: Unit, kernel: Function, shader: Shader) -> list[str]:
    """A `__global__` function with one parameter for each of the launcher's slots."""
    arguments: dict[int, list[tuple[int, Argument]]] = {}
    for slot, argument in enumerate(shader.arguments):
        arguments.setdefault(argument.index, []).append((slot, argument))
    parameters = ["const void*" for _ in shader.arguments]
    statements: list[str] = []
    values: list[str] = []
    used: set[int] = set()
    for parameter in kernel.parameters:
        if parameter.attribute != "buffer":
            values.append(_position(unit, parameter))
            continue
        index = int(parameter.attribute_argument or -1)
        if index not in arguments:
            _refuse(unit, parameter, f"the shader has no argument for buffer({index})")
        used.add(index)
        slot, argument = arguments[index][0]
        if len(arguments[index]) > 1:
            for slot, argument in arguments[index]:
                parameters[slot] = f"trimetal_bytes<{element_bytes(argument.dtype)}>"
            statements += _struct(unit, parameter, index, arguments[index])
            values.append(f"struct_{index}")
            continue
        parameters[slot] = _type(unit, parameter, argument)
        values.append(f"a{slot}")
    missing = [each[0][1].name for index, each in arguments.items() if index not in used]
    if missing:
        raise CompileError(f"the kernel has no parameter for argument {missing[0]!r}")
    listed = ", ".join(f"{type_} a{slot}" for slot, type_ in enumerate(parameters))
    return [
        "template <int N> struct alignas(N) trimetal_bytes { char value[N]; };",
        'extern "C" __global__ void __launch_bounds__(TRIMETAL_THREADS)',
        f"{ENTRY}({listed}) {{",
        *statements,
        f"    {kernel.name}({', '.join(values)});",
        "}",
    ]


def _type(unit: Unit, parameter: Parameter, argument: Argument) -> str:
    """The entry's own parameter for one that is bound to a buffer."""
    if argument.kind == "scalar":
        if not parameter.is_reference:
            _refuse(unit, parameter, f"argument {argument.name!r} is a scalar: use a reference")
        return parameter.value_type
    if not parameter.is_pointer:
        _refuse(unit, parameter, f"argument {argument.name!r} is a buffer: use a pointer")
    const = "" if argument.written else "const "
    words = parameter.type.split()
    return f"{const if 'const' in words else ''}{parameter.value_type}*"


def _struct(
    unit: Unit, parameter: Parameter, index: int, members: list[tuple[int, Argument]]
) -> list[str]:
    """Statements that put the scalars of a slot together in `struct_<index>`."""
    if not parameter.is_reference:
        _refuse(unit, parameter, f"buffer({index}) is a struct of scalars: use a reference")
    return [
        f"    {parameter.value_type} struct_{index};",
        *(
            f"    memcpy((char*)&struct_{index} + {argument.offset}, &a{slot}, sizeof a{slot});"
            for slot, argument in members
        ),
    ]


def _position(unit: Unit, parameter: Parameter) -> str:
    """The expression for a parameter that tells a thread where it is."""
    attribute = parameter.attribute or ""
    if attribute not in _VALUES:
        _refuse(unit, parameter, f"no value for this parameter: [[{attribute}]]")
    count = int(parameter.type[-1]) if parameter.type[-1] in "234" else 1
    return f"{parameter.type}({', '.join(_VALUES[attribute][:count])})"


def _refuse(unit: Unit, parameter: Parameter, message: str) -> None:
    refuse(unit.text, parameter.token.start, parameter.token.end, message, SOURCE_NAME)
