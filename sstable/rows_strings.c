#include "sstable/rows_lanes_internal.h"

static size_t common_prefix(struct slice a, struct slice b)
{
    size_t most = a.bytes < b.bytes ? a.bytes : b.bytes;
    size_t at = 0;
    while (at + 8 <= most && load_le64(a.data + at) == load_le64(b.data + at))
        at += 8;
    while (at < most && a.data[at] == b.data[at])
        at++;
    return at;
}

bool strings_are_fixed(const struct slice *strings, uint32_t count)
{
    if (!count || strings[0].bytes > STRINGS_FIXED_MAX)
        return false;
    for (uint32_t i = 1; i < count; i++)
        if (strings[i].bytes != strings[0].bytes)
            return false;
    return true;
}

static void prefixed_encode(const struct slice *strings, uint32_t count, struct buffer *out)
{
    struct slice before = {0};
    buffer_append_varint(out, STRINGS_PREFIXED);
    for (uint32_t i = 0; i < count; i++) {
        size_t shared = common_prefix(before, strings[i]);
        buffer_append_varint(out, shared);
        buffer_append_varint(out, strings[i].bytes - shared);
        buffer_append_slice(out, strings[i].bytes > shared
                                     ? slice_of(strings[i].data + shared, strings[i].bytes - shared)
                                     : (struct slice){0});
        before = strings[i];
    }
}

/* Big-endian bytes [at, at + bytes) as a number. */
static uint64_t number_load(const uint8_t *at, uint32_t bytes)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

static uint64_t number_mask(uint32_t bytes)
{
    return bytes >= 8 ? UINT64_MAX : (1ULL << bytes * 8) - 1;
}

/* Which bits of the eight bytes at a place differ anywhere from the first string's. */
static uint64_t word_variable(const struct slice *strings, uint32_t count, size_t at)
{
    uint64_t first = load_le64(strings[0].data + at), variable = 0;
    for (uint32_t i = 1; i < count; i++)
        variable |= load_le64(strings[i].data + at) ^ first;
    return variable;
}

/* Which bytes differ anywhere from the first string's. */
static void variable_find(const struct slice *strings, uint32_t count, uint8_t *variable)
{
    size_t length = strings[0].bytes, at = 0;
    for (; at + 8 <= length; at += 8)
        store_le64(variable + at, word_variable(strings, count, at));
    if (at < length && length >= 8)
        store_le64(variable + length - 8, word_variable(strings, count, length - 8));
    for (uint32_t i = 1; i < count && length < 8; i++)
        for (at = 0; at < length; at++)
            variable[at] |= strings[i].data[at] ^ strings[0].data[at];
}

/* The first run of bytes that are not constant, when it is short enough for a number. */
static void number_find(const uint8_t *variable, uint32_t length, uint8_t *out_at, uint8_t *out_bytes)
{
    uint32_t at = 0, end;
    while (at < length && !variable[at])
        at++;
    for (end = at; end < length && variable[end];)
        end++;
    *out_at = (uint8_t)at;
    *out_bytes = (uint8_t)(end - at <= 8 ? end - at : 0);
}

static void numbers_encode(const struct slice *strings, uint32_t count, uint32_t at, uint32_t bytes,
                           struct buffer *out)
{
    struct buffer differences = {0}, encoded = {0};
    uint64_t *difference = (uint64_t *)(void *)buffer_extend(&differences, (count - 1) * sizeof *difference);
    uint64_t before = number_load(strings[0].data + at, bytes);
    for (uint32_t i = 1; i < count && difference; i++) {
        uint64_t number = number_load(strings[i].data + at, bytes);
        difference[i - 1] = (number - before) & number_mask(bytes);
        before = number;
    }
    if (difference)
        integers_encode(difference, count - 1, &encoded);
    out->failed |= differences.failed || encoded.failed;
    buffer_append_varint(out, encoded.bytes);
    buffer_append_slice(out, buffer_slice(&encoded));
    buffer_deinit(&differences);
    buffer_deinit(&encoded);
}

/* Of each string but the first, the bytes that are neither the same everywhere nor the number's. */
static void rests_encode(const struct slice *strings, uint32_t count, const uint8_t *variable,
                         struct strings_number number, struct buffer *out)
{
    struct {
        uint8_t at, bytes;
    } runs[STRINGS_FIXED_MAX / 2 + 1];
    uint32_t length = (uint32_t)strings[0].bytes, run_count = 0, bytes = 0;
    for (uint32_t at = 0; at < length; at++) {
        if (!variable[at] || (at >= number.at && at < (uint32_t)number.at + number.bytes))
            continue;
        bytes++;
        if (run_count && runs[run_count - 1].at + runs[run_count - 1].bytes == (int)at) {
            runs[run_count - 1].bytes++;
        } else {
            runs[run_count].at = (uint8_t)at;
            runs[run_count++].bytes = 1;
        }
    }
    uint8_t *to = bytes ? buffer_extend(out, (size_t)bytes * (count - 1)) : NULL;
    for (uint32_t i = 1; i < count && to; i++) {
        for (uint32_t run = 0; run < run_count; run++) {
            memcpy(to, strings[i].data + runs[run].at, runs[run].bytes);
            to += runs[run].bytes;
        }
    }
}

void strings_encode(const struct slice *strings, uint32_t count, struct buffer *out,
                    struct strings_number *out_number)
{
    uint8_t variable[STRINGS_FIXED_MAX] = {0}, mask[STRINGS_FIXED_MAX / 8] = {0};
    uint8_t number_at, number_bytes;
    *out_number = (struct strings_number){0};
    if (!strings_are_fixed(strings, count)) {
        prefixed_encode(strings, count, out);
        return;
    }
    uint32_t length = (uint32_t)strings[0].bytes;
    variable_find(strings, count, variable);
    number_find(variable, length, &number_at, &number_bytes);
    *out_number = (struct strings_number){.at = number_at, .bytes = number_bytes};
    for (uint32_t at = 0; at < length; at++)
        if (variable[at])
            mask[at / 8] |= (uint8_t)(1u << at % 8);
    buffer_append_varint(out, length + 1);
    buffer_append_slice(out, strings[0]);
    buffer_append(out, mask, (length + 7) / 8);
    buffer_append_u8(out, number_bytes);
    if (number_bytes)
        numbers_encode(strings, count, number_at, number_bytes, out);
    rests_encode(strings, count, variable, *out_number, out);
}

static void runs_find(struct strings_reader *reader, const uint8_t *mask, uint32_t length)
{
    bool number_done = false;
    for (uint32_t at = 0; at < length;) {
        if (!(mask[at / 8] >> at % 8 & 1)) {
            at++;
            continue;
        }
        uint32_t end = at;
        while (end < length && (mask[end / 8] >> end % 8 & 1))
            end++;
        if (!number_done && reader->number_bytes) {
            reader->number_at = (uint8_t)at;
        } else {
            reader->runs[reader->run_count].at = (uint8_t)at;
            reader->runs[reader->run_count++].bytes = (uint8_t)(end - at);
        }
        if (!number_done && reader->number_bytes && end - at != reader->number_bytes)
            reader->in.failed = true;
        number_done = true;
        at = end;
    }
    if (reader->number_bytes && !number_done)
        reader->in.failed = true;
}

status strings_open(struct slice lane, struct strings_reader *out_reader)
{
    struct strings_reader *reader = out_reader;
    *reader = (struct strings_reader){.in = reader_of(lane)};
    uint64_t fixed = reader_varint(&reader->in);
    if (reader->in.failed || fixed > STRINGS_FIXED_MAX + 1)
        return STATUS_FAIL(STATUS_CORRUPT);
    reader->fixed = (uint32_t)fixed;
    if (fixed == STRINGS_PREFIXED)
        return STATUS_DONE;
    uint32_t length = reader->fixed - 1;
    struct slice first = reader_take(&reader->in, length);
    struct slice mask = reader_take(&reader->in, (length + 7) / 8);
    reader->number_bytes = reader_u8(&reader->in);
    if (reader->in.failed || reader->number_bytes > 8)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (length)
        memcpy(reader->first, first.data, length);
    if (reader->number_bytes)
        reader->numbers = integers_reader_of(reader_take(&reader->in, reader_varint(&reader->in)));
    runs_find(reader, mask.data, length);
    TRY(reader_status(&reader->in));
    reader->number = number_load(reader->first + reader->number_at, reader->number_bytes);
    reader->number_mask = number_mask(reader->number_bytes);
    reader->number_shift = reader->number_bytes ? (uint8_t)(64 - 8 * reader->number_bytes) : 0;
    reader->number_kept = load_be64(reader->first + reader->number_at) & ((1ULL << reader->number_shift) - 1);
    return STATUS_DONE;
}

static bool prefixed_next(struct strings_reader *reader, const uint8_t *before, size_t before_bytes,
                          uint8_t *out, size_t room, size_t *out_bytes)
{
    uint64_t shared = reader_varint(&reader->in);
    struct slice rest = reader_take(&reader->in, reader_varint(&reader->in));
    if (reader->in.failed || shared > before_bytes || shared > room || rest.bytes > room - shared)
        return false;
    if (shared)
        memcpy(out, before, shared);
    if (rest.bytes)
        memcpy(out + shared, rest.data, rest.bytes);
    *out_bytes = shared + rest.bytes;
    return true;
}

/* What the next string has for itself, at `out`, where the first string stands. */
static inline bool variable_put(struct strings_reader *reader, uint8_t *out)
{
    if (reader->number_bytes) {
        /* The number stands in the upper bytes of eight, whose lower ones stay as they are. */
        reader->number = (reader->number + integers_next(&reader->numbers)) & reader->number_mask;
        store_be64(out + reader->number_at, reader->number << reader->number_shift | reader->number_kept);
    }
    for (uint32_t i = 0; i < reader->run_count; i++) {
        uint32_t bytes = reader->runs[i].bytes;
        uint8_t *at = out + reader->runs[i].at;
        if ((size_t)(reader->in.end - reader->in.at) < bytes)
            return false;
        if (bytes == 16)
            memcpy(at, reader->in.at, 16);
        else
            memcpy(at, reader->in.at, bytes);
        reader->in.at += bytes;
    }
    return true;
}

bool strings_next(struct strings_reader *reader, const uint8_t *before, size_t before_bytes, uint8_t *out,
                  size_t room, size_t *out_bytes)
{
    if (reader->fixed == STRINGS_PREFIXED)
        return prefixed_next(reader, before, before_bytes, out, room, out_bytes);
    uint32_t length = reader->fixed - 1;
    if (length > room)
        return false;
    /* What was just written is not read again, which would wait for it: every string is made of the first. */
    if (length <= 32)
        memcpy(out, reader->first, 32);
    else
        memcpy(out, reader->first, length);
    *out_bytes = length;
    return !before || variable_put(reader, out);
}

bool strings_at_end(const struct strings_reader *reader)
{
    return !reader->in.failed && reader->in.at == reader->in.end && integers_at_end(&reader->numbers);
}
