/*
 * status.h: the one way a call says how it went.
 *
 * Shapes      A status is two machine words: where the trouble was born (file, line), what it is
 *             (code) and what the kernel said (os_error, an errno, 0 when it said nothing).
 * Ownership   Nothing to free; copies freely between threads.
 * Errors      Codes are few and say what the caller can do, not which function failed.
 */
#ifndef STRAIT_BASE_STATUS_H
#define STRAIT_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status_code {
    STATUS_OK,          /* done */
    STATUS_INVALID,     /* the caller's arguments can never work */
    STATUS_NOT_FOUND,   /* no such file, table, key */
    STATUS_EXISTS,      /* it is there already */
    STATUS_BUSY,        /* held by somebody else, or over a limit that passes; try again */
    STATUS_LIMIT,       /* larger than a fixed bound */
    STATUS_NOMEM,       /* memory could not be had */
    STATUS_IO,          /* the kernel refused; os_error says why */
    STATUS_NOSPACE,     /* the disk is full; nothing was lost */
    STATUS_CORRUPT,     /* bytes from a disk or a peer do not check out */
    STATUS_UNSUPPORTED, /* well formed, from a newer version or not offered here */
    STATUS_CLOSED,      /* the object was shut down, or refuses writes after an I/O failure */
    STATUS_CODES
};

typedef struct status {
    const char *file; /* static storage; NULL when ok */
    uint32_t line;
    uint16_t code; /* enum status_code */
    int16_t os_error;
} status;

#define STATUS_DONE    ((status){0})
#define STATUS_FAIL(c) ((status){.file = __FILE__, .line = __LINE__, .code = (uint16_t)(c)})
#define STATUS_OS(c, e) \
    ((status){.file = __FILE__, .line = __LINE__, .code = (uint16_t)(c), .os_error = (int16_t)(e)})
#define STATUS_FROM_ERRNO(e) status_from_errno((e), __FILE__, __LINE__)

static inline bool ok(status st)
{
    return st.code == STATUS_OK;
}

static inline bool failed(status st)
{
    return st.code != STATUS_OK;
}

/* Return at once when `expression` fails. Only where nothing is held. */
#define TRY(expression)                    \
    do {                                   \
        status try_status_ = (expression); \
        if (failed(try_status_))           \
            return try_status_;            \
    } while (0)

/* The status that fits an errno: ENOSPC is NOSPACE, ENOENT is NOT_FOUND, and so on. */
status status_from_errno(int os_error, const char *file, uint32_t line);

/* "corrupt", "disk full", ...: static text. */
const char *status_text(status st);

/* "corrupt (sstable/block.c:112)", with the errno's text when there is one. Always terminated. */
void status_print(status st, char *out, uint32_t out_bytes);

#endif
