/*
 * row_walk.h: the live rows that a SELECT may look at, one after another, wherever they come from: named partitions, a scan
 * by token, an index, a virtual table.
 *
 * walk_next() stands on one of
 *     WALK_ROW        a live row
 *     WALK_PARTITION  a partition with a live static row and, within the ranges asked for, no live row (STA-1); with
 *                     `distinct`, every partition that has anything live
 *     WALK_CUT        nothing: many tombstones were walked over and the page should end here (DEL-11)
 *     WALK_END
 * The row's values are in the slots that the walk was given; `partition` and `clustering` say where it stands, and make the
 * position to go on from. Bytes are valid until the next call. With a copier, rows are in the result instead when they are given
 * out, and walk_copy_rows() goes on with many at once.
 */
#ifndef STRAIT_CQL_ROW_WALK_H
#define STRAIT_CQL_ROW_WALK_H

#include "cql/row_copy.h"
#include "cql/row_slots.h"
#include "cql/virtual.h"

enum walk_kind {
    WALK_KEYS,
    WALK_SCAN,
    WALK_INDEX,
    WALK_VIRTUAL,
};

enum walk_event {
    WALK_ROW,
    WALK_PARTITION,
    WALK_CUT,
    WALK_END,
};

/* After which row to go on; `partition` empty: from the start. */
struct walk_position {
    struct slice partition;
    bool partition_done; /* nothing more from this partition */
    bool gave_row; /* a row of this partition has been given out: its static row does not count for itself */
    struct slice clustering; /* of the last row given out, when not done */
};

/* Borrows everything it points to for as long as it runs. */
struct walk_request {
    enum walk_kind kind;
    const struct cql_table *table;
    const struct cql_index *index; /* INDEX */
    struct slice index_value;      /* INDEX */
    bool reverse;
    bool statics; /* give out partitions that have only a static row */
    bool distinct;
    bool by_key; /* only `keys`; always so with KEYS */
    const struct partition_key *keys;
    uint32_t key_count;
    int64_t first_token, last_token; /* SCAN, INDEX and VIRTUAL without keys */
    const struct key_range *ranges;
    uint32_t range_count;
    uint32_t rows;             /* of a partition will be taken, about; 0: not known */
    uint64_t tombstones_max;   /* WALK_CUT after that many; 0: never */
    struct row_copier *copier; /* KEYS and SCAN: rows are copied to the result; NULL: they go to the slots */
    struct walk_position from;
};

struct virtual_item;

struct row_walk {
    struct plan_run *run;
    struct row_slots *slots; /* borrowed: filled by every event */
    struct walk_request request;
    /* where it stands */
    struct partition_key partition;
    struct slice clustering;
    bool static_lives;
    bool new_partition; /* the first event of its partition in this walk */
    /* how it goes on */
    struct cursor *cursor;       /* owned: on the table, which for INDEX is the index's base */
    struct cursor *index_cursor; /* owned: INDEX: on the entries; on a view: on the view's base */
    struct view_walk *view;      /* scratch: of a view; NULL for any other table */
    uint32_t key_at, range_at;
    bool in_partition, must_seek, gave_row, started;
    bool moved; /* the cursor stands on the row after the last one already */
    /* INDEX: the same for the entries */
    uint32_t entry_range_at;
    bool must_seek_entry;
    bool skip;           /* pass over what is left of the partition */
    struct slice resume; /* clustering to go on after; empty when none */
    uint64_t tombstones_at_start;
    const struct virtual_item *items; /* scratch */
    uint32_t item_count, item_at;
};

/* False with the error set. On any answer walk_close() must follow. */
bool walk_open(struct plan_run *run, const struct walk_request *request, struct row_slots *slots,
               struct row_walk *out_walk);
bool walk_next(struct row_walk *walk, enum walk_event *out_event);
/* With a copier, after WALK_ROW: copy the plain rows that follow, at most `most` of them and until the result has
 * `bytes_max` bytes. Whatever else comes is left to walk_next(). */
bool walk_copy_rows(struct row_walk *walk, uint32_t most, size_t bytes_max, uint32_t *out_copied);
/* Go on with the next partition. */
void walk_skip_partition(struct row_walk *walk);
void walk_close(struct row_walk *walk);

/* row_walk_index.c and row_walk_virtual.c: the other bodies of open and next. */
bool walk_open_index(struct row_walk *walk);
bool walk_next_index(struct row_walk *walk, enum walk_event *out_event);
void walk_skip_partition_index(struct row_walk *walk);
bool walk_open_virtual(struct row_walk *walk);
bool walk_next_virtual(struct row_walk *walk, enum walk_event *out_event);
void walk_skip_partition_virtual(struct row_walk *walk);
/* Take in the partition `walk->cursor` stands on: its key and its static row. */
bool walk_enter_partition(struct row_walk *walk);
/* Take in the row the cursor stands on; false in *out_live when nothing of it lives. */
bool walk_live_row(struct row_walk *walk, bool *out_live);
/* Has the walk seen more tombstones than a page may? */
bool walk_must_cut(const struct row_walk *walk);

#endif
