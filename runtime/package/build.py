"""Writes a Python package for a kernel: its shaders, a launcher, a typed function, a test.

softmax_metal/
  __init__.py             softmax(grid, ...) and softmax_results(grid, ...)
  softmax.m3.metal        the text that `transpile` gives, one a signature and target
  shaders.json            what the launcher must know of each, and the texts for MLX
  samples.json            small launches, with the results that the CPU device gave
  launcher.py             needs MLX, or PyTorch; neither Trimetal nor Triton
  sample_test.py          launches the samples on the machine's GPU, and compares
"""

from __future__ import annotations

import json
import keyword
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trimetal
from trimetal.runtime.arguments import accepted_dtypes, element_bytes, pack_format
from trimetal.runtime.metal.frame import Slot, frame
from trimetal.runtime.metal.types import MSL_NAMES
from trimetal.runtime.shaders import cached_shader
from trimetal.transpiler.emit.template import template
from trimetal.transpiler.errors import LaunchError, TrimetalError, UnsupportedError
from trimetal.transpiler.shader import Argument, Shader
from trimetal.transpiler.target import Target

from .sampling import sample_of

_COPIED = ("launcher.py", "sample_test.py")
_INDEX = "shaders.json"
# Of the copies that the launcher makes: as `launcher.py` has them.
_COPY_BLOCK, _COPY_THREADS = 1024, 256


@dataclass(frozen=True)
class Source:
    """A TTGIR text and a target for it.

    `name` is what errors call it, `constants` are parameters with known values, `variant` tells
    texts of one target apart ("" where there is one).
    """

    text: str
    target: Target
    name: str = "<ttgir>"
    constants: Mapping[str, object] = field(default_factory=dict[str, object])
    variant: str = ""


@dataclass(frozen=True)
class _Entry:
    """A shader of the package and the file of its text."""

    shader: Shader
    file: str
    generation: int
    constants: dict[str, object]


def build(
    sources: Sequence[Source],
    folder: Path,
    *,
    name: str = "",
    parameters: Sequence[str] = (),
    documentation: str = "",
    samples: bool = True,
    enable_fp_fusion: bool = True,
) -> list[str]:
    """Write the package; what is left out of it, as sentences for the user.

    There is one shader a source; a launch takes the first that fits its arguments. `name` is that
    of the function (default: that of the kernel in MSL, where some are reserved), `parameters` the
    order of its parameters (default: that of the shaders), `documentation` its docstring;
    `enable_fp_fusion` is as in `transpile`.
    """
    _check_folder(folder)
    entries = list(_entries(sources, name, enable_fp_fusion))
    records: list[dict[str, object]] = []
    notes: list[str] = []
    # A machine takes the shaders of one target, and all targets compute the same.
    first = [entry for entry in entries if entry.generation == entries[0].generation]
    for entry in first if samples else ():
        sample = _sample(entry, notes)
        if sample is not None:
            records.append(sample)
    files = {entry.file: entry.shader.source for entry in entries}
    files[_INDEX] = _json({"copy": _copy_text(), "shaders": [_fields(each) for each in entries]})
    files["samples.json"] = _json(records)
    files["__init__.py"] = _function(entries, name, parameters, documentation, folder.name)
    files["py.typed"] = ""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).write_text(text, "utf-8")
    for file in _COPIED:
        shutil.copyfile(Path(__file__).parent / file, folder / file)
    return notes


def _check_folder(folder: Path) -> None:
    if not folder.name.isidentifier() or keyword.iskeyword(folder.name):
        raise TrimetalError(f"{folder.name!r} is no name of a Python package")
    if folder.exists() and any(folder.iterdir()) and not (folder / _INDEX).exists():
        raise TrimetalError(f"{folder} is there, and holds something else: choose another name")
    for old in folder.glob("*.metal"):
        old.unlink()


def _entries(sources: Sequence[Source], name: str, enable_fp_fusion: bool) -> Iterable[_Entry]:
    for source in sources:
        shader = cached_shader(
            source.text, source.target, source.name, enable_fp_fusion=enable_fp_fusion
        )
        if shader.debug:
            raise UnsupportedError(
                f"{shader.name}: a package has no prints and no assertions",
                note="take tl.device_print and tl.device_assert out of the kernel",
            )
        parts = [name or shader.name, source.variant, source.target.name, "metal"]
        constants = {k: v for k, v in source.constants.items() if _is_plain(v)}
        file = ".".join(part for part in parts if part)
        yield _Entry(shader, file, source.target.generation, constants)


def _is_plain(value: object) -> bool:
    """Whether JSON keeps a constant; a type, for example, nobody passes at a launch."""
    return value is None or isinstance(value, (bool, int, float, str))


def _sample(entry: _Entry, notes: list[str]) -> dict[str, object] | None:
    try:
        sample: dict[str, Any] | None = sample_of(entry.shader)
        reason = "no launch was found that stays within small arrays"
    except LaunchError as error:
        sample, reason = None, error.message
    if sample is None:
        notes.append(f"{entry.file} has no sample for the package's test: {reason}")
        return None
    for argument in entry.shader.arguments:
        if argument.kind == "buffer":
            sample["arrays"][argument.name]["dtype"] = _dtypes(argument)[0]
    numbers = {**entry.constants, **sample["numbers"]}
    return {**sample, "numbers": numbers, "shader": entry.file}


def _fields(entry: _Entry) -> dict[str, object]:
    """What the launcher must know of a shader."""
    shader = entry.shader
    return {
        "name": shader.name,
        "file": entry.file,
        "generation": entry.generation,
        "threads": shader.threads_per_threadgroup,
        "constants": entry.constants,
        "arguments": [_argument_fields(argument) for argument in shader.arguments],
        "frames": _frames(shader),
    }


def _argument_fields(argument: Argument) -> dict[str, object]:
    bits = 1 if argument.dtype == "i1" else 8 * element_bytes(argument.dtype)
    return {
        "name": argument.name,
        "kind": argument.kind,
        "index": argument.index,
        "offset": argument.offset,
        "divisibility": argument.divisibility,
        "written": argument.written,
        "bits": bits,
        "dtypes": _dtypes(argument),
        "format": "H" if argument.dtype == "bf16" else pack_format(argument).lower(),
    }


def _dtypes(argument: Argument) -> list[str]:
    """The types that MLX has for an argument, the shader's own first."""
    return [name for name in accepted_dtypes(argument.dtype) if name in MSL_NAMES]


def _frames(shader: Shader) -> dict[str, dict[str, object]]:
    """The texts for MLX, by what the arrays are that the kernel writes."""
    frames: dict[str, dict[str, object]] = {}
    has_outputs = any(argument.written for argument in shader.arguments)
    for written in ("private", "output") if has_outputs else ("private",):
        slots = tuple(
            Slot(
                "scalar" if a.kind == "scalar" else written if a.written else "input",
                _dtypes(a)[0],
            )
            for a in shader.arguments
        )
        made = frame(shader, slots)
        frames[written] = {
            "name": made.name,
            "header": made.header,
            "source": made.source,
            "inputs": made.inputs,
            "outputs": made.outputs,
        }
    return frames


def _copy_text() -> str:
    return template("mlx/copy.metal.jinja").render(
        space="SPACE", word="WORD", block=_COPY_BLOCK, threads=_COPY_THREADS
    )


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"


def _function(
    entries: Sequence[_Entry], name: str, order: Sequence[str], documentation: str, package: str
) -> str:
    """The text of `__init__.py`."""
    arguments = {a.name: a for entry in entries for a in entry.shader.arguments}
    places = {name: index for index, name in enumerate(order)}
    ordered = sorted(arguments.values(), key=lambda each: places.get(_parameter_of(each), 0))
    constants = _constants(entries, arguments)
    taken = {_safe(name) for name in (*arguments, *(each["name"] for each in constants))}
    name = _safe(name or entries[0].shader.name)
    grid = "programs" if "grid" in taken else "grid"
    stream = "mlx_stream" if "stream" in taken else "stream"
    documentation = _in_docstring(documentation.strip() or f"The kernel {name}.")
    wanted = [f"{each['safe']}={each['first']}" for each in constants if not each["default"]]
    functions = [
        {
            "name": name,
            "arguments": [_python_argument(each, "Array") for each in ordered],
            "result": "None",
            "run": "_KERNEL.launch",
            "documentation": _LAUNCH.format(text=documentation, grid=grid, stream=stream),
        },
        {
            "name": f"{name}_results",
            "arguments": [_python_argument(each, "Array | Empty") for each in ordered],
            "result": "tuple[Any, ...]",
            "run": "return _KERNEL.results",
            "documentation": _RESULTS,
        },
    ]
    return template("package/init.py.jinja").render(
        name=name,
        package=package,
        version=trimetal.__version__,
        files=[entry.file for entry in entries],
        summary=documentation.partition("\n")[0],
        call=f"{name}({', '.join([grid, *(_safe(each.name) for each in ordered), *wanted])})",
        grid=grid,
        stream=stream,
        constants=constants,
        functions=functions,
    )


_LAUNCH = """{text}

    The arrays that the kernel writes change in place. `{grid}` is the number of programs in up to
    three dimensions; `{stream}` is a stream of MLX."""
_RESULTS = """What the kernel writes, as new arrays, in the order of the parameters.

    An array that it writes may be `Empty(shape, dtype)`: then nothing is copied."""


def _python_argument(argument: Argument, array: str) -> dict[str, str]:
    """An argument as a parameter in Python; only what the kernel writes may be Empty."""
    name, kind = argument.name, "float"
    if argument.kind == "buffer":
        kind = array if argument.written else "Array"
    elif argument.dtype.startswith("i"):
        kind = "bool" if argument.dtype == "i1" else "int"
    return {"safe": _safe(name), "name": name, "type": kind}


def _constants(
    entries: Sequence[_Entry], arguments: Mapping[str, Argument]
) -> list[dict[str, str]]:
    """The constants as parameters in Python, with a default where all shaders have the same."""
    names = dict.fromkeys(name for entry in entries for name in entry.constants)
    found: list[dict[str, str]] = []
    for name in names:
        values = [entry.constants.get(name) for entry in entries]
        types = sorted({"None" if value is None else type(value).__name__ for value in values})
        default = f" = {values[0]!r}" if all(value == values[0] for value in values) else ""
        if name not in arguments:
            found.append(
                {
                    "safe": _safe(name),
                    "name": name,
                    "type": " | ".join(types),
                    "default": default,
                    "first": repr(values[0]),
                }
            )
    return found


def _parameter_of(argument: Argument) -> str:
    """The parameter of the Triton kernel that an argument is, or is a part of."""
    return argument.descriptor or argument.name


def _safe(name: str) -> str:
    """A name as a Python identifier."""
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"{name}_"


def _in_docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
