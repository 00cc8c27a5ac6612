"""Kernels of one elementwise op each, many in one shader, and numbers to try them on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy
import pytest

import trimetal
from tests.device import device
from trimetal import runtime

# Arrays of any dtype, those of ml_dtypes too: numpy's own annotations do not describe them.
Array: TypeAlias = Any
np: Any = numpy
ml_dtypes: Any = pytest.importorskip("ml_dtypes")

BLOCK = 512
# Metal has 31 buffers; shorter kernels compile in less time than long ones.
_OUTPUTS = 14

DTYPES: dict[str, Any] = {
    "i1": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "f32": np.float32,
    "f8E4M3FN": ml_dtypes.float8_e4m3fn,
    "f8E5M2": ml_dtypes.float8_e5m2,
    "f8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "f8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "f8E4M3B11FNUZ": ml_dtypes.float8_e4m3b11fnuz,
}


def compute(
    inputs: Mapping[str, tuple[str, Array]],
    ops: Mapping[str, tuple[str, str]],
    per_thread: int = 4,
    *,
    enable_fp_fusion: bool = True,
) -> dict[str, Array]:
    """The results of ops on inputs of one length, by name.

    `inputs` is name -> (dtype, numbers); an op is (text, result dtype), where `T(i32)` in the text
    stands for the tensor type. With `per_thread` of 4 vectors are used, with 1 scalars.
    """
    size = len(next(iter(inputs.values()))[1])
    padded = -(-size // BLOCK) * BLOCK
    arrays = {
        name: (dtype, np.resize(numbers.astype(DTYPES[dtype]), padded))
        for name, (dtype, numbers) in inputs.items()
    }
    results: dict[str, Array] = {}
    names = list(ops)
    for start in range(0, len(names), _OUTPUTS):
        some = {name: ops[name] for name in names[start : start + _OUTPUTS]}
        results |= _run(arrays, some, per_thread, enable_fp_fusion)
    return {name: result[:size] for name, result in results.items()}


def text_of(
    inputs: Mapping[str, str], ops: Mapping[str, tuple[str, str]], per_thread: int = 4
) -> str:
    """The TTGIR module: inputs are name -> dtype."""
    outputs = {f"out{i}": dtype for i, (_, dtype) in enumerate(ops.values())}
    arguments = ", ".join(
        f"%{name}_ptr: !tt.ptr<{_stored(dtype)}> {{tt.divisibility = 16 : i32}}"
        for name, dtype in {**inputs, **outputs}.items()
    )
    lines = [
        f"%c = arith.constant {BLOCK} : i32",
        "%pid = tt.get_program_id x : i32",
        "%start = arith.muli %pid, %c : i32",
        f"%range = tt.make_range {{end = {BLOCK} : i32, start = 0 : i32}} : T(i32)",
        "%splat = tt.splat %start : i32 -> T(i32)",
        "%offsets = arith.addi %splat, %range : T(i32)",
    ]
    for name, dtype in inputs.items():
        stored = _stored(dtype)
        loaded = f"{name}_byte" if dtype == "i1" else name
        lines += _pointers(name, stored)
        lines.append(f"%{loaded} = tt.load %{name}_at : T(!tt.ptr<{stored}>)")
        if dtype == "i1":
            lines.append(f"%{name} = arith.trunci %{loaded} : T(i8) to T(i1)")
    for i, (text, dtype) in enumerate(ops.values()):
        stored = _stored(dtype)
        *before, last = text.split(";")
        lines += [line.strip() for line in before]
        lines.append(f"%result{i} = {last.strip()}")
        if dtype == "i1":
            lines.append(f"%byte{i} = arith.extui %result{i} : T(i1) to T(i8)")
        lines += _pointers(f"out{i}", stored)
        value = f"%byte{i}" if dtype == "i1" else f"%result{i}"
        lines.append(f"tt.store %out{i}_at, {value} : T(!tt.ptr<{stored}>)")
    body = "\n    ".join([*lines, "tt.return"])
    body = re.sub(r"T\((.*?)\)", rf"tensor<{BLOCK}x\1, #blocked>", body)
    return (
        f"#blocked = #ttg.blocked<{{sizePerThread = [{per_thread}], threadsPerWarp = [32],"
        " warpsPerCTA = [4], order = [0]}>\n"
        'module attributes {"ttg.num-warps" = 4 : i32, "ttg.threads-per-warp" = 32 : i32} {\n'
        f"  tt.func public @kernel({arguments}) {{\n    {body}\n  }}\n}}\n"
    )


def _pointers(name: str, stored: str) -> list[str]:
    pointer = f"!tt.ptr<{stored}>"
    return [
        f"%{name}_base = tt.splat %{name}_ptr : {pointer} -> T({pointer})",
        f"%{name}_at = tt.addptr %{name}_base, %offsets : T({pointer}), T(i32)",
    ]


def _stored(dtype: str) -> str:
    return "i8" if dtype == "i1" else dtype


def _run(
    inputs: dict[str, tuple[str, Array]],
    ops: dict[str, tuple[str, str]],
    per_thread: int,
    enable_fp_fusion: bool,
) -> dict[str, Array]:
    text = text_of({name: dtype for name, (dtype, _) in inputs.items()}, ops, per_thread)
    shader = trimetal.transpile(text, enable_fp_fusion=enable_fp_fusion, verify=True)
    findings = trimetal.check(shader.source)
    assert not findings, "\n".join(map(str, findings)) + "\n" + shader.source
    options: dict[str, bool] = {"check_overflow": True} if device() == "cpu" else {}
    kernel = runtime.compile(shader, device(), **options)
    size = len(next(iter(inputs.values()))[1])
    arrays = [a.view(np.int8) if d == "i1" else a for d, a in inputs.values()]
    outputs = [_poison(size, _stored(dtype)) for _, dtype in ops.values()]
    kernel((size // BLOCK,), *arrays, *outputs)
    return {
        name: output.astype(np.bool_) if dtype == "i1" else output
        for (name, (_, dtype)), output in zip(ops.items(), outputs, strict=True)
    }


def _poison(size: int, dtype: str) -> Array:
    """Every byte is 0xAB: what a kernel does not write shows."""
    kind = np.dtype(DTYPES[dtype])
    return np.full(size * kind.itemsize, 0xAB, np.uint8).view(kind)


def random_integers(dtype: str, size: int, seed: int) -> Array:
    """Integers of every magnitude, and the extremes."""
    kind = np.dtype(DTYPES[dtype])
    source = np.random.default_rng(seed)
    if dtype == "i1":
        return source.integers(0, 2, size).astype(np.bool_)
    bits = kind.itemsize * 8
    numbers = source.integers(-(2**63), 2**63 - 1, size) >> (64 - bits)
    numbers >>= source.integers(0, bits, size)
    limits = np.iinfo(kind)
    special = [0, 1, -1, limits.min, limits.max, limits.min + 1, 2, -2]
    numbers[: len(special)] = special
    source.shuffle(numbers)
    return numbers.astype(kind)


def random_floats(dtype: str, size: int, seed: int) -> Array:
    """Floats near 1, floats of any bits, and special ones."""
    kind = np.dtype(DTYPES[dtype])
    source = np.random.default_rng(seed)
    unsigned = np.dtype(f"u{kind.itemsize}")
    numbers = (source.standard_normal(size) * 4).astype(kind)
    any_bits = source.integers(0, 2 ** (8 * kind.itemsize), size // 2).astype(unsigned)
    numbers[: size // 2] = any_bits.view(kind)
    info = ml_dtypes.finfo(kind)
    special = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 0.5, 1.5, 2.5, -2.5, 3.0]
    special += [float(info.max), float(info.min), float(info.tiny)]
    special += [float(info.smallest_subnormal), -float(info.smallest_subnormal)]
    with np.errstate(over="ignore", invalid="ignore"):
        numbers[: len(special)] = np.array(special).astype(kind)
    source.shuffle(numbers)
    return numbers


def assert_same(found: Array, expected: Array, what: str, *inputs: Array) -> None:
    """Equal to the last bit; any NaN equals any other."""
    assert found.dtype == expected.dtype, f"{what}: {found.dtype} and {expected.dtype}"
    unsigned = f"u{found.dtype.itemsize}"
    different = found.view(unsigned) != expected.view(unsigned)
    if found.dtype.kind not in "iub":
        with np.errstate(invalid="ignore"):
            both_nan = np.isnan(found.astype(np.float64)) & np.isnan(expected.astype(np.float64))
        different &= ~both_nan
    if different.any():
        at = int(np.argmax(different))
        values = ", ".join(str(array[at]) for array in inputs)
        raise AssertionError(
            f"{what} of {values}: {found[at]} instead of {expected[at]}"
            f" ({different.sum()} of {len(found)} differ)"
        )


def ulps(found: Array, exact: Array) -> float:
    """The largest error, in units in the last place of the exact numbers (float64)."""
    info = ml_dtypes.finfo(found.dtype)
    wide = found.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rounded = exact.astype(found.dtype).astype(np.float64)
        same = (wide == rounded) | (np.isnan(wide) & np.isnan(exact))
        same |= (wide == 0) & (np.abs(exact) < float(info.tiny))  # Metal may flush denormals
        power = np.maximum(np.floor(np.log2(np.abs(exact))), float(info.minexp))
        error = np.abs(wide - exact) / 2.0 ** (power - info.nmant)
    error = np.where(same, np.where(np.isfinite(error), np.minimum(error, 1.0), 0.0), error)
    error = np.where(np.isnan(error), np.inf, error)
    return float(error.max())
