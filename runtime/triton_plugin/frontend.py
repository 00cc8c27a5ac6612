"""`transpile_jit`: the shader of a jit function on any machine, without a launch or a GPU."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from trimetal.transpiler.errors import TrimetalError
from trimetal.transpiler.shader import Shader
from trimetal.transpiler.target import DEFAULT_TARGET, Target, get_target

# The hint behind a type that says what is known of the value.
_DIVISIBLE = ":16"
_ATTRIBUTE = ["tt.divisibility", 16]


def transpile_jit(
    fn: Any,
    signature: Mapping[str, str] | str,
    constexprs: Mapping[str, object] | None = None,
    num_warps: int = 4,
    target: str | Target = DEFAULT_TARGET,
    *,
    enable_fp_fusion: bool | None = None,
    **options: object,
) -> Shader:
    """The shader of a `@triton.jit` function.

    `signature` names the type of each run-time argument, `{"x_ptr": "*fp32:16", "n": "i32"}`;
    ":16" says that the value (of a pointer: the address) is a multiple of 16, which a launch finds
    out by itself. `constexprs` has the values of the others; defaults count. As a text, `signature`
    lists both in the order of the parameters: "*fp32:16, i32, 1024". `enable_fp_fusion` (None: as
    Triton's settings say) and `options` are those of a launch.

    Raises Triton's own errors for what its front end refuses, and Trimetal's for the rest.
    """
    from trimetal.transpiler import transpile

    text = ttgir_of(fn, signature, constexprs or {}, num_warps, target, options)
    from .options import fusion  # once it is known that Triton is there

    with noted_python_lines(text):
        return transpile(text, target, enable_fp_fusion=fusion(enable_fp_fusion))


def ttgir_of_file(
    path: Path, name: str, signature: str, num_warps: int, target: str | Target
) -> str:
    """The TTGIR of the jit function with a name in a Python file, which is run for that."""
    function = function_of_file(path, name)
    from .triton_api import late

    try:
        return ttgir_of(function, signature, {}, num_warps, target, {})
    except late("errors").TritonError as error:
        raise TrimetalError(str(error)) from error


def function_of_file(path: Path, name: str) -> Any:
    """The jit function with a name in a Python file, which is run for that."""
    _require_triton()
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise TrimetalError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(specification)
    # Triton looks names up in the module that a function says it is from.
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    if not hasattr(module, name):
        raise TrimetalError(f"{path} has no {name}")
    return _jit_function(getattr(module, name))


def constants_of(function: Any, signature: str) -> dict[str, object]:
    """The parameters of a jit function that a signature, as a text, makes constants."""
    return _types_and_constants(_jit_function(function), signature, {})[1]


def ttgir_of(
    fn: Any,
    signature: Mapping[str, str] | str,
    constexprs: Mapping[str, object],
    num_warps: int,
    target: str | Target,
    options: Mapping[str, object],
) -> str:
    """The TTGIR of a jit function, by Triton's front end and passes."""
    _require_triton()
    from .compiler import TrimetalBackend
    from .pipeline import make_ttgir, make_ttir
    from .triton_api import GPUTarget

    chip = get_target(target)
    backend = TrimetalBackend(GPUTarget("trimetal", chip.name, chip.simd_width))
    parsed = backend.parse_options({**options, "num_warps": num_warps})
    with _our_driver():
        module = _module(_jit_function(fn), signature, constexprs, backend, parsed)
        return str(make_ttgir(make_ttir(module, {}), {}, options=parsed))


@contextlib.contextmanager
def noted_python_lines(text: str) -> Generator[None]:
    """Adds the line of the Python source to the note of an error that points into the TTGIR."""
    try:
        yield
    except TrimetalError as error:
        from .failures import python_place

        place = python_place(error.span, text)
        if place is not None:
            where = f"from {place.file}:{place.line}"
            error.note = f"{error.note}; {where}" if error.note else where
        raise


def _require_triton() -> None:
    if importlib.util.find_spec("triton") is None:
        raise TrimetalError(
            "a jit function needs Triton", note="pip install 'trimetal[triton]' (Linux only)"
        )
    if importlib.util.find_spec("triton.knobs") is None:
        raise TrimetalError("Triton 3.4 or later is needed")


def _jit_function(fn: Any) -> Any:
    """The function inside an autotuner and heuristics."""
    while not hasattr(fn, "arg_names") or not hasattr(fn, "cache_key"):
        if not hasattr(fn, "fn"):
            raise TrimetalError(f"a @triton.jit function is expected, not {type(fn).__name__}")
        fn = fn.fn
    return fn


def _module(
    function: Any,
    signature: Mapping[str, str] | str,
    constexprs: Mapping[str, object],
    backend: Any,
    options: Any,
) -> Any:
    """The function as a module of TTIR, by Triton's front end."""
    from .triton_api import ir, late

    types, constants = _types_and_constants(function, signature, constexprs)
    names: list[str] = function.arg_names
    source: Any = late("compiler").ASTSource(
        fn=function,
        signature={name: types[name].removesuffix(_DIVISIBLE) for name in names},
        constexprs=constants,
        attrs={(i,): [_ATTRIBUTE] for i, n in enumerate(names) if types[n].endswith(_DIVISIBLE)},
    )
    context = ir.context()
    ir.load_dialects(context)
    functions = backend.get_codegen_implementation(options)
    parts = [options, functions, backend.get_module_map(), context]
    if "target" in inspect.signature(source.make_ir).parameters:  # Triton 3.5 and later
        parts.insert(0, backend.target)
    return source.make_ir(*parts)


def _types_and_constants(
    function: Any, signature: Mapping[str, str] | str, constexprs: Mapping[str, object]
) -> tuple[dict[str, str], dict[str, object]]:
    """The type of each parameter ("constexpr" where its value is known), and those values."""
    names: list[str] = function.arg_names
    if isinstance(signature, str):
        words = [word.strip() for word in signature.split(",")]
        if len(words) > len(names):
            raise TrimetalError(f"{len(words)} types for the {len(names)} parameters of the kernel")
        signature = dict(zip(names, words, strict=False))
    unknown = [name for name in (*signature, *constexprs) if name not in names]
    if unknown:
        raise TrimetalError(f"the kernel has no parameter {unknown[0]!r}: {', '.join(names)}")
    numbers = {name: _number(text) for name, text in signature.items()}
    constants: dict[str, object] = {n: value for n, value in numbers.items() if value is not None}
    constants.update(constexprs)
    for parameter in function.params:
        if parameter.name not in signature and parameter.has_default:
            constants.setdefault(parameter.name, parameter.default)
    missing = [name for name in names if name not in signature and name not in constants]
    if missing:
        raise TrimetalError(f"no type and no value for parameter {missing[0]!r}")
    types = {name: "constexpr" if name in constants else signature[name] for name in names}
    return types, constants


def _number(text: str) -> int | float | None:
    """The value in a signature, such as 1024; None for a type."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return None


@contextlib.contextmanager
def _our_driver() -> Generator[None]:
    """Makes ours the active driver for a while: the front end asks it for its target."""
    from .driver import TrimetalDriver
    from .triton_api import late

    configuration: Any = late("runtime.driver").driver
    state: dict[str, object] = configuration.__dict__
    before = dict(state)
    configuration.set_active(TrimetalDriver())
    try:
        yield
    finally:
        state.update(before)
