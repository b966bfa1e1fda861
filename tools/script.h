/*
 * script.h: statements of a text, one after another, on a handle: what `exec` and `shell` share.
 */
#ifndef STRAIT_TOOLS_SCRIPT_H
#define STRAIT_TOOLS_SCRIPT_H

#include "tools/result_printer.h"

struct script {
    strait *db; /* borrowed */
    enum result_format format;
    bool timing;      /* say how long each statement took, on standard error */
    bool keep_going;  /* after a statement that failed */
    FILE *out;        /* rows */
    const char *name; /* for messages: a file's name; NULL for a prompt or an argument */
};

/* Run every complete statement of `text`; the last one may lack its semicolon. False when one failed; the error, with the
 * line of the text and a mark at the place, is on standard error by then. */
bool script_run(const struct script *script, const char *text, size_t bytes);

/* The whole of a file ("-": standard input), terminated; NULL with a message on standard error. The caller frees it. */
char *script_read(const char *path, size_t *out_bytes);

/* "path: message" for a failed strait_open(); the handle is closed. */
void script_report_open(strait *db, const char *path, int result);

#endif
