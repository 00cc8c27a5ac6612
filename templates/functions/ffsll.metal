// Place of the lowest bit that is set, from 1; 0 of 0.
inline int trimetal_ffsll(ulong x) {
    return x == 0 ? 0 : int(trimetal_ctz(x)) + 1;
}
