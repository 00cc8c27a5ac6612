"""Roots: what must happen, and where each kind of it is lowered.

A family of ops (memory, reductions, exchanges, ...) is one module here: it derives classes from
Root and registers them for its ops with `makes_roots`; ops on uniform values register with
`lowers_scalar`. The plan groups roots; `group.py` calls their methods, in this order:

    prepare                     before the loop over registers: arrays, accumulators
    load, compute, commit       in each step: one root after the other loads and computes, then
                                all commit
    finish                      after the loop
    receive                     when all have finished: what comes from other SIMD-groups

A group with 16-byte accesses of short elements (8 halves) has a loop over vectors in each step:
then `open_chunks` and `close_chunks` are called around that loop, and `load`, `compute` and
`commit` in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from ..ir.core import Op, Value
from ..ir.types import PointerType, element_of

if TYPE_CHECKING:
    from .context import Context
    from .elements import Elements
    from .group import GroupLowering
    from .plan import Plan


class Root:
    """One thing that a group does for every element of a distribution.

    `operands` are the tensor values that it needs element by element, `shaped` the value whose
    distribution it has, `produced` the values that it defines. `access` says whether it reads or
    writes device memory at `operands[0]`; `effect` whether it reads or writes any memory at all.
    """

    # Whether the values produced exist in the step itself (else only after the loop).
    immediate: ClassVar[bool] = False
    access: ClassVar[Literal["", "load", "store"]] = ""
    effect: ClassVar[Literal["", "read", "write"]] = ""
    # Whether a step may work on vectors of several elements.
    takes_vectors: bool = True

    def __init__(self, op: Op, operands: list[Value], shaped: Value) -> None:
        self.op = op
        self.operands = operands
        self.shaped = shaped
        self.target: Value | None = None  # the value whose array is set (a loop's argument)
        self.after: Root | None = None  # a root whose group must have ended

    @property
    def is_alone(self) -> bool:
        """Whether the root has loops of its own: `run_alone` instead of the methods of a step."""
        return False

    @property
    def produced(self) -> list[Value]:
        """Tensor or scalar values that the root defines."""
        return []

    def keeps_apart(self, other: Root) -> bool:
        """Whether the root, or an earlier one, may not share a loop with the other."""
        return False

    def prepare(self, group: GroupLowering) -> None:
        """Before the loop."""

    def load(self, group: GroupLowering, elements: Elements) -> None:
        """First in a step."""

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Then."""

    def commit(self, group: GroupLowering, elements: Elements) -> None:
        """Last: what others must not see before they have computed."""

    def finish(self, group: GroupLowering) -> None:
        """After the loop."""

    def receive(self, group: GroupLowering) -> None:
        """Behind a barrier that all roots share."""

    def open_chunks(self, group: GroupLowering, outer: Elements) -> None:
        """Before the loop over the vectors of one access."""

    def close_chunks(self, group: GroupLowering, outer: Elements) -> None:
        """After it."""

    def run_alone(self, group: GroupLowering) -> None:
        """The whole root, with its own loops."""
        raise NotImplementedError


class Keep(Root):
    """A computed value that several groups need: computed once, kept in registers."""

    immediate = True

    def __init__(self, op: Op, value: Value) -> None:
        super().__init__(op, [value], value)
        self.takes_vectors = not isinstance(element_of(self.operands[0].type), PointerType)

    @property
    def produced(self) -> list[Value]:
        """The value."""
        return self.operands

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """Compute it, and put it into its array."""
        (value,) = self.operands
        elements.produce(value)
        group.keep(elements, value)


class Carry(Root):
    """Sets the array of a loop's argument, or of a result of scf.if."""

    def __init__(self, op: Op, value: Value, target: Value) -> None:
        super().__init__(op, [value], value)
        self.target = target
        self.takes_vectors = not isinstance(element_of(target.type), PointerType)
        self._value: Value | None = None

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """The new value, before any target is set; none where it is in the target's array."""
        context, (value,) = group.context, self.operands
        assert self.target is not None
        if context.storages.get(value) == context.storage(self.target):
            return
        context.builder.locate(self.op)
        self._value = elements.full(value, group.position)

    def commit(self, group: GroupLowering, elements: Elements) -> None:
        """Set the target."""
        assert self.target is not None
        if self._value is not None:
            elements.write(group.context.storage(self.target), self._value, group.position)


RootMaker = Callable[[Op, "Plan"], list[Root]]
ScalarLowering = Callable[["Context", Op], None]

ROOT_MAKERS: dict[type[Op], RootMaker] = {}
SCALAR_LOWERINGS: dict[type[Op], ScalarLowering] = {}


def makes_roots(*classes: type[Op]) -> Callable[[RootMaker], RootMaker]:
    """Register a function that gives the roots of tensor ops, in order."""

    def register(maker: RootMaker) -> RootMaker:
        for each in classes:
            ROOT_MAKERS[each] = maker
        return maker

    return register


def lowers_scalar(*classes: type[Op]) -> Callable[[ScalarLowering], ScalarLowering]:
    """Register a function that lowers ops on uniform values (pure ops need none)."""

    def register(function: ScalarLowering) -> ScalarLowering:
        for each in classes:
            SCALAR_LOWERINGS[each] = function
        return function

    return register
