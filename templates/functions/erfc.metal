// Complementary error function: 1 - erf(x), without cancellation.
inline float trimetal_erfc(float x) {
    if (x < 0.5f) {
        return 1.0f - trimetal_erf(x);
    }
    const float t = x > 11.0f ? 11.0f : x;
    const float s = t * t;
    const float e = precise::exp(-s);
    return trimetal_scaled_erfc(t) * fma(fma(-t, t, s), e, e);
}
