//// goto
goto end;  // <- language
end: x[0] = 1.0f;
//// new
device float* p = new float[4];  // <- language
//// try
try {  // <- language
    x[0] = 1.0f;
} catch (...) {  // <- language
}
//// lambda
auto twice = [](float value) { return value + value; };  // <- language
x[0] = twice(1.0f);
//// virtual_function
struct Shape {
    virtual float area() {  // <- language
        return 1.0f;
    }
};
kernel void k(device float* x [[buffer(0)]]) {
    Shape shape;
    x[0] = shape.area();
}
//// function_pointer
inline float twice(float value) {
    return value + value;
}
kernel void k(device float* x [[buffer(0)]]) {
    float (*f)(float) = twice;  // <- compiler
    x[0] = f(1.0f);
}
//// standard_library
x[0] = std::max(x[0], x[1]);  // <- language
//// structured_binding
float2 v = float2(1.0f);
auto [first, second] = v;  // <- c++14
x[0] = first;
//// condition_with_an_initial_value
if (int i = int(n); i > 0) x[i] = 1.0f;  // <- c++14
//// constexpr_if
if constexpr (sizeof(float) == 4) x[0] = 1.0f;  // <- c++14
//// nested_namespace
namespace a::b {  // <- c++14
constant float scale = 1.0f;
}
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = a::b::scale;
}
//// fold_expression
template <typename... T>
inline float sum(T... values) {
    return (0.0f + ... + values);  // <- c++14
}
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = sum(1.0f, 2.0f);
}
//// missing_semicolon
x[0] = 1.0f  // <- compiler
x[1] = 2.0f;
//// not_ascii
x[0] = 1.0f;  // µ <- ascii
//// unknown_header
#include <cmath>  // <- include
#include <metal_stdlib>
using namespace metal;
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = 1.0f;
}
//// no_header
using namespace metal;  // <- include
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = 1.0f;
}
//// no_namespace
#include <metal_stdlib>
kernel void k(device float* x [[buffer(0)]]) {
    x[0] = simd_sum(x[0]);  // <- compiler
}
