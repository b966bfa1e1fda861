/*
 * duration.h: months, days and nanoseconds, all of one sign (TYP-7).
 *
 * On the wire three zigzag integers of variable length, as Cassandra writes them: the leading one bits of the first byte
 * count the bytes that follow it.
 */
#ifndef STRAIT_CQL_DURATION_H
#define STRAIT_CQL_DURATION_H

#include "base/buffer.h"

struct duration {
    int32_t months, days;
    int64_t ns;
};

enum { DURATION_WHY_BYTES = 96 };

/*
 * "1y2mo3d4h5m6s7ms8us9ns", "P1Y2M3DT4H5M6S", "P4W", "P0001-02-03T04:05:06"; a leading minus negates all of it. What
 * is of this form and yet no duration is told why in Cassandra's words, in `out_why`; it is empty otherwise.
 */
bool duration_parse(struct slice text, struct duration *out_duration, char out_why[DURATION_WHY_BYTES]);
void duration_print(struct buffer *out, struct duration duration);

void duration_encode(struct buffer *out, struct duration duration);

enum duration_fault {
    DURATION_FINE,
    DURATION_MALFORMED,
    DURATION_OUT_OF_RANGE,
    DURATION_MIXED_SIGNS,
};
/* On DURATION_MIXED_SIGNS *out_duration is set too. */
enum duration_fault duration_decode(struct slice wire, struct duration *out_duration);

#endif
