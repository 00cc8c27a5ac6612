// simdgroup_matrix: 8 x 8 elements spread over a SIMD-group, two a lane.
#pragma once

namespace trimetal {

// Where a lane's two elements lie: (row, column) and (row, column + 1). Apple does not document
// it; this is the map that MLX relies on. The only place that knows it.
METAL_FUNC constexpr uint matrix_row(uint lane) { return ((lane >> 2) & 4) + ((lane >> 1) & 3); }
METAL_FUNC constexpr uint matrix_column(uint lane) { return ((lane >> 1) & 4) + ((lane & 1) << 1); }

// The offset of an element from the matrix's address.
METAL_FUNC ulong offset_of(uint row, uint column, ulong row_length, const vec<ulong, 2>& origin,
                           bool transpose) {
    return transpose ? (origin.d[1] + column) * row_length + origin.d[0] + row
                     : (origin.d[1] + row) * row_length + origin.d[0] + column;
}

template <class T> constexpr bool is_matrix_element =
    is_same_v<T, float> || is_same_v<T, half> || is_same_v<T, bfloat>;

} // namespace trimetal

#if TRIMETAL_HOST
#include "host/simdgroup_matrix.hpp"
#endif

namespace metal {

#if !TRIMETAL_HOST
template <class T, int Columns, int Rows = Columns> struct simdgroup_matrix {
    static_assert(Columns == 8 && Rows == 8, "a simdgroup_matrix is 8 x 8");
    static_assert(trimetal::is_matrix_element<T>, "a simdgroup_matrix is of float, half or bfloat");
    vec<T, 2> trimetal_elements;

    simdgroup_matrix() = default;
    // The value on the diagonal, zero elsewhere.
    METAL_FUNC explicit simdgroup_matrix(T diagonal) {
        const uint lane = trimetal::lane_index();
        for (uint i = 0; i < 2; ++i) {
            const bool on = trimetal::matrix_row(lane) == trimetal::matrix_column(lane) + i;
            trimetal_elements.d[i] = on ? diagonal : T(0.0f);
        }
    }
#if TRIMETAL_CHECK
    __private vec<T, 2>& thread_elements() __private { return trimetal_elements; }
#else
    METAL_FUNC vec<T, 2>& thread_elements() { return trimetal_elements; }
#endif
};

template <class T, int Columns, int Rows = Columns>
METAL_FUNC simdgroup_matrix<T, Columns, Rows> make_filled_simdgroup_matrix(T value) {
    simdgroup_matrix<T, Columns, Rows> m;
    m.trimetal_elements = vec<T, 2>(value);
    return m;
}
#endif

typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

#if TRIMETAL_CHECK

#define TRIMETAL_TRANSFER(Space)                                                                   \
    template <class T>                                                                             \
    void simdgroup_load(__private simdgroup_matrix<T, 8, 8>&, const Space T*, ulong = 8,           \
                        vec<ulong, 2> = vec<ulong, 2>(0ul), bool = false) {}                       \
    template <class T>                                                                             \
    void simdgroup_store(simdgroup_matrix<T, 8, 8>, Space T*, ulong = 8,                           \
                         vec<ulong, 2> = vec<ulong, 2>(0ul), bool = false) {}
TRIMETAL_TRANSFER(__global)
TRIMETAL_TRANSFER(__local)
#undef TRIMETAL_TRANSFER
template <class D, class A, class B, class C>
void simdgroup_multiply_accumulate(__private simdgroup_matrix<D, 8, 8>&,
                                   __private simdgroup_matrix<A, 8, 8>&,
                                   __private simdgroup_matrix<B, 8, 8>&,
                                   __private simdgroup_matrix<C, 8, 8>&) {}
template <class D, class A, class B>
void simdgroup_multiply(__private simdgroup_matrix<D, 8, 8>&,
                        __private simdgroup_matrix<A, 8, 8>&,
                        __private simdgroup_matrix<B, 8, 8>&) {}

#endif

} // namespace metal

#if TRIMETAL_CUDA
#include "cuda/simdgroup_matrix.hpp"
#endif
