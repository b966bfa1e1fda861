#include "tools/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum {
    ESCAPE_BYTES = 8,
};

void terminal_init(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* What is shown for a control character. */
static int escape(unsigned char c, char out[ESCAPE_BYTES])
{
    static const char letters[] = "abtnvfr"; /* of 7 to 13 */
    if (c >= 7 && c <= 13)
        return snprintf(out, ESCAPE_BYTES, "\\%c", letters[c - 7]);
    return snprintf(out, ESCAPE_BYTES, "\\x%02x", c);
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

int terminal_width(const char *text, size_t bytes)
{
    int width = 0;
    mbstate_t state = {0};
    for (size_t at = 0; at < bytes;) {
        char shown[ESCAPE_BYTES];
        wchar_t wide;
        if (is_control((unsigned char)text[at])) {
            width += escape((unsigned char)text[at++], shown);
            continue;
        }
        size_t used = mbrtowc(&wide, text + at, bytes - at, &state);
        if (used == 0 || used > bytes - at) { /* no UTF-8 */
            state = (mbstate_t){0};
            used = 1;
            width++;
        } else {
            int columns = wcwidth(wide);
            width += columns < 0 ? 1 : columns;
        }
        at += used;
    }
    return width;
}

void terminal_print(const char *text, size_t bytes, FILE *out)
{
    for (size_t at = 0; at < bytes; at++) {
        char shown[ESCAPE_BYTES];
        if (is_control((unsigned char)text[at])) {
            escape((unsigned char)text[at], shown);
            fputs(shown, out);
        } else {
            fputc(text[at], out);
        }
    }
}

int terminal_columns(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)))
        return 0;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
