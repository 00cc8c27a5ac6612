"""Layouts of shared memory."""

from __future__ import annotations

from dataclasses import dataclass

from .encoding_base import Reference, SharedEncoding, cga_text, numbers
from .linear_layout import Bases, SharedLinearLayout


@dataclass(frozen=True)
class SwizzledSharedEncoding(SharedEncoding):
    """`#ttg.swizzled_shared`: rows whose groups of `vec` elements are XORed by a phase."""

    mnemonic = "swizzled_shared"
    vec: int
    per_phase: int
    max_phase: int
    order: tuple[int, ...]
    cga: Bases = ()

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.order)

    def parameters(self, reference: Reference) -> str:
        """The parameters in 3.9's order."""
        return (
            f"{{vec = {self.vec}, perPhase = {self.per_phase}, maxPhase = {self.max_phase}, "
            f"order = {numbers(self.order)}{cga_text(self.cga)}}}"
        )

    def bases(self, shape: tuple[int, ...]) -> SharedLinearLayout:
        """As the parameters say."""
        raise NotImplementedError
