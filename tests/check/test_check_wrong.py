"""Wrong kernels: each must be found, in its line and by its rule.

The cases stand in wrong/*.metal. `//// name` begins one; `// <- rule` marks a line and what is to
be found there. A case that declares no kernel is the body of the one below.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trimetal.runtime.check import check, require_valid
from trimetal.transpiler.errors import CheckError

_LIBRARY = """#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;
"""
_HEAD = """kernel void k(device float* x [[buffer(0)]],
              constant uint& n [[buffer(1)]],
              device uint* bits [[buffer(2)]],
              device half* h [[buffer(3)]],
              device bfloat* b [[buffer(4)]],
              device long* wide [[buffer(5)]],
              uint thread_index [[thread_index_in_threadgroup]]) {
    threadgroup float shared[64];
"""


def _cases() -> dict[str, str]:
    """Name -> full text."""
    found: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "wrong").glob("*.metal")):
        for part in path.read_text(encoding="utf-8").split("//// ")[1:]:
            name, body = part.split("\n", 1)
            if "kernel" not in body:
                body = f"{_HEAD}{body}}}\n"
            if "#include" not in body and "using namespace" not in body:
                body = _LIBRARY + body
            found[f"{path.stem}-{name}"] = body
    return found


CASES = _cases()


def _expected(text: str) -> set[tuple[int, str]]:
    """(line, rule) of the marks in a text."""
    return {
        (number, mark.group(1))
        for number, line in enumerate(text.split("\n"), 1)
        if (mark := re.search(r"// .*?<- ([\w+-]+)", line))
    }


@pytest.mark.parametrize("name", CASES)
def test_wrong_kernel_is_found(name: str) -> None:
    text = CASES[name]
    expected = _expected(text)
    assert expected, "the case marks no line"
    found = check(text, f"{name}.metal")
    assert expected <= {(finding.line, finding.rule) for finding in found}, "\n".join(
        map(str, found)
    )


def test_there_are_many_wrong_kernels() -> None:
    assert len(CASES) >= 150


def test_first_finding_becomes_an_error() -> None:
    text = CASES["types-double"]
    with pytest.raises(CheckError, match=r"^a\.metal:12:1: error: 'double' .* \[language\]\n"):
        require_valid(text, "a.metal")


def test_finding_shows_its_place() -> None:
    (finding,) = check(CASES["types-unknown_function"], "a.metal")
    assert str(finding).split("\n")[0] == (
        "a.metal:12:8: error: use of undeclared identifier 'frobnicate' [compiler]"
    )
    assert str(finding).split("\n")[2].strip() == "^" * len("frobnicate")
