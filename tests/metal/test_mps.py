"""Tensors of PyTorch's "mps" device, with a stand-in for `torch.mps.compile_shader`.

The stand-in runs the text that PyTorch would compile on the CPU device, with the arguments bound as
PyTorch documents it. No Mac has run this.
"""

# PyTorch's stubs leave much unknown to a strict checker.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingImports=false

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import pytest

import trimetal
from trimetal.runtime import Address, Empty, Kernel, compile
from trimetal.runtime.check import require_valid
from trimetal.runtime.metal.kernel import MetalKernel
from trimetal.runtime.source.structure import parse_unit
from trimetal.transpiler.errors import LaunchError
from trimetal.transpiler.shader import Argument, Shader

from . import kernels

torch: Any = pytest.importorskip("torch")

_FORMATS = {
    None: "q",
    "int32": "i",
    "int16": "h",
    "int8": "b",
    "uint8": "B",
    "fp16": "e",
    "bf16": "f",
}


class Mps(torch.Tensor):
    """A tensor on the CPU that says that it is on "mps"."""

    @property
    def device(self) -> Any:
        """Where the kernel looks."""
        return torch.device("mps")


def on_mps(tensor: Any) -> Any:
    return tensor.as_subclass(Mps)


class Library:
    """What `compile_shader` gives: an attribute for each kernel of the text."""

    def __init__(self, text: str) -> None:
        require_valid(text)
        self._text = text
        (self._kernel,) = parse_unit(text).kernels()

    def __getattr__(self, name: str) -> Any:
        assert name == self._kernel.name

        def call(
            *given: Any, threads: list[int], group_size: list[int], arg_casts: dict[int, str] | None
        ) -> None:
            casts = arg_casts or {}
            kept = [_memory(value, casts.get(i)) for i, value in enumerate(given)]
            parameters = [p for p in self._kernel.parameters if p.attribute == "buffer"]
            assert len(parameters) == len(kept)
            arguments = tuple(
                Argument(p.name, "buffer", "i8", i, written=True) for i, p in enumerate(parameters)
            )
            # The CPU device takes scalars by value; as memory they are pointers.
            text = self._text
            for p in parameters:
                text = text.replace(f"constant {p.value_type}& {p.name} ", _pointer(p))
            text = _with_scalars(text, [p for p in parameters if p.is_reference])
            shader = Shader(text, name, arguments, group_size[0], 0, "m3")
            assert group_size[1:] == [1, 1] and threads[0] % group_size[0] == 0
            grid = (threads[0] // group_size[0], *threads[1:])
            compile(shader, "cpu", check_buffers=True)(grid, *(address for address, _ in kept))

        return call


def _pointer(parameter: Any) -> str:
    return f"constant {parameter.value_type}* {parameter.name}_at "


def _with_scalars(text: str, scalars: list[Any]) -> str:
    start = text.index(") {\n", text.index("kernel void "))
    head, brace, body = text[:start], ") {\n", text[start + 4 :]
    lines = [f"const {p.value_type} {p.name} = *{p.name}_at;\n" for p in scalars]
    return head + brace + "".join(lines) + body


def _memory(value: Any, cast: str | None) -> tuple[Address, Any]:
    """The memory that PyTorch binds: a tensor's own, or the bytes of numbers."""
    if isinstance(value, torch.Tensor):
        assert cast is None
        return Address(value.data_ptr(), value.numel() * value.element_size()), value
    numbers = value if isinstance(value, list) else [value]
    code = "f" if cast is None and isinstance(value, float) else _FORMATS[cast]
    data = struct.pack(f"<{len(numbers)}{code}", *numbers)
    if cast == "bf16":
        data = data[2:]
    kept = np.frombuffer(data, np.uint8).copy()
    return Address(kept.ctypes.data, kept.nbytes), kept


@pytest.fixture(autouse=True)
def stand_in() -> Iterator[None]:
    with mock.patch.object(torch.mps, "compile_shader", Library, create=True):
        yield


def kernel_of(text: str) -> Kernel:
    found: Any = MetalKernel(trimetal.transpile(text))
    return found


def test_a_kernel_writes_into_the_tensor() -> None:
    x, out = torch.randn(2000), torch.full((2000,), 7.0)
    kernel_of(kernels.double())((2,), on_mps(x), on_mps(out), 1500)
    assert torch.equal(out[:1500], 2 * x[:1500])
    assert set(out[1500:].tolist()) == {7.0}
    view = on_mps(out)
    kernel_of(kernels.double())((2,), view, view, 10)
    assert torch.equal(out[:10], 4 * x[:10])


@pytest.mark.parametrize(
    ("dtype", "kind", "value"),
    [
        ("i1", "bool", True),
        ("i8", "int8", -7),
        ("i16", "int16", -300),
        ("i32", "int32", -(2**31)),
        ("i64", "int64", -(2**40)),
        ("f16", "float16", 0.25),
        ("bf16", "bfloat16", -3.015625),
        ("f32", "float32", float("inf")),
    ],
)
def test_scalars(dtype: str, kind: str, value: float) -> None:
    out = torch.zeros(1, dtype=getattr(torch, kind))
    kernel_of(kernels.scalar(dtype))((1,), on_mps(out), value)
    assert out.item() == value


def test_scalars_in_one_struct() -> None:
    out = torch.zeros(45, dtype=torch.int64)
    values = np.random.default_rng().integers(-(2**15), 2**15, 45).tolist()
    kernel_of(kernels.scalars(45))((1,), on_mps(out), *values)
    assert out.tolist() == values


def test_results_are_new_tensors() -> None:
    x, out = torch.randn(100), torch.full((100,), 3.0)
    (made,) = kernel_of(kernels.double()).results((1,), on_mps(x), on_mps(out), 60)
    assert torch.equal(made[:60], 2 * x[:60])
    assert set(made[60:].tolist()) == set(out.tolist()) == {3.0}


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(100, np.float32), "x: a tensor on mps is expected, found ndarray"),
        (torch.zeros(100), "x: a tensor on mps is expected, found one on cpu"),
        (on_mps(torch.zeros(100, dtype=torch.float64)), "x: an array of float32 is expected"),
        (on_mps(torch.zeros(100, 2)[:, 0]), "x: a C-contiguous array is expected"),
        (on_mps(torch.zeros(0)), "x: an array with elements is expected"),
        (on_mps(torch.zeros(101)[1:]), "x: the kernel was compiled for an address divisible by 16"),
        (Empty((100,)), "x: a tensor on mps is expected, found Empty"),
    ],
)
def test_wrong_tensors(x: Any, message: str) -> None:
    out = torch.full((100,), 7.0)
    with pytest.raises(LaunchError, match=message):
        kernel_of(kernels.copy("f32", 4))((1,), x, on_mps(out), 100)
    assert set(out.tolist()) == {7.0}


def test_prints(capfd: pytest.CaptureFixture[str]) -> None:
    x, out = torch.tensor([4, 7], dtype=torch.int32), torch.zeros(2, dtype=torch.int32)
    kernel = kernel_of(kernels.printing())
    to = torch.Tensor.to

    def moved(tensor: Any, *where: Any, **options: Any) -> Any:
        return on_mps(tensor) if where == ("mps",) else to(tensor, *where, **options)

    with mock.patch.object(torch.Tensor, "to", moved):
        kernel((1,), on_mps(x), on_mps(out))
        with pytest.raises(trimetal.AssertionFailed, match="no seven"):
            kernel((2,), on_mps(x), on_mps(out))
    assert capfd.readouterr().out.splitlines()[0] == "pid (0, 0, 0) idx () value: 4"
    assert out.tolist() == [4, 7]
