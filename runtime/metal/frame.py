"""A shader as MLX takes it: the body of a kernel, whose signature MLX writes itself.

MLX writes `const device T* name` for an input (in `constant` memory, and no pointer, where it is
small), `device T* name` for an output, and a parameter for each of Metal's attributes whose name
occurs in the body. A few declarations in front of our body make of these what it expects.

What an argument is in that signature, its `Form`:

- "input": an array that is read. MLX's arrays may begin at any element of their memory, so wide
  reads from them are made such that the alignment of one element is enough.
- "private": an array that is written. MLX has no such thing; it is an input whose memory nobody
  else sees, and the kernel writes to it.
- "output": an array of which the kernel writes every element and reads none, or whose contents do
  not matter before.
- "scalar": a number, an array without dimensions; a struct of scalars is one input of words, and so
  are all scalars where MLX's output is one buffer too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from trimetal.runtime.arguments import element_bytes
from trimetal.runtime.source.edits import Edits
from trimetal.runtime.source.positions import POSITIONS, VECTOR_POSITIONS
from trimetal.runtime.source.structure import Function, Parameter, Unit, matching, parse_unit
from trimetal.runtime.source.tokens import Token
from trimetal.transpiler.emit.template import template
from trimetal.transpiler.errors import CompileError, LaunchError
from trimetal.transpiler.shader import Shader

from .types import MSL_NAMES

Form = Literal["input", "private", "output", "scalar"]

# Of Metal. MLX does not count them.
_MAX_BUFFERS = 31

# Macros of the text that MLX puts before every kernel (mlx/backend/metal/kernels, 0.30 to 0.32).
_MACROS = frozenset(
    {
        "METAL_FUNC",
        "MLX_MTL_PRAGMA_UNROLL",
        "MTL_CONST",
        "instantiate_default_limit",
        "instantiate_float_limit",
        "instantiate_kernel",
        "instantiate_metal_math_funcs",
        "instantiate_metal_simd_comm_funcs",
        "instantiate_metal_simd_reduction_funcs",
    }
)
_ATTRIBUTES = re.compile("|".join(sorted((*POSITIONS, "grid_origin", "grid_size"), key=len)[::-1]))
# What MLX appends to an input's name, and searches the body for.
_SHAPE_SUFFIXES = ("_shape", "_strides", "_ndim")


@dataclass(frozen=True)
class Slot:
    """One array or scalar of a launch: its form, and MLX's name of its type ("float32").

    `same_as` is the argument that is the same array (by index among the shader's arguments).
    """

    form: Form
    dtype: str
    same_as: int | None = None


@dataclass(frozen=True)
class Frame:
    """What `mx.fast.metal_kernel` is called with.

    `inputs` and `outputs` give, name by name, the index of the shader's argument; -1 is the packed
    scalars among the inputs, and the output that only says that the kernel has run. `packed` are
    the scalars in those words: their arguments' indices, and offsets in bytes.
    """

    name: str
    header: str
    source: str
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    packed: tuple[tuple[int, int], ...] = ()


def frame(shader: Shader, slots: tuple[Slot, ...]) -> Frame:
    """The frame of a shader for arguments of these forms and types."""
    made = _Framer(shader, slots).frame()
    if len(made.inputs) + len(made.outputs) > _MAX_BUFFERS:
        made = _Framer(shader, slots, packs=True).frame()
    count = len(made.inputs) + len(made.outputs)
    if count > _MAX_BUFFERS:
        raise LaunchError(f"{shader.name}: {count} buffers are needed, Metal has {_MAX_BUFFERS}")
    return made


class _Framer:
    def __init__(self, shader: Shader, slots: tuple[Slot, ...], packs: bool = False) -> None:
        self._shader = shader
        self._slots = slots
        self._unit = unit = parse_unit(renamed(shader.source))
        self._kernel = _kernel_of(unit, shader)
        self._names = {token.text for token in unit.tokens if token.kind == "name"}
        self._inputs: list[tuple[str, int]] = []
        self._outputs: list[tuple[str, int]] = []
        self._lines: list[str] = []
        self._packs = packs
        self._packed: list[tuple[int, int]] = []
        self._wide_reads = self._find_wide_reads()

    def frame(self) -> Frame:
        by_index: dict[int, list[int]] = {}
        for number, argument in enumerate(self._shader.arguments):
            by_index.setdefault(argument.index, []).append(number)
        for parameter in self._kernel.parameters:
            if parameter.attribute != "buffer":
                self._position(parameter)
                continue
            numbers = by_index[int(parameter.attribute_argument or -1)]
            if len(numbers) > 1:
                self._struct(parameter, numbers)
            elif self._slots[numbers[0]].form == "scalar" and self._packs:
                self._member(parameter, numbers[0])
            elif self._slots[numbers[0]].form == "scalar":
                self._scalar(parameter, numbers[0])
            else:
                self._buffer(parameter, numbers[0])
        if not self._outputs:
            self._outputs.append((self._free_name("has_run"), -1))
        return Frame(
            self._shader.name,
            self._header(),
            self._source(),
            tuple(self._inputs),
            tuple(self._outputs),
            tuple(self._packed),
        )

    def _position(self, parameter: Parameter) -> None:
        """Our name for one of Metal's attributes."""
        attribute = parameter.attribute or ""
        if parameter.name == attribute:
            return
        value = attribute
        if attribute in VECTOR_POSITIONS and not parameter.type.endswith("3"):
            value += "." + "xy"[: 2 if parameter.type.endswith("2") else 1]
        if parameter.type != _mlx_type(attribute):
            value = f"{parameter.type}({value})"
        self._lines.append(f"const {parameter.type} {parameter.name} = {value};")

    def _member(self, parameter: Parameter, number: int) -> None:
        """A scalar from the input of words that all of them share."""
        if not self._packed:
            self._inputs.append((self._free_name("scalars"), -1))
        words = next(name for name, index in self._inputs if index < 0)
        size = element_bytes(self._shader.arguments[number].dtype)
        last, before = self._packed[-1] if self._packed else (number, -size)
        end = before + element_bytes(self._shader.arguments[last].dtype)
        offset = -(-end // size) * size
        self._packed.append((number, offset))
        kind = parameter.value_type
        place = f"(device const {kind}*)((device const uchar*){words} + {offset})"
        self._lines.append(f"const {kind} {parameter.name} = *{place};")

    def _struct(self, parameter: Parameter, numbers: list[int]) -> None:
        """The struct of the scalars, from an input of words in device memory."""
        words = self._free_name(f"{parameter.name}_words")
        self._inputs.append((words, -1))
        self._packed = [(number, self._shader.arguments[number].offset) for number in numbers]
        kind = parameter.value_type
        self._lines.append(f"const {kind} {parameter.name} = *(device const {kind}*){words};")

    def _scalar(self, parameter: Parameter, number: int) -> None:
        fits = MSL_NAMES[self._slots[number].dtype] == parameter.value_type
        name = self._free_name(
            parameter.name if fits else f"{parameter.name}_value", parameter.name
        )
        self._inputs.append((name, number))
        if name != parameter.name:
            kind = parameter.value_type
            self._lines.append(f"const {kind} {parameter.name} = {kind}({name});")

    def _buffer(self, parameter: Parameter, number: int) -> None:
        slot = self._slots[number]
        if slot.same_as is not None:
            index = str(self._shader.arguments[slot.same_as].index)
            same = (p for p in self._kernel.parameters if p.attribute_argument == index)
            self._pointer(parameter, next(same).name)
            return
        fits = MSL_NAMES[slot.dtype] == parameter.value_type and slot.form != "private"
        name = self._free_name(
            parameter.name if fits else f"{parameter.name}_array", parameter.name
        )
        (self._outputs if slot.form == "output" else self._inputs).append((name, number))
        if name != parameter.name:
            self._pointer(parameter, name)

    def _pointer(self, parameter: Parameter, array: str) -> None:
        """Our name for an array, as a pointer of the parameter's type."""
        kind = parameter.type.replace(" *", "*")
        self._lines.append(f"{kind} {parameter.name} = ({kind}){array};")

    def _free_name(self, wanted: str, own: str = "") -> str:
        """A name for MLX that nothing has, but maybe the parameter `own` that it is for.

        Together with it, MLX finds no wish for a shape in the body.
        """
        taken = {name for name, _ in (*self._inputs, *self._outputs)}
        name, count = wanted, 0
        while (
            name in taken
            or (name in self._names and name != own)
            or any(name + suffix in self._unit.text for suffix in _SHAPE_SUFFIXES)
        ):
            count += 1
            name = f"{wanted}_{count}"
        return name

    def _header(self) -> str:
        """All that stands before the kernel, and what its attributes say."""
        head = self._unit.tokens[self._kernel.head[0]]
        before = self._unit.text[: head.start].rstrip()
        parts = ["#pragma METAL fp contract(off)", before]
        if self._wide_reads:
            parts.append(self._reading_functions())
        threads = self._shader.threads_per_threadgroup
        parts.append(f"[[max_total_threads_per_threadgroup({threads})]]")
        return "\n".join(parts) + "\n"

    def _source(self) -> str:
        """The body."""
        assert self._kernel.body is not None
        first, last = self._kernel.body
        tokens = self._unit.tokens[first:last]
        start, end = tokens[0].end, tokens[-1].start
        text = self._unit.text
        if self._wide_reads:
            text, start, end = _narrowed(text, tokens, self._wide_reads)
        body = text[start:end].strip("\n").rstrip()
        lines = "".join(f"    {line}\n" for line in self._lines)
        return f"{lines}{body}"

    def _find_wide_reads(self) -> list[WideRead]:
        """The reads for which MLX's arrays promise too little of their address."""
        if self._kernel.body is None or not any(
            slot.form == "input" and argument.divisibility > 1
            for slot, argument in zip(self._slots, self._shader.arguments, strict=True)
        ):
            return []
        return list(_wide_reads(self._unit.tokens[slice(*self._kernel.body)]))

    def _reading_functions(self) -> str:
        words = sorted({_WORDS[read.kind] for read in self._wide_reads})
        names = [(count, _WORD_TYPES[count]) for count in words]
        sizes = {
            element_bytes(argument.dtype)
            for argument in self._shader.arguments
            if argument.kind == "buffer"
        }
        text = template("mlx/wide_reads.metal.jinja").render(names=names, sizes=sizes)
        return text.rstrip()


def renamed(text: str) -> str:
    """The text without names that mean something to MLX: its macros, and Metal's attributes.

    A parameter may have the name of its attribute, where MLX gives it the same type. Comments
    count: MLX searches them too.
    """
    unit = parse_unit(text)
    own = {
        parameter.name
        for kernel in unit.kernels()
        for parameter in kernel.parameters
        if parameter.name == parameter.attribute and parameter.type == _mlx_type(parameter.name)
    }
    edits = Edits(text)
    for token in unit.all_tokens:
        if token.kind == "name" and token.text in _MACROS:
            edits.replace(token.start, token.end, f"{token.text}_")
        elif token.kind in ("name", "comment") and token.text not in own:
            plain = _ATTRIBUTES.sub(lambda found: found.group().replace("_", ""), token.text)
            if plain != token.text:
                edits.replace(token.start, token.end, plain)
    return edits.apply().text


def _mlx_type(attribute: str) -> str:
    return "uint3" if attribute in VECTOR_POSITIONS else "uint"


def _kernel_of(unit: Unit, shader: Shader) -> Function:
    if not unit.text.isascii():
        raise CompileError(f"{shader.name}: the text is not ASCII, which MLX needs")
    found = [kernel for kernel in unit.kernels() if kernel.name == shader.name]
    if not found or found[0].body is None:
        raise CompileError(f"the text has no kernel {shader.name!r}")
    if unit.tokens[found[0].body[1] :]:
        raise CompileError(f"{shader.name}: there is text behind the kernel")
    return found[0]


class WideRead(NamedTuple):
    """A `*(device const T*)operand`: the star, T, and the operand's first and last token."""

    star: Token
    kind: str
    first: Token
    last: Token


def _wide_reads(tokens: list[Token]) -> Iterator[WideRead]:
    for index, token in enumerate(tokens):
        words = [each.text for each in tokens[index : index + 7]]
        if words[:4] != ["*", "(", "device", "const"] or words[5:7] != ["*", ")"]:
            continue
        if words[4] in _WORDS:
            first = index + 7
            last = matching(tokens, first) if tokens[first].text == "(" else first
            yield WideRead(token, words[4], tokens[first], tokens[last])


def _narrowed(text: str, body: list[Token], reads: list[WideRead]) -> tuple[str, int, int]:
    """Wide reads as calls of functions that need one element's alignment only.

    `*(device const float4*)(x + i)` becomes `as_type<float4>(trimetal_words4(x + i))`. Returns the
    new text and where the body's inside begins and ends in it.
    """
    edits = Edits(text)
    for star, kind, first, last in reads:
        call = f"trimetal_words{_WORDS[kind]}"
        end = ""
        if first.text != "(":
            call, end = f"{call}(", ")"
        if kind != _WORD_TYPES[_WORDS[kind]]:
            call, end = f"as_type<{kind}>({call}", f"{end})"
        edits.replace(star.start, first.start, call)
        edits.insert(last.end, end)
    start, end_of_body = body[0].end, body[-1].start
    edited = edits.apply().text
    return edited, start, end_of_body + len(edited) - len(text)


# Types by their size in 32-bit words; 0 is half a word.
_WORDS = {
    **dict.fromkeys(("long2", "ulong2", "int4", "uint4", "float4"), 4),
    **dict.fromkeys(("int2", "uint2", "float2", "half4", "bfloat4", "short4", "ushort4"), 2),
    **dict.fromkeys(("half2", "bfloat2", "short2", "ushort2", "char4", "uchar4", "uint", "int"), 1),
    **dict.fromkeys(("char2", "uchar2", "ushort", "short"), 0),
}
_WORD_TYPES = {4: "uint4", 2: "uint2", 1: "uint", 0: "ushort"}
