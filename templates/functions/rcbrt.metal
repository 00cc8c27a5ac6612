// 1 / cube root.
inline float trimetal_rcbrt(float x) {
    return 1.0f / trimetal_cbrt(x);
}
