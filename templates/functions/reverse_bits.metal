// The bits in the opposite order.
inline ulong trimetal_reverse_bits(ulong x) {
    return ulong(reverse_bits(uint(x))) << 32 | reverse_bits(uint(x >> 32));
}
