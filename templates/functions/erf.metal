// Error function, within 2 ulp. Coefficients: tests/arith/coefficients.py.
inline float trimetal_erf(float x) {
    const float s = x * x;
    if (s < 0.87890625f) {
        float p = 8.25976167e-5f;
        p = fma(p, s, -8.11576843e-4f);
        p = fma(p, s, 5.19855786e-3f);
        p = fma(p, s, -2.68583372e-2f);
        p = fma(p, s, 1.12836741e-1f);
        p = fma(p, s, -3.76126319e-1f);
        p = fma(p, s, 1.28379166e-1f);
        return fma(p, x, x);
    }
    const float t = fabs(x) > 4.0f ? 4.0f : fabs(x);
    float p = 1.18864828e-5f;
    p = fma(p, t, -3.29390634e-4f);
    p = fma(p, t, 3.66936275e-3f);
    p = fma(p, t, -2.38192305e-2f);
    p = fma(p, t, 1.06303565e-1f);
    p = fma(p, t, 6.35110795e-1f);
    p = fma(p, t, 1.28658518e-1f);
    return copysign(1.0f - precise::exp(-fma(p, t, t)), x);
}
