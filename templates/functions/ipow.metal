// x to the power n, wrapping; of a negative n what is left of 1 / x.
template <typename T>
T trimetal_ipow(T x, T n) {
    if (n < 0) {
        return x == 1 ? 1 : x == -1 ? ((n & 1) != 0 ? -1 : 1) : 0;
    }
    ulong power = 1;
    ulong factor = ulong(x);
    for (ulong bits = ulong(n); bits != 0; bits >>= 1) {
        power = (bits & 1) != 0 ? power * factor : power;
        factor = factor * factor;
    }
    return T(power);
}
