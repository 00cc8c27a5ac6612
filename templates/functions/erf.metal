// Error function, within 2 ulp. Coefficients: tests/arith/coefficients.py.
inline float trimetal_erf(float x) {
    const float s = x * x;
    if (s < 0.87890625f) {
        float p = 8.25976167e-5f;
        p = fma(p, s, -0.000811576843f);
        p = fma(p, s, 0.00519855786f);
        p = fma(p, s, -0.0268583372f);
        p = fma(p, s, 0.112836741f);
        p = fma(p, s, -0.376126319f);
        p = fma(p, s, 0.128379166f);
        return fma(p, x, x);
    }
    const float t = fabs(x) > 4.0f ? 4.0f : fabs(x);
    float p = 1.18864828e-5f;
    p = fma(p, t, -0.000329390634f);
    p = fma(p, t, 0.00366936275f);
    p = fma(p, t, -0.0238192305f);
    p = fma(p, t, 0.106303565f);
    p = fma(p, t, 0.635110795f);
    p = fma(p, t, 0.128658518f);
    return copysign(1.0f - precise::exp(-fma(p, t, t)), x);
}
