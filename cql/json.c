#include "cql/json.h"

#include <string.h>

/* ---- the check, which also finds where values end ---- */

struct json_reader {
    const uint8_t *start, *at, *end;
    const char *why; /* NULL while all is well; `at` is then where it is not */
    uint32_t depth;
};

static bool fails(struct json_reader *reader, const char *why)
{
    if (!reader->why)
        reader->why = why;
    return false;
}

static void skip_space(struct json_reader *reader)
{
    while (reader->at < reader->end &&
           (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

static bool stands(const struct json_reader *reader, char c)
{
    return reader->at < reader->end && *reader->at == (uint8_t)c;
}

static bool take(struct json_reader *reader, char c)
{
    if (!stands(reader, c))
        return false;
    reader->at++;
    return true;
}

static bool take_digits(struct json_reader *reader)
{
    const uint8_t *from = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return reader->at > from || fails(reader, "a digit is missing");
}

static bool read_number(struct json_reader *reader)
{
    take(reader, '-');
    if (take(reader, '0')) {
        if (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
            return fails(reader, "leading zeros are not allowed");
    } else if (!take_digits(reader)) {
        return false;
    }
    if (take(reader, '.') && !take_digits(reader))
        return false;
    if (!take(reader, 'e') && !take(reader, 'E'))
        return true;
    if (!take(reader, '+'))
        take(reader, '-');
    return take_digits(reader);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits; -1 when they are not there. */
static int32_t hex_unit(const uint8_t *at, const uint8_t *end)
{
    int32_t unit = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* After the backslash. A surrogate stands with its other half. */
static bool read_escape(struct json_reader *reader)
{
    if (reader->at == reader->end)
        return fails(reader, "string is not closed");
    uint8_t c = *reader->at;
    if (c != 'u') {
        if (!c || !strchr("\"\\/bfnrt", c))
            return fails(reader, "unknown escape");
        reader->at++;
        return true;
    }
    int32_t unit = hex_unit(reader->at + 1, reader->end);
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return fails(reader, "bad unicode escape");
    reader->at += 5;
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    int32_t low = reader->end - reader->at >= 6 && reader->at[0] == '\\' && reader->at[1] == 'u'
                      ? hex_unit(reader->at + 2, reader->end)
                      : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fails(reader, "bad unicode escape");
    reader->at += 6;
    return true;
}

static bool read_string(struct json_reader *reader)
{
    reader->at++;
    while (reader->at < reader->end) {
        uint8_t c = *reader->at;
        if (c < 0x20)
            return fails(reader, "control characters must be escaped");
        reader->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !read_escape(reader))
            return false;
    }
    return fails(reader, "string is not closed");
}

static bool read_word(struct json_reader *reader, const char *word)
{
    size_t bytes = strlen(word);
    if ((size_t)(reader->end - reader->at) < bytes || memcmp(reader->at, word, bytes) != 0)
        return fails(reader, "a value was expected");
    reader->at += bytes;
    return true;
}

static bool read_value(struct json_reader *reader, enum json_kind *out_kind);

static bool read_member_name(struct json_reader *reader)
{
    skip_space(reader);
    if (!stands(reader, '"'))
        return fails(reader, "a name in quotes was expected");
    if (!read_string(reader))
        return false;
    skip_space(reader);
    return take(reader, ':') || fails(reader, "':' was expected");
}

static bool read_items(struct json_reader *reader, bool is_object)
{
    char close = is_object ? '}' : ']';
    if (++reader->depth > JSON_DEPTH_MAX)
        return fails(reader, "nested too deep");
    reader->at++;
    skip_space(reader);
    if (!take(reader, close)) {
        do {
            enum json_kind kind;
            if ((is_object && !read_member_name(reader)) || !read_value(reader, &kind))
                return false;
            skip_space(reader);
        } while (take(reader, ','));
        if (!take(reader, close))
            return fails(reader, is_object ? "',' or '}' was expected" : "',' or ']' was expected");
    }
    reader->depth--;
    return true;
}

static bool read_value(struct json_reader *reader, enum json_kind *out_kind)
{
    skip_space(reader);
    if (reader->at == reader->end)
        return fails(reader, "a value was expected");
    switch (*reader->at) {
    case '{': *out_kind = JSON_OBJECT; return read_items(reader, true);
    case '[': *out_kind = JSON_ARRAY; return read_items(reader, false);
    case '"': *out_kind = JSON_STRING; return read_string(reader);
    case 't': *out_kind = JSON_BOOLEAN; return read_word(reader, "true");
    case 'f': *out_kind = JSON_BOOLEAN; return read_word(reader, "false");
    case 'n': *out_kind = JSON_NULL; return read_word(reader, "null");
    default:
        *out_kind = JSON_NUMBER;
        if (*reader->at != '-' && (*reader->at < '0' || *reader->at > '9'))
            return fails(reader, "a value was expected");
        return read_number(reader);
    }
}

static struct json_reader reader_from(const uint8_t *from, const uint8_t *end)
{
    return (struct json_reader){.start = from, .at = from, .end = end};
}

bool json_parse(struct slice text, struct json_value *out_value, size_t *out_at, const char **out_why)
{
    struct json_reader reader = reader_from(text.data, text.data ? text.data + text.bytes : NULL);
    enum json_kind kind = JSON_NULL;
    skip_space(&reader);
    const uint8_t *from = reader.at, *end = NULL;
    if (read_value(&reader, &kind)) {
        end = reader.at;
        skip_space(&reader);
        if (reader.at != reader.end)
            fails(&reader, "nothing was expected after the value");
    }
    if (reader.why) {
        *out_at = (size_t)(reader.at - reader.start);
        *out_why = reader.why;
        return false;
    }
    *out_value = (struct json_value){.kind = kind, .text = slice_of(from, (size_t)(end - from))};
    return true;
}

/* ---- walking ---- */

struct json_items json_items_of(struct json_value value)
{
    bool is_object = value.kind == JSON_OBJECT;
    if (!is_object && value.kind != JSON_ARRAY)
        return (struct json_items){0};
    return (struct json_items){
        .at = value.text.data + 1, .end = value.text.data + value.text.bytes - 1, .is_object = is_object};
}

bool json_items_next(struct json_items *items, struct json_value *out_key, struct json_value *out_value)
{
    struct json_reader reader = reader_from(items->at, items->end);
    skip_space(&reader);
    take(&reader, ',');
    skip_space(&reader);
    if (reader.at == reader.end)
        return false;
    if (items->is_object) {
        const uint8_t *from = reader.at;
        if (!read_string(&reader))
            return false;
        *out_key =
            (struct json_value){.kind = JSON_STRING, .text = slice_of(from, (size_t)(reader.at - from))};
        skip_space(&reader);
        take(&reader, ':');
        skip_space(&reader);
    }
    const uint8_t *from = reader.at;
    if (!read_value(&reader, &out_value->kind))
        return false;
    out_value->text = slice_of(from, (size_t)(reader.at - from));
    items->at = reader.at;
    return true;
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(marks[bytes] | c);
    return bytes;
}

/* The character of the escape at `*at`, which is behind its backslash. */
static uint32_t unescaped(const uint8_t **at, const uint8_t *end)
{
    uint8_t c = *(*at)++;
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': break;
    default: return c;
    }
    uint32_t unit = (uint32_t)hex_unit(*at, end);
    *at += 4;
    if (unit < 0xd800 || unit > 0xdbff)
        return unit;
    uint32_t low = (uint32_t)hex_unit(*at + 2, end);
    *at += 6;
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

bool json_string(struct arena *arena, struct json_value string, struct slice *out_text)
{
    struct slice inside = slice_of(string.text.data + 1, string.text.bytes - 2);
    if (!inside.bytes || !memchr(inside.data, '\\', inside.bytes)) {
        *out_text = inside;
        return true;
    }
    uint8_t *text = arena_alloc(arena, inside.bytes); /* no escape is shorter than what it stands for */
    if (!text)
        return false;
    size_t bytes = 0;
    for (const uint8_t *at = inside.data, *end = at + inside.bytes; at < end;) {
        if (*at != '\\') {
            text[bytes++] = *at++;
            continue;
        }
        at++;
        bytes += put_utf8(text + bytes, unescaped(&at, end));
    }
    *out_text = slice_of(text, bytes);
    return true;
}

bool json_is_integer(struct json_value value)
{
    if (value.kind != JSON_NUMBER)
        return false;
    for (size_t i = 0; i < value.text.bytes; i++)
        if (value.text.data[i] == '.' || (value.text.data[i] | 0x20) == 'e')
            return false;
    return true;
}
