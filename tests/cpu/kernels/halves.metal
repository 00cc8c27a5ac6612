#include <metal_stdlib>
using namespace metal;

// Every operation rounds once.
kernel void halves(device const half* x [[buffer(0)]],
                   device half* out [[buffer(1)]],
                   device const bfloat* y [[buffer(2)]],
                   device bfloat* rounded [[buffer(3)]],
                   device float* mixed [[buffer(4)]],
                   uint i [[thread_position_in_grid]]) {
    const half a = x[i];
    half value = a * a + 1.0h;
    value += a / 3.0h;
    out[i] = -value + half(float(a) * 0.1f);

    const bfloat b = y[i];
    bfloat other = b * b + bfloat(1.0f);
    other -= b / bfloat(3.0f);
    rounded[i] = b < bfloat(0.0f) ? -other : other;

    const half4 h = half4(a, value, 0.5h, 2.0h) * 2.0h;
    const float4 f = float4(h.wzyx) + float(b);
    mixed[i] = (f.x + f.y) + (f.z + f.w);
}
