// Launches one kernel as Python does, in a program of its own that a sanitizer can watch.
//
//   driver X Y Z THREADS WORKERS SCHEDULE ARGUMENT...
//
// An argument is `=HEX`, the bytes of a scalar, or the path of a file: a buffer, read from it and
// written back. Buffers have the size of their files, so that the address sanitizer sees what lies
// beyond them; but the last word is whole, since atomics on a part of a word take the word.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trimetal/abi.hpp"

extern "C" {
const trimetal::Services* trimetal_services();
int trimetal_launch(trimetal::Entry, const trimetal::Slot*, unsigned, unsigned, unsigned, unsigned,
                    unsigned, unsigned, unsigned, unsigned);
const char* trimetal_message();
void trimetal_bind(const trimetal::Services*);
void trimetal_entry(const trimetal::Slot*, const trimetal::Lane&, const trimetal::Group&);
}

static trimetal::Slot scalar(const char* hex) {
    trimetal::Slot slot;
    memset(&slot, 0, sizeof slot);
    for (int i = 0; hex[2 * i]; ++i) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        slot.value[i] = (unsigned char)strtoul(digits, nullptr, 16);
    }
    return slot;
}

static trimetal::Slot buffer(const char* path) {
    trimetal::Slot slot;
    FILE* file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) abort();
    slot.bytes = (unsigned long)ftell(file);
    rewind(file);
    slot.pointer = malloc((slot.bytes + 3) / 4 * 4);
    if (fread(slot.pointer, 1, slot.bytes, file) != slot.bytes) abort();
    fclose(file);
    return slot;
}

int main(int count, char** words) {
    unsigned numbers[6];
    for (int i = 0; i < 6; ++i) numbers[i] = (unsigned)atoi(words[i + 1]);
    static trimetal::Slot slots[64];
    const int first = 7, arguments = count - first;
    for (int i = 0; i < arguments; ++i) {
        const char* word = words[first + i];
        slots[i] = word[0] == '=' ? scalar(word + 1) : buffer(word);
    }
    trimetal_bind(trimetal_services());
    const int failed = trimetal_launch(trimetal_entry, slots, (unsigned)arguments, numbers[0],
                                       numbers[1], numbers[2], numbers[3], 32 << 10, numbers[4],
                                       numbers[5]);
    if (failed) {
        fprintf(stderr, "%s\n", trimetal_message());
        return 1;
    }
    for (int i = 0; i < arguments; ++i) {
        if (words[first + i][0] == '=') continue;
        FILE* file = fopen(words[first + i], "wb");
        fwrite(slots[i].pointer, 1, slots[i].bytes, file);
        fclose(file);
        free(slots[i].pointer);
    }
    return 0;
}
