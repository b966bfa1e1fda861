/*
 * response.h: frames that go back: errors, results, prepared statements, events.
 */
#ifndef STRAIT_SERVER_RESPONSE_H
#define STRAIT_SERVER_RESPONSE_H

#include "cql/session.h"
#include "server/wire.h"

/* Where a response goes. */
struct response_head {
    uint8_t version;
    int16_t stream;
};

void response_error(struct buffer *out, struct response_head head, const struct cql_error *error);
/* Errors in place of the frames of `out` from `begin` on that hold rows, or say that a write is done. */
void response_replace_results(struct buffer *out, size_t begin, const struct cql_error *error);
/* A protocol error with a text of our own. */
void response_protocol_error(struct buffer *out, struct response_head head, const char *text);
void response_ready(struct buffer *out, struct response_head head);
void response_supported(struct buffer *out, struct response_head head, const char *cql_version);
void response_result(struct buffer *out, struct response_head head, const struct cql_result *result,
                     bool skip_metadata);
void response_prepared(struct buffer *out, struct response_head head, const struct cql_prepared *prepared);
void response_schema_event(struct buffer *out, uint8_t version, const struct cql_schema_change *change);

#endif
