/*
 * Run a fuzz target over every file of a corpus folder, and over truncations and single flipped
 * bytes of each, so that an ordinary build re-checks what the fuzzer found.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static size_t inputs;

static void run(const uint8_t *data, size_t bytes)
{
    /* An exact-size copy, so that AddressSanitizer sees a read past the end. */
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        abort();
    memcpy(copy, data, bytes);
    LLVMFuzzerTestOneInput(copy, bytes);
    free(copy);
    inputs++;
}

static void run_variants(uint8_t *data, size_t bytes)
{
    run(data, bytes);
    size_t step = bytes / 64 + 1;
    for (size_t at = 0; at < bytes; at += step) {
        run(data, at);
        uint8_t kept = data[at];
        data[at] ^= (uint8_t)(1u << at % 8);
        run(data, bytes);
        data[at] = kept;
    }
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    static uint8_t data[1 << 20];
    size_t bytes = fread(data, 1, sizeof data, file);
    fclose(file);
    run_variants(data, bytes);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
            if (entry->d_name[0] == '.')
                continue;
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            run_file(path);
        }
        closedir(folder);
    }
    printf("%zu inputs replayed\n", inputs);
    return inputs ? 0 : 1;
}
