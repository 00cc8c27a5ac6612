"""The C++ text of a kernel: the MSL text, edited, and an entry that hands it its arguments."""

from __future__ import annotations

from collections.abc import Sequence

from trimetal.runtime.arguments import element_bytes
from trimetal.runtime.source.binding import SOURCE_NAME, Slots, bindings, kernel_of, position
from trimetal.runtime.source.edits import EditedText
from trimetal.runtime.source.positions import POSITIONS
from trimetal.runtime.source.rewrite import bounded_spaces, for_host
from trimetal.runtime.source.structure import Function, Parameter, Unit, parse_unit
from trimetal.transpiler.shader import Argument, Shader

ENTRY = "trimetal_entry"
PROFILE_ENTRY = "trimetal_profile_entry"
COUNTS = "trimetal_counts"

# Metal's positions of a thread in terms of what the scheduler keeps (threadgroups are one line of
# threads). Indexed by component.
_VALUES = {
    "thread_position_in_grid": (
        "group.position[0] * group.threads + lane.thread",
        "group.position[1]",
        "group.position[2]",
    ),
    "threads_per_grid": (
        "group.groups[0] * group.threads",
        "group.groups[1]",
        "group.groups[2]",
    ),
    "thread_position_in_threadgroup": ("lane.thread", "0", "0"),
    "threads_per_threadgroup": ("group.threads", "1", "1"),
    "dispatch_threads_per_threadgroup": ("group.threads", "1", "1"),
    "threadgroup_position_in_grid": (
        "group.position[0]",
        "group.position[1]",
        "group.position[2]",
    ),
    "threadgroups_per_grid": ("group.groups[0]", "group.groups[1]", "group.groups[2]"),
    "thread_index_in_threadgroup": ("lane.thread",),
    "thread_index_in_simdgroup": ("lane.index",),
    "simdgroup_index_in_threadgroup": ("lane.thread / 32",),
    "simdgroups_per_threadgroup": ("(group.threads + 31) / 32",),
    "dispatch_simdgroups_per_threadgroup": ("(group.threads + 31) / 32",),
    "threads_per_simdgroup": ("32",),
    "thread_execution_width": ("32",),
    "quadgroup_index_in_threadgroup": ("lane.thread / 4",),
    "thread_index_in_quadgroup": ("lane.thread % 4",),
    "quadgroups_per_threadgroup": ("(group.threads + 3) / 4",),
}
assert set(_VALUES) == set(POSITIONS)


def host_source(
    shader: Shader, *, check_buffers: bool = False, profile: bool = False
) -> tuple[str, EditedText]:
    """The C++ text, and the edited MSL text in it (to find columns back)."""
    unit = parse_unit(shader.source)
    kernel = kernel_of(unit, shader)
    edited = for_host(unit, check_buffers=check_buffers, profile=profile)
    entry = _entry(unit, kernel, shader, bounded_spaces(check_buffers, profile))
    if profile:
        entry += _profile_entry(shader)
    return f'#line 1 "{SOURCE_NAME}"\n{edited.text}\n{entry}', edited


def _profile_entry(shader: Shader) -> str:
    """The entry of a profile, which counts what belongs to no access of the text."""
    sizes = [element_bytes(each.dtype) for each in shader.arguments if each.kind == "scalar"]
    return f"""
extern "C" __attribute__((visibility("default")))
trimetal::Counts* {COUNTS}() {{ return &trimetal::counts; }}
extern "C" __attribute__((visibility("default")))
void {PROFILE_ENTRY}(const trimetal::Slot* arguments, const trimetal::Lane& lane,
    const trimetal::Group& group) {{
    TRIMETAL_COUNT_THREADGROUP(threadgroups);
    trimetal::count_arguments({len(sizes)}, {sum(sizes)});
    {ENTRY}(arguments, lane, group);
}}
"""


def _entry(unit: Unit, kernel: Function, shader: Shader, bounded: Sequence[str]) -> str:
    checks: list[str] = []
    structs: list[str] = []
    values: list[str] = []
    for parameter, slots in bindings(unit, kernel, shader):
        if not slots:
            values.append(position(unit, parameter, _VALUES))
            continue
        if len(slots) > 1:
            name = f"struct_{parameter.attribute_argument}"
            structs += _struct(parameter, name, slots)
            values.append(f"*({parameter.value_type}*){name}")
            continue
        slot, argument = slots[0]
        values.append(_buffer(parameter, slot, argument, bounded))
        if argument.kind == "scalar":
            size = element_bytes(argument.dtype)
            checks.append(
                f"static_assert(sizeof({parameter.value_type}) == {size}, "
                f'"argument {argument.name} is {argument.dtype}");'
            )
    return "\n".join(
        (
            '#line 1 "entry"',
            'extern "C" __attribute__((visibility("default")))',
            "void trimetal_bind(const trimetal::Services* s) { trimetal::services = s; }",
            *checks,
            'extern "C" __attribute__((visibility("default")))',
            f"void {ENTRY}(const trimetal::Slot* arguments, const trimetal::Lane& lane,",
            "    const trimetal::Group& group) {",
            *structs,
            f"    {kernel.name}({', '.join(values)});",
            "}",
            "",
        )
    )


def _buffer(parameter: Parameter, slot: int, argument: Argument, bounded: Sequence[str]) -> str:
    """The expression for a parameter that is bound to a buffer."""
    if argument.kind == "scalar":
        return f"*({parameter.value_type}*)arguments[{slot}].value"
    pointer = f"arguments[{slot}].pointer"
    for space in parameter.spaces & set(bounded):
        return (
            f"trimetal::{space}_pointer<{parameter.value_type}>"
            f"((char*){pointer}, arguments[{slot}].bytes, 0, 0)"
        )
    return f"({parameter.value_type}*){pointer}"


def _struct(parameter: Parameter, name: str, members: Slots) -> list[str]:
    """Statements that put the scalars of a slot together."""
    lines: list[str] = []
    end = 0
    for slot, argument in members:
        size = element_bytes(argument.dtype)
        end = max(end, argument.offset + size)
        place = f"{name} + {argument.offset}"
        lines.append(f"    __builtin_memcpy({place}, arguments[{slot}].value, {size});")
    type_ = parameter.value_type
    check = (
        f"sizeof({type_}) == ({end} + alignof({type_}) - 1) / alignof({type_}) * alignof({type_})"
    )
    return [
        f'    static_assert({check}, "the members of {type_} end at byte {end}");',
        f"    alignas({type_}) char {name}[sizeof({type_})];",
        *lines,
    ]
