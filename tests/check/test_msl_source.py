"""Reading MSL text: tokens, declarations, and the edits that other compilers need."""

from __future__ import annotations

import random

import pytest

from trimetal.runtime.source.edits import Edits
from trimetal.runtime.source.rewrite import for_check, for_host
from trimetal.runtime.source.structure import parse_unit, threadgroup_variables
from trimetal.runtime.source.tokens import tokenize
from trimetal.transpiler.errors import CompileError

TEXT = """// A file.
#include <metal_stdlib>
#define TWICE(a) \\
    ((a) + (a))
using namespace metal;

struct Pair {
    float xy;
    int count[2];
};
constant float table[2] = {1.0f, 2.0f};

template <typename T>
inline T helper(threadgroup const T* data, thread int& n);

[[max_total_threads_per_threadgroup(64)]]
kernel void k(device const float* x [[buffer(0)]],
              constant metal::vec<int, 4>& limits [[ buffer(1) ]],
              uint3 program [[threadgroup_position_in_grid]]) {
    threadgroup float a[4][8], b;
    alignas(16) threadgroup uchar bytes[16];
    threadgroup float* p = a[0];
    x[0];
}
"""


def _host(body: str, **options: bool) -> str:
    text = f"kernel void k(device float* x [[buffer(0)]]) {{\n{body}\n}}"
    return for_host(parse_unit(text), **options).text.split("\n")[1].strip()


def _check(statement: str) -> str:
    text = f"kernel void k(device float* x [[buffer(0)]]) {{\n{statement}\n}}"
    return for_check(parse_unit(text)).text.split("\n")[1].strip()


def test_tokens_cover_the_text() -> None:
    tokens = tokenize(TEXT)
    rest = list(TEXT)
    for token in tokens:
        assert TEXT[token.start : token.end] == token.text
        rest[token.start : token.end] = " " * len(token.text)
    assert "".join(rest).isspace()
    kinds = {token.text: token.kind for token in tokens}
    assert kinds["// A file."] == "comment"
    assert kinds["#define TWICE(a) \\\n    ((a) + (a))"] == "directive"
    assert kinds["[[ buffer(1) ]]"] == "attribute"
    assert kinds["1.0f"] == "number"


@pytest.mark.parametrize(
    "number", ["0", "1u", "0xFFul", "1.5h", ".5f", "1.f", "1e-3f", "0x1.8p-3f", "2.0bf", "1e+5"]
)
def test_numbers_are_one_token(number: str) -> None:
    assert [token.text for token in tokenize(f"x={number}+y")] == ["x", "=", number, "+", "y"]


def test_declarations() -> None:
    unit = parse_unit(TEXT)
    helper, kernel = unit.functions
    assert (helper.name, helper.is_template, helper.body) == ("helper", True, None)
    assert helper.parameters[0].spaces == {"threadgroup"}
    assert helper.parameters[1].is_reference
    assert (kernel.name, kernel.is_kernel, kernel.is_template) == ("k", True, False)
    x, limits, program = kernel.parameters
    assert (x.name, x.type, x.value_type) == ("x", "device const float *", "float")
    assert (x.is_pointer, x.attribute, x.attribute_argument) == (True, "buffer", "0")
    assert (limits.value_type, limits.attribute_argument) == ("metal::vec<int, 4>", "1")
    assert (program.type, program.attribute) == ("uint3", "threadgroup_position_in_grid")
    assert unit.struct_members == {"xy", "count"}
    assert [unit.tokens[start].text for start, _ in unit.variables] == ["constant"]
    names = [token.text for token in threadgroup_variables(unit, kernel)]
    assert names == ["a", "b", "bytes"]


def test_broken_text_is_read_without_an_error() -> None:
    generator = random.Random()
    for _ in range(200):
        cut = generator.randrange(len(TEXT))
        skipped = generator.randrange(1, 12)
        text = TEXT[:cut] + TEXT[cut + skipped :]
        unit = parse_unit(text)
        assert for_check(unit).text.count("\n") >= text.count("\n")


def test_lines_stay_in_place() -> None:
    unit = parse_unit(TEXT)
    for edited in (for_check(unit), for_host(unit)):
        assert edited.text.count("\n") == TEXT.count("\n")
        for number, line in enumerate(TEXT.split("\n")):
            if "x[0];" in line:
                assert edited.text.split("\n")[number].strip() == "x[0];"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("v.xyz = w.rgb;", "v.template swizzle<0, 1, 2>() = w.template swizzle<0, 1, 2>();"),
        ("p->wz;", "p->template swizzle<3, 2>();"),
        ("v.wzyx.yx;", "v.template swizzle<2, 3>();"),
        ("v.zw.x + v.x;", "v.z + v.x;"),
        ("xyz.x + yx;", "xyz.x + yx;"),
        ("b = 1.5bf + 1.0h;", "b = bfloat(1.5f) + 1.0h;"),
        ("c ? a : b;", "c ? trimetal::value(a) : trimetal::value(b);"),
        (
            "f(c ? a + 1 : d ? e : g, h);",
            "f(c ? trimetal::value(a + 1) : "
            "trimetal::value(d ? trimetal::value(e) : trimetal::value(g)), h);",
        ),
        (
            "c ? as_type<vec<int, 2>>(a) : b < e ? f<1, 2>(a) : g;",
            "c ? trimetal::value(as_type<vec<int, 2>>(a)) : "
            "trimetal::value(b < e ? trimetal::value(f<1, 2>(a)) : trimetal::value(g));",
        ),
    ],
)
def test_edits_for_the_check(statement: str, expected: str) -> None:
    assert _check(statement) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "threadgroup float a[64], b;",
            "auto&& a = trimetal::allocate<float[ 64 ], 1>(2); "
            "auto&& b = trimetal::allocate<float, 1>(2);",
        ),
        (
            "alignas(16) threadgroup uchar m[8 * 4];",
            "auto&& m = trimetal::allocate<uchar[ 8 * 4 ], 16>(2);",
        ),
        (
            "threadgroup const float* p = m;",
            "trimetal::threadgroup_pointer<       float> p = m;",
        ),
        (
            "const threadgroup metal::vec<float, 2>* p;",
            "trimetal::threadgroup_pointer< metal::vec<float, 2>> p;",
        ),
        (
            "q = reinterpret_cast<threadgroup int*>(p);",
            "q = trimetal::pointer_cast<trimetal::threadgroup_pointer< int>>(p);",
        ),
        ("threadgroup float& r = m[0];", "float& r = m[0];"),
        ("device float4* p = (device float4*)x;", "float4* p = (       float4*)x;"),
        ("thread float& r = v; half h = 0.5h;", "float& r = v; half h = half(0.5l);"),
    ],
)
def test_edits_for_the_host(statement: str, expected: str) -> None:
    assert _host(statement) == expected


def test_device_pointers_on_request() -> None:
    expected = "trimetal::device_pointer< float4> p = (trimetal::device_pointer< float4>)x;"
    assert _host("device float4* p = (device float4*)x;", check_buffers=True) == expected


def test_pointer_to_pointer_is_refused() -> None:
    with pytest.raises(CompileError, match="no pointers to pointers"):
        _host("threadgroup float** p;")


def test_columns_are_found_back() -> None:
    text = "ab cd\nef gh ij"
    edits = Edits(text)
    edits.replace(3, 5, "something")
    edits.insert(6, "<<")
    edits.replace(9, 11, "x")
    edited = edits.apply()
    assert edited.text == "ab something\n<<ef x ij"
    for word in ("ab", "ef", "ij"):
        at = edited.text.index(word)
        assert edited.original_offset(at) == text.index(word)
        line, column = edited.position(text.index(word))
        assert edited.original_position(line, column) == text.index(word)
    assert edited.original_offset(edited.text.index("thing")) == 5
