"""MLX's arrays as arguments of Triton's kernels: `MlxCopies` says what a kernel's stores mean."""

from __future__ import annotations

import sys
from typing import Any

from trimetal.runtime import Address
from trimetal.runtime.arrays import MlxCopies, mlx_address

_MLX = "mlx.core"


def adopt() -> bool:
    """Makes arrays known to Triton, if MLX is loaded: gives them the method that it looks for."""
    mlx = sys.modules.get(_MLX)
    if mlx is None or not hasattr(mlx, "array"):
        return False
    mlx.array.data_ptr = mlx_address
    return True


def is_mlx(value: object) -> bool:
    """Whether a value is an array of MLX that Triton knows."""
    return type(value).__module__ == _MLX and hasattr(value, "data_ptr")


class Copies(MlxCopies):
    """The copies that one launch writes to."""

    def address_of(self, array: Any) -> Address:
        """The address of an array's copy."""
        copy = self.written(array)
        return Address(copy.address, copy.nbytes)
