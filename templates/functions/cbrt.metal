// Cube root: a first guess, and one step of Newton's method.
inline float trimetal_cbrt(float x) {
    if (x == 0.0f || !isfinite(x)) {
        return x;
    }
    const float a = fabs(x);
    const float y = precise::exp2(precise::log2(a) * 0.333333343f);
    return copysign(fma(a / (y * y) - y, 0.333333343f, y), x);
}
