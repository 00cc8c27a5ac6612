"""Built packages: what they hold, what their functions give, and what they refuse."""

# MLX's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

import trimetal
from trimetal.runtime.doctor.kernels import HERE, SIGNATURES, dump_path
from trimetal.runtime.doctor.launches import cases
from trimetal.runtime.package import Source, build
from trimetal.transpiler.errors import TrimetalError, UnsupportedError
from trimetal.transpiler.target import get_target

from ..metal.stand_in import StandIn, stand_in

M3 = get_target("m3")
NUMBERS = itertools.count()


@pytest.fixture
def device() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a package is built; every test has another name, since Python imports a name once."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / f"built_{next(NUMBERS)}"


def built(folder: Path, *sources: Source) -> Any:
    build(sources, folder, samples=False)
    return importlib.import_module(folder.name)


def dumped(name: str, **more: Any) -> Source:
    return Source(dump_path(name).read_text(), M3, **more)


def text_of(body: str, arguments: str) -> str:
    return f"""module attributes {{"ttg.num-warps" = 1 : i32, "ttg.threads-per-warp" = 32 : i32}} {{
  tt.func public @fill({arguments}) {{
{body}
    tt.return
  }}
}}
"""


@pytest.mark.parametrize("target", ["m1", "m3"])
def test_the_text_is_that_of_transpile(folder: Path, target: str) -> None:
    for name in SIGNATURES:
        text = dump_path(name).read_text()
        build([Source(text, get_target(target))], folder, samples=False)
        (path,) = folder.glob("*.metal")
        assert path.name == f"{name}.{target}.metal"
        assert path.read_text() == trimetal.transpile(text, target).source


def test_a_package_imports_nothing_of_ours(folder: Path) -> None:
    build([dumped("add")], folder)
    allowed = {*sys.stdlib_module_names, "mlx", "torch"}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            assert {name.partition(".")[0] for name in names} <= allowed, path


@pytest.mark.parametrize("case", list(cases())[: len(SIGNATURES)], ids=lambda case: case.name)
def test_a_function_computes_what_the_kernel_does(case: Any, folder: Path, device: StandIn) -> None:
    function = getattr(built(folder, dumped(case.name)), case.name)
    launch = case.launch(np.random.default_rng())
    values = [mx.array(a) if isinstance(a, np.ndarray) else a for a in launch.arguments]
    function(launch.grid, *values)
    found = np.array([v for v in values if isinstance(v, mx.array)][-1]).astype("f8")
    error = np.max(np.abs(found - launch.expected[0])) / np.max(np.abs(launch.expected[0]))
    assert error <= launch.tolerance
    assert device.texts


def test_results_leave_the_arguments_and_copy_nothing(folder: Path, device: StandIn) -> None:
    package = built(folder, dumped("add"))
    x, y = (np.random.default_rng().standard_normal(1000).astype("f4") for _ in range(2))
    (out,) = package.add_results(
        1, mx.array(x), mx.array(y), package.Empty((1000,), "float32"), 1000
    )
    np.testing.assert_array_equal(np.array(out), x + y)
    assert len(device.texts) == 1
    before = mx.full((1000,), 7.0)
    (out,) = package.add_results((1,), mx.array(x), mx.array(y), before, 500)
    np.testing.assert_array_equal(np.array(out[:500]), (x + y)[:500])
    assert np.array(out[500:] == 7).all()
    assert np.array(before == 7).all()


@pytest.mark.parametrize("size", [1, 7, 8, 1023])
def test_what_a_kernel_leaves_alone_stays(folder: Path, device: StandIn, size: int) -> None:
    package = built(folder, dumped("add"))
    x = mx.array(np.random.default_rng().standard_normal(size).astype("f4"))
    out = mx.full((size + 5,), 3.0)
    earlier = mx.array(out)
    package.add((1,), x, x, out, size)
    np.testing.assert_array_equal(np.array(out), np.append(np.array(x) * 2, [np.float32(3)] * 5))
    assert np.array(earlier == 3).all()


def test_no_programs_change_nothing(folder: Path, device: StandIn) -> None:
    package = built(folder, dumped("add"))
    out = mx.full((8,), 3.0)
    package.add((0,), mx.zeros(8), mx.zeros(8), out, 8)
    (result,) = package.add_results((1, 0), mx.zeros(8), mx.zeros(8), out, 8)
    assert np.array(out == 3).all() and np.array(result == 3).all()
    assert device.texts == []


def test_arrays_of_the_same_width_are_taken_as_they_are(folder: Path, device: StandIn) -> None:
    package = built(folder, dumped("count"))
    x = mx.array([1, 2, 2, 0], mx.uint32)
    counts = mx.zeros((3,), mx.uint32)
    package.count(1, x, counts, 4)
    assert counts.tolist() == [1, 1, 2]
    assert counts.dtype == mx.uint32


SCALARS = {"i1": True, "i8": -3, "i16": 500, "i32": 2**31 + 5, "i64": -(2**40), "f32": 0.25}


@pytest.mark.parametrize("dtype", [*SCALARS, "f16", "bf16"])
def test_scalars_of_every_type(folder: Path, device: StandIn, dtype: str) -> None:
    value = SCALARS.get(dtype, 0.375)
    text = text_of("    tt.store %out, %x : !tt.ptr<T>".replace("T", dtype), "")
    text = text.replace("@fill()", f"@fill(%out: !tt.ptr<{dtype}>, %x: {dtype})")
    package = built(folder, Source(text, M3))
    types = {"i1": mx.bool_, "f16": mx.float16, "bf16": mx.bfloat16, "f32": mx.float32}
    kind = types.get(dtype) or getattr(mx, f"int{dtype[1:]}")
    out = mx.zeros((9,), kind)
    package.fill(1, out, value)
    wanted = value - 2**32 if value == 2**31 + 5 else value
    assert out.tolist() == [wanted] + [0] * 8


def test_scalars_that_share_a_slot(folder: Path, device: StandIn) -> None:
    """More arguments than Metal has slots."""
    types = ["i32", "i64", "f16", "i8", "f32", "bf16"] * 6
    kinds = {"f16": "f16", "bf16": "bf16", "f32": "f32"}
    names = [f"%x{i}" for i in range(len(types))]
    body: list[str] = []
    total = "%zero"
    body.append("    %zero = arith.constant 0.0 : f32")
    for i, (name, kind) in enumerate(zip(names, types, strict=True)):
        if kind in ("f16", "bf16"):
            body.append(f"    %f{i} = arith.extf {name} : {kinds[kind]} to f32")
        elif kind != "f32":
            body.append(f"    %f{i} = arith.sitofp {name} : {kind} to f32")
        wide = name if kind == "f32" else f"%f{i}"
        body.append(f"    %t{i} = arith.addf {total}, {wide} : f32")
        total = f"%t{i}"
    body.append(f"    tt.store %out, {total} : !tt.ptr<f32>")
    arguments = ", ".join(f"{n}: {t}" for n, t in zip(names, types, strict=True))
    text = text_of("\n".join(body), f"%out: !tt.ptr<f32>, {arguments}")
    package = built(folder, Source(text, M3))
    values = [float(i) if "f" in kind else -i for i, kind in enumerate(types)]
    out = mx.zeros((1,))
    package.fill(1, out, *values)
    assert out.item() == sum(values)


def test_a_launch_takes_the_shader_that_fits(folder: Path, device: StandIn) -> None:
    text = dump_path("rounded").read_text()
    sources = [
        Source(text, M3, constants={"BLOCK": 256}, variant="1"),
        Source(text, M3, constants={"BLOCK": 512}, variant="2"),
    ]
    package = built(folder, *sources)
    assert "BLOCK: int,\n" in inspect.getsource(package.rounded)
    x, out = mx.ones(256), mx.zeros(256)
    package.rounded(1, x, out, 256, BLOCK=512)
    assert np.array(out == 2).all()
    with pytest.raises(package.LaunchError, match="BLOCK: 256 is expected, found 128"):
        package.rounded(1, x, out, 256, BLOCK=128)


@pytest.mark.parametrize(
    ("brand", "wanted"), [("M1", "m1"), ("M2", "m1"), ("M3", "m3"), ("M9", "m3")]
)
def test_the_newest_shader_for_this_machine_runs(
    folder: Path, device: StandIn, monkeypatch: pytest.MonkeyPatch, brand: str, wanted: str
) -> None:
    text = dump_path("add").read_text()
    package = built(folder, *(Source(text, get_target(name)) for name in ("m3", "m1")))
    launcher = importlib.import_module(f"{folder.name}.launcher")

    def sysctl(*_: object, **__: object) -> Any:
        return subprocess.CompletedProcess([], 0, f"Apple {brand} Max\n")

    monkeypatch.setattr(launcher.subprocess, "run", sysctl)
    launcher._generation.cache_clear()
    kernel = package._KERNEL
    values = {"x_ptr": mx.ones(8), "y_ptr": mx.ones(8), "out_ptr": mx.ones(8), "n": 8}
    assert kernel._fitting(values)[0].file == f"add.{wanted}.metal"


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (0, 5, "x_ptr: an array is expected, not int"),
        (0, mx.zeros(0), "x_ptr: an array with elements is expected"),
        (0, mx.zeros(8, mx.int32), "x_ptr: an array of float32 is expected, found int32"),
        (0, np.zeros(8, "f4"), "x_ptr: an array of MLX is expected, not numpy.ndarray"),
        (3, 2.5, "n: an integer is expected, not float"),
        (3, 2**32, "n: 4294967296 does not fit int32"),
    ],
)
def test_what_does_not_fit_is_refused(
    folder: Path, device: StandIn, index: int, value: Any, message: str
) -> None:
    package = built(folder, dumped("add"))
    values = [mx.zeros(8), mx.zeros(8), mx.zeros(8), 8]
    values[index] = value
    with pytest.raises(package.LaunchError, match=message):
        package.add(1, *values)
    assert device.texts == []


def test_other_refusals(folder: Path, device: StandIn) -> None:
    text = (
        dump_path("rounded").read_text().replace("%n: i32", "%n: i32 {tt.divisibility = 16 : i32}")
    )
    package = built(folder, Source(text, M3))
    x, out = mx.zeros(8), mx.zeros(8)
    with pytest.raises(package.LaunchError, match="n: a multiple of 16 is expected, found 8"):
        package.rounded(1, x, out, 8)
    with pytest.raises(package.LaunchError, match="x_ptr and out_ptr are one array"):
        package.rounded(1, x, x, 16)
    with pytest.raises(package.LaunchError, match="Empty is for results"):
        package.rounded(1, x, package.Empty((8,), "float32"), 16)
    with pytest.raises(package.LaunchError, match="only reads this array"):
        package.rounded_results(1, package.Empty((8,), "float32"), out, 16)
    for grid in ((1, 1, 1, 1), (-1,), "1", ()):
        with pytest.raises(package.LaunchError, match="a grid is one to three integers"):
            package.rounded(grid, x, out, 16)
    assert device.texts == []


@pytest.mark.parametrize("name", ["not-a-name", "class", "1st"])
def test_a_package_needs_a_name_of_python(tmp_path: Path, name: str) -> None:
    with pytest.raises(TrimetalError, match="is no name of a Python package"):
        build([dumped("add")], tmp_path / name)


def test_a_folder_of_somebody_else_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(TrimetalError, match="holds something else"):
        build([dumped("add")], folder)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_kernel_that_prints_is_refused(folder: Path) -> None:
    body = '    tt.print " x: " {hex = false, isSigned = array<i32: 1>} : %x : i32'
    with pytest.raises(UnsupportedError, match="no prints and no assertions"):
        build([Source(text_of(body, "%x: i32"), M3)], folder)
    assert not folder.exists()


def test_names_that_python_keeps_for_itself(folder: Path, device: StandIn) -> None:
    text = text_of(
        "    tt.store %lambda, %grid : !tt.ptr<i32>", "%lambda: !tt.ptr<i32>, %grid: i32"
    )
    package = built(folder, Source(text, M3))
    out = mx.zeros((8,), mx.int32)
    package.fill(1, out, grid=5)
    assert out.tolist() == [5, 0, 0, 0, 0, 0, 0, 0]
    assert list(inspect.signature(package.fill).parameters)[:2] == ["programs", "lambda_"]


def test_a_kernel_without_a_sample_is_noted(folder: Path) -> None:
    """A loop over a number of rows that no small array has."""
    text = text_of(
        "    %far = arith.constant 100000000 : i32\n"
        "    %place = tt.addptr %out, %far : !tt.ptr<i32>, i32\n"
        "    tt.store %place, %far : !tt.ptr<i32>",
        "%out: !tt.ptr<i32>",
    )
    (note,) = build([Source(text, M3)], folder)
    assert note == (
        "fill.m3.metal has no sample for the package's test: "
        "no launch was found that stays within small arrays"
    )
    assert (folder / "samples.json").read_text() == "[]\n"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trimetal", "build", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.triton
def test_the_command_builds_a_function(folder: Path, device: StandIn) -> None:
    run = command(
        f"{HERE / 'kernel.py'}:softmax",
        *("--signature", "*fp16:16, *fp16:16, i32, 1024"),
        *("--signature", "*fp16:16, *fp16:16, i32, 64"),
        *("--target", "m1", "--target", "m3", "-o", str(folder)),
    )
    assert (run.returncode, run.stdout) == (0, f"{folder}: 4 shaders\n"), run.stderr
    package = importlib.import_module(folder.name)
    assert package.softmax.__doc__.startswith("Softmax of a row: reductions over the threadgroup")
    parameters = inspect.signature(package.softmax).parameters
    assert list(parameters) == ["grid", "x_ptr", "out_ptr", "n_cols", "BLOCK", "stream"]
    x = np.random.default_rng().standard_normal((3, 60)).astype("f2")
    out = mx.zeros((3, 60), mx.float16)
    package.softmax((3,), mx.array(x), out, 60, BLOCK=64)
    numerator = np.exp(x.astype("f8"))
    expected = numerator / numerator.sum(axis=1, keepdims=True)
    assert np.max(np.abs(np.array(out) - expected)) < 1e-3 * np.max(expected)
    importlib.import_module(
        f"{folder.name}.sample_test"
    ).test_the_kernel_gives_what_it_gave_when_it_was_built()


def test_the_command_builds_a_dump_and_says_what_is_wrong(folder: Path) -> None:
    run = command(str(dump_path("add")), "-o", str(folder), "--no-samples")
    assert (run.returncode, run.stdout) == (0, f"{folder}: 1 shader\n"), run.stderr
    assert (folder / "add.m3.metal").exists()
    missing = command("nowhere.ttgir", "-o", str(folder))
    assert (missing.returncode, missing.stderr) == (
        2,
        "trimetal: nowhere.ttgir: No such file or directory\n",
    )
    without = command(f"{HERE / 'kernel.py'}:add", "-o", str(folder))
    assert without.returncode == 1
    assert "at least one --signature" in without.stderr


@pytest.mark.slow
def test_a_package_is_formatted_and_typed(folder: Path) -> None:
    build([dumped("matmul", constants={"BLOCK": 32})], folder)
    for tool in (["ruff", "format", "--check", "--line-length", "100"], ["pyright"]):
        run = subprocess.run(
            [sys.executable, "-m", *tool, str(folder)], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
