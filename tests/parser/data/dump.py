"""Writes the dumps beside this file anew: `python tests/parser/data/dump.py`. Needs Triton 3.9.

No GPU is needed: only the stages up to TTGIR run.
"""
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("TRITON_DEBUG", "1")  # keeps tl.device_assert

import triton  # noqa: E402
from kernels import KERNELS  # noqa: E402
from triton._C.libtriton import ir  # noqa: E402
from triton.backends.compiler import GPUTarget, Language  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402
from triton.compiler.compiler import make_backend  # noqa: E402

TARGETS = {
    "cuda80": GPUTarget("cuda", 80, 32),
    "cuda90": GPUTarget("cuda", 90, 32),
    "cuda100": GPUTarget("cuda", 100, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
    "gfx1100": GPUTarget("hip", "gfx1100", 32),
}


# What is more than cuda:80 worth for a kernel: wgmma, tcgen05, TMA, buffer accesses, wave64.
MORE = {
    "add": ["gfx942"],
    "matmul": ["cuda90", "cuda100", "gfx942", "gfx1100"],
    "descriptors": ["cuda90"],
}


def dump(name: str, target: GPUTarget) -> str:
    """The TTGIR of a kernel for a target."""
    function, types, constants = KERNELS[name]
    names = function.arg_names
    signature = dict(zip(names, types, strict=False)) | dict.fromkeys(constants, "constexpr")
    divisible = {(i,): [["tt.divisibility", 16]] for i, t in enumerate(types) if t[0] == "*"}
    source = ASTSource(function, signature, constants, divisible)
    backend = make_backend(target)
    options = backend.parse_options({"debug": True})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    made = backend.get_codegen_implementation(options)
    module = source.make_ir(target, options, made, backend.get_module_map(), context)
    stages = {}
    backend.add_stages(stages, options, Language.TRITON)
    for stage in ("ttir", "ttgir"):
        module = stages[stage](module, {})
    packages = Path(triton.__file__).parents[1]
    return str(module).replace(f"{HERE}/", "").replace(f"{packages}/", "")


def main() -> None:
    """Write every dump."""
    for name in KERNELS:
        for key in ("cuda80", *MORE.get(name, ())):
            text = dump(name, TARGETS[key])
            (HERE / f"{name}.{key}.ttgir").write_text(text, encoding="utf-8")
            print(name, key, text.count("\n"))


if __name__ == "__main__":
    main()
