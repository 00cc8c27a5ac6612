// Bits that are set.
inline ulong trimetal_popcount(ulong x) {
    return popcount(uint(x)) + popcount(uint(x >> 32));
}
