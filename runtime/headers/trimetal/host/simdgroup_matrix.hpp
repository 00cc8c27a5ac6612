// 8 x 8 matrices on the host: memory that a SIMD-group's lanes share, and operations that the last
// lane to come by executes for all (`abi.hpp`), with the host's vectors.
#pragma once

namespace trimetal {

// Takes one of the SIMD-group's matrices. Lanes construct theirs in the same order, so that each
// takes the same one.
static __attribute__((noinline)) void* take_matrix() {
    Lane& lane = *this_lane();
    for (uint word = 0; word < matrix_count / 64; ++word) {
        const ulong free = ~lane.matrices_in_use[word];
        if (!free) continue;
        const uint bit = (uint)__builtin_ctzl(free);
        lane.matrices_in_use[word] |= 1ul << bit;
        return lane.simdgroup->matrices + (word * 64 + bit) * matrix_bytes;
    }
    services->fail(0, "a SIMD-group has too many matrices at a time");
    return nullptr;
}
METAL_FUNC void return_matrix(void* matrix) {
    Lane& lane = *this_lane();
    const ulong number = (ulong)((char*)matrix - lane.simdgroup->matrices) / matrix_bytes;
    lane.matrices_in_use[number / 64] &= ~(1ul << number % 64);
}

// An operation on matrices: the last lane to come by executes it.
template <class F>
METAL_FUNC void in_turn(uint line, const char* operation, const F& execute) {
#if defined(__SANITIZE_THREAD__)
    // All meet before and after, so that the sanitizer sees what the operation orders.
    services->exchange(line, operation, nullptr);
    if (lane_index() == 0) execute();
    services->exchange(line, operation, nullptr);
#else
    Lane& lane = *this_lane();
    Simdgroup& simdgroup = *lane.simdgroup;
    const uint number = lane.operations++;
    if (__builtin_expect(number - simdgroup.executed >= operations_ahead, 0))
        services->await_matrices(number - operations_ahead + 1, line);
    PendingOperation& pending = simdgroup.pending[number % operations_ahead];
    if (!pending.lanes) pending.line = line;
    else if (__builtin_expect(pending.line != line, 0))
        services->diverge(line, pending.line, operation);
    if (++pending.lanes != simdgroup.lane_count) return;
    pending.lanes = 0;
    execute();
    ++simdgroup.executed;
#endif
}

// Where a lane's two elements lie, once all that it has come by is executed.
METAL_FUNC uint own_elements(uint line) {
    const Lane& lane = *this_lane();
    if (lane.simdgroup->executed != lane.operations)
        services->await_matrices(lane.operations, line);
    return matrix_row(lane.index) * 8 + matrix_column(lane.index);
}

typedef float Row __attribute__((vector_size(32)));

METAL_FUNC Row load_row(const float* elements) {
    Row row;
    __builtin_memcpy(&row, elements, sizeof row);
    return row;
}
#if defined(__F16C__) && __has_builtin(__builtin_ia32_vcvtph2ps256)
METAL_FUNC Row load_row(const half* elements) {
    short row __attribute__((vector_size(16)));
    __builtin_memcpy(&row, elements, sizeof row);
    return (Row)__builtin_ia32_vcvtph2ps256(row);
}
#endif
template <class T> METAL_FUNC Row load_row(const T* elements) {
    Row row;
    for (uint i = 0; i < 8; ++i) row[i] = (float)elements[i];
    return row;
}

// a * b + c with one rounding.
METAL_FUNC Row fused(float a, Row b, Row c) {
#if __has_builtin(__builtin_elementwise_fma)
    return __builtin_elementwise_fma((Row){a, a, a, a, a, a, a, a}, b, c);
#elif defined(__FMA__) && __has_builtin(__builtin_ia32_vfmaddps256)
    return (Row)__builtin_ia32_vfmaddps256((Row){a, a, a, a, a, a, a, a}, b, c);
#else
    for (uint i = 0; i < 8; ++i) c[i] = __builtin_fmaf(a, b[i], c[i]);
    return c;
#endif
}

// d = a * b + c, row by row; d may be any of the others.
template <class D, class A, class B, class C>
static __attribute__((noinline)) void multiply_rows(D* d, const A* a, const B* b, const C* c) {
    Row factors[8], sums[8];
    for (uint k = 0; k < 8; ++k) factors[k] = load_row(b + k * 8);
    for (uint i = 0; i < 8; ++i) {
        const Row left = load_row(a + i * 8);
        Row sum = c ? load_row(c + i * 8) : Row{};
        for (uint k = 0; k < 8; ++k) sum = fused(left[k], factors[k], sum);
        sums[i] = sum;
    }
    for (uint i = 0; i < 8; ++i) {
        if constexpr (is_same_v<D, float>) __builtin_memcpy(d + i * 8, &sums[i], sizeof(Row));
        else
            for (uint j = 0; j < 8; ++j) d[i * 8 + j] = (D)sums[i][j];
    }
}

} // namespace trimetal

namespace metal {

template <class T, int Columns, int Rows = Columns> struct simdgroup_matrix {
    static_assert(Columns == 8 && Rows == 8, "a simdgroup_matrix is 8 x 8");
    static_assert(trimetal::is_matrix_element<T>, "a simdgroup_matrix is of float, half or bfloat");
    T* trimetal_rows;

    METAL_FUNC simdgroup_matrix() : trimetal_rows((T*)trimetal::take_matrix()) {}
    // The value on the diagonal, zero elsewhere.
    METAL_FUNC explicit simdgroup_matrix(T diagonal TRIMETAL_LINE)
        : simdgroup_matrix(diagonal, T(0.0f), trimetal_line) {}
    METAL_FUNC simdgroup_matrix(T diagonal, T elsewhere, uint line) : simdgroup_matrix() {
        trimetal::in_turn(line, "simdgroup_matrix", [&] {
            for (uint i = 0; i < 64; ++i) trimetal_rows[i] = i % 9 == 0 ? diagonal : elsewhere;
        });
    }
    METAL_FUNC simdgroup_matrix(const simdgroup_matrix& other TRIMETAL_LINE) : simdgroup_matrix() {
        trimetal_copy(other, trimetal_line);
    }
    METAL_FUNC simdgroup_matrix& operator=(const simdgroup_matrix& other) {
        trimetal_copy(other, 0);
        return *this;
    }
    METAL_FUNC ~simdgroup_matrix() { trimetal::return_matrix(trimetal_rows); }

    METAL_FUNC vec<T, 2>& thread_elements(uint line = __builtin_LINE()) {
        return *(vec<T, 2>*)(trimetal_rows + trimetal::own_elements(line));
    }

  private:
    METAL_FUNC void trimetal_copy(const simdgroup_matrix& other, uint line) {
        trimetal::in_turn(line, "simdgroup_matrix", [&] {
            __builtin_memmove(trimetal_rows, other.trimetal_rows, 64 * sizeof(T));
        });
    }
};

template <class T, int Columns, int Rows = Columns>
METAL_FUNC simdgroup_matrix<T, Columns, Rows> make_filled_simdgroup_matrix(T value TRIMETAL_LINE) {
    return simdgroup_matrix<T, Columns, Rows>(value, value, trimetal_line);
}

template <class T, class P>
METAL_FUNC void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, const P& source,
                               ulong row_length = 8, vec<ulong, 2> origin = vec<ulong, 2>(0ul),
                               bool transpose = false TRIMETAL_LINE) {
    static_assert(is_same_v<trimetal::pointee<P>, T>, "simdgroup_load does not convert");
    trimetal::in_turn(trimetal_line, "simdgroup_load", [&] {
        trimetal::count_fragment<trimetal::space_of<P>>(true, sizeof(T));
        for (uint i = 0; i < 64; ++i) {
            const ulong at = trimetal::offset_of(i / 8, i % 8, row_length, origin, transpose);
            m.trimetal_rows[i] = *trimetal::address(source + at, trimetal_line);
        }
    });
}
template <class T, class P>
METAL_FUNC void simdgroup_store(const simdgroup_matrix<T, 8, 8>& m, const P& target,
                                ulong row_length = 8, vec<ulong, 2> origin = vec<ulong, 2>(0ul),
                                bool transpose = false TRIMETAL_LINE) {
    static_assert(is_same_v<trimetal::pointee<P>, T>, "simdgroup_store does not convert");
    trimetal::in_turn(trimetal_line, "simdgroup_store", [&] {
        trimetal::count_fragment<trimetal::space_of<P>>(false, sizeof(T));
        for (uint i = 0; i < 64; ++i) {
            const ulong at = trimetal::offset_of(i / 8, i % 8, row_length, origin, transpose);
            *trimetal::address(target + at, trimetal_line) = m.trimetal_rows[i];
        }
    });
}
template <class D, class A, class B, class C>
METAL_FUNC void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d,
                                              const simdgroup_matrix<A, 8, 8>& a,
                                              const simdgroup_matrix<B, 8, 8>& b,
                                              const simdgroup_matrix<C, 8, 8>& c TRIMETAL_LINE) {
    trimetal::in_turn(trimetal_line, "simdgroup_multiply_accumulate", [&] {
        TRIMETAL_COUNT(multiply_accumulates);
        trimetal::multiply_rows(d.trimetal_rows, a.trimetal_rows, b.trimetal_rows, c.trimetal_rows);
    });
}
template <class D, class A, class B>
METAL_FUNC void simdgroup_multiply(simdgroup_matrix<D, 8, 8>& d,
                                   const simdgroup_matrix<A, 8, 8>& a,
                                   const simdgroup_matrix<B, 8, 8>& b TRIMETAL_LINE) {
    trimetal::in_turn(trimetal_line, "simdgroup_multiply", [&] {
        TRIMETAL_COUNT(multiply_accumulates);
        trimetal::multiply_rows(d.trimetal_rows, a.trimetal_rows, b.trimetal_rows,
                                (const float*)nullptr);
    });
}

} // namespace metal
