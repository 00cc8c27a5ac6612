// exp(x * x) * erfc(x).
inline float trimetal_erfcx(float x) {
    const float y = trimetal_scaled_erfc(fabs(x));
    return x < 0.0f ? 2.0f * precise::exp(x * x) - y : y;
}
