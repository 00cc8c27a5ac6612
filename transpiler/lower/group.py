"""One group of roots becomes one loop nest over registers."""

from __future__ import annotations

from ..dialects import metal
from ..ir.core import Value
from ..ir.stems import stem_of
from ..ir.types import TensorType, element_of
from .context import Context, Storage
from .distribution import Position, Run, distribution_of
from .elements import Elements
from .iteration import Iteration, LoopVariable, loop_runs, register_loops
from .plan import Group
from .roots import Keep
from .widths import Form


class GroupLowering:
    """The lowering of one group."""

    def __init__(self, context: Context, group: Group) -> None:
        self.context = context
        self.group = group
        self.width = context.widths.groups[group]
        # Arrays for the vectors of one access, where the step has a loop over them.
        self.chunk_storages: dict[Value, Storage] = {}

    @property
    def position(self) -> Position:
        """The position of the group's own values."""
        return self.group.distribution.identity

    def run(self) -> None:
        """Make the code."""
        context, roots = self.context, self.group.roots
        for root in roots:
            context.builder.locate(root.op)
            for value in root.produced:
                if value in context.plan.stored and root.immediate:
                    context.storage(value)
            if root.target is not None:
                context.storage(root.target, root.operands[0].name)
            root.prepare(self)
        if roots[0].is_alone:
            roots[0].run_alone(self)
        else:
            self._loop()
        for root in roots:
            root.finish(self)
        for root in roots:
            root.receive(self)

    def _loop(self) -> None:
        low = self.width.access.bit_length() - 1
        runs = loop_runs(self.group.distribution, low)
        with register_loops(self.context.builder, runs) as variables:
            if self.width.chunks == 1:
                self._step(self.elements(variables))
            else:
                self._chunked_step(variables)

    def elements(self, variables: list[LoopVariable]) -> Elements:
        """The values of a step with these loop variables."""
        iteration = Iteration(self.context.builder, self.width.lanes, variables)
        return Elements(self.context, iteration, self.chunk_storages)

    def _step(self, elements: Elements) -> None:
        roots = self.group.roots
        for root in roots:  # what one makes, a later one may need: also for an address
            root.load(self, elements)
            root.compute(self, elements)
        for root in roots:
            root.commit(self, elements)

    def _chunked_step(self, variables: list[LoopVariable]) -> None:
        """Accesses of 16 bytes outside, vectors of up to 4 components in a loop inside."""
        outer = self.elements(variables)
        # What the loop inside is about to keep is not there yet: addresses compute it.
        outer.recomputed = {root.shaped for root in self.group.roots if isinstance(root, Keep)}
        for root in self.group.roots:
            root.open_chunks(self, outer)
        bits = self.width.chunks.bit_length() - 1
        run = Run(0, 1, self.width.lanes.bit_length() - 1, bits)
        with register_loops(self.context.builder, [run]) as chunk:
            chunk[0].value.name = "i"
            self._step(self.elements([*variables, *chunk]))
        for root in self.group.roots:
            root.close_chunks(self, outer)

    def chunk_storage(self, value: Value, name: str = "") -> Storage:
        """An array for the vectors of one access."""
        width = self.width
        vector = metal.with_lanes(element_of(value.type), width.lanes)
        array = self.context.local(width.chunks, vector, name or stem_of(value))
        return Storage(array, width.lanes, width.access.bit_length() - 1)

    def keep(self, elements: Elements, value: Value) -> None:
        """Put a value of this step into its array, if it has one."""
        storage = self.context.storages.get(value)
        if storage is not None:
            assert isinstance(value.type, TensorType)
            position = distribution_of(value.type).identity
            if storage.form is Form.VECTOR:
                elements.write(storage, elements.full(value, position), position)
            else:
                elements.write_first(storage, elements.first(value, position), position)
