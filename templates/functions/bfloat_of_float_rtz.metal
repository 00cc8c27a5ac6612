// float as bfloat, rounded toward zero: the upper half of its bits.
inline bfloat trimetal_bfloat_of_float_rtz(float x) {
    const ushort upper = ushort(as_type<uint>(x) >> 16);
    return as_type<bfloat>(isnan(x) ? ushort(upper | 64) : upper);
}
