// x - n * y, exactly, where n is x / y rounded to nearest even.
inline float trimetal_remainder(float x, float y) {
    const float b = fabs(y);
    if (isinf(x)) {
        return NAN;
    }
    float a = b > 1e38f ? fabs(x) : precise::fmod(fabs(x), b + b);
    if (a > b - a) {
        a -= b;
        if (a >= b - a) {
            a -= b;
        }
    }
    return x < 0.0f ? -a : a;
}
