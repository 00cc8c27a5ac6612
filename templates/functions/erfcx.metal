// exp(x * x) * erfc(x).
inline float trimetal_erfcx(float x) {
    const float y = trimetal_scaled_erfc(fabs(x));
    if (x >= 0.0f || isnan(x)) {
        return y;
    }
    const float s = x * x;
    const float e = precise::exp(s);
    return s > 88.5f ? INFINITY : 2.0f * fma(fma(x, x, -s), e, e) - y;
}
