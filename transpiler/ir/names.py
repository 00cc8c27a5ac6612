"""Names of values and blocks for printing: those of the text where they are free, else new ones."""

from __future__ import annotations

from .core import Block, Op, Region, Successor, Value


class _Leave:
    """The end of a region: what to forget and what to bring back."""

    def __init__(self, used: set[str] | None, counter: int) -> None:
        self.added: list[str] = []
        self.used = used  # the names outside an isolated region
        self.counter = counter


class Names:
    """Names of every value of a module.

    A region names all its own values before those of nested regions, and sibling regions use the
    same names again, as MLIR does.
    """

    def __init__(self, root: Op) -> None:
        self.values: dict[Value, str] = {}
        self.results: dict[Op, str] = {}
        self.blocks: dict[Block, int] = {}
        self._predecessors: dict[Region, dict[Block, list[int]]] = {}
        self._used: set[str] = set()
        self._counter = 0
        self._added: list[str] = []
        stack: list[tuple[Region, bool] | _Leave] = [(region, True) for region in root.regions]
        while stack:
            item = stack.pop()
            if isinstance(item, _Leave):
                self._leave(item)
            else:
                self._enter(*item, stack)

    def _enter(
        self, region: Region, isolated: bool, stack: list[tuple[Region, bool] | _Leave]
    ) -> None:
        leave = _Leave(self._used if isolated else None, self._counter)
        if isolated:
            self._used, self._counter = set(), 0
        self._added = leave.added
        stack.append(leave)
        nested: list[tuple[Region, bool]] = []
        for index, block in enumerate(region.blocks):
            self.blocks[block] = index
            for value in block.args:
                self.values[value] = self._free(value.name)
            for op in block.ops:
                if op.results:
                    self._name_results(op)
                if op.regions:
                    nested += [(inner, op.isolated) for inner in op.regions]
        stack.extend(reversed(nested))

    def _leave(self, leave: _Leave) -> None:
        self._counter = leave.counter
        if leave.used is not None:
            self._used = leave.used
        else:
            self._used.difference_update(leave.added)

    def _free(self, wanted: str) -> str:
        """A name that is free: the wanted one, or one like it."""
        group, mark, rest = wanted.partition("#")
        if mark:  # named after one of several results, which this value is not
            wanted = "" if group.isdigit() else f"{group}_{rest}"
        name = wanted
        if not name or name in self._used:
            if name and not name.isdigit():
                count = 0
                while f"{wanted}_{count}" in self._used:
                    count += 1
                name = f"{wanted}_{count}"
            else:
                name = self._number()
        self._used.add(name)
        self._added.append(name)
        return name

    def _number(self) -> str:
        while str(self._counter) in self._used:
            self._counter += 1
        self._counter += 1
        return str(self._counter - 1)

    def _name_results(self, op: Op) -> None:
        results = op.results
        if len(results) == 1:
            name = self.values[results[0]] = self._free(results[0].name)
            self.results[op] = f"%{name}"
            return
        texts: list[str] = []
        at = 0
        while at < len(results):
            base, size = _group(results, at)
            name = self._free(base)
            if size == 1:
                self.values[results[at]] = name
                texts.append(f"%{name}")
            else:
                for i in range(size):
                    self.values[results[at + i]] = f"{name}#{i}"
                texts.append(f"%{name}:{size}")
            at += size
        self.results[op] = ", ".join(texts)

    def definition(self, op: Op) -> str:
        """`%a` or `%a:2, %b`."""
        return self.results[op]

    def use(self, value: Value) -> str:
        """`%a` or `%a#1`."""
        return f"%{self.values.get(value, '<<gone>>')}"

    def label(self, block: Block) -> str:
        """`^bb1`."""
        return f"^bb{self.blocks.get(block, '<<gone>>')}"

    def predecessors(self, block: Block, region: Region) -> str:
        """The comment that MLIR writes behind a block's label."""
        found = self._predecessors.get(region)
        if found is None:
            found = self._predecessors[region] = {}
            for index, source in enumerate(region.blocks):
                for target in (successor.block for successor in _successors(source)):
                    found.setdefault(target, []).append(index)
        sources = [f"^bb{index}" for index in found.get(block, [])]
        if not sources:
            return "  // no predecessors"
        if len(sources) == 1:
            return f"  // pred: {sources[0]}"
        return f"  // {len(sources)} preds: {', '.join(sources)}"


def _successors(block: Block) -> list[Successor]:
    return block.ops[-1].successors if block.ops else []


def _group(results: list[Value], at: int) -> tuple[str, int]:
    """The name and size of the group of results that starts at a result."""
    base, mark, index = results[at].name.partition("#")
    if not results[at].name:
        size = 1
        while at + size < len(results) and not results[at + size].name:
            size += 1
        return "", size
    if not mark or index != "0":
        return base if not mark else "", 1
    size = 1
    while at + size < len(results) and results[at + size].name == f"{base}#{size}":
        size += 1
    return base, size
