// log(1 + x), exact near 0 too. Method: W. Kahan, in D. Goldberg, "What Every Computer Scientist
// Should Know About Floating-Point Arithmetic" (1991), theorem 4.
inline float trimetal_log1p(float x) {
    const float u = 1.0f + x;
    if (u == 1.0f) {
        return x;
    }
    const float y = precise::log(u);
    return isinf(u) || u == 0.0f ? y : y * (x / (u - 1.0f));
}
