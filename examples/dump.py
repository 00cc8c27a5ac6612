"""Writes the TTGIR dumps of the examples: python examples/dump.py [example ...]

Needs Triton and no GPU: Triton's own stages run up to TTGIR. "metal:apple9" is a generic pipeline
of 32-lane warps without any vendor's instructions; "cuda:80" is what Triton does for an A100.
"""
# Triton has no types, and is not installed everywhere.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import triton
from triton._C.libtriton import ir, passes
from triton.backends.compiler import GPUTarget, Language
from triton.compiler import ASTSource, make_backend

HERE = Path(__file__).resolve().parent
METAL = "metal:apple9"


@dataclass(frozen=True)
class Variant:
    """One dump: `kernel.<name>.ttgir` of an example.

    `signature` names the type of each run-time argument; the arguments in `divisible` are known to
    be multiples of 16 (pointers: in bytes).
    """

    example: str
    name: str
    signature: dict[str, str]
    constants: dict[str, int]
    divisible: tuple[str, ...]
    num_warps: int = 4
    target: str = METAL

    @property
    def path(self) -> Path:
        """Where the dump is kept."""
        return HERE / self.example / f"kernel.{self.name}.ttgir"

    @property
    def header(self) -> str:
        """The comment above the dump: with what, for what and from what it was made."""
        blocks = ", ".join(f"{name} = {value}" for name, value in self.constants.items())
        return (
            f"// Triton {triton.__version__}, target {self.target}, {blocks}, "
            f"{self.num_warps} warps, made by examples/dump.py\n"
            f"// ({', '.join(f'{n}: {t}' for n, t in self.signature.items())}); "
            f"divisible by 16: {', '.join(self.divisible)}\n"
        )


def vector_add(name: str, dtype: str, any_size: bool = False, **more: Any) -> Variant:
    """`any_size`: nothing is known of n_elements."""
    pointers = ("x_ptr", "y_ptr", "out_ptr")
    return Variant(
        "vector_add",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), "n_elements": "i32"},
        {"BLOCK": 1024},
        pointers if any_size else (*pointers, "n_elements"),
        **more,
    )


def softmax(name: str, dtype: str, block: int, any_size: bool = False, **more: Any) -> Variant:
    """`any_size`: nothing is known of n_cols and the strides."""
    pointers = ("out_ptr", "x_ptr")
    sizes = ("out_stride", "x_stride", "n_cols")
    return Variant(
        "softmax",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), **dict.fromkeys(sizes, "i32")},
        {"BLOCK": block},
        pointers if any_size else (*pointers, *sizes),
        **more,
    )


def softmax_gradient(name: str, dtype: str, block: int) -> Variant:
    """Nothing is known of n_cols."""
    pointers = ("dx_ptr", "dy_ptr", "y_ptr")
    return Variant(
        "softmax_gradient",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), "n_cols": "i32"},
        {"BLOCK": block},
        pointers,
    )


def layer_norm(name: str, dtype: str, any_size: bool = False, **more: Any) -> Variant:
    """`any_size`: nothing is known of n_cols and the stride."""
    rows = ("x_ptr", "out_ptr", "weight_ptr", "bias_ptr")
    statistics = ("mean_ptr", "rstd_ptr")
    pointers = (*rows, *statistics)
    return Variant(
        "layer_norm",
        name,
        {
            **dict.fromkeys(rows, f"*{dtype}"),
            **dict.fromkeys(statistics, "*fp32"),
            "stride": "i32",
            "n_cols": "i32",
            "eps": "fp32",
        },
        {"BLOCK": 1024},
        pointers if any_size else (*pointers, "stride", "n_cols"),
        **more,
    )


def row_sum(name: str, dtype: str, any_size: bool = False, **more: Any) -> Variant:
    """`any_size`: nothing is known of n_cols and the stride."""
    pointers = ("x_ptr", "out_ptr")
    sizes = ("n_rows", "n_cols", "stride")
    return Variant(
        "row_sum",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), **dict.fromkeys(sizes, "i32")},
        {"ROWS": 16, "COLS": 256},
        pointers if any_size else (*pointers, "n_cols", "stride"),
        **more,
    )


def matmul(
    name: str, dtype: str, block: tuple[int, int, int], any_size: bool = False, **more: Any
) -> Variant:
    """`any_size`: nothing is known of the sizes and strides."""
    pointers = ("a_ptr", "b_ptr", "c_ptr")
    sizes = ("m", "n", "k", "a_stride", "b_stride", "c_stride")
    return Variant(
        "matmul",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), **dict.fromkeys(sizes, "i32")},
        {**dict(zip(("BLOCK_M", "BLOCK_N", "BLOCK_K"), block, strict=True)), "GROUP": 8},
        pointers if any_size else (*pointers, *sizes),
        **more,
    )


def convolution(name: str, dtype: str, channels: tuple[int, int], **more: Any) -> Variant:
    """A window of 3 x 3; `channels` of x and of the result."""
    pointers = ("x_ptr", "weight_ptr", "bias_ptr", "out_ptr")
    sizes = ("images", "height", "width", "out_height", "out_width", "stride", "padding")
    blocks = {"BLOCK": 64, "BLOCK_OUT": 32, "BLOCK_IN": 16}
    return Variant(
        "convolution",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), **dict.fromkeys(sizes, "i32")},
        {"IN": channels[0], "OUT": channels[1], "SIDE": 3, **blocks},
        pointers,
        **more,
    )


def attention(name: str, dtype: str, dim: int, block: tuple[int, int], **more: Any) -> Variant:
    """`block` rows of queries, and of keys."""
    pointers = ("q_ptr", "k_ptr", "v_ptr", "out_ptr")
    return Variant(
        "attention",
        name,
        {**dict.fromkeys(pointers, f"*{dtype}"), "length": "i32", "scale": "fp32"},
        {"DIM": dim, "BLOCK_M": block[0], "BLOCK_N": block[1]},
        (*pointers, "length"),
        **more,
    )


VARIANTS = (
    vector_add("f32", "fp32"),
    vector_add("f32-any", "fp32", any_size=True),
    vector_add("f16", "fp16"),
    vector_add("f32-cuda80", "fp32", target="cuda:80"),
    softmax("f32-256", "fp32", 256),
    softmax("f32-1024", "fp32", 1024),
    softmax("f32-8192", "fp32", 8192, num_warps=8),
    softmax("f32-1024-any", "fp32", 1024, any_size=True),
    softmax("f16-1024", "fp16", 1024),
    softmax("f32-1024-cuda80", "fp32", 1024, target="cuda:80"),
    softmax_gradient("f32-1024", "fp32", 1024),
    layer_norm("f32", "fp32"),
    layer_norm("f32-any", "fp32", any_size=True),
    layer_norm("f16", "fp16", num_warps=8),
    layer_norm("f32-cuda80", "fp32", target="cuda:80"),
    row_sum("f32", "fp32"),
    row_sum("f32-any", "fp32", any_size=True),
    row_sum("f16", "fp16"),
    matmul("f32-64x64x16", "fp32", (64, 64, 16)),
    matmul("f32-64x64x32", "fp32", (64, 64, 32)),
    matmul("f32-128x128x16", "fp32", (128, 128, 16), num_warps=8),
    matmul("f16-64x64x32", "fp16", (64, 64, 32)),
    matmul("f16-64x64x32-any", "fp16", (64, 64, 32), any_size=True),
    matmul("f16-128x64x32", "fp16", (128, 64, 32)),
    convolution("f32", "fp32", (16, 32)),
    convolution("f16", "fp16", (16, 32)),
    attention("f16-64", "fp16", 64, (64, 32)),
    attention("f32-32", "fp32", 32, (32, 32)),
)


@dataclass(frozen=True)
class GenericOptions:
    """What Triton's front end asks a backend's options for."""

    num_warps: int = 4
    num_ctas: int = 1
    num_stages: int = 1
    warp_size: int = 32
    arch: str = "apple9"
    backend_name: str = "metal"
    debug: bool = False
    sanitize_overflow: bool = False
    enable_fp_fusion: bool = True
    launch_cooperative_grid: bool = False
    supported_fp8_dtypes: tuple[str, ...] = ("fp8e5", "fp8e4nv")
    deprecated_fp8_dot_operand_dtypes: tuple[str, ...] = ()
    # "tf32" in this list would make it the default of every tl.dot.
    allowed_dot_input_precisions: tuple[str, ...] = ("ieee",)
    default_dot_input_precision: str = "ieee"
    max_num_imprecise_acc_default: int = 0
    instrumentation_mode: str = ""
    fpsan_homomorphic_casts: bool = False
    extern_libs: dict[str, str] = field(default_factory=dict)


def dump(variant: Variant) -> str:
    """The text of one dump, without any path of this machine."""
    path = HERE / variant.example / "kernel.py"
    source = _source(variant, _load(path))
    make = _generic_module if variant.target == METAL else _cuda_module
    text = str(make(source, variant))
    library = Path(triton.__file__).resolve().parent.parent
    text = text.replace(f'"{path}"', '"kernel.py"').replace(f'"{library}/', '"')
    return variant.header + text


def _load(path: Path) -> Any:
    """The module of one kernel file (they all have the same name)."""
    spec = importlib.util.spec_from_file_location(path.parent.name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Triton looks names up in the module that a function says it is from.
    sys.modules[path.parent.name] = module
    spec.loader.exec_module(module)
    return module


def _source(variant: Variant, module: Any) -> ASTSource:
    function = getattr(module, variant.example)
    names = function.arg_names
    return ASTSource(
        fn=function,
        signature={name: variant.signature.get(name, "constexpr") for name in names},
        constexprs=variant.constants,
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in variant.divisible},
    )


def _cuda_module(source: ASTSource, variant: Variant) -> Any:
    """Triton's own stages of its NVIDIA backend, which reach TTGIR without a GPU or ptxas."""
    target = GPUTarget("cuda", int(variant.target.split(":")[1]), 32)
    backend: Any = make_backend(target)
    options = backend.parse_options({"num_warps": variant.num_warps, "enable_fp_fusion": True})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    functions = backend.get_codegen_implementation(options)
    module = source.make_ir(target, options, functions, backend.get_module_map(), context)
    stages: dict[str, Any] = {}
    backend.add_stages(stages, options, Language.TRITON)
    metadata: dict[str, Any] = {}
    return stages["ttgir"](stages["ttir"](module, metadata), metadata)


def _generic_module(source: ASTSource, variant: Variant) -> Any:
    """The same for a target that Triton knows nothing of: blocked layouts only."""
    target = GPUTarget("metal", "apple9", 32)
    options = GenericOptions(num_warps=variant.num_warps)
    context = ir.context()
    ir.load_dialects(context)
    functions = {"min_dot_size": lambda lhs, rhs: (1, 1, 1)}
    module = source.make_ir(target, options, functions, {}, context)
    _run_ttir_passes(module)
    _run_ttgir_passes(module, options)
    return module


def _run_ttir_passes(module: Any) -> None:
    manager = ir.pass_manager(module.context)
    passes.common.add_inliner(manager)
    passes.ttir.add_rewrite_tensor_descriptor_to_pointer(manager)
    passes.common.add_canonicalizer(manager)
    passes.ttir.add_combine(manager)
    passes.ttir.add_reorder_broadcast(manager)
    passes.common.add_cse(manager)
    passes.ttir.add_triton_licm(manager)
    passes.common.add_symbol_dce(manager)
    passes.ttir.add_loop_unroll(manager)
    manager.run(module, "ttir")


def _run_ttgir_passes(module: Any, options: GenericOptions) -> None:
    manager = ir.pass_manager(module.context)
    passes.ttir.add_convert_to_ttgpuir(
        manager, METAL, options.num_warps, options.warp_size, options.num_ctas
    )
    passes.ttgpuir.add_coalesce(manager)
    passes.ttgpuir.add_remove_layout_conversions(manager)
    passes.ttgpuir.add_optimize_thread_locality(manager)
    passes.ttgpuir.add_remove_layout_conversions(manager)
    passes.ttir.add_loop_aware_cse(manager)
    passes.common.add_canonicalizer(manager)
    passes.ttir.add_triton_licm(manager)
    passes.common.add_canonicalizer(manager)
    passes.ttgpuir.add_combine_tensor_select_and_if(manager)
    passes.ttgpuir.add_remove_layout_conversions(manager)
    passes.ttgpuir.add_reduce_data_duplication(manager)
    passes.ttgpuir.add_reorder_instructions(manager)
    passes.ttir.add_loop_aware_cse(manager)
    passes.common.add_symbol_dce(manager)
    passes.common.add_sccp(manager)
    passes.common.add_cse(manager)
    passes.common.add_canonicalizer(manager)
    manager.run(module, "ttgir")


def main(names: list[str]) -> None:
    """Write the dumps of the examples that are named, or of all."""
    for variant in VARIANTS:
        if not names or variant.example in names:
            variant.path.write_text(dump(variant), encoding="utf-8")
            print(variant.path.relative_to(HERE))


if __name__ == "__main__":
    main(sys.argv[1:])
