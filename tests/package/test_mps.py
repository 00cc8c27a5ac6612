"""Built packages on tensors of PyTorch's "mps", with the stand-in for its compiler."""

# PyTorch's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from trimetal.runtime.doctor.kernels import SIGNATURES
from trimetal.runtime.doctor.launches import Case, cases
from trimetal.runtime.package import Source, build
from trimetal.transpiler.target import get_target

from ..metal import kernels
from ..metal.test_mps import Library, on_mps
from .test_build import dumped

torch: Any = pytest.importorskip("torch")
NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    with mock.patch.object(torch.mps, "compile_shader", Library, create=True):
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / f"built_for_mps_{next(NUMBERS)}"


def built(folder: Path, source: Source) -> Any:
    build([source], folder, samples=False)
    return importlib.import_module(folder.name)


@pytest.mark.parametrize("case", list(cases())[: len(SIGNATURES)], ids=lambda case: case.name)
def test_a_function_writes_into_the_tensor(case: Case, folder: Path) -> None:
    function = getattr(built(folder, dumped(case.name)), case.name)
    launch = case.launch(np.random.default_rng())
    tensors = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in launch.arguments]
    function(launch.grid, *(on_mps(t) if torch.is_tensor(t) else t for t in tensors))
    found = [t for t in tensors if torch.is_tensor(t)][-1].numpy().astype("f8")
    error = np.max(np.abs(found - launch.expected[0])) / np.max(np.abs(launch.expected[0]))
    assert error <= launch.tolerance


def test_results_are_new_tensors(folder: Path) -> None:
    package = built(folder, dumped("add"))
    x, out = torch.randn(100), torch.full((100,), 3.0)
    (made,) = package.add_results(1, on_mps(x), on_mps(x), on_mps(out), 60)
    assert torch.equal(made[:60], 2 * x[:60])
    assert set(made[60:].tolist()) == set(out.tolist()) == {3.0}


def test_one_tensor_may_be_read_and_written(folder: Path) -> None:
    x = torch.randn(100)
    wanted, view = 2 * x, on_mps(x)
    built(folder, dumped("add")).add(1, view, view, view, 100)
    assert torch.equal(x, wanted)


@pytest.mark.parametrize(
    ("dtype", "kind", "value"),
    [
        ("i1", "bool", True),
        ("i8", "int8", -7),
        ("i32", "int32", -(2**31)),
        ("i64", "int64", -(2**40)),
        ("f16", "float16", 0.25),
        ("bf16", "bfloat16", -3.015625),
        ("f32", "float32", -0.375),
    ],
)
def test_scalars(folder: Path, dtype: str, kind: str, value: float) -> None:
    package = built(folder, Source(kernels.scalar(dtype), get_target()))
    out = torch.zeros(1, dtype=getattr(torch, kind))
    launch_only(package)(1, on_mps(out), value)
    assert out.item() == value


def test_scalars_in_one_struct(folder: Path) -> None:
    package = built(folder, Source(kernels.scalars(45), get_target()))
    out = torch.zeros(45, dtype=torch.int64)
    values = np.random.default_rng().integers(-(2**15), 2**15, 45).tolist()
    launch_only(package)(1, on_mps(out), *values)
    assert out.tolist() == values


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(100), "x_ptr: a contiguous tensor on mps is expected"),
        (on_mps(torch.zeros(100, 2)[:, 0]), "x_ptr: a contiguous tensor on mps is expected"),
        (on_mps(torch.zeros(101)[1:]), "x_ptr: an address divisible by 16 bytes is expected"),
        (on_mps(torch.zeros(0)), "x_ptr: an array with elements is expected"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, x: Any, message: str) -> None:
    package = built(folder, dumped("add"))
    out = torch.full((100,), 3.0)
    with pytest.raises(package.LaunchError, match=message):
        package.add(1, x, on_mps(torch.zeros(100)), on_mps(out), 100)
    assert set(out.tolist()) == {3.0}


def launch_only(package: Any) -> Any:
    """The one function of a package that launches in place."""
    (name,) = [n for n in package.__all__ if n[0].islower() and not n.endswith("_results")]
    return getattr(package, name)
