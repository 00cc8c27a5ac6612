// 1 / sqrt(x * x + y * y).
inline float trimetal_rhypot(float x, float y) {
    return 1.0f / trimetal_hypot(x, y);
}
