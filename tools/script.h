/*
 * script.h: statements of a text, one after another, on a handle: what `exec` and `shell` share.
 */
#ifndef STRAIT_TOOLS_SCRIPT_H
#define STRAIT_TOOLS_SCRIPT_H

#include "tools/result_printer.h"

struct script {
    strait *db; /* borrowed */
    enum result_format format;
    bool timing;                       /* say how long each statement took, on standard error */
    bool keep_going;                   /* after a statement that failed */
    bool read_only;                    /* how the store is open, to explain what it refuses */
    FILE *out;                         /* rows */
    const char *name;                  /* for messages: a file's name; NULL for a prompt or an argument */
    const volatile sig_atomic_t *stop; /* borrowed; nonzero ends a statement between two rows; may be NULL */
};

/* Run every complete statement of `text`; the last one may lack its semicolon. False when one failed; the error, with the
 * line of the text and a mark at the place, is on standard error by then. */
bool script_run(const struct script *script, const char *text, size_t bytes);

/* Bytes of space and whole comments at the beginning of `text`. */
size_t script_blank(const char *text, size_t bytes);

/* The whole of a file ("-": standard input), terminated; NULL with a message on standard error. The caller frees it. */
char *script_read(const char *path, size_t *out_bytes);

#endif
