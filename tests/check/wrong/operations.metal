//// atomic_on_a_plain_pointer
atomic_fetch_add_explicit(bits, 1u, memory_order_relaxed);  // <- compiler
//// atomic_with_sequential_order
atomic_fetch_add_explicit((device atomic_uint*)bits, 1u, memory_order_seq_cst);  // <- compiler
//// atomic_with_acquire_order
x[0] = float(atomic_load_explicit((device atomic_uint*)bits, memory_order_acquire));  // <- compiler
//// atomic_without_order
atomic_fetch_add_explicit((device atomic_uint*)bits, 1u);  // <- compiler
//// atomic_sum_of_floats_in_threadgroup_memory
threadgroup atomic_float sum;
atomic_fetch_add_explicit(&sum, 1.0f, memory_order_relaxed);  // <- compiler
//// atomic_maximum_of_floats
atomic_fetch_max_explicit((device atomic_float*)x, 1.0f, memory_order_relaxed);  // <- compiler
//// atomic_sum_of_64_bits
atomic_fetch_add_explicit((device atomic_ulong*)wide, 1ul, memory_order_relaxed);  // <- compiler
//// atomic_exchange_of_64_bits
atomic_exchange_explicit((device atomic_ulong*)wide, 1ul, memory_order_relaxed);  // <- compiler
//// atomic_signed_64_bits
device atomic_long* p = (device atomic_long*)wide;  // <- compiler
//// strong_exchange
uint expected = 0u;
atomic_compare_exchange_strong_explicit((device atomic_uint*)bits, &expected, 1u,  // <- compiler
                                        memory_order_relaxed, memory_order_relaxed);
//// expected_value_in_device_memory
atomic_compare_exchange_weak_explicit((device atomic_uint*)bits, bits + 1, 1u,  // <- compiler
                                      memory_order_relaxed, memory_order_relaxed);
//// atomic_read_as_a_value
threadgroup atomic_uint count;
bits[0] = count + 1u;  // <- compiler
//// fence_before_3_2
atomic_thread_fence(mem_flags::mem_device, memory_order_seq_cst, thread_scope_device);  // <- compiler
//// sum_of_bools
x[0] = float(simd_sum(thread_index > 1u));  // <- compiler
//// shuffle_of_a_bool
x[0] = simd_shuffle(thread_index > 1u, ushort(0)) ? 1.0f : 0.0f;  // <- compiler
//// shuffle_of_64_bits
wide[0] = simd_shuffle_xor(wide[1], ushort(1));  // <- compiler
//// sum_of_64_bits
wide[0] = simd_sum(wide[1]);  // <- compiler
//// unsigned_sum_of_64_bits
wide[0] = long(simd_sum(ulong(wide[1])));  // <- compiler
//// sum_of_bfloats
b[0] = simd_sum(b[1]);  // <- compiler
//// shuffle_of_a_bfloat_vector
bfloat2 v = simd_shuffle(bfloat2(b[0]), ushort(1));  // <- compiler
b[0] = v.x;
//// bits_of_floats
x[0] = simd_xor(x[1]);  // <- compiler
//// maximum_of_a_matrix
simdgroup_float8x8 m;
m = simd_max(m);  // <- compiler
//// vote_as_a_number
uint votes = simd_ballot(thread_index > 1u);  // <- compiler
bits[0] = votes;
//// prefix_minimum
x[0] = simd_prefix_inclusive_min(x[1]);  // <- compiler
//// barrier_without_flags
threadgroup_barrier();  // <- compiler
//// barrier_with_a_number
threadgroup_barrier(2);  // <- compiler
//// barrier_of_opencl
barrier(1);  // <- compiler
//// work_item_of_opencl
bits[0] = get_global_id(0);  // <- compiler
//// large_matrix
simdgroup_matrix<float, 16, 16> m;  // <- compiler
//// matrix_of_integers
simdgroup_matrix<int, 8, 8> m;  // <- compiler
//// matrix_load_that_converts
simdgroup_half8x8 m;
simdgroup_load(m, x, 8);  // <- compiler
//// matrix_store_that_converts
simdgroup_float8x8 m = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
simdgroup_store(m, h, 8);  // <- compiler
//// matrix_load_from_thread_memory
float values[64] = {};
simdgroup_float8x8 m;
simdgroup_load(m, values, 8);  // <- compiler
//// matrix_element_by_index
simdgroup_float8x8 m = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
x[0] = m[0];  // <- compiler
//// sum_of_matrices
simdgroup_float8x8 m = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
m = m + m;  // <- compiler
//// matrix_from_a_number
simdgroup_float8x8 m = 0.0f;  // <- compiler
