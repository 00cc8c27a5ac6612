"""Where the lanes of a simdgroup hold the elements of an 8x8 `simdgroup_matrix`.

Apple does not document it. This is the map that MLX relies on (`mlx/backend/metal/kernels/steel`),
and the only place of the compiler that knows it: lane bit 0 counts columns in twos, bits 1 and 2
count rows, bit 3 is column 4, bit 4 is row 4; each lane holds two neighbours of a row.
"""

from __future__ import annotations

# Rows and columns of a fragment.
SIDE = 8
# Elements of a fragment that one lane holds: (row, column) and (row, column + 1).
ELEMENTS_PER_LANE = 2

# (row, column) that each bit toggles.
REGISTER_BASES = ((0, 1),)
LANE_BASES = ((0, 2), (1, 0), (2, 0), (0, 4), (4, 0))
