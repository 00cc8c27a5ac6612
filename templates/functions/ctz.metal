// Zero bits below the lowest that is set; 64 of 0.
inline ulong trimetal_ctz(ulong x) {
    const uint low = uint(x);
    return low == 0 ? 32 + ctz(uint(x >> 32)) : ctz(low);
}
