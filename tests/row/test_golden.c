/*
 * Images as they have been written since the format was fixed: tests/golden/row_images.txt has one a line, first the bytes
 * in hex, then what they say in the notation of row_text.h. What was once written must be read for ever, and as long as nobody
 * means to change the format, it is still written so.
 *
 * STRAIT_GOLDEN_PRINT=1 prints the lines anew from their texts.
 */
#include <string.h>

#include "tests/row/row_text.h"

static int digit_of(char digit)
{
    return digit >= 'a' ? digit - 'a' + 10 : digit - '0';
}

/* Returns where the hex ends. */
static const char *hex_decode(const char *at, struct buffer *out)
{
    for (; at[0] != ' '; at += 2)
        buffer_append_u8(out, (uint8_t)(digit_of(at[0]) << 4 | digit_of(at[1])));
    return at + 1;
}

static void print_line(const struct buffer *image, const char *text)
{
    for (size_t i = 0; i < image->bytes; i++)
        print_message("%02x", image->data[i]);
    print_message(" %s\n", text);
}

static void images_are_read_and_written_as_they_always_were(void **state)
{
    (void)state;
    FILE *file = fopen(STRAIT_SOURCE_DIR "/tests/golden/row_images.txt", "r");
    char line[4096];
    uint32_t lines = 0;
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); lines++) {
        struct buffer golden = {0}, written = {0};
        line[strcspn(line, "\n")] = 0;
        const char *text = hex_decode(line, &golden);
        row_text_encode(text, &written);
        if (getenv("STRAIT_GOLDEN_PRINT"))
            print_line(&written, text);
        assert_image_is(buffer_slice(&golden), text);
        assert_true(slice_equal(buffer_slice(&golden), buffer_slice(&written)));
        buffer_deinit(&golden);
        buffer_deinit(&written);
    }
    assert_true(lines >= 20);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_read_and_written_as_they_always_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
