//// pointer_from_device_to_threadgroup
threadgroup float* p = x;  // <- compiler
p[0] = 1.0f;
//// pointer_from_threadgroup_to_device
device float* p = shared;  // <- compiler
p[0] = 1.0f;
//// pointer_from_device_to_thread
thread float* p = x;  // <- compiler
*p = 1.0f;
//// device_pointer_to_a_local_variable
float value = 1.0f;
device float* p = &value;  // <- compiler
*p = 2.0f;
//// constant_reference_to_device_memory
constant float& first = x[0];  // <- compiler
x[1] = first;
//// device_reference_to_constant_memory
device uint& count = n;  // <- compiler
count = 1u;
//// store_to_constant_memory
n = 3u;  // <- compiler
//// cast_from_device_to_threadgroup
threadgroup float4* p = (threadgroup float4*)x;  // <- compiler
p[0] = float4(1.0f);
//// reinterpretation_across_spaces
x[0] = *reinterpret_cast<threadgroup float*>(x);  // <- compiler
//// cast_away_from_constant
device uint* p = (device uint*)&n;  // <- compiler
p[0] = 1u;
//// pointer_without_space
float* p = x;  // <- address-space
p[0] = 1.0f;
//// pointer_without_space_to_a_local_variable
float value = 1.0f;
const float* p = &value;  // <- address-space
x[0] = *p;
//// reference_without_space
float value = 0.0f;
float& r = value;  // <- address-space
r = 1.0f;
//// cast_without_space
x[0] = *(float*)x;  // <- address-space
//// loop_reference_without_space
for (int i = 0; i < 4; ++i) {
    auto& item = x[i];  // <- address-space
    item = 1.0f;
}
//// pointer_to_pointer
device float* p = x;
device float** q = &p;  // <- pointer
**q = 1.0f;
//// helper_parameter_without_space
inline float first(float* p) {  // <- address-space
    return p[0];
}
kernel void k(device float* x [[buffer(0)]]) {
    float value = 1.0f;
    x[0] = first(&value);
}
//// struct_member_pointer_without_space
struct View {
    float* data;  // <- address-space
};
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = 1.0f;
}
//// template_pointer_without_space
template <typename T>
inline T first(const T* p) {  // <- address-space
    return p[0];
}
kernel void k(device float* x [[buffer(0)]]) {
    float values[2] = {1.0f, 2.0f};
    x[0] = first(values);
}
//// threadgroup_pointer_to_a_device_helper
inline float first(device float* p) {
    return p[0];
}
kernel void k(device float* x [[buffer(0)]]) {
    threadgroup float shared[4];
    shared[0] = 1.0f;
    x[0] = first(shared);  // <- compiler
}
//// mixed_spaces_in_a_conditional
device float* p = n > 1u ? x : shared;  // <- compiler
p[0] = 1.0f;
