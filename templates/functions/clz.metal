// Zero bits above the highest that is set; 64 of 0.
inline ulong trimetal_clz(ulong x) {
    const uint high = uint(x >> 32);
    return high == 0 ? 32 + clz(uint(x)) : clz(high);
}
