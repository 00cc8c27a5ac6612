"""Whether a module is well formed: types, regions, terminators, dominance."""

from __future__ import annotations

from .core import Module


def verify(module: Module) -> None:
    """Raise a `VerifyError` at the first thing in the module that does not fit together."""
    for op in module.walk():
        op.verify()
