"""The kernels of the self-test: dumps of TTGIR, which travel with the package."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

# Of the kernels in kernel.py: name -> signature, in the order of the parameters.
SIGNATURES = {
    "add": "*fp32:16, *fp32:16, *fp32:16, i32, 1024",
    "softmax": "*fp16:16, *fp16:16, i32, 1024",
    "matmul": "*fp16:16, *fp16:16, *fp32:16, i32, i32, i32, 32, 64, 32",
    "transpose": "*i32:16, *i32:16, i32, i32, 64",
    "count": "*i32:16, *i32:16, i32, 512",
    "scan": "*i64:16, *i64:16, i32, 512",
    "rounded": "*fp32:16, *fp32:16, i32, 256",
}


def dump_path(name: str) -> Path:
    """Where the dump of a kernel is."""
    return HERE / f"{name}.ttgir"
