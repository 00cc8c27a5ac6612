#include <metal_stdlib>
using namespace metal;

struct Line {
    packed_float3 direction;
    float scale;
    uchar4 colour;
};

kernel void packed(device const packed_float3* points [[buffer(0)]],
                   device packed_float3* out [[buffer(1)]],
                   device const uchar* pairs [[buffer(2)]],
                   device ushort* joined [[buffer(3)]],
                   device const packed_half4* quads [[buffer(4)]],
                   device float* sums [[buffer(5)]],
                   uint i [[thread_position_in_grid]]) {
    const float3 p = points[i];
    Line line;
    line.direction = packed_float3(p.zyx);
    line.scale = 2.0f;
    line.colour = uchar4(1, 2, 3, 4);
    float3 moved = line.direction * line.scale + float3(1.0f, 2.0f, 3.0f);
    moved.xz = moved.zx;
    moved.y -= float(line.colour.w);
    out[i] = moved;

    const uchar2 two = uchar2(pairs[2u * i], pairs[2u * i + 1u]);
    joined[i] = as_type<ushort>(two.yx);

    const half4 q = quads[i];
    sums[i] = float(q.x + q.y) + float(q[2] + q[3]) + dot(float2(q.xy), float2(1.0f, -1.0f));
}
