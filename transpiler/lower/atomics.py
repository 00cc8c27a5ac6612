"""Atomics on tensors and scalars: each element once, whoever holds copies of it.

Of the threads with copies of an element the first does the atomic; where the result is used, the
others get it through threadgroup memory. Metal's atomics are relaxed. Triton's orders (acquire,
release) become fences around them, with barriers, since they hold for the whole program. A kernel
that uses no result of any atomic cannot notice the order in which others see its effects: it has
none of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..dialects import arith, metal, tt
from ..errors import UnsupportedError
from ..ir.core import Block, Op, Value
from ..ir.types import (
    I1,
    I64,
    FloatType,
    IntegerType,
    PointerType,
    TensorType,
    Type,
    bit_width,
    element_of,
)
from .builder import constant_of
from .context import Context
from .elements import Elements, distribution, pointee
from .exchange import from_memory, memory_type, to_memory
from .memory import offset
from .plan import are_apart
from .roots import Root, lowers_scalar, makes_roots
from .widths import Form

if TYPE_CHECKING:
    from .group import GroupLowering
    from .plan import Plan

ATOMICS = (tt.AtomicRmw, tt.AtomicCas, tt.AtomicLoad, tt.AtomicStore, tt.AtomicPoll)
_POLL_NANOSECONDS = 100  # what one poll counts for: Metal has no clock

# -- what Metal has --------------------------------------------------------------------------------


def require_supported(context: Context, op: Op, kind: str, type_: Type, shared: bool) -> None:
    """Raise UnsupportedError for what Metal's atomics cannot do exactly.

    `type_` is the element's; `shared` says that it lies in threadgroup memory.
    """
    element = element_of(type_)
    name = f"{op.op_name}{f' {kind}' if kind else ''} on {element}"
    width = 64 if isinstance(element, PointerType) else bit_width(element)
    if isinstance(element, FloatType) and (width == 8 and kind not in ("exch", "")):
        raise UnsupportedError(f"{name}: Metal computes in no 8-bit float", op.span)
    if isinstance(element, FloatType) and kind in ("and", "or", "xor", "umax", "umin"):
        raise UnsupportedError(f"{name}: this kind is for integers", op.span)
    if element == I1:
        raise UnsupportedError(f"{name}: bits have no address", op.span)
    if width < 64:
        return
    if isinstance(element, FloatType):
        raise UnsupportedError(f"{name}: Metal has no 64-bit floats", op.span)
    if kind in ("umax", "umin") and not shared:
        if context.target.atomics64 == "none":
            target = context.target.name
            raise UnsupportedError(f"{name}: the {target} has no atomics of 64 bits", op.span)
        if not op.result.uses:
            return
        raise UnsupportedError(
            f"{name}: Metal's atomic minimum and maximum of 64 bits give no result", op.span
        )
    raise UnsupportedError(
        f"{name}: of 64-bit atomics Metal has only unsigned minimum and maximum in device memory",
        op.span,
        "use two 32-bit values, or a lock",
    )


def kind_of(op: Op) -> str:
    """The kind of a read-modify-write; "" of another atomic."""
    return op.kind if isinstance(op, tt.AtomicRmw) else ""


# -- memory order ----------------------------------------------------------------------------------


_OBSERVES: WeakKeyDictionary[Op, bool] = WeakKeyDictionary()


def observes_order(function: Op) -> bool:
    """Whether a kernel can tell in which order atomics and stores of others happen."""
    known = _OBSERVES.get(function)
    if known is None:
        found = (isinstance(op, ATOMICS) and _is_observed(op) for op in function.walk())
        known = _OBSERVES[function] = any(found)
    return known


def _is_observed(op: Op) -> bool:
    return isinstance(op, tt.AtomicPoll) or any(result.uses for result in op.results)


def orders(op: Op, function: Op) -> tuple[bool, bool]:
    """Whether fences stand before the atomic (release) and after it (acquire)."""
    sem = op.sem if isinstance(op, ATOMICS) else "relaxed"
    if sem == "relaxed" or not observes_order(function):
        return False, False
    return sem in ("release", "acq_rel"), sem in ("acquire", "acq_rel")


def fence(context: Context, *, release: bool) -> None:
    """A fence that holds for what all threads of the program did, or will do."""
    barrier = metal.Barrier((), (), {"flags": metal.word_attribute("threadgroup|device")})
    for op in (barrier, metal.Fence()) if release else (metal.Fence(), barrier):
        context.builder.insert(op)


# -- one element -----------------------------------------------------------------------------------


def thread_atomic(op: Op, places: list[Value], values: list[Value]) -> Op:
    """The atomic of one thread; `places` is a pointer, or an array and an index."""
    place, index = places[0], places[1:]
    match op:
        case tt.AtomicRmw():
            attributes = {"kind": op.attributes["atomic_rmw_op"]}
            return metal.AtomicRmw((place, *values, *index), (values[0].type,), attributes)
        case tt.AtomicCas():
            return metal.AtomicCas((place, *values, *index), (values[0].type,))
        case tt.AtomicStore():
            return metal.AtomicStore((place, *values, *index))
        case tt.AtomicPoll():
            return metal.AtomicPoll((place, *values), (I1,))
        case _:
            assert isinstance(op, tt.AtomicLoad)
            return metal.AtomicLoad((place,), (pointee(place),))


def values_of(op: Op) -> list[Value]:
    """What the atomic combines memory with, or compares it to."""
    match op:
        case tt.AtomicRmw() | tt.AtomicStore():
            return [op.value]
        case tt.AtomicCas():
            return [op.compare, op.value]
        case tt.AtomicPoll():
            return [op.expected]
        case _:
            return []


def mask_of(op: Op) -> Value | None:
    """The mask of an atomic that has one."""
    return op.mask if isinstance(op, tt.AtomicRmw | tt.AtomicLoad | tt.AtomicStore) else None


def guarded(
    context: Context, condition: Value | None, type_: Type | None, make: Callable[[], Op]
) -> Value | None:
    """An atomic where a condition holds; its result (0 elsewhere) where `type_` is given."""
    builder = context.builder
    if condition is None:
        op = builder.insert(make(), "old")
        return op.result if type_ is not None else None
    result = None if type_ is None else context.local(1, type_, "old")
    if result is not None:
        context.write(zero(context, type_), result, builder.constant(0))
    body = Block()
    builder.insert(metal.If((condition,), (), {}, [metal.region(body)]))
    with builder.at(body):
        op = builder.insert(make())
        if result is not None:
            context.write(op.result, result, builder.constant(0))
        builder.insert(metal.Yield())
    return None if result is None else context.read(result, builder.constant(0))


def zero(context: Context, type_: Type | None) -> Value:
    """0 of a scalar type."""
    if isinstance(type_, FloatType):
        return context.builder.float_constant(0, type_)
    assert isinstance(type_, IntegerType)
    return context.builder.constant(0, type_)


class Copies:
    """Gives the results of the first copies to the threads that hold the others."""

    def __init__(self, context: Context, replicated: int, lanes: int, type_: Type) -> None:
        self.context, self.replicated, self.lanes = context, replicated, lanes
        self.element = type_
        threads = context.simdgroups * context.target.simd_width
        self.first_copies = threads - 1 & ~replicated
        self.array = context.threadgroup(threads * lanes, memory_type(type_), "old_shared")

    def share(self, value: Value, component: int) -> Value:
        """The value of the first thread with this element."""
        context, builder = self.context, self.context.builder
        first = builder.both(context.thread, builder.constant(self.first_copies))
        assert first is not None
        body = Block()
        condition = context.is_first_copy(self.replicated)
        assert condition is not None
        builder.insert(metal.If((condition,), (), {}, [metal.region(body)]))
        with builder.at(body):
            context.write(
                to_memory(context, value), self.array, self._place(context.thread, component)
            )
            builder.insert(metal.Yield())
        stored = context.read(self.array, self._place(first, component))
        return from_memory(context, stored, self.element)

    def _place(self, thread: Value, component: int) -> Value:
        builder = self.context.builder
        return builder.add(builder.mul(thread, self.lanes), builder.constant(component))


# -- tensors ---------------------------------------------------------------------------------------


class AtomicRoot(Root):
    """An atomic on every element of a tensor."""

    immediate = True
    effect = "write"

    def __init__(self, op: Op, pointer: Value, function: Op) -> None:
        tensors = [value for value in op.operands if isinstance(value.type, TensorType)]
        super().__init__(op, tensors, pointer)
        self.pointer = pointer
        self._release, self._acquire = orders(op, function)
        self._copies: Copies | None = None

    @property
    def produced(self) -> list[Value]:
        """What was in memory before, where that is used."""
        return [result for result in self.op.results if result.uses]

    def keeps_apart(self, other: Root) -> bool:
        """Atomics with an order stand alone; others may meet only what is surely elsewhere."""
        if not other.effect:
            return False
        if self._release or self._acquire or not (other.access or isinstance(other, AtomicRoot)):
            return True
        return not are_apart(self.pointer, other.op.operands[0])

    def prepare(self, group: GroupLowering) -> None:
        """What must come before: checks, a fence, memory for copies."""
        context, op = group.context, self.op
        require_supported(context, op, kind_of(op), pointee(self.pointer), shared=False)
        if self._release:
            fence(context, release=True)
        replicated = distribution(self.pointer).replicated_threads
        if self.produced and replicated:
            element = element_of(op.result.type)
            self._copies = Copies(context, replicated, group.width.lanes, element)

    def compute(self, group: GroupLowering, elements: Elements) -> None:
        """The atomics of this step."""
        context, op, position = group.context, self.op, group.position
        values = [elements.full(value, position) for value in values_of(op)]
        pointer = elements.first(self.pointer, position)
        is_one_place = elements.element(self.pointer, position).form is Form.UNIFORM
        mask = mask_of(op)
        if mask is not None and _is_true(mask):
            mask = None
        condition = None if mask is None else elements.full(mask, position)
        context.builder.locate(op)
        first = context.is_first_copy(distribution(self.pointer).replicated_threads)
        parts: list[Value] = []
        for component in range(elements.lanes):
            mine = [self._part(context, elements, v, component) for v in values]
            masked = condition and self._part(context, elements, condition, component)
            place = pointer if is_one_place else offset(context, pointer, component)
            when = context.builder.both(first, masked)
            old = self._element(context, place, mine, when)
            if old is not None:
                parts.append(old if self._copies is None else self._copies.share(old, component))
        if parts:
            self._define(group, elements, parts)

    def _element(
        self, context: Context, place: Value, values: list[Value], when: Value | None
    ) -> Value | None:
        element = element_of(self.op.result.type) if self.produced else None
        return guarded(context, when, element, lambda: thread_atomic(self.op, [place], values))

    @staticmethod
    def _part(context: Context, elements: Elements, value: Value, component: int) -> Value:
        return value if elements.lanes == 1 else context.extract(value, component)

    def _define(self, group: GroupLowering, elements: Elements, parts: list[Value]) -> None:
        context, result = group.context, self.op.result
        type_ = metal.with_lanes(element_of(result.type), elements.lanes)
        value = context.pack(parts, type_)
        value.name = value.name or result.name
        elements.define(result, value, Form.VECTOR)
        group.keep(elements, result)

    def finish(self, group: GroupLowering) -> None:
        """A fence behind the atomics, where they have that order."""
        group.context.builder.locate(self.op)
        if self._acquire:
            fence(group.context, release=False)


class PollRoot(AtomicRoot):
    """Every element is polled; all threads wait until all have seen theirs."""

    def prepare(self, group: GroupLowering) -> None:
        """The common time of all elements, as a number of polls."""
        super().prepare(group)
        self._polls = polls(group.context, self.op)

    def _element(
        self, context: Context, place: Value, values: list[Value], when: Value | None
    ) -> Value | None:
        element = I1 if self.produced else None
        more = [] if self._polls is None else [self._polls]
        make = lambda: thread_atomic(self.op, [place], [*values, *more])  # noqa: E731
        return guarded(context, when, element, make)

    def finish(self, group: GroupLowering) -> None:
        """Everyone waits for everyone."""
        super().finish(group)
        barrier = metal.Barrier((), (), {"flags": metal.word_attribute("threadgroup|device")})
        group.context.builder.insert(barrier)


@makes_roots(*ATOMICS)
def _atomic_roots(op: Op, plan: Plan) -> list[Root]:
    pointer = op.operands[0]
    kind = PollRoot if isinstance(op, tt.AtomicPoll) else AtomicRoot
    return [kind(op, pointer, plan.function)]


def polls(context: Context, op: Op) -> Value | None:
    """How often a poll may look: at least once; None: for ever.

    Metal has no clock. A poll counts for a fixed time, which it takes at least.
    """
    timeout = op.timeout if isinstance(op, tt.AtomicPoll) else None
    if timeout is None:
        return None
    builder = context.builder
    nanoseconds = context.scalar(timeout)
    divisor = builder.constant(_POLL_NANOSECONDS, I64)
    quotient = builder.binary(arith.Divui, nanoseconds, divisor)
    return builder.add(quotient, builder.constant(1, I64))


# -- scalars ---------------------------------------------------------------------------------------


@lowers_scalar(*ATOMICS)
def scalar_atomic(context: Context, op: Op) -> None:
    """One thread does the atomic; all get its result."""
    builder = context.builder
    pointer = op.operands[0]
    require_supported(context, op, kind_of(op), pointee(pointer), shared=False)
    release, acquire = orders(op, context.plan.function)
    place = context.scalar(pointer)
    values = [context.scalar(value) for value in values_of(op)]
    limit = polls(context, op)
    values += [] if limit is None else [limit]
    mask = mask_of(op)
    condition = None if mask is None or _is_true(mask) else context.scalar(mask)
    if release:
        fence(context, release=True)
    used = bool(op.results and op.result.uses)
    element = op.result.type if used else None
    shared = context.threadgroup(1, memory_type(op.result.type), "old_shared") if used else None
    first = builder.compare("eq", context.thread, builder.constant(0))
    body = Block()
    builder.insert(metal.If((first,), (), {}, [metal.region(body)]))
    with builder.at(body):
        old = guarded(context, condition, element, lambda: thread_atomic(op, [place], values))
        if old is not None and shared is not None:
            context.write(to_memory(context, old), shared, builder.constant(0))
        builder.insert(metal.Yield())
    if acquire:
        fence(context, release=False)
    elif isinstance(op, tt.AtomicPoll):
        flags = metal.word_attribute("threadgroup|device")
        builder.insert(metal.Barrier((), (), {"flags": flags}))
    if shared is not None:
        stored = context.read(shared, builder.constant(0))
        value = from_memory(context, stored, op.result.type)
        value.name = op.result.name
        context.scalars[op.result] = value


def _is_true(mask: Value) -> bool:
    return constant_of(mask) not in (None, 0)
