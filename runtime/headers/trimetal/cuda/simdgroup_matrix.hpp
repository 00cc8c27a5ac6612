// 8 x 8 matrices on a warp: loads and stores lane by lane, products by shuffles of the operands.
#pragma once

namespace trimetal {

// The lane that holds (row, column) and (row, column + 1), for an even column.
METAL_FUNC constexpr uint matrix_lane(uint row, uint column) {
    return ((row & 4) << 2) | ((column & 4) << 1) | ((row & 3) << 1) | ((column & 2) >> 1);
}

// The offset of a lane's element i from the matrix's address.
METAL_FUNC ulong element_offset(uint i, ulong row_length, const vec<ulong, 2>& origin,
                                bool transpose) {
    const uint row = matrix_row(lane_index()), column = matrix_column(lane_index()) + i;
    return offset_of(row, column, row_length, origin, transpose);
}

// d = a * b + d of a lane's two elements, in float.
template <class A, class B>
METAL_FUNC void multiply(const vec<A, 2>& a, const vec<B, 2>& b, float& d0, float& d1) {
    const uint row = matrix_row(lane_index()), column = matrix_column(lane_index());
    for (uint k = 0; k < 8; ++k) {
        const vec<A, 2> from_row = fetch(a, matrix_lane(row, k & 6));
        const vec<B, 2> from_column = fetch(b, matrix_lane(k, column));
        const float factor = (float)from_row.d[k & 1];
        d0 = __builtin_fmaf(factor, (float)from_column.d[0], d0);
        d1 = __builtin_fmaf(factor, (float)from_column.d[1], d1);
    }
}

} // namespace trimetal

namespace metal {

template <class T, class P>
METAL_FUNC void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, const P& source,
                               ulong row_length = 8, vec<ulong, 2> origin = vec<ulong, 2>(0ul),
                               bool transpose = false) {
    static_assert(is_same_v<trimetal::pointee<P>, T>, "simdgroup_load does not convert");
    for (uint i = 0; i < 2; ++i)
        m.trimetal_elements.d[i] =
            source[trimetal::element_offset(i, row_length, origin, transpose)];
}
template <class T, class P>
METAL_FUNC void simdgroup_store(const simdgroup_matrix<T, 8, 8>& m, const P& target,
                                ulong row_length = 8, vec<ulong, 2> origin = vec<ulong, 2>(0ul),
                                bool transpose = false) {
    static_assert(is_same_v<trimetal::pointee<P>, T>, "simdgroup_store does not convert");
    for (uint i = 0; i < 2; ++i)
        target[trimetal::element_offset(i, row_length, origin, transpose)] =
            m.trimetal_elements.d[i];
}
template <class D, class A, class B, class C>
METAL_FUNC void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d,
                                              const simdgroup_matrix<A, 8, 8>& a,
                                              const simdgroup_matrix<B, 8, 8>& b,
                                              const simdgroup_matrix<C, 8, 8>& c) {
    float d0 = (float)c.trimetal_elements.d[0], d1 = (float)c.trimetal_elements.d[1];
    trimetal::multiply(a.trimetal_elements, b.trimetal_elements, d0, d1);
    d.trimetal_elements = vec<D, 2>((D)d0, (D)d1);
}
template <class D, class A, class B>
METAL_FUNC void simdgroup_multiply(simdgroup_matrix<D, 8, 8>& d,
                                   const simdgroup_matrix<A, 8, 8>& a,
                                   const simdgroup_matrix<B, 8, 8>& b) {
    float d0 = 0.0f, d1 = 0.0f;
    trimetal::multiply(a.trimetal_elements, b.trimetal_elements, d0, d1);
    d.trimetal_elements = vec<D, 2>((D)d0, (D)d1);
}

} // namespace metal
