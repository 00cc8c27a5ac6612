// exp(x * x) * erfc(x) for x from 0. Coefficients: tests/arith/coefficients.py.
inline float trimetal_scaled_erfc(float x) {
    const float q = (x - 2.0f) / (x + 2.0f);
    float p = 8.80513981e-5f;
    p = fma(p, q, 1.8334073e-4f);
    p = fma(p, q, -4.08949301e-4f);
    p = fma(p, q, -1.44047209e-3f);
    p = fma(p, q, 1.25489279e-3f);
    p = fma(p, q, 8.71980656e-3f);
    p = fma(p, q, -8.0308849e-3f);
    p = fma(p, q, -5.42205349e-2f);
    p = fma(p, q, 1.64050996e-1f);
    p = fma(p, q, -1.66030228e-1f);
    p = fma(p, q, -9.27638188e-2f);
    p = fma(p, q, 1.27697837f);
    return p / fma(2.0f, x, 1.0f);
}
