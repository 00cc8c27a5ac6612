// simdgroup_matrix: 8 x 8 elements spread over a SIMD-group, two a lane.
#pragma once

namespace trimetal {

// Where a lane's two elements lie: (row, column) and (row, column + 1). Apple does not document
// it; this is the map that MLX relies on. The only place that knows it.
METAL_FUNC constexpr uint matrix_row(uint lane) { return ((lane >> 2) & 4) + ((lane >> 1) & 3); }
METAL_FUNC constexpr uint matrix_column(uint lane) { return ((lane >> 1) & 4) + ((lane & 1) << 1); }

template <class T> constexpr bool is_matrix_element =
    is_same_v<T, float> || is_same_v<T, half> || is_same_v<T, bfloat>;

} // namespace trimetal

namespace metal {

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
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

template <class T, int Columns, int Rows = Columns>
METAL_FUNC simdgroup_matrix<T, Columns, Rows> make_filled_simdgroup_matrix(T value) {
    simdgroup_matrix<T, Columns, Rows> m;
    m.trimetal_elements = vec<T, 2>(value);
    return m;
}

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

#else

} // namespace metal

namespace trimetal {

// The offset of a lane's element i from the matrix's address.
METAL_FUNC ulong element_offset(uint i, ulong row_length, const vec<ulong, 2>& origin,
                                bool transpose) {
    const uint lane = lane_index();
    const ulong row = matrix_row(lane), column = matrix_column(lane) + i;
    return transpose ? (origin.d[1] + column) * row_length + origin.d[0] + row
                     : (origin.d[1] + row) * row_length + origin.d[0] + column;
}

#if TRIMETAL_HOST

struct MatrixOperands {
    void* d;
    const void *a, *b, *c;
};

// The last lane to arrive multiplies for all: it gathers the operands from where the lanes wait.
template <class D, class A, class B, class C>
void multiply_slots(Simdgroup& simdgroup, uint parity) {
    float a[8][8], b[8][8], d[8][8];
    for (uint lane = 0; lane < simd_width; ++lane) {
        const MatrixOperands operands = load_slot<MatrixOperands>(simdgroup, parity, lane);
        const uint row = matrix_row(lane), column = matrix_column(lane);
        for (uint i = 0; i < 2; ++i) {
            a[row][column + i] = (float)((const A*)operands.a)[i];
            b[row][column + i] = (float)((const B*)operands.b)[i];
            d[row][column + i] = operands.c ? (float)((const C*)operands.c)[i] : 0.0f;
        }
    }
    for (uint i = 0; i < 8; ++i)
        for (uint k = 0; k < 8; ++k)
            for (uint j = 0; j < 8; ++j) d[i][j] = __builtin_fmaf(a[i][k], b[k][j], d[i][j]);
    for (uint lane = 0; lane < simd_width; ++lane) {
        const MatrixOperands operands = load_slot<MatrixOperands>(simdgroup, parity, lane);
        const uint row = matrix_row(lane), column = matrix_column(lane);
        for (uint i = 0; i < 2; ++i) ((D*)operands.d)[i] = (D)d[row][column + i];
    }
}
#endif

} // namespace trimetal

namespace metal {

#if TRIMETAL_HOST

template <class T, class P>
METAL_FUNC void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, const P& source,
                               ulong row_length = 8, vec<ulong, 2> origin = vec<ulong, 2>(0ul),
                               bool transpose = false TRIMETAL_LINE) {
    static_assert(is_same_v<trimetal::pointee<P>, T>, "simdgroup_load does not convert");
    trimetal::count_fragment<trimetal::space_of<P>>(true, sizeof(T));
    for (uint i = 0; i < 2; ++i) {
        const ulong offset = trimetal::element_offset(i, row_length, origin, transpose);
        m.trimetal_elements.d[i] = *trimetal::address(source + offset, trimetal_line);
    }
}
template <class T, class P>
METAL_FUNC void simdgroup_store(const simdgroup_matrix<T, 8, 8>& m, const P& target,
                                ulong row_length = 8, vec<ulong, 2> origin = vec<ulong, 2>(0ul),
                                bool transpose = false TRIMETAL_LINE) {
    static_assert(is_same_v<trimetal::pointee<P>, T>, "simdgroup_store does not convert");
    trimetal::count_fragment<trimetal::space_of<P>>(false, sizeof(T));
    for (uint i = 0; i < 2; ++i) {
        const ulong offset = trimetal::element_offset(i, row_length, origin, transpose);
        *trimetal::address(target + offset, trimetal_line) = m.trimetal_elements.d[i];
    }
}
template <class D, class A, class B, class C>
METAL_FUNC void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d,
                                              const simdgroup_matrix<A, 8, 8>& a,
                                              const simdgroup_matrix<B, 8, 8>& b,
                                              const simdgroup_matrix<C, 8, 8>& c TRIMETAL_LINE) {
    TRIMETAL_COUNT_SIMDGROUP(multiply_accumulates);
    const trimetal::MatrixOperands operands = {d.trimetal_elements.d, a.trimetal_elements.d,
                                               b.trimetal_elements.d, c.trimetal_elements.d};
    trimetal::Meeting(operands, trimetal_line, __func__, &trimetal::multiply_slots<D, A, B, C>);
}
template <class D, class A, class B>
METAL_FUNC void simdgroup_multiply(simdgroup_matrix<D, 8, 8>& d,
                                   const simdgroup_matrix<A, 8, 8>& a,
                                   const simdgroup_matrix<B, 8, 8>& b TRIMETAL_LINE) {
    TRIMETAL_COUNT_SIMDGROUP(multiply_accumulates);
    const trimetal::MatrixOperands operands = {d.trimetal_elements.d, a.trimetal_elements.d,
                                               b.trimetal_elements.d, nullptr};
    trimetal::Meeting(operands, trimetal_line, __func__,
                      &trimetal::multiply_slots<D, A, B, float>);
}

#endif
#endif

} // namespace metal

#if TRIMETAL_CUDA
#include "cuda/simdgroup_matrix.hpp"
#endif
