"""Dominators of the blocks of a region."""

from __future__ import annotations

from .core import Block, Region


def successors(block: Block) -> list[Block]:
    """The blocks that a block can branch to."""
    return [target.block for target in block.ops[-1].successors] if block.ops else []


def reverse_postorder(region: Region) -> list[Block]:
    """The blocks that the entry reaches, each before what it reaches first."""
    entry = region.blocks[0]
    order: list[Block] = []
    seen = {entry}
    stack = [(entry, iter(successors(entry)))]
    while stack:
        block, targets = stack[-1]
        following = next((target for target in targets if target not in seen), None)
        if following is None:
            order.append(block)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(successors(following))))
    order.reverse()
    return order


def immediate_dominators(region: Region) -> dict[Block, Block]:
    """For each reachable block but the entry, the last block that every path to it passes.

    Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm (2001).
    """
    order = reverse_postorder(region)
    number = {block: index for index, block in enumerate(order)}
    predecessors: dict[Block, list[Block]] = {block: [] for block in order}
    for block in order:
        for target in successors(block):
            predecessors[target].append(block)
    entry = order[0]
    dominators = {entry: entry}
    changed = True
    while changed:
        changed = False
        for block in order[1:]:
            found: Block | None = None
            for before in predecessors[block]:
                if before in dominators:
                    found = before if found is None else _meet(before, found, dominators, number)
            if found is not None and dominators.get(block) is not found:
                dominators[block] = found
                changed = True
    del dominators[entry]
    return dominators


def _meet(a: Block, b: Block, dominators: dict[Block, Block], number: dict[Block, int]) -> Block:
    while a is not b:
        while number[a] > number[b]:
            a = dominators[a]
        while number[b] > number[a]:
            b = dominators[b]
    return a


def dominator_tree(region: Region) -> dict[Block, list[Block]]:
    """For each reachable block, the blocks that it dominates immediately."""
    tree: dict[Block, list[Block]] = {block: [] for block in reverse_postorder(region)}
    for block, dominator in immediate_dominators(region).items():
        tree[dominator].append(block)
    return tree
