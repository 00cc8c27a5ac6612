//// threadgroup_variable_in_a_helper
inline float helper(uint i) {
    threadgroup float shared[4];  // <- compiler
    return shared[i];
}
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = helper(0u);
}
//// threadgroup_variable_in_a_block
if (thread_index > 1u) {
    threadgroup float inner[4];  // <- compiler
    inner[0] = 1.0f;
    x[0] = inner[0];
}
//// threadgroup_variable_with_initial_value
threadgroup float start = 1.0f;  // <- compiler
x[0] = start;
//// threadgroup_member
struct Tile {
    threadgroup float data[4];  // <- compiler
};
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = 1.0f;
}
//// forty_kilobytes
threadgroup float large[10240];  // <- memory
large[thread_index] = 1.0f;
x[0] = large[0];
//// one_byte_too_much
threadgroup uchar most[32768 - 64 * 4];
threadgroup uchar one;  // <- memory
most[thread_index] = 1;
one = most[0];
//// too_much_with_alignment
threadgroup uchar most[32768 - 64 * 4 - 10];
threadgroup float4 last;  // <- memory
most[thread_index] = 1;
last = float4(float(most[0]));
//// too_much_of_a_struct
threadgroup simdgroup_matrix<float, 8, 8> matrices[5000];  // <- memory
x[0] = 1.0f;
//// static_variable
static float kept;  // <- static
kept = 1.0f;
x[0] = kept;
//// variable_length_array
float values[n];  // <- compiler
values[0] = 1.0f;
x[0] = values[0];
//// variable_at_program_scope
float total;  // <- program-scope
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = total;
}
//// const_is_not_constant
const float scale = 2.0f;  // <- program-scope
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = scale;
}
//// device_memory_at_program_scope
device float scratch[4];  // <- program-scope
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = scratch[0];
}
//// threadgroup_memory_at_program_scope
threadgroup float scratch[4];  // <- program-scope
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = scratch[0];
}
//// constant_without_value
constant float scale;  // <- program-scope
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = scale;
}
//// store_to_a_constant_table
constant float table[2] = {1.0f, 2.0f};
kernel void k(device float* x [[buffer(0)]]) {
    table[0] = x[0];  // <- compiler
}
//// unset_variable
float value;
x[0] = value;  // <- uninitialized
//// variable_set_on_one_path
float value;
if (n > 3u) {  // <- sometimes-uninitialized
    value = 1.0f;
}
x[0] = value;
//// missing_result
inline float helper(float value) {
    if (value > 0.0f) return value;
}  // <- return-type
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = helper(x[0]);
}
//// recursion
inline float helper(float value) {
    return value > 1.0f ? helper(value - 1.0f) : value;  // <- recursion
}
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = helper(x[0]);
}
//// mutual_recursion
inline float other(float value);
inline float helper(float value) {
    return other(value);  // <- recursion
}
inline float other(float value) {
    return helper(value);  // <- recursion
}
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = helper(x[0]);
}
//// index_past_a_constant_array
float values[4] = {1.0f, 2.0f, 3.0f, 4.0f};
x[0] = values[4];  // <- array-bounds
//// reserved_name
float half = 1.0f;  // <- compiler
x[0] = half;
//// reserved_name_that_clang_takes
float vertex = 1.0f;  // <- reserved
x[0] = vertex;
//// reserved_address_space_word
int thread = 1;  // <- reserved
x[0] = 1.0f;
//// redeclaration
int i = 0;
int i = 1;  // <- compiler
x[i] = 1.0f;
