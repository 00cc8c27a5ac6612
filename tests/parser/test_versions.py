"""What older Tritons wrote is read into today's ops, attributes and layouts."""

from __future__ import annotations

import pytest

from trimetal.transpiler.dialects import tt, ttg, ttng
from trimetal.transpiler.errors import SourceText
from trimetal.transpiler.ir.encodings import (
    AmdMfmaEncoding,
    AmdWmmaEncoding,
    BlockedEncoding,
    NvidiaMmaEncoding,
    NvmmaSharedEncoding,
    SwizzledSharedEncoding,
)
from trimetal.transpiler.ir.equal import equal
from trimetal.transpiler.ir.types import MemDescType
from trimetal.transpiler.parser import parse
from trimetal.transpiler.parser.cursor import Cursor
from trimetal.transpiler.parser.grammar import read_words
from trimetal.transpiler.parser.resolver import Resolver

from .support import BLOCKED, one, text_of

OLD = BLOCKED.replace("#ttg.", "#triton_gpu.")


def reads_as(old: str, new: str, arguments: str = "", aliases: str = BLOCKED) -> None:
    """The two texts are the same module."""
    a, b = parse(text_of(old, arguments, aliases)), parse(text_of(new, arguments, aliases))
    assert equal(a, b), f"{a}\n{b}"
    assert equal(a, parse(str(a)))


X = "%x: tensor<128xf32, #blocked>, %n: tensor<128xi32, #blocked>, %i: i32, %f: f32"
P = "%p: tensor<128x!tt.ptr<f32>, #blocked>, %k: tensor<128xi1, #blocked>, " + X


def test_dialect_prefixes() -> None:
    module = parse(
        f'{OLD}\nmodule attributes {{"triton_gpu.num-warps" = 4 : i32, '
        'triton_gpu.target = "cuda:80", "triton_gpu.threads-per-warp" = 32 : i32} {\n'
        "tt.func @f(%x: tensor<128xf32, #blocked>) {\n"
        "  %0 = triton_gpu.convert_layout %x : tensor<128xf32, #blocked> -> "
        "tensor<128xf32, #triton_gpu.slice<{dim = 0, parent = #b}>>\n  tt.return\n}\n}\n"
        "#b = #triton_gpu.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
        "warpsPerCTA = [1, 4], order = [1, 0]}>\n"
    )
    assert module.num_warps == 4
    assert module.target == "cuda:80"
    assert isinstance(one(module, "ttg.convert_layout"), ttg.ConvertLayout)
    assert "triton_gpu" not in str(module)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "%0 = tt.splat %f : (f32) -> tensor<128xf32, #blocked>",
            "%0 = tt.splat %f : f32 -> tensor<128xf32, #blocked>",
        ),
        (
            "%0 = tt.expand_dims %s {axis = 0 : i32} : "
            "(tensor<32xi32, #slice>) -> tensor<1x32xi32, #flat>",
            "%0 = tt.expand_dims %s {axis = 0 : i32} : "
            "tensor<32xi32, #slice> -> tensor<1x32xi32, #flat>",
        ),
        (
            "%0 = tt.bitcast %x : (tensor<128xf32, #blocked>) -> tensor<128xi32, #blocked>",
            "%0 = tt.bitcast %x : tensor<128xf32, #blocked> -> tensor<128xi32, #blocked>",
        ),
        (
            "%0 = tt.view %x : (tensor<128xf32, #blocked>) -> tensor<4x32xf32, #flat>",
            "%0 = tt.reshape %x : tensor<128xf32, #blocked> -> tensor<4x32xf32, #flat>",
        ),
        (
            "%0 = tt.reshape %x {allow_reorder = true} : "
            "tensor<128xf32, #blocked> -> tensor<4x32xf32, #flat>",
            "%0 = tt.reshape %x allow_reorder : "
            "tensor<128xf32, #blocked> -> tensor<4x32xf32, #flat>",
        ),
        (
            "%0 = tt.reshape %x {allow_reorder = false} : "
            "tensor<128xf32, #blocked> -> tensor<4x32xf32, #flat>",
            "%0 = tt.reshape %x : tensor<128xf32, #blocked> -> tensor<4x32xf32, #flat>",
        ),
        (
            '%0 = "triton_gpu.cmpi"(%n, %n) <{predicate = 2 : i64}> : '
            "(tensor<128xi32, #blocked>, tensor<128xi32, #blocked>) -> tensor<128xi1, #blocked>",
            "%0 = arith.cmpi slt, %n, %n : tensor<128xi32, #blocked>",
        ),
        (
            '%0 = "triton_gpu.cmpf"(%f, %f) <{predicate = 4 : i64}> : (f32, f32) -> i1',
            "%0 = arith.cmpf olt, %f, %f : f32",
        ),
        (
            '%0 = "triton_gpu.select"(%k, %x, %x) : (tensor<128xi1, #blocked>, '
            "tensor<128xf32, #blocked>, tensor<128xf32, #blocked>) -> tensor<128xf32, #blocked>",
            "%0 = arith.select %k, %x, %x : tensor<128xi1, #blocked>, tensor<128xf32, #blocked>",
        ),
        (
            "%0 = tt.load %p, %k, %x {cache = 3 : i32, evict = 3 : i32, isVolatile = false} : "
            "tensor<128xf32, #blocked>",
            "%0 = tt.load %p, %k, %x {cachePolicy = #tt.cache_policy<cache_modifier = cg, "
            "eviction_policy = evict_last>} : tensor<128x!tt.ptr<f32>, #blocked>",
        ),
        (
            "%0 = tt.load %p {cache = 1 : i32, evict = 1 : i32, isVolatile = true} : "
            "tensor<128xf32, #blocked>",
            "%0 = tt.load %p {isVolatile = true} : tensor<128x!tt.ptr<f32>, #blocked>",
        ),
        (
            "%0 = tt.load %p cacheModifier = cg evictionPolicy = evict_last {isVolatile = true} "
            ": tensor<128x!tt.ptr<f32>, #blocked>",
            "%0 = tt.load %p {cachePolicy = #tt.cache_policy<cache_modifier = cg, "
            "eviction_policy = evict_last>, isVolatile = true} : "
            "tensor<128x!tt.ptr<f32>, #blocked>",
        ),
        (
            "tt.store %p, %x, %k evictionPolicy = evict_first : tensor<128x!tt.ptr<f32>, #blocked>",
            "tt.store %p, %x, %k {cachePolicy = #tt.cache_policy<cache_modifier = none, "
            "eviction_policy = evict_first>} : tensor<128x!tt.ptr<f32>, #blocked>",
        ),
        (
            "tt.store %p, %x {cache = 1 : i32, evict = 1 : i32} : tensor<128xf32, #blocked>",
            "tt.store %p, %x : tensor<128x!tt.ptr<f32>, #blocked>",
        ),
        (
            '%0 = "tt.atomic_rmw"(%p, %x) <{atomic_rmw_op = 5 : i32, sem = 4 : i32}> : '
            "(tensor<128x!tt.ptr<f32>, #blocked>, tensor<128xf32, #blocked>) -> "
            "tensor<128xf32, #blocked>",
            "%0 = tt.atomic_rmw fadd, acq_rel, gpu, %p, %x : "
            "(tensor<128x!tt.ptr<f32>, #blocked>, tensor<128xf32, #blocked>) -> "
            "tensor<128xf32, #blocked>",
        ),
        (
            '%0 = tt.pure_extern_elementwise %f {libname = "a", libpath = "b", symbol = "c"} : '
            "(f32) -> f32",
            '%0 = tt.extern_elementwise %f {libname = "a", libpath = "b", pure = true, '
            'symbol = "c"} : (f32) -> f32',
        ),
        (
            '%0 = "tt.scan"(%x) <{axis = 0 : i32}> ({\n^bb0(%a: f32, %b: f32):\n'
            "  tt.scan.return %a : f32\n}) : (tensor<128xf32, #blocked>) -> "
            "tensor<128xf32, #blocked>",
            '%0 = "tt.scan"(%x) <{axis = 0 : i32, reverse = false}> ({\n'
            "^bb0(%a: f32, %b: f32):\n  tt.scan.return %a : f32\n}) : "
            "(tensor<128xf32, #blocked>) -> tensor<128xf32, #blocked>",
        ),
        ("triton_gpu.async_wait {num = 0 : i32}", "%0 = ttg.async_wait {num = 0 : i32}"),
        (
            "%0 = ttg.async_commit_group\n%1 = ttg.async_commit_group %0",
            "%0 = ttg.async_commit_group\n%1 = ttg.async_commit_group tokens %0",
        ),
        ("ttg.local_barrier local", "ttg.barrier local"),
        ("%0 = ttg.async_wait  {num = 0 : i32}", "%0 = ttg.async_wait {num = 0 : i32}"),
    ],
)
def test_ops(old: str, new: str) -> None:
    aliases = (
        f"{BLOCKED}\n#flat = #ttg.blocked<{{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
        "warpsPerCTA = [4, 1], order = [1, 0]}>\n#slice = #ttg.slice<{dim = 0, parent = #flat}>"
    )
    reads_as(old, new, f"%s: tensor<32xi32, #slice>, {P}", aliases)


def test_allow_tf32() -> None:
    arguments = "%a: tensor<32x32xf32, #a>, %b: tensor<32x32xf32, #b>, %c: tensor<32x32xf32, #p>"
    aliases = (
        "#p = #ttg.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
        "warpsPerCTA = [4, 1], order = [1, 0]}>\n"
        "#a = #ttg.dot_op<{opIdx = 0, parent = #p}>\n#b = #ttg.dot_op<{opIdx = 1, parent = #p}>"
    )
    types = "tensor<32x32xf32, #a> * tensor<32x32xf32, #b> -> tensor<32x32xf32, #p>"
    for old, new in (("true", ", inputPrecision = tf32"), ("false", "")):
        reads_as(
            f"%d = tt.dot %a, %b, %c {{allowTF32 = {old}}} : {types}",
            f"%d = tt.dot %a, %b, %c{new} : {types}",
            arguments,
            aliases,
        )


SHARED = "#s = #ttg.swizzled_shared<{vec = 1, perPhase = 1, maxPhase = 1, order = [1, 0]}>"
FLAT = (
    "#flat = #ttg.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
    "warpsPerCTA = [4, 1], order = [1, 0]}>"
)
VIEW = "!ttg.memdesc<{}xf16, #s, #ttg.shared_memory, mutable>"


def test_subviews_become_elements_and_parts() -> None:
    whole, element, part = (VIEW.format(s) for s in ("3x32x32", "32x32", "32x16"))
    constants = "%c0 = arith.constant 0 : i32\n%c16 = arith.constant 16 : i32\n"
    reads_as(
        f"{constants}%0 = ttg.memdesc_subview %m[%i, %c0, %c0] : {whole} -> {element}\n"
        f"%1 = ttg.memdesc_subview %0[%c0, %c16] : {element} -> {part}",
        f"{constants}%0 = ttg.memdesc_index %m[%i] : {whole} -> {element}\n"
        f"%1 = ttg.memdesc_subslice %0[0, 16] : {element} -> {part}",
        f"%m: {whole}, %i: i32",
        SHARED,
    )


def test_a_subview_that_is_neither_stays_as_it_is() -> None:
    whole, element = VIEW.format("3x32x32"), VIEW.format("32x16")
    text = f"ttg.memdesc_subview %m[%i, %i, %i] : {whole} -> {element}"
    module = parse(text_of(f"  %0 = {text}", f"%m: {whole}, %i: i32", SHARED))
    assert one(module, "ttg.memdesc_subview").op_name == "ttg.memdesc_subview"


def test_shared_tensors_of_2_1() -> None:
    old = (
        "%a = triton_gpu.alloc_tensor : tensor<3x32x32xf16, #s>\n"
        "%b = triton_gpu.insert_slice_async %p, %a, %i, %k, %o {axis = 0 : i32, cache = 1 : i32, "
        "evict = 1 : i32, isVolatile = false} : tensor<32x32x!tt.ptr<f16>, #flat> -> "
        "tensor<3x32x32xf16, #s>\ntriton_gpu.async_commit_group\n"
        "%c = triton_gpu.extract_slice %b[%i, 0, 0] [1, 32, 32] [1, 1, 1] : "
        "tensor<3x32x32xf16, #s> to tensor<32x32xf16, #s>\n"
        "%d = triton_gpu.extract_slice %c[0, 16] [32, 16] [1, 1] : "
        "tensor<32x32xf16, #s> to tensor<32x16xf16, #s>\n"
        "%e = triton_gpu.convert_layout %d : (tensor<32x16xf16, #s>) -> tensor<32x16xf16, #flat>\n"
        "%f = triton_gpu.convert_layout %o : (tensor<32x32xf16, #flat>) -> tensor<32x32xf16, #s>\n"
        "%g = tt.trans %f : (tensor<32x32xf16, #s>) -> tensor<32x32xf16, #s>"
    )
    big, view, part = (VIEW.format(s) for s in ("3x32x32", "32x32", "32x16"))
    new = (
        f"%a = ttg.local_alloc : () -> {big}\n%v = ttg.memdesc_index %a[%i] : {big} -> {view}\n"
        "%t = ttg.async_copy_global_to_local %p, %v mask %k other %o : "
        "tensor<32x32x!tt.ptr<f16>, #flat> -> <32x32xf16, #s, #ttg.shared_memory, mutable>\n"
        f"%u = ttg.async_commit_group\n%c = ttg.memdesc_index %a[%i] : {big} -> {view}\n"
        f"%d = ttg.memdesc_subslice %c[0, 16] : {view} -> {part}\n"
        f"%e = ttg.local_load %d : {part} -> tensor<32x16xf16, #flat>\n"
        f"%f = ttg.local_alloc %o : (tensor<32x32xf16, #flat>) -> {view}\n"
        f"%g = ttg.memdesc_trans %f {{order = array<i32: 1, 0>}} : {view} -> {view}"
    )
    arguments = (
        "%p: tensor<32x32x!tt.ptr<f16>, #flat>, %i: i32, %k: tensor<32x32xi1, #flat>, "
        "%o: tensor<32x32xf16, #flat>"
    )
    reads_as(old, new, arguments, f"{SHARED}\n{FLAT}")


def test_tt_memdesc_without_a_space() -> None:
    module = parse(text_of("", "%m: !tt.memdesc<32x32xf16, #s, mutable>", SHARED))
    (found,) = (value.type for value in module.functions[0].regions[0].blocks[0].args)
    assert isinstance(found, MemDescType)
    assert (found.space, found.mutable) == ("#ttg.shared_memory", True)


def test_dots_of_hopper() -> None:
    arguments = "%a: !tt.memdesc<64x64xf16, #s>, %c: tensor<64x64xf32, #m>"
    aliases = (
        "#s = #triton_gpu.shared<{vec = 8, perPhase = 1, maxPhase = 8, order = [1, 0], "
        "hasLeadingOffset = true}>\n#m = #triton_gpu.nvidia_mma<{versionMajor = 3, "
        "versionMinor = 0, warpsPerCTA = [4, 1], instrShape = [16, 64, 16]}>"
    )
    module = parse(
        text_of(
            "%0 = triton_nvidia_gpu.dot_async %a, %a, %c {inputPrecision = 0 : i32, "
            "maxNumImpreciseAcc = 0 : i32} : !tt.memdesc<64x64xf16, #s> * "
            "!tt.memdesc<64x64xf16, #s> -> tensor<64x64xf32, #m>\n"
            "%1 = triton_nvidia_gpu.dot_wait %0 {pendings = 0 : i32} : tensor<64x64xf32, #m>",
            arguments,
            aliases,
        )
    )
    dot = one(module, "ttng.warp_group_dot")
    assert isinstance(dot, ttng.WarpGroupDot)
    assert dot.is_async
    assert dot.input_precision == "tf32"
    assert isinstance(one(module, "ttng.warp_group_dot_wait"), ttng.WarpGroupDotWait)


def encoding_of(text: str) -> object:
    """The layout that a text stands for."""
    source = SourceText(text)
    items = read_words(text, source, 0)
    return Resolver(source, {}).attribute(Cursor(items, source, 0, len(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "#triton_gpu.shared<{vec = 8, perPhase = 2, maxPhase = 4, order = [1, 0]}>",
            SwizzledSharedEncoding(8, 2, 4, (1, 0)),
        ),
        (
            "#triton_gpu.shared<{vec = 8, perPhase = 2, maxPhase = 4, order = [1, 0], "
            "hasLeadingOffset = false}>",
            SwizzledSharedEncoding(8, 2, 4, (1, 0)),
        ),
        (
            "#triton_gpu.shared<{vec = 8, perPhase = 1, maxPhase = 8, order = [1, 0], "
            "hasLeadingOffset = true}>",
            NvmmaSharedEncoding(128, False, 16),
        ),
        (
            "#triton_gpu.shared<{vec = 16, perPhase = 2, maxPhase = 4, order = [0, 1], "
            "hasLeadingOffset = true}>",
            NvmmaSharedEncoding(64, True, 8),
        ),
        (
            "#triton_gpu.mma<{versionMajor = 2, versionMinor = 0, warpsPerCTA = [2, 2]}>",
            NvidiaMmaEncoding(2, 0, (2, 2), (16, 8)),
        ),
        (
            "#triton_gpu.amd_mfma<{versionMajor = 3, versionMinor = 0, warpsPerCTA = [2, 2], "
            "instrShape = [32, 32], isTransposed = false}>",
            AmdMfmaEncoding(3, (2, 2), (32, 32, 8), False),
        ),
        (
            "#ttg.amd_mfma<{version = 3, warpsPerCTA = [2, 2], instrShape = [16, 16], "
            "isTransposed = true}>",
            AmdMfmaEncoding(3, (2, 2), (16, 16, 16), True),
        ),
        (
            "#triton_gpu.amd_wmma<{warpsPerCTA = [2, 2]}>",
            AmdWmmaEncoding(1, False, (), ((0, 1), (1, 0))),
        ),
        (
            "#ttg.amd_wmma<{version = 2, isTranspose = true, warpsPerCTA = [4, 1]}>",
            AmdWmmaEncoding(2, True, (), ((1, 0), (2, 0))),
        ),
        (
            "#ttg.blocked<{sizePerThread = [1], threadsPerWarp = [32], warpsPerCTA = [4], "
            "order = [0], CTAsPerCGA = [1], CTASplitNum = [1], CTAOrder = [0]}>",
            BlockedEncoding((1,), (32,), (4,), (0,)),
        ),
        (
            "#ttg.blocked<{sizePerThread = [1, 1], threadsPerWarp = [1, 32], "
            "warpsPerCTA = [4, 1], order = [1, 0], CTAsPerCGA = [2, 2], CTASplitNum = [2, 1], "
            "CTAOrder = [1, 0]}>",
            BlockedEncoding((1, 1), (1, 32), (4, 1), (1, 0), cga=((0, 0), (1, 0))),
        ),
    ],
)
def test_layouts(text: str, expected: object) -> None:
    assert encoding_of(text) == expected


def test_scan_and_reduce_are_the_same_classes() -> None:
    module = parse(
        text_of(
            '%0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({\n^bb0(%a: f32, %b: f32):\n'
            "  tt.reduce.return %a : f32\n}) : (tensor<128xf32, #blocked>) -> f32",
            X,
        )
    )
    assert isinstance(one(module, "tt.reduce"), tt.Reduce)
