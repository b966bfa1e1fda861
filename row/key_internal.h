/* key_internal.h: the kinds whose encodings are more than a number or bytes. */
#ifndef STRAIT_ROW_KEY_INTERNAL_H
#define STRAIT_ROW_KEY_INTERNAL_H

#include "row/key.h"

/* Append the ascending body of a non-empty wire value. STATUS_INVALID, STATUS_LIMIT, STATUS_NOMEM. */
status key_append_varint(struct buffer *out, struct slice wire);
status key_append_decimal(struct buffer *out, struct slice wire);
status key_append_composite(struct buffer *out, const struct key_shape *shape, struct slice wire);

/* Decode a body each byte of which is xored with `mask` (0xff when descending). */
status key_take_varint(struct reader *key, uint8_t mask, struct buffer *out_wire);
status key_take_decimal(struct reader *key, uint8_t mask, struct buffer *out_wire);
status key_take_composite(struct reader *key, const struct key_shape *shape, uint8_t mask,
                          struct buffer *out_wire);

#endif
