"""What is decided at compile time is decided here: the plan and the reader see only what is left.

%m = arith.cmpi slt, %range, %c128           (range is 0 .. 127)
%x = tt.load %p, %m, %zero             ->    %x = tt.load %p
%y = scf.if %true { A } else { B }           A
scf.for %i = %c0 to %c1 { body }             body
"""

from __future__ import annotations

from ..dialects import arith, llvm, scf, tt, ub
from ..ir.core import Block, Module, Op, Region, Value
from ..ir.types import I1, FloatType, IntegerType, element_of
from .cleanup import is_computation
from .folding import constant_before, fold, splat_of
from .rewrite import is_inside, located, move_before

_ROUNDS = 8  # one thing decides another; more rounds than this are never seen


def canonicalize(module: Module) -> None:
    """See the module's text."""
    for _ in range(_ROUNDS):
        changed = False
        for op in list(module.walk()):
            if op.parent is not None:
                changed |= _simplify(op)
        if not changed:
            return


def _simplify(op: Op) -> bool:
    match op:
        case llvm.IntrAssume():
            op.erase()
            return True
        case scf.If():
            return _decide(op) or _drop_empty_else(op) or _forward_results(op)
        case scf.For():
            return _unroll(op) or _pass_unchanged(op)
        case tt.Load():
            return _load(op)
        case tt.Store():
            return _store(op)
        case tt.AtomicPoll():
            return _poll(op)
        case arith.Select():
            return _repeated_choice(op) or _fold(op)
        case _:
            return _fold(op)


def _fold(op: Op) -> bool:
    if not is_computation(op) or len(op.results) != 1 or isinstance(op, arith.Constant):
        return False
    value = fold(op)
    if value is None:
        return False
    value.name = value.name or op.result.name
    op.replace_with([value])
    return True


def _poll(op: tt.AtomicPoll) -> bool:
    """A poll without a time ends when it has seen what it waits for."""
    if op.timeout is not None or not op.result.uses:
        return False
    op.result.replace_all_uses_with(constant_before(op, 1, op.result.type))
    return True


# -- branches --------------------------------------------------------------------------------------


def _decide(op: scf.If) -> bool:
    """A branch on a constant is the block that is taken."""
    known = splat_of(op.condition)
    if known is None:
        return False
    region = op.regions[0] if known else op.regions[1]
    if region.blocks:
        _put_in_place(op, region.block)
    else:
        op.erase()
    return True


def _put_in_place(op: Op, block: Block) -> None:
    """Instead of an op, the code of a block, which yields the op's results."""
    *body, last = block.ops
    values = list(last.operands)
    move_before(op, body)
    op.replace_with(values)


def _drop_empty_else(op: scf.If) -> bool:
    block = op.else_block
    if block is None or op.results or len(block.ops) > 1:
        return False
    block.ops[0].erase()
    op.regions[1] = Region()
    op.regions[1].parent = op
    return True


def _forward_results(op: scf.If) -> bool:
    """A result that is known outside: the value of both blocks, or the condition itself."""
    if op.else_block is None:
        return False
    changed = False
    pairs = zip(op.then_block.terminator.operands, op.else_block.terminator.operands, strict=True)
    for result, (yes, no) in zip(op.results, pairs, strict=True):
        known = _known_outside(op, yes, no) if result.uses else None
        if known is not None:
            result.replace_all_uses_with(known)
            changed = True
    return _drop_unused_results(op) or changed


def _known_outside(op: scf.If, yes: Value, no: Value) -> Value | None:
    for value, other in ((yes, no), (no, yes)):
        agreed = value is other or isinstance(other.defining_op, ub.Poison)
        if agreed and not is_inside(value, op):
            return value
    if yes.type == I1 and splat_of(yes) and splat_of(no) == 0:
        return op.condition
    return None


def _repeated_choice(op: arith.Select) -> bool:
    """select %c, (a result of scf.if %c), %other: the result, if the else block gives the other."""
    condition, yes, no = op.operands
    branch = yes.defining_op
    if not isinstance(branch, scf.If) or branch.condition is not condition:
        return False
    if branch.parent is not op.parent or branch.else_block is None or len(yes.uses) > 1:
        return False
    if not _is_known_before(no, branch):
        return False
    branch.else_block.terminator.set_operand(yes.index, no)
    op.replace_with([yes])
    return True


def _is_known_before(value: Value, op: Op) -> bool:
    """Whether a value that is used behind an op, in its block, is there before it, too."""
    maker = value.defining_op
    if maker is None or maker.parent is not op.parent:
        return not is_inside(value, op)
    assert op.parent is not None
    return op.parent.ops.index(maker) < op.parent.ops.index(op)


def _drop_unused_results(op: scf.If) -> bool:
    kept = [index for index, result in enumerate(op.results) if result.uses]
    if len(kept) == len(op.results):
        return False
    for region in op.regions:
        if region.blocks:
            last = region.block.terminator
            last.set_operands([last.operands[index] for index in kept])
    _replace(op, [op.condition], kept)
    return True


def _replace(op: Op, operands: list[Value], kept: list[int]) -> None:
    """The same op, with its regions, with some of its results only."""
    regions, op.regions = op.regions, []
    types = [op.results[index].type for index in kept]
    made = located(type(op)(operands, types, op.attributes, regions), op)
    assert op.parent is not None
    op.parent.insert_before(op, made)
    for index, new in zip(kept, made.results, strict=True):
        old = op.results[index]
        new.name, new.location = old.name, old.location
        old.replace_all_uses_with(new)
    op.erase()


# -- loops -----------------------------------------------------------------------------------------


def _unroll(op: scf.For) -> bool:
    """A loop that runs never, or exactly once."""
    lower, upper, step = (splat_of(v) for v in (op.lower, op.upper, op.step))
    if lower is None or upper is None or (op.unsigned and min(lower, upper) < 0):
        return False
    if lower >= upper:
        op.replace_with(op.inits)
        return True
    if step is None or step <= 0 or lower + step < upper:
        return False
    for argument, value in zip(op.body.args, [op.lower, *op.inits], strict=True):
        value.name = value.name or argument.name
        argument.replace_all_uses_with(value)
    _put_in_place(op, op.body)
    return True


def _pass_unchanged(op: scf.For) -> bool:
    """What every turn hands on as it got it is the same before, in and after the loop."""
    changed = False
    for argument, init, given, result in zip(
        op.iter_args, op.inits, op.yields, op.results, strict=True
    ):
        if given is argument or given is init:
            for value in (argument, result):
                if any(user is not op.body.terminator for user in value.users):
                    value.replace_all_uses_with(init)
                    changed = True
    return _drop_unused_carried(op) or changed


def _drop_unused_carried(op: scf.For) -> bool:
    """Values that go around for themselves alone: nobody reads them but to make their next one."""
    needed = _needed(op)
    unused = {i for i, argument in enumerate(op.iter_args) if argument not in needed}
    if not unused:
        return False
    kept = [index for index in range(len(op.results)) if index not in unused]
    inits = [op.inits[index] for index in kept]
    last, body = op.body.terminator, op.body
    gone = [op.iter_args[index] for index in unused]
    last.set_operands([last.operands[index] for index in kept])
    for inner in reversed(list(body.ops)):
        if _only_computes(inner) and not any(v in needed or v.uses for v in inner.results):
            inner.erase()
    assert not any(argument.uses for argument in gone)
    body.args = [body.args[0], *(body.args[1 + index] for index in kept)]
    for index, argument in enumerate(body.args):
        argument.index = index
    _replace(op, [op.lower, op.upper, op.step, *inits], kept)
    return True


def _only_computes(op: Op) -> bool:
    return is_computation(op) or (isinstance(op, tt.Load) and not op.is_volatile)


def _needed(loop: scf.For) -> set[Value]:
    """The values in a loop's body that something else than the loop's own turns depends on."""
    given = dict(zip(loop.iter_args, loop.yields, strict=True))
    last = loop.body.terminator
    effects = [op for op in loop.body.ops if op is not last and not _only_computes(op)]
    stack = [value for op in effects for inner in op.walk() for value in inner.operands]
    stack += [value for value, result in zip(loop.yields, loop.results, strict=True) if result.uses]
    needed = {arg for arg, result in zip(loop.iter_args, loop.results, strict=True) if result.uses}
    stack += [given[argument] for argument in needed]
    while stack:
        value = stack.pop()
        if value in needed:
            continue
        needed.add(value)
        op = value.defining_op
        if op is not None and op.parent is loop.body:
            stack.extend(op.operands)
        elif value in given:
            stack.append(given[value])
    return needed


# -- memory ----------------------------------------------------------------------------------------


def _load(op: tt.Load) -> bool:
    mask = None if op.mask is None else splat_of(op.mask)
    if mask is None:
        return False
    if mask:
        op.set_operands([op.ptr])
        return True
    if op.is_volatile:
        return False
    value: Value | None = op.other
    if value is None:
        value = constant_before(op, 0, op.result.type) if _has_zero(op) else None
    if value is None:
        return False
    op.replace_with([value])
    return True


def _has_zero(op: tt.Load) -> bool:
    return isinstance(element_of(op.result.type), FloatType | IntegerType)


def _store(op: tt.Store) -> bool:
    mask = None if op.mask is None else splat_of(op.mask)
    if mask is None:
        return False
    if mask:
        op.set_operands([op.ptr, op.value])
    else:
        op.erase()
    return True
