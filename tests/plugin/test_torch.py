"""PyTorch's tensors as arguments."""

from __future__ import annotations

from typing import Any

import pytest

from .support import fresh, kernels, module

torch: Any = pytest.importorskip("torch")
pytestmark = pytest.mark.triton

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8"),
    *("float16", "bfloat16", "float32", "float8_e4m3fn", "float8_e5m2"),
)


@pytest.mark.parametrize("name", DTYPES)
def test_tensors_of_every_type(name: str):
    dtype = getattr(torch, name)
    x = (torch.arange(128) % 2).to(dtype)
    out = torch.zeros(128).to(dtype)
    kernels.copy[(1,)](x, out, BLOCK=128)
    assert torch.equal(out.view(torch.uint8), x.view(torch.uint8))


def test_views_and_aliases_see_the_stores():
    base = torch.arange(256, dtype=torch.int32)
    alias = base.view(16, 16)
    kernels.increment[(1,)](base[64:128], BLOCK=64)
    expected = torch.arange(256, dtype=torch.int32)
    expected[64:128] += 1
    assert torch.equal(base, expected)
    assert torch.equal(alias, expected.view(16, 16))


def test_strided_views_with_an_offset():
    base = torch.arange(1600, dtype=torch.float32).view(40, 40)
    view = base[3:19:2, 5:37:4]
    out = torch.zeros(8, 8)
    kernels.transpose[(1,)](view, *view.stride(), out, M=8, N=8)
    assert torch.equal(out, view.T)


def test_a_reinterpreted_tensor():
    x = torch.arange(64, dtype=torch.int32)
    out = torch.zeros(64, dtype=torch.float32)
    kernels.copy[(1,)](module("triton").reinterpret(x, module("triton.language").float32), out, 64)
    assert torch.equal(out.view(torch.int32), x)


def test_a_tensor_descriptor():
    descriptors = pytest.importorskip("triton.tools.tensor_descriptor")
    x, out = torch.arange(128.0).view(8, 16), torch.ones(16, 16)
    source = descriptors.TensorDescriptor.from_tensor(x, [16, 16])
    kernels.descriptor[(1,)](source, out, M=16, N=16)
    assert torch.equal(out[:8], x)
    assert not out[8:].any()


def test_an_access_behind_the_end_of_the_storage_is_found(monkeypatch: pytest.MonkeyPatch):
    from trimetal import LaunchError

    monkeypatch.setenv("TRIMETAL_CHECK_BUFFERS", "1")
    storage, out = torch.zeros(128), torch.zeros(128)
    fresh(kernels.copy)[(1,)](storage[:100], out, BLOCK=128)
    with pytest.raises(LaunchError):
        fresh(kernels.copy)[(1,)](storage[28:], out, BLOCK=128)


def test_the_torch_device_is_the_cpu():
    assert module("triton.runtime").driver.active.get_active_torch_device().type == "cpu"


def test_other_devices_get_the_memory_behind_the_first_element():
    from trimetal.runtime.triton_plugin.memory import array_of

    base = torch.arange(40, dtype=torch.int16).view(5, 8)
    flat = array_of(base[1:4:2, 2:])
    assert flat.tolist() == list(range(10, 40))
    assert flat.data_ptr() == base[1, 2].data_ptr()
