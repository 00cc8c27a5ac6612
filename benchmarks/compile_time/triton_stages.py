"""Triton's own stages for an NVIDIA GPU, which need no GPU up to PTX."""
# Triton has no types, and is not installed everywhere.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triton._C.libtriton import ir
from triton.backends.compiler import GPUTarget, Language
from triton.compiler import ASTSource, make_backend

from ..kernels import Kernel

_ARCHITECTURE = 80
_PTX_VERSION = 80  # said here, Triton does not ask ptxas for it


def cuda_ttgir(kernel: Kernel) -> str:
    """The text of the module that the llir stage starts from."""
    return str(_Stages(kernel).module)


def stages(kernel: Kernel) -> tuple[Callable[[], object], Callable[[], object]]:
    """The llir and the ptx stage of a new module, to be called once, one after the other."""
    made = _Stages(kernel)
    return made.llir, made.ptx


class _Stages:
    """One module on its way; a stage changes it, so that each measurement needs a new one."""

    def __init__(self, kernel: Kernel) -> None:
        target = GPUTarget("cuda", _ARCHITECTURE, 32)
        backend: Any = make_backend(target)
        options = backend.parse_options(
            {"num_warps": kernel.num_warps, "ptx_version": _PTX_VERSION, "enable_fp_fusion": True}
        )
        self.context = ir.context()
        ir.load_dialects(self.context)
        backend.load_dialects(self.context)
        self.metadata: dict[str, Any] = {}
        self.run: dict[str, Any] = {}
        backend.add_stages(self.run, options, Language.TRITON)
        functions = backend.get_codegen_implementation(options)
        module = _source(kernel).make_ir(
            target, options, functions, backend.get_module_map(), self.context
        )
        for name in ("ttir", "ttgir"):
            module = self.run[name](module, self.metadata)
        self.module = module
        self.llvm: Any = None

    def llir(self) -> None:
        self.llvm = self.run["llir"](self.module, self.metadata)

    def ptx(self) -> None:
        self.run["ptx"](self.llvm, self.metadata)


def _source(kernel: Kernel) -> ASTSource:
    names: list[str] = kernel.function.arg_names
    types = {name: kernel.signature.get(name, "constexpr") for name in names}
    return ASTSource(
        fn=kernel.function,
        signature={name: type_.removesuffix(":16") for name, type_ in types.items()},
        constexprs=dict(kernel.constants),
        attrs={
            (i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if types[n].endswith(":16")
        },
    )
