#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const code_texts[STATUS_CODES] = {
    [STATUS_OK] = "ok",
    [STATUS_INVALID] = "invalid argument",
    [STATUS_NOT_FOUND] = "not found",
    [STATUS_EXISTS] = "already exists",
    [STATUS_BUSY] = "busy",
    [STATUS_LIMIT] = "over a limit",
    [STATUS_NOMEM] = "out of memory",
    [STATUS_IO] = "input/output error",
    [STATUS_NOSPACE] = "disk full",
    [STATUS_CORRUPT] = "corrupt",
    [STATUS_UNSUPPORTED] = "unsupported",
    [STATUS_CLOSED] = "closed",
};

static const struct {
    int os_error;
    enum status_code code;
} errno_codes[] = {
    {ENOENT, STATUS_NOT_FOUND}, {EEXIST, STATUS_EXISTS},          {ENOSPC, STATUS_NOSPACE},
    {EDQUOT, STATUS_NOSPACE},   {ENOMEM, STATUS_NOMEM},           {EAGAIN, STATUS_BUSY},
    {EBUSY, STATUS_BUSY},       {EINVAL, STATUS_INVALID},         {ENAMETOOLONG, STATUS_LIMIT},
    {EFBIG, STATUS_LIMIT},      {EOPNOTSUPP, STATUS_UNSUPPORTED}, {ENOSYS, STATUS_UNSUPPORTED},
};

status status_from_errno(int os_error, const char *file, uint32_t line)
{
    status st = {.file = file, .line = line, .code = STATUS_IO, .os_error = (int16_t)os_error};
    for (size_t i = 0; i < sizeof errno_codes / sizeof *errno_codes; i++)
        if (errno_codes[i].os_error == os_error)
            st.code = (uint16_t)errno_codes[i].code;
    return st;
}

const char *status_text(status st)
{
    return st.code < STATUS_CODES ? code_texts[st.code] : "unknown status";
}

void status_print(status st, char *out, uint32_t out_bytes)
{
    if (ok(st))
        snprintf(out, out_bytes, "ok");
    else if (st.os_error)
        snprintf(out, out_bytes, "%s: %s (%s:%u)", status_text(st), strerror(st.os_error), st.file, st.line);
    else
        snprintf(out, out_bytes, "%s (%s:%u)", status_text(st), st.file, st.line);
}
