#include <metal_stdlib>
using namespace metal;

constant float table[4] = {0.5f, 1.0f, 1.5f, 2.0f};
constant constexpr int offsets[2][2] = {{1, 2}, {3, 4}};

// Conditions, limits and rounding, on vectors and scalars.
kernel void choices(device const float4* x [[buffer(0)]],
                    device float4* out [[buffer(1)]],
                    device int* flags [[buffer(2)]],
                    constant bool& negate [[buffer(3)]],
                    uint i [[thread_position_in_grid]]) {
    const float4 v = x[i];
    const float4 swapped = v.wzyx;
    const bool4 less = v < swapped;
    float4 chosen = select(v, swapped, less);
    chosen = clamp(chosen, -1.0f, 1.0f) * table[i & 3u];
    if (negate) chosen = -chosen;
    out[i] = chosen + float4(floor(v.x), ceil(v.y), trunc(v.z), rint(v.w));
    flags[i] = int(any(less)) + 2 * int(all(less)) + 4 * int(isnan(v.x)) +
               8 * int(isinf(v.y)) + 16 * int(signbit(v.z)) + offsets[1][i & 1u] * 32 +
               1024 * int(all(isfinite(v)));
}
