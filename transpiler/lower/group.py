"""One group of roots becomes one loop nest over registers."""

from __future__ import annotations

from ..dialects import metal
from ..ir.core import Op, Value
from ..ir.stems import stem_of
from ..ir.types import TensorType, element_of
from . import exchange as exchanges
from . import memory, reduction
from .context import Context, Storage
from .distribution import Run, distribution_of
from .elements import Elements
from .iteration import Iteration, LoopVariable, loop_runs, register_loops
from .plan import Group, Root, base_argument


class GroupLowering:
    """The lowering of one group; `arrays` holds what exchanges wrote, for the reading group."""

    def __init__(
        self, context: Context, group: Group, arrays: dict[Op, exchanges.Exchange]
    ) -> None:
        self.context = context
        self.group = group
        self.arrays = arrays
        self.width = context.widths[group]
        self.reductions: list[reduction.Reduction] = []

    def run(self) -> None:
        """Make the code."""
        context, group = self.context, self.group
        first = group.roots[0]
        if first.kind == "exchange":
            exchanges.exchange_in_rounds(context, first)
            return
        self._prepare()
        if first.is_alone:
            reduction.fold_alone(context, self.reductions[0])
        else:
            low = self.width.access.bit_length() - 1
            runs = loop_runs(group.distribution, low)
            with register_loops(context.builder, runs) as variables:
                if self.width.chunks == 1:
                    self._step(variables)
                else:
                    self._chunked_step(variables)
        for each in self.reductions:
            reduction.finish(context, each)

    def _prepare(self) -> None:
        """Arrays and accumulators, before the loops."""
        context = self.context
        for root in self.group.roots:
            context.builder.locate(root.op)
            if root.kind == "reduce":
                self.reductions.append(reduction.start(context, self.group, root, self.width))
                continue
            if root.kind == "send":
                self.arrays[root.op] = exchanges.Exchange(context, root.op)
            for value in root.produced:
                if value in context.plan.stored:
                    context.storage(value)
            if root.target is not None:
                context.storage(root.target, root.operands[0].name)

    def _step(self, variables: list[LoopVariable]) -> None:
        context = self.context
        elements = Elements(context, Iteration(context.builder, self.width.lanes, variables))
        position = self.group.distribution.identity
        for root in self.group.roots:
            if root.kind == "load":
                memory.load_step(context, elements, root, position)
                self._keep_if_stored(elements, root.op.result)
        self._compute(elements)
        for root in self.group.roots:
            if root.kind == "store":
                memory.store_step(context, elements, root, position)

    def _chunked_step(self, variables: list[LoopVariable]) -> None:
        """Accesses of 16 bytes outside, vectors of up to 4 components in a loop inside."""
        context, width = self.context, self.width
        outer = Elements(context, Iteration(context.builder, width.lanes, variables))
        loads = [root for root in self.group.roots if root.kind == "load"]
        stores = [root for root in self.group.roots if root.kind == "store"]
        own: dict[Value, Storage] = {}
        for root in loads:
            value = root.op.result
            if value not in context.storages:
                own[value] = self._chunk_storage(value)
            storage = own.get(value) or context.storages[value]
            memory.load_chunks(context, outer, root, width, storage)
        results = {
            root: self._chunk_storage(root.operands[1], stored_name(root)) for root in stores
        }
        bits = width.chunks.bit_length() - 1
        run = Run(0, 1, width.lanes.bit_length() - 1, bits)
        with register_loops(context.builder, [run]) as chunk:
            chunk[0].value.name = "i"
            inner = Elements(
                context, Iteration(context.builder, width.lanes, [*variables, *chunk]), own
            )
            for root in loads:
                memory.apply_other(context, inner, root)
            self._compute(inner)
            for root, storage in results.items():
                value = inner.full(root.operands[1], self.group.distribution.identity)
                inner.write(storage, value, self.group.distribution.identity)
        for root, storage in results.items():
            memory.store_chunks(context, outer, root, width, storage)

    def _chunk_storage(self, value: Value, name: str = "") -> Storage:
        width = self.width
        vector = metal.with_lanes(element_of(value.type), width.lanes)
        array = self.context.local(width.chunks, vector, name or stem_of(value))
        return Storage(array, width.lanes, width.access.bit_length() - 1)

    def _compute(self, elements: Elements) -> None:
        """Everything but device memory: reductions, kept values, exchanges, carried values."""
        context = self.context
        position = self.group.distribution.identity
        carried: list[tuple[Root, Value]] = []
        remaining = list(self.reductions)
        for root in self.group.roots:
            if root.kind == "receive":
                exchanges.receive(context, elements, root, self.arrays)
                self._keep_if_stored(elements, root.op.result)
            elif root.kind == "keep":
                elements.produce(root.operands[0])
                self._keep_if_stored(elements, root.operands[0])
            elif root.kind == "reduce":
                reduction.fold_step(context, elements, remaining.pop(0))
            elif root.kind == "send":
                exchanges.send(context, elements, root, self.arrays)
            elif root.kind == "carry":
                context.builder.locate(root.op)
                carried.append((root, elements.full(root.operands[0], position)))
        for root, value in carried:
            assert root.target is not None
            elements.write(context.storage(root.target), value, position)

    def _keep_if_stored(self, elements: Elements, value: Value) -> None:
        if value in self.context.storages:
            assert isinstance(value.type, TensorType)
            position = distribution_of(value.type).identity
            elements.write(self.context.storages[value], elements.full(value, position), position)


def stored_name(root: Root) -> str:
    """A name for what a store writes: the variable's, else the argument's (`out` of `out_ptr`)."""
    name = stem_of(root.operands[1])
    base = base_argument(root.operands[0])
    if name or base is None:
        return name
    return stem_of(base).removesuffix("_ptr").removesuffix("_pointer")
