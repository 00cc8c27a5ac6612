//// result
kernel int k(device float* x [[buffer(0)]]) {  // <- kernel
    return 1;
}
//// called_as_a_function
kernel void j(device float* x [[buffer(0)]]) {
    x[0] = 1.0f;
}
kernel void k(device float* x [[buffer(0)]]) {
    j(x);  // <- call
}
//// one_index_twice
kernel void k(device float* x [[buffer(0)]],
              device float* y [[buffer(0)]]) {  // <- attribute
    x[0] = y[0];
}
//// one_position_twice
kernel void k(device float* x [[buffer(0)]], uint i [[thread_index_in_threadgroup]],
              uint j [[thread_index_in_threadgroup]]) {  // <- attribute
    x[i] = float(j);
}
//// no_attribute
kernel void k(device float* x [[buffer(0)]], uint i) {  // <- attribute
    x[i] = 1.0f;
}
//// scalar_by_value
kernel void k(device float* x [[buffer(0)]], uint n [[buffer(1)]]) {  // <- buffer
    x[n] = 1.0f;
}
//// constant_scalar_by_value
kernel void k(device float* x [[buffer(0)]], constant uint n [[buffer(1)]]) {  // <- buffer
    x[n] = 1.0f;
}
//// thirty_second_buffer
kernel void k(device float* x [[buffer(31)]]) {  // <- buffer
    x[0] = 1.0f;
}
//// buffer_without_index
kernel void k(device float* x [[buffer]]) {  // <- buffer
    x[0] = 1.0f;
}
//// buffer_without_space
kernel void k(float* x [[buffer(0)]]) {  // <- buffer
    x[0] = 1.0f;
}
//// thread_buffer
kernel void k(thread float* x [[buffer(0)]]) {  // <- buffer
    x[0] = 1.0f;
}
//// buffer_of_pointers
kernel void k(device float* device* x [[buffer(0)]]) {  // <- buffer
    x[0][0] = 1.0f;
}
//// signed_index
kernel void k(device float* x [[buffer(0)]], int i [[thread_position_in_grid]]) {  // <- attribute
    x[i] = 1.0f;
}
//// vector_index
kernel void k(device float* x [[buffer(0)]],
              uint3 i [[thread_index_in_threadgroup]]) {  // <- attribute
    x[i.x] = 1.0f;
}
//// positions_of_two_sizes
kernel void k(device float* x [[buffer(0)]], uint i [[thread_position_in_grid]],
              uint3 program [[threadgroup_position_in_grid]]) {  // <- attribute
    x[i] = float(program.x);
}
//// unknown_position
kernel void k(device float* x [[buffer(0)]],
              uint i [[thread_position_in_simdgroup]]) {  // <- attribute
    x[i] = 1.0f;
}
//// threadgroup_parameter_by_value
kernel void k(device float* x [[buffer(0)]],
              threadgroup float shared [[threadgroup(0)]]) {  // <- attribute
    x[0] = shared;
}
//// too_many_threads
[[max_total_threads_per_threadgroup(2048)]]  // <- attribute
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = 1.0f;
}
