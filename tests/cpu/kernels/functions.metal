#include <metal_stdlib>
using namespace metal;

// Functions of one float, one a column.
kernel void functions(device const float* x [[buffer(0)]],
                      device float* out [[buffer(1)]],
                      uint i [[thread_position_in_grid]]) {
    const float v = x[i];
    device float* o = out + 24u * i;
    o[0] = precise::exp(v);
    o[1] = precise::exp2(v);
    o[2] = precise::log(fabs(v));
    o[3] = precise::log2(fabs(v));
    o[4] = precise::sin(v);
    o[5] = precise::cos(v);
    o[6] = precise::tan(v);
    o[7] = precise::tanh(v);
    o[8] = precise::sqrt(fabs(v));
    o[9] = precise::rsqrt(fabs(v));
    o[10] = fast::exp(v);
    o[11] = precise::pow(fabs(v), 1.5f);
    o[12] = precise::atan2(v, 2.0f);
    o[13] = fma(v, v, 1.0f);
    o[14] = fmod(v, 0.75f);
    o[15] = sinpi(v);
    o[16] = cospi(v);
    o[17] = fract(v);
    o[18] = ldexp(v, 3);
    o[19] = copysign(2.0f, v);
    o[20] = log10(fabs(v));
    o[21] = exp10(v);
    o[22] = sign(v) + mix(1.0f, 3.0f, 0.25f) + step(0.0f, v) + saturate(v);
    o[23] = float(sqrt(half(fabs(v))) + max(half(v), 0.25h));
}
