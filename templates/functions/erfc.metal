// Complementary error function: 1 - erf(x), without cancellation.
inline float trimetal_erfc(float x) {
    const float t = fabs(x) > 11.0f ? 11.0f : fabs(x);
    const float s = t * t;
    const float rest = fma(t, t, -s);
    const float scaled = trimetal_scaled_erfc(t) * precise::exp(-s);
    const float tail = fma(-rest, scaled, scaled);
    return x < 0.0f ? 2.0f - tail : tail;
}
