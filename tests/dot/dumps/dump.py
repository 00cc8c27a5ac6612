"""Writes the dumps beside this file: python -m tests.dot.dumps.dump

Needs Triton and no GPU: the backends' own stages run up to TTGIR.
"""
# Triton has no types, and is not installed everywhere.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import triton
from triton._C.libtriton import ir
from triton.backends.compiler import GPUTarget, Language
from triton.compiler import ASTSource, make_backend

from . import kernel as kernels

HERE = Path(__file__).resolve().parent
# With the number of stages of their pipelines: the backends' defaults, and one more.
TARGETS = {
    "cuda80": (GPUTarget("cuda", 80, 32), 3),
    "cuda90": (GPUTarget("cuda", 90, 32), 3),
    "gfx942": (GPUTarget("hip", "gfx942", 64), 2),
    "gfx942-3": (GPUTarget("hip", "gfx942", 64), 3),
}
SOURCES: dict[str, tuple[dict[str, str], dict[str, int]]] = {
    "product": (
        {"a_ptr": "*fp16", "b_ptr": "*fp16", "c_ptr": "*fp16", "m": "i32", "n": "i32", "k": "i32"},
        {"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 32},
    ),
    "attention": (
        dict.fromkeys(("q_ptr", "k_ptr", "v_ptr", "out_ptr"), "*fp16")
        | {"length": "i32", "scale": "fp32"},
        {"BLOCK_M": 128, "BLOCK_N": 64, "WIDTH": 64},
    ),
}


def dump(kernel: str, target: GPUTarget, stages: int) -> str:
    """The text of one dump, without any path of this machine."""
    function = getattr(kernels, kernel)
    signature, constants = SOURCES[kernel]
    names = function.arg_names
    whole = [name for name, type_ in signature.items() if type_ != "fp32"]
    source = ASTSource(
        fn=function,
        signature={name: signature.get(name, "constexpr") for name in names},
        constexprs=constants,
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in whole},
    )
    text = str(_module(source, target, stages))
    library = Path(triton.__file__).resolve().parent.parent
    text = text.replace(f'"{HERE}/', '"').replace(f'"{library}/', '"')
    blocks = ", ".join(f"{name} = {value}" for name, value in constants.items())
    return f"// Triton {triton.__version__}, {target}, {blocks}, made by dump.py\n{text}"


def _module(source: ASTSource, target: GPUTarget, stages: int) -> Any:
    backend: Any = make_backend(target)
    options = backend.parse_options({"num_warps": 4, "num_stages": stages})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    functions = backend.get_codegen_implementation(options)
    module = source.make_ir(target, options, functions, backend.get_module_map(), context)
    steps: dict[str, Any] = {}
    backend.add_stages(steps, options, Language.TRITON)
    metadata: dict[str, Any] = {}
    return steps["ttgir"](steps["ttir"](module, metadata), metadata)


def main() -> None:
    """Write all."""
    for kernel in SOURCES:
        for name, (target, stages) in TARGETS.items():
            path = HERE / f"{kernel}.{name}.ttgir"
            path.write_text(dump(kernel, target, stages), encoding="utf-8")
            print(path.name)


if __name__ == "__main__":
    main()
