#include "tools/line_editor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <editline/readline.h>

enum {
    HISTORY_LINES = 1000,
};

volatile sig_atomic_t line_editor_stop;

static volatile sig_atomic_t reading, cleared;
static char history_path[4096]; /* "" when there is no home */

static void on_interrupt(int number)
{
    static const char text[] = "\ninterrupted\n";
    (void)number;
    if (reading) {
        cleared = 1;
        return;
    }
    if (line_editor_stop) {
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        _exit(written < 0 ? 1 : 130);
    }
    line_editor_stop = 1;
}

/* One byte of what is typed; -1 at the end of input and on Ctrl-C. The editing library gives up the line then, at a point
 * of its own choice: nothing jumps out of a signal handler. */
static int read_byte(int fd)
{
    unsigned char byte;
    for (;;) {
        if (cleared)
            return -1;
        ssize_t got = read(fd, &byte, 1);
        if (got == 1)
            return byte;
        if (got == 0 || errno != EINTR)
            return -1;
    }
}

/* The next character, as the library wants it: decoded. */
static int read_character(FILE *in)
{
    mbstate_t state = {0};
    wchar_t wide;
    for (;;) {
        int byte = read_byte(fileno(in));
        if (byte < 0)
            return -1;
        char c = (char)byte;
        size_t used = mbrtowc(&wide, &c, 1, &state);
        if (used <= 1)
            return (int)wide;
        if (used == (size_t)-1)
            state = (mbstate_t){0};
    }
}

void line_editor_open(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);

    rl_getc_function = read_character;
    rl_inhibit_completion = 1;
    using_history();
    stifle_history(HISTORY_LINES);
    const char *home = getenv("HOME");
    if (home && *home)
        snprintf(history_path, sizeof history_path, "%s/.strait_history", home);
    if (*history_path)
        read_history(history_path);
}

void line_editor_close(void)
{
    if (!*history_path)
        return;
    mode_t before = umask(077); /* statements hold data */
    write_history(history_path);
    umask(before);
}

static void remember(const char *line)
{
    static char *last;
    if (!*line || (last && strcmp(last, line) == 0))
        return;
    free(last);
    last = strdup(line);
    add_history(line);
}

enum line_editor_result line_editor_read(const char *prompt, char **out_line)
{
    cleared = 0;
    reading = 1;
    char *line = readline(prompt);
    reading = 0;
    line_editor_stop = 0;
    if (cleared) {
        free(line);
        puts("^C");
        return LINE_CLEARED;
    }
    if (!line)
        return LINE_END;
    remember(line);
    *out_line = line;
    return LINE_READ;
}
