/*
 * row.h: one row as bytes, encoded once.
 *
 * The same image goes into the commit log, the memtable and an SSTable. It describes itself: columns
 * are numbers that the table never gives twice, so that a dump needs no schema and a dropped column's
 * cells can be told apart. The clustering key is kept beside the image, not in it.
 *
 * Shapes      Timestamps are microseconds since 1970 by convention, any int64 but TIMESTAMP_NONE.
 *             TTLs are seconds, 0 for none. *_s are seconds since 1970.
 * Ownership   Slices out of a row_reader borrow from the image.
 * Errors      STATUS_CORRUPT from a reader on any byte string that is not an image; never a read out of bounds.
 *             STATUS_UNSUPPORTED for a cell with a path, which a later version may write.
 *
 * Image layout (docs/formats/row.md):
 *     u8 flags | varint zigzag(base timestamp) | [marker] | [deletion] | varint cell count | cells
 */
#ifndef STRAIT_ROW_ROW_H
#define STRAIT_ROW_ROW_H

#include "base/buffer.h"
#include "base/reader.h"

#define TIMESTAMP_NONE INT64_MIN

/* A deletion covers data whose timestamp is at most its own (TS-13). */
struct deletion {
    int64_t timestamp; /* TIMESTAMP_NONE: nothing is deleted */
    int64_t time_s;    /* when, by the server's clock: for gc_grace */
};

#define DELETION_NONE ((struct deletion){.timestamp = TIMESTAMP_NONE})

/* The row marker that INSERT writes (TTL-5, DEL-4). */
struct marker {
    int64_t timestamp; /* TIMESTAMP_NONE: no marker */
    int32_t ttl_s;     /* 0: does not expire */
    int64_t expiry_s;  /* meaningful with a TTL */
};

#define MARKER_NONE ((struct marker){.timestamp = TIMESTAMP_NONE})

enum cell_kind {
    CELL_LIVE,     /* a value for ever */
    CELL_EXPIRING, /* a value until expiry_s */
    CELL_DEAD,     /* a tombstone made at expiry_s */
};

struct cell {
    uint32_t column;
    enum cell_kind kind;
    int64_t timestamp;
    int32_t ttl_s;
    int64_t expiry_s;   /* EXPIRING: when it ends; DEAD: when it was deleted */
    struct slice value; /* wire bytes; empty when DEAD */
};

/* Builds one image. A zeroed struct is ready; reuse it for the next row without freeing. */
struct row_builder {
    struct marker marker;
    struct deletion deletion;
    struct cell *cells; /* owned; values are borrowed until row_builder_finish() */
    uint32_t cell_count, cell_capacity;
    bool failed;
};

void row_builder_reset(struct row_builder *builder);
void row_builder_deinit(struct row_builder *builder);
/* Cells may come in any order of column; two of one column are reconciled at finish. */
void row_builder_add(struct row_builder *builder, struct cell cell);
/* Append the image to `out`. STATUS_NOMEM. */
status row_builder_finish(struct row_builder *builder, struct buffer *out);

/* Walks one image: the head is decoded by row_open(), cells come in rising column order. */
struct row_reader {
    struct marker marker;
    struct deletion deletion;
    uint32_t cell_count; /* all of them */
    uint32_t cells_left;
    int64_t base_timestamp;
    uint32_t column; /* of the last cell, for the delta of the next */
    struct reader in;
};

status row_open(struct slice image, struct row_reader *out_reader);
/* *out_more is false past the last cell. */
status row_next_cell(struct row_reader *reader, struct cell *out_cell, bool *out_more);

/* Facts for statistics and tombstone rules, from one walk. */
struct row_facts {
    int64_t min_timestamp, max_timestamp; /* over marker, deletion and cells; MAX/MIN when there is nothing */
    int64_t min_expiry_s,
        max_expiry_s;    /* over everything that expires or is a tombstone; INT64_MAX/MIN for none */
    uint32_t tombstones; /* dead cells, plus one for a row deletion */
};
status row_facts_of(struct slice image, struct row_facts *out_facts);

#endif
