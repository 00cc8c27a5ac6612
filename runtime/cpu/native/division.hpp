// Steps over a faulting x86 division (included by faults.hpp, inside its namespace).

// The general registers in the order of the instruction encoding.
static const int register_order[16] = {
#if defined(__APPLE__)
    0
#else
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15
#endif
};

inline unsigned long long* general_register(ucontext_t* context, unsigned number) {
#if defined(__APPLE__)
    auto& s = context->uc_mcontext->__ss;
    __uint64_t* all[16] = {&s.__rax, &s.__rcx, &s.__rdx, &s.__rbx, &s.__rsp, &s.__rbp,
                           &s.__rsi, &s.__rdi, &s.__r8,  &s.__r9,  &s.__r10, &s.__r11,
                           &s.__r12, &s.__r13, &s.__r14, &s.__r15};
    return (unsigned long long*)all[number];
#else
    return (unsigned long long*)&context->uc_mcontext.gregs[register_order[number]];
#endif
}

// A decoded `div` or `idiv`: its length, and the divisor's width and value.
struct Division {
    unsigned length;
    unsigned bytes;
    unsigned long long divisor;
};

inline unsigned long long operand_address(ucontext_t* context, const unsigned char* modrm,
                                          unsigned rex, unsigned* size, const unsigned char* next) {
    const unsigned mode = *modrm >> 6, low = *modrm & 7;
    const unsigned char* p = modrm + 1;
    unsigned long long address = 0;
    bool has_base = true;
    unsigned base = low | (rex & 1) << 3;
    if (low == 4) {
        const unsigned sib = *p++;
        const unsigned index = ((sib >> 3) & 7) | (rex & 2) << 2;
        if (index != 4) address += *general_register(context, index) << (sib >> 6);
        base = (sib & 7) | (rex & 1) << 3;
        has_base = !((sib & 7) == 5 && mode == 0);
    }
    const bool from_pc = low == 5 && mode == 0;
    if (from_pc) has_base = false;
    if (has_base) address += *general_register(context, base);
    if (mode == 1) {
        address += (long long)*(const signed char*)p;
        p += 1;
    } else if (mode == 2 || !has_base) {
        int displacement;
        memcpy(&displacement, p, 4);
        address += (long long)displacement;
        p += 4;
    }
    *size = (unsigned)(p - modrm);
    if (from_pc) address += (unsigned long long)next + *size;
    return address;
}

inline bool decode_division(ucontext_t* context, Division* division) {
    void** pc;
    void** sp;
    registers(context, &pc, &sp);
    const unsigned char* start = (const unsigned char*)*pc;
    const unsigned char* p = start;
    unsigned rex = 0;
    bool half_words = false;
    if (*p == 0x66) half_words = true, ++p;
    if ((*p & 0xf0) == 0x40) rex = *p++;
    const unsigned opcode = *p++;
    if ((opcode != 0xf6 && opcode != 0xf7) || ((*p >> 3) & 7) < 6) return false;
    division->bytes = opcode == 0xf6 ? 1 : rex & 8 ? 8 : half_words ? 2 : 4;
    unsigned size = 1;
    division->divisor = 0;
    if (*p >> 6 == 3) {
        division->divisor = *general_register(context, (*p & 7) | (rex & 1) << 3);
    } else {
        const unsigned long long at = operand_address(context, p, rex, &size, p);
        memcpy(&division->divisor, (const void*)at, division->bytes);
    }
    if (division->bytes < 8) division->divisor &= (1ull << division->bytes * 8) - 1;
    division->length = (unsigned)(p - start) + size;
    return true;
}

inline bool skip_division(ucontext_t* context) {
    Division division;
    if (!decode_division(context, &division)) return false;
    unsigned long long* quotient = general_register(context, 0);
    unsigned long long* remainder = general_register(context, 2);
    const bool by_zero = division.divisor == 0;
    if (division.bytes == 1) {  // AL and AH
        const unsigned long long dividend = *quotient & 0xff;
        *quotient = (*quotient & ~0xffffull) | (by_zero ? dividend << 8 : dividend);
    } else {
        const unsigned long long dividend = *quotient;
        const unsigned long long mask =
            division.bytes == 8 ? ~0ull : (1ull << division.bytes * 8) - 1;
        // Quotient 0 and the dividend as remainder; of INT_MIN / -1, INT_MIN and 0.
        *quotient = by_zero ? 0 : dividend & mask;
        *remainder = by_zero ? dividend & mask : 0;
    }
    void** pc;
    void** sp;
    registers(context, &pc, &sp);
    *pc = (char*)*pc + division.length;
    return true;
}
