/*
 * request.h: bodies of requests, decoded. Everything borrows from the frame or lives in the arena given.
 */
#ifndef STRAIT_SERVER_REQUEST_H
#define STRAIT_SERVER_REQUEST_H

#include "cql/session.h"
#include "server/wire.h"

enum query_flag {
    QUERY_VALUES = 0x01,
    QUERY_SKIP_METADATA = 0x02,
    QUERY_PAGE_SIZE = 0x04,
    QUERY_PAGING_STATE = 0x08,
    QUERY_SERIAL_CONSISTENCY = 0x10,
    QUERY_DEFAULT_TIMESTAMP = 0x20,
    QUERY_NAMES = 0x40,
};

struct request_params {
    struct cql_params cql;
    bool skip_metadata;
};

/* The <query_parameters> of QUERY and EXECUTE. On failure `in` has failed, or *out_reason says what is wrong. */
bool request_params_read(struct reader *in, uint8_t version, struct arena *arena,
                         struct request_params *out_params, const char **out_reason);

struct request_batch_item {
    bool prepared;
    struct slice text_or_id;
    struct cql_value *values;
    uint32_t value_count;
};

struct request_batch {
    uint8_t kind; /* 0 logged, 1 unlogged, 2 counter */
    struct request_batch_item *items;
    uint32_t item_count;
    struct request_params params;
};

bool request_batch_read(struct reader *in, uint8_t version, struct arena *arena,
                        struct request_batch *out_batch, const char **out_reason);

#endif
