/*
 * row.h: one row as bytes, encoded once.
 *
 * The same image goes into the commit log, the memtable and an SSTable. It describes itself: columns
 * are numbers that the table never gives twice, so that a dump needs no schema and a dropped column's
 * cells can be told apart. The clustering key is kept beside the image, not in it.
 *
 * A column is either one cell, or a collection of elements: cells with a path, each with a timestamp, TTL and death of
 * its own, in memcmp order of their paths, and one complex deletion that covers the elements up to its timestamp.
 *
 * Shapes      Timestamps are microseconds since 1970 by convention, any int64 but TIMESTAMP_NONE.
 *             TTLs are seconds, 0 for none. *_s are seconds since 1970.
 * Ownership   Slices out of a row_reader borrow from the image.
 * Errors      STATUS_CORRUPT from a reader on any byte string that is not an image; never a read out of bounds.
 *
 * docs/formats/row.md has the layout, image.h its grammar.
 */
#ifndef STRAIT_ROW_ROW_H
#define STRAIT_ROW_ROW_H

#include "base/buffer.h"
#include "row/image.h"

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
    /* No path: the total of a counter, a bigint of 8 bytes. Its timestamp is its logical clock: whoever adds takes one
     * above what it read, so that the higher clock has counted more. Its DELETE is an ordinary CELL_DEAD (CNT-5). */
    CELL_COUNTER,
    /* No path: covers the elements of its column up to its timestamp, made at expiry_s. Assigning a whole collection is
     * one of these at timestamp - 1 and the elements at timestamp (DEL-3). */
    CELL_COMPLEX_DELETION,
};

struct cell {
    uint32_t column;
    enum cell_kind kind;
    int64_t timestamp;
    int32_t ttl_s;
    int64_t expiry_s;   /* EXPIRING: when it ends; DEAD, COMPLEX_DELETION: when it was deleted */
    struct slice path;  /* of an element; empty for a cell that is its column */
    struct slice value; /* wire bytes; empty when there is none */
};

/* Hides something until it is old enough to be forgotten (DEL-5). */
static inline bool cell_is_tombstone(const struct cell *cell)
{
    return cell->kind == CELL_DEAD || cell->kind == CELL_COMPLEX_DELETION;
}

/* Neither ends by itself nor is a tombstone. */
static inline bool cell_lasts(const struct cell *cell)
{
    return cell->kind == CELL_LIVE || cell->kind == CELL_COUNTER;
}

/* Builds one image. A zeroed struct is ready; reuse it for the next row without freeing. */
struct row_builder {
    struct marker marker;
    struct deletion deletion;
    struct cell *cells; /* owned; paths and values are borrowed until row_builder_finish() */
    uint32_t cell_count, cell_capacity;
    bool failed;
};

void row_builder_reset(struct row_builder *builder);
void row_builder_deinit(struct row_builder *builder);
/* Cells may come in any order; two of one place (column and path) are reconciled at finish. */
void row_builder_add(struct row_builder *builder, struct cell cell);
/* Append the image to `out`. STATUS_NOMEM. */
status row_builder_finish(struct row_builder *builder, struct buffer *out);

/* Walks one image: the head is decoded by row_open(), cells come in rising order: column by column, of each the cell
 * without a path, the complex deletion, the elements by path. */
struct row_reader {
    struct marker marker;
    struct deletion deletion;
    uint32_t cell_count; /* all of them, elements and complex deletions included */
    uint32_t cells_left;
    int64_t base_timestamp;
    uint32_t column; /* of the last cell, for the delta of the next */
    struct reader in;
    bool path_seen; /* path and path_column are those of the last cell that had one */
    uint32_t path_column;
    struct slice path;
};

/* row_open() and row_next_cell() for what is not of the plainest form. */
status row_open_any(struct slice image, struct row_reader *out_reader);
status row_next_any_cell(struct row_reader *reader, struct cell *out_cell, bool *out_more);

/* Inline, because nearly all rows have neither TTL nor deletion and fewer than 128 cells. */
static inline status row_open(struct slice image, struct row_reader *out_reader)
{
    if (image.bytes < IMAGE_BYTES_MIN || image.data[0] > IMAGE_HAS_MARKER ||
        image.data[IMAGE_BASE_END] >= 0x80)
        return row_open_any(image, out_reader);
    int64_t base = (int64_t)load_le64(image.data + IMAGE_BASE_AT);
    uint32_t cells = image.data[IMAGE_BASE_END];
    if (base == TIMESTAMP_NONE || cells > (image.bytes - IMAGE_BYTES_MIN) / 2)
        return STATUS_FAIL(STATUS_CORRUPT);
    out_reader->marker = (struct marker){.timestamp = image.data[0] ? base : TIMESTAMP_NONE};
    out_reader->deletion = DELETION_NONE;
    out_reader->cell_count = out_reader->cells_left = cells;
    out_reader->base_timestamp = base;
    out_reader->column = 0;
    out_reader->in = (struct reader){.at = image.data + IMAGE_BYTES_MIN, .end = image.data + image.bytes};
    out_reader->path_seen = false;
    return STATUS_DONE;
}

/* *out_more is false past the last cell. Inline, because nearly all cells of nearly all rows are live, of the row's own
 * timestamp, and shorter than 16 KiB: for those it is a few instructions in the caller. */
static inline status row_next_cell(struct row_reader *reader, struct cell *out_cell, bool *out_more)
{
    const uint8_t *at = reader->in.at;
    size_t left = reader_left(&reader->in), head = 2;
    if (reader->cells_left && left > 2 && at[0] >= 0x10 && at[0] < 0x80 && !(at[0] & 0xf)) {
        size_t value_bytes = at[1];
        uint32_t column = reader->column + (at[0] >> 4);
        if (value_bytes >= 0x80 && at[2] < 0x80) {
            value_bytes = (value_bytes & 0x7f) | (size_t)at[2] << 7;
            head = 3;
        } else if (value_bytes >= 0x80) {
            value_bytes = SIZE_MAX;
        }
        if (column > reader->column && value_bytes <= left - head) {
            reader->in.at = at + head + value_bytes;
            reader->column = column;
            reader->cells_left--;
            *out_cell = (struct cell){
                .column = column,
                .kind = CELL_LIVE,
                .timestamp = reader->base_timestamp,
                .value = {.data = at + head, .bytes = value_bytes},
            };
            *out_more = true;
            return STATUS_DONE;
        }
    }
    return row_next_any_cell(reader, out_cell, out_more);
}

/* The image that holds nothing; who writes it (an UPDATE of unset values) makes no row. */
bool row_is_nothing(struct slice image);

/* Facts for statistics and tombstone rules, from one walk. */
struct row_facts {
    int64_t min_timestamp, max_timestamp; /* over marker, deletion and cells; MAX/MIN when there is nothing */
    int64_t min_expiry_s,
        max_expiry_s;    /* over everything that expires or is a tombstone; INT64_MAX/MIN for none */
    uint32_t tombstones; /* dead cells and complex deletions, plus one for a row deletion */
};
status row_facts_of(struct slice image, struct row_facts *out_facts);

#endif
