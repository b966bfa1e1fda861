/*
 * wire.h: the notations of the native protocol, sections 3 and 4: [string], [long string], [bytes], [value], [option], frame
 * headers. Readers are bounded and sticky (base/reader.h); slices borrow from the frame.
 */
#ifndef STRAIT_SERVER_WIRE_H
#define STRAIT_SERVER_WIRE_H

#include "base/buffer.h"
#include "base/reader.h"
#include "cql/result.h"

enum {
    FRAME_HEADER_BYTES = 9,
    PROTOCOL_MIN = 3,
    PROTOCOL_MAX = 4,
    FRAME_RESPONSE = 0x80,
};

enum frame_flag {
    FRAME_COMPRESSED = 0x01,
    FRAME_TRACING = 0x02,
    FRAME_CUSTOM_PAYLOAD = 0x04,
    FRAME_WARNING = 0x08,
};

enum opcode {
    OPCODE_ERROR = 0x00,
    OPCODE_STARTUP = 0x01,
    OPCODE_READY = 0x02,
    OPCODE_AUTHENTICATE = 0x03,
    OPCODE_OPTIONS = 0x05,
    OPCODE_SUPPORTED = 0x06,
    OPCODE_QUERY = 0x07,
    OPCODE_RESULT = 0x08,
    OPCODE_PREPARE = 0x09,
    OPCODE_EXECUTE = 0x0A,
    OPCODE_REGISTER = 0x0B,
    OPCODE_EVENT = 0x0C,
    OPCODE_BATCH = 0x0D,
    OPCODE_AUTH_CHALLENGE = 0x0E,
    OPCODE_AUTH_RESPONSE = 0x0F,
    OPCODE_AUTH_SUCCESS = 0x10,
};

struct frame_header {
    uint8_t version; /* with FRAME_RESPONSE cleared; is_response tells */
    bool is_response;
    uint8_t flags;
    int16_t stream;
    uint8_t opcode;
    uint32_t body_bytes;
};

/* `bytes` has FRAME_HEADER_BYTES. */
struct frame_header frame_header_parse(const uint8_t *bytes);
/* Append a response header with an open length; returns where the frame begins, for frame_finish(). */
size_t frame_begin(struct buffer *out, uint8_t version, uint8_t flags, int16_t stream, uint8_t opcode);
void frame_finish(struct buffer *out, size_t begin);

struct slice wire_string(struct reader *in);
struct slice wire_long_string(struct reader *in);
struct slice wire_short_bytes(struct reader *in);
/* [bytes]: a negative length is null. */
struct cql_value wire_bytes(struct reader *in);
/* [value]: in version 3 any negative length is null; from 4 on -1 is null, -2 unset, anything lower fails (NUL-1). */
struct cql_value wire_value(struct reader *in, uint8_t version);

void wire_put_string(struct buffer *out, const char *text);
/* A text that may quote a peer's bytes, or be cut in the middle of a character: what is not UTF-8 becomes '?'. */
void wire_put_quoting_string(struct buffer *out, const char *text);
void wire_put_long_string(struct buffer *out, struct slice text);
void wire_put_short_bytes(struct buffer *out, struct slice bytes);
void wire_put_bytes(struct buffer *out, struct slice bytes);
/* [option]: a type as `version` knows it; newer types travel as custom ones by their class. */
void wire_put_type(struct buffer *out, const struct type *type, uint8_t version);

#endif
