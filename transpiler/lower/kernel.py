"""From tensors distributed over threads to the program of one thread.

The plan (plan.py) says what is computed together; this module walks its segments and makes the
metal-level kernel: scalar ops as they are, groups as register loops, control flow around them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.axis import AxisAnalysis
from ..dialects import metal, scf, tt
from ..errors import OutOfResourcesError, UnsupportedError
from ..ir.attributes import StringAttr
from ..ir.core import Block, Module, Op, Region, Value
from ..ir.types import I32, TensorType
from ..target import Target
from . import (
    atomics,
    debugging,
    dot,
    exchange,
    fragments,
    gather,
    histogram,
    join,
    map_elementwise,
    memory,
    reduction,
    scan,
    shared_memory,
    synchronization,
    tiles,
)
from .builder import Builder
from .context import Context, operation
from .group import GroupLowering
from .plan import Control, Group, Plan, Scalar, Segment
from .roots import SCALAR_LOWERINGS
from .widths import choose_widths

# The families of ops: importing them registers their roots.
FAMILIES = (
    atomics,
    debugging,
    dot,
    exchange,
    fragments,
    gather,
    histogram,
    join,
    map_elementwise,
    memory,
    reduction,
    scan,
    shared_memory,
    synchronization,
    tiles,
)


def lower(module: Module, target: Target) -> Module:
    """The module with its kernel lowered to one thread's program, a `metal.kernel`.

    Raises UnsupportedError for what has no exact form in Metal, OutOfResourcesError where a
    threadgroup would need more threads or memory than the target has.
    """
    function = the_kernel(module)
    threads = module.num_warps * module.threads_per_warp
    if threads > target.max_threads_per_threadgroup:
        limit = target.max_threads_per_threadgroup
        raise OutOfResourcesError("threads per threadgroup", threads, limit, function.span)
    return _Lowering(module, function, target, threads).run()


def the_kernel(module: Module) -> tt.Func:
    """The public function; a module has one."""
    public = [f for f in module.functions if isinstance(f, tt.Func) and f.is_public]
    if len(public) != 1:
        names = ", ".join(f.sym_name for f in public) or "none"
        raise UnsupportedError(f"a module needs one public function; here: {names}", module.span)
    return public[0]


class _Lowering:
    def __init__(self, module: Module, function: tt.Func, target: Target, threads: int) -> None:
        if len(function.regions[0].blocks) != 1:
            raise UnsupportedError(
                "branches between blocks (cf) are not supported yet", function.span
            )
        self.module, self.function = module, function
        source = function.regions[0].block
        self.body = Block([value.type for value in source.args])
        plan = Plan(function, target.threadgroup_memory)
        axis = AxisAnalysis(function)
        widths = choose_widths(plan, axis)
        builder = Builder(self.body)
        builder.locate(function)
        thread = builder.value(metal.ThreadIndex((), (I32,)), "thread_index")
        simdgroups = threads // 32
        self.context = Context(builder, target, plan, axis, widths, {}, {}, thread, simdgroups)
        for old, new in zip(source.args, self.body.args, strict=True):
            new.name, new.location = old.name, old.location
            self.context.scalars[old] = new

    def run(self) -> Module:
        """The lowered module."""
        self._segments(self.context.plan.segments)
        self.context.builder.insert(metal.Return())
        attributes = {
            "sym_name": StringAttr(self.function.sym_name),
            "simdgroups": metal.integer_attribute(self.context.simdgroups),
        }
        kernel = metal.Kernel((), (), attributes, [metal.region(self.body)])
        kernel.location, kernel.span = self.function.location, self.function.span
        for index, hints in enumerate(self.function.arg_attrs):
            for key, value in dict(hints).items():
                kernel.attributes[f"arg{index}.{key}"] = value
        block = Block()
        block.append(kernel)
        lowered = Module((), (), self.module.attributes, [metal.region(block)])
        lowered.location, lowered.span = self.module.location, self.module.span
        return lowered

    def _segments(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            if isinstance(segment, Group):
                GroupLowering(self.context, segment).run()
            elif isinstance(segment, Scalar):
                self._scalar(segment.op)
            else:
                self._control(segment)

    # -- scalars -------------------------------------------------------------------------------

    def _scalar(self, op: Op) -> None:
        context = self.context
        context.builder.locate(op)
        lowering = SCALAR_LOWERINGS.get(type(op))
        if lowering is not None:
            lowering(context, op)
        elif op.pure:
            operands = [context.scalar(value) for value in op.operands]
            made = operation(op, operands, [result.type for result in op.results])
            context.builder.insert(made)
            for old, new in zip(op.results, made.results, strict=True):
                new.name = old.name
                context.scalars[old] = new
        else:
            raise UnsupportedError(f"{op.op_name} is not supported yet", op.span)

    # -- control flow --------------------------------------------------------------------------

    def _control(self, control: Control) -> None:
        op = control.op
        self.context.builder.locate(op)
        if isinstance(op, scf.For):
            self._for(op, control.bodies[0])
        elif isinstance(op, scf.If):
            self._if(op, control.bodies)
        else:
            assert isinstance(op, scf.While)
            self._while(op, control.bodies)

    def _for(self, op: scf.For, segments: list[Segment]) -> None:
        induction, *carried = op.body.args
        scalars = scalar_indices(carried)
        body = Block([induction.type, *(carried[i].type for i in scalars)])
        self._bind([induction, *(carried[i] for i in scalars)], body.args)
        bounds = [self.context.scalar(v) for v in (op.lower, op.upper, op.step)]
        inits = [self.context.scalar(op.inits[i]) for i in scalars]
        types = [op.results[i].type for i in scalars]
        loop = scf.For([*bounds, *inits], types, op.attributes, [metal.region(body)])
        self.context.builder.insert(loop)
        self._fill(body, segments, op.body.terminator, scalars)
        self._results(op.results, carried, scalars, loop.results)

    def _if(self, op: scf.If, bodies: list[list[Segment]]) -> None:
        scalars = scalar_indices(op.results)
        for result in op.results:
            if isinstance(result.type, TensorType):
                self.context.storage(result)
        blocks = [Block() for _ in bodies]
        types = [op.results[i].type for i in scalars]
        condition = self.context.scalar(op.condition)
        regions = [metal.region(block) for block in blocks]
        if len(regions) == 1:
            regions.append(Region())  # no `else`
        made = scf.If([condition], types, op.attributes, regions)
        self.context.builder.insert(made)
        for block, segments, region in zip(blocks, bodies, op.regions, strict=False):
            self._fill(block, segments, region.block.terminator, scalars)
        self._results(op.results, op.results, scalars, made.results)

    def _while(self, op: scf.While, bodies: list[list[Segment]]) -> None:
        before, after = (region.block for region in op.regions)
        entering, passing = scalar_indices(before.args), scalar_indices(after.args)
        for value in after.args:
            if isinstance(value.type, TensorType):
                self.context.storage(value)
        blocks = [
            Block([before.args[i].type for i in entering]),
            Block([after.args[i].type for i in passing]),
        ]
        self._bind([before.args[i] for i in entering], blocks[0].args)
        self._bind([after.args[i] for i in passing], blocks[1].args)
        inits = [self.context.scalar(op.inits[i]) for i in entering]
        types = [op.results[i].type for i in passing]
        loop = scf.While(inits, types, op.attributes, [metal.region(b) for b in blocks])
        self.context.builder.insert(loop)
        with self.context.builder.at(blocks[0]):
            self._segments(bodies[0])
            operands = before.terminator.operands
            values = [operands[0], *(operands[1 + i] for i in passing)]
            self._terminate(before.terminator, values)
        self._fill(blocks[1], bodies[1], after.terminator, entering)
        self._results(op.results, after.args, passing, loop.results)

    def _bind(self, old: Sequence[Value], new: Sequence[Value]) -> None:
        for source, value in zip(old, new, strict=True):
            value.name = source.name
            self.context.scalars[source] = value

    def _fill(
        self, block: Block, segments: list[Segment], terminator: Op, scalars: list[int]
    ) -> None:
        with self.context.builder.at(block):
            self._segments(segments)
            self._terminate(terminator, [terminator.operands[i] for i in scalars])

    def _terminate(self, terminator: Op, values: Sequence[Value]) -> None:
        operands = [self.context.scalar(value) for value in values]
        self.context.builder.insert(operation(terminator, operands, []))

    def _results(
        self,
        results: Sequence[Value],
        stored_as: Sequence[Value],
        scalars: list[int],
        new: Sequence[Value],
    ) -> None:
        for result, value in zip((results[i] for i in scalars), new, strict=True):
            value.name = result.name
            self.context.scalars[result] = value
        for result, stored in zip(results, stored_as, strict=True):
            if isinstance(result.type, TensorType):
                self.context.storages[result] = self.context.storage(stored, result.name)


def scalar_indices(values: Sequence[Value]) -> list[int]:
    """Positions of the values that are not tensors."""
    return [i for i, value in enumerate(values) if not isinstance(value.type, TensorType)]
