"""Layouts as bases: checked against their definition, element by element."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from trimetal.transpiler.errors import UnsupportedError
from trimetal.transpiler.ir.encodings import (
    AmdRotatingSharedEncoding,
    BlockedEncoding,
    Encoding,
    GenericLinearEncoding,
    NvidiaMmaEncoding,
    NvmmaSharedEncoding,
    SharedEncoding,
    SliceEncoding,
    SwizzledSharedEncoding,
)
from trimetal.transpiler.ir.linear_layout import Holder, LinearLayout, coordinates_of, number_of

from .layouts import BLOCKED, FLAT, ROTATING, SWIZZLED, Shape, distributed, shared


def holders(layout: LinearLayout) -> list[Holder]:
    """Every register of every lane of every warp."""
    sizes = [range(1 << len(bases)) for bases in layout.inputs]
    return [Holder(*indices) for indices in product(*sizes)]


def walk_blocked(layout: BlockedEncoding, shape: Shape) -> dict[tuple[int, int], list[Shape]]:
    """For (lane, warp), its elements in the order of registers, as the definition says it.

    A thread has a block of elements, lanes and warps lie in grids, all counted with the fastest
    dimension first; the whole repeats over a larger tensor and wraps around in a smaller one.
    """

    def position(index: int, grid: Shape) -> list[int]:
        found = [0] * len(grid)
        for dim in layout.order:
            index, found[dim] = divmod(index, grid[dim])
        return found

    tile = [
        a * b * c
        for a, b, c in zip(
            layout.size_per_thread, layout.threads_per_warp, layout.warps_per_cta, strict=True
        )
    ]
    repeats = tuple(max(1, size // part) for size, part in zip(shape, tile, strict=True))
    lanes, warps = 32 if _product(layout.threads_per_warp) == 32 else 64, 4
    found: dict[tuple[int, int], list[Shape]] = {}
    for lane, warp in product(range(lanes), range(warps)):
        at_lane = position(lane, layout.threads_per_warp)
        at_warp = position(warp, layout.warps_per_cta)
        elements: list[Shape] = []
        for repeat in range(_product(repeats)):
            at_repeat = position(repeat, repeats)
            for register in range(_product(layout.size_per_thread)):
                at = position(register, layout.size_per_thread)
                element = tuple(
                    (
                        at[d]
                        + layout.size_per_thread[d]
                        * (at_lane[d] + layout.threads_per_warp[d] * at_warp[d])
                        + tile[d] * at_repeat[d]
                    )
                    % shape[d]
                    for d in range(len(shape))
                )
                elements.append(element)
        found[lane, warp] = list(dict.fromkeys(elements))
    return found


def _product(values: Shape) -> int:
    found = 1
    for value in values:
        found *= value
    return found


@pytest.mark.parametrize("layout", BLOCKED, ids=str)
@pytest.mark.parametrize("shape", FLAT, ids=str)
def test_blocked_is_a_walk_over_grids(layout: BlockedEncoding, shape: Shape) -> None:
    linear = layout.to_linear(shape)
    for (lane, warp), elements in walk_blocked(layout, shape).items():
        found = [linear.element(register, lane, warp) for register in range(linear.registers)]
        assert found == elements


@pytest.mark.parametrize(("layout", "shape"), distributed(), ids=str)
def test_every_element_is_held_equally_often(layout: Encoding, shape: Shape) -> None:
    linear = layout.to_linear(shape)
    counts = Counter(linear.map.outputs())
    assert sorted(counts) == list(range(_product(shape)))
    assert len(set(counts.values())) == 1
    assert linear.is_surjective
    assert linear.is_injective == (set(counts.values()) == {1})


@pytest.mark.parametrize(("layout", "shape"), distributed(), ids=str)
def test_the_inverse_finds_a_holder(layout: Encoding, shape: Shape) -> None:
    linear = layout.to_linear(shape)
    elements = linear.map.outputs()
    assert [elements[at] for at in linear.inverse.outputs()] == list(range(_product(shape)))


@pytest.mark.parametrize(("layout", "shape"), distributed()[::41], ids=str)
def test_an_element_has_a_holder(layout: Encoding, shape: Shape) -> None:
    linear = layout.to_linear(shape)
    for coordinates in product(*map(range, shape)):
        holder = linear.holder(coordinates)
        assert holder is not None
        assert linear.apply(holder) == coordinates


@pytest.mark.parametrize(("layout", "shape"), distributed()[::41], ids=str)
def test_free_bits_change_nothing(layout: Encoding, shape: Shape) -> None:
    linear = layout.to_linear(shape)
    free = linear.free
    for holder in holders(linear):
        without = Holder(*(part & ~mask for part, mask in zip(holder, free, strict=True)))
        assert linear.apply(without) == linear.apply(holder)
    generic = isinstance(layout, GenericLinearEncoding)
    assert generic or linear.map.rank + sum(m.bit_count() for m in free) == len(linear.map.columns)


def test_a_slice_drops_a_coordinate() -> None:
    parent = BLOCKED[0]
    for dim, shape in ((0, (1, 64)), (1, (64, 1))):
        whole, part = parent.to_linear(shape), SliceEncoding(dim, parent).to_linear((64,))
        for lane, warp in product(range(32), range(4)):
            elements = {whole.element(r, lane, warp)[1 - dim] for r in range(whole.registers)}
            assert elements == {part.element(r, lane, warp)[0] for r in range(part.registers)}


def test_the_quotient_of_two_layouts_says_where_elements_come_from() -> None:
    source, target = BLOCKED[0].to_linear((64, 64)), BLOCKED[1].to_linear((64, 64))
    moved = source.from_holders_of(target)
    for holder in holders(target):
        origin = source.parted(moved.apply(target.joined(holder)))
        assert source.apply(origin) == target.apply(holder)


def test_the_quotient_of_a_layout_with_itself_changes_nothing() -> None:
    layout = BLOCKED[0].to_linear((64, 64))
    moved = layout.from_holders_of(layout)
    assert moved.columns == tuple(1 << bit for bit in range(len(moved.columns)))


def test_renamed_transposes() -> None:
    layout = BLOCKED[0].to_linear((64, 16))
    turned = layout.renamed((16, 64), lambda at: at[::-1])
    for holder in holders(layout):
        assert turned.apply(holder) == layout.apply(holder)[::-1]


@pytest.mark.parametrize(("layout", "shape"), shared(), ids=str)
def test_every_element_of_shared_memory_has_one_offset(
    layout: SharedEncoding, shape: Shape
) -> None:
    linear = layout.to_linear(shape)
    elements = linear.map.outputs()
    assert sorted(elements) == list(range(_product(shape)))
    for offset in range(0, len(elements), 13):
        element = linear.element(offset)
        assert number_of(element, shape) == elements[offset]
        assert linear.offset_of(element) == offset


@pytest.mark.parametrize("layout", SWIZZLED + ROTATING, ids=str)
@pytest.mark.parametrize("shape", FLAT, ids=str)
def test_swizzling_is_an_exclusive_or_of_groups(
    layout: SwizzledSharedEncoding, shape: Shape
) -> None:
    linear = layout.to_linear(shape)
    column_dim, row_dim = layout.order
    width = shape[column_dim]
    for coordinates in product(*map(range, shape)):
        row, column = coordinates[row_dim], coordinates[column_dim]
        phase = row // layout.per_phase % layout.max_phase
        if isinstance(layout, AmdRotatingSharedEncoding):
            phase ^= row // (layout.per_phase * layout.max_phase) % layout.max_phase
        swizzled = (column ^ (phase * layout.vec)) % width
        assert linear.element(row * width + swizzled) == coordinates


def test_nvmma_swizzles_chunks_of_16_bytes() -> None:
    linear = NvmmaSharedEncoding(128, False, 16).to_linear((16, 64))
    for row, chunk, item in product(range(16), range(8), range(8)):
        offset = row * 64 + (chunk ^ row % 8) * 8 + item
        assert linear.element(offset) == (row, chunk * 8 + item)


def test_padding_opens_gaps() -> None:
    layout = next(layout for layout, _ in shared() if "padded" in str(layout))
    linear = layout.to_linear((16, 64))
    for offset in range(16 * 64):
        assert linear.padded(offset) == offset + offset // 32 * 4 + offset // 256 * 8


def test_blocks_of_a_cluster_share_a_tensor() -> None:
    layout = BlockedEncoding((1, 4), (4, 8), (4, 1), (1, 0), cga=((1, 0),))
    linear = layout.to_linear((128, 64))
    assert linear.block == ((64, 0),)
    assert linear.is_injective
    assert linear.is_surjective


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (NvidiaMmaEncoding(1, 0, (2, 2), (16, 8)), (64, 64)),
        (NvmmaSharedEncoding(128, False, 16), (64, 16)),
        (NvmmaSharedEncoding(128, True, 16, dims=3), (4, 64, 64)),
    ],
    ids=str,
)
def test_layouts_without_known_bases_are_refused(
    layout: Encoding | SharedEncoding, shape: Shape
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        layout.to_linear(shape)
    assert str(layout) in str(caught.value)


def test_numbers_and_coordinates() -> None:
    shape = (4, 1, 8)
    for number in range(32):
        assert number_of(coordinates_of(number, shape), shape) == number
    assert coordinates_of(13, shape) == (1, 0, 5)
