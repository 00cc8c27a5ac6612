// Modified Bessel function of the first kind, order 1.
// Coefficients: tests/arith/coefficients.py.
inline float trimetal_i1(float x) {
    const float a = fabs(x) > 100.0f ? 100.0f : fabs(x);
    if (a < 5.0f) {
        const float q = 0.25f * a * a;
        float p = 9.11354811e-11f;
        p = fma(p, q, 4.66674255e-9f);
        p = fma(p, q, 2.77033791e-7f);
        p = fma(p, q, 1.15693902e-5f);
        p = fma(p, q, 0.000347230525f);
        p = fma(p, q, 0.00694443705f);
        p = fma(p, q, 0.0833333358f);
        p = fma(p, q, 0.5f);
        p = fma(p, q, 1.0f);
        return 0.5f * x * p;
    }
    const float t = 1.0f / a;
    float p = 29.4756355f;
    p = fma(p, t, -18.7877445f);
    p = fma(p, t, 4.0533247f);
    p = fma(p, t, -0.513829887f);
    p = fma(p, t, -0.0152109694f);
    p = fma(p, t, -0.0474527031f);
    p = fma(p, t, -0.149595737f);
    p = fma(p, t, 0.398942262f);
    const float e = precise::exp(0.5f * a);  // twice, since its square might not fit
    return copysign(p * precise::rsqrt(a) * e * e, x);
}
