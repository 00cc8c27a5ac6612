"""Kernels of Triton on the device "metal": MLX's text, checked and run by the stand-in."""

from __future__ import annotations

from typing import Any

import pytest

from .support import fresh, kernels

mx: Any = pytest.importorskip("mlx.core")
pytestmark = pytest.mark.triton


def test_arrays_of_mlx_change_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.metal.stand_in import stand_in

    monkeypatch.setenv("TRIMETAL_DEVICE", "metal")
    monkeypatch.setenv("TRIMETAL_TARGET", "m3")
    # Fresh kernels: what Triton keeps of a kernel would go on launching on this device.
    with stand_in() as device:
        x, y, out = mx.random.normal((3000,)), mx.random.normal((3000,)), mx.full((3000,), 7.0)
        before = out[:]
        fresh(kernels.add)[(3,)](x, y, out, 2900, BLOCK=1024)
        assert mx.array_equal(out[:2900], (x + y)[:2900]).item()
        assert set(out[2900:].tolist()) == set(before.tolist()) == {7.0}
        assert len(device.texts) == 3
        counter = mx.arange(64)
        fresh(kernels.increment)[(1,)](counter, BLOCK=64)
        assert counter.tolist() == list(range(1, 65))
        fresh(kernels.copy)[(1,)](counter, out, BLOCK=64)
        assert out[:64].tolist() == counter.tolist()
