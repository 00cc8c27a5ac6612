// float as half, rounded toward zero.
inline half trimetal_half_of_float_rtz(float x) {
    const half y = half(x);
    return fabs(float(y)) > fabs(x) ? as_type<half>(ushort(as_type<ushort>(y) - 1)) : y;
}
