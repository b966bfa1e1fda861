/* sstable_internal.h: an open table, and how cursors, verify and dump get at its frames. */
#ifndef STRAIT_SSTABLE_SSTABLE_INTERNAL_H
#define STRAIT_SSTABLE_SSTABLE_INTERNAL_H

#include "sstable/block_cache_internal.h"
#include "sstable/directory_internal.h"
#include "sstable/root_internal.h"
#include "sstable/sstable.h"

#include <stdatomic.h>

struct sstable {
    _Atomic uint32_t references;
    _Atomic bool obsolete;     /* set once, read by the last unref */
    struct io_env *env;        /* borrowed, outlives the table */
    struct io_file *file;      /* owned */
    char *path;                /* owned */
    struct block_cache *cache; /* borrowed; may be NULL */
    uint64_t cache_owner;
    struct root root;
    struct directory_index_item *pages; /* owned */
    uint32_t page_count;
    struct block *filter;             /* counted; NULL when damaged: every partition may be there */
    bool index_rebuilt;               /* the directory index was damaged */
    _Atomic(ZSTD_DCtx *) zstd;        /* owned; kept between readers when there is no cache to lend one */
    _Atomic(ZSTD_DDict *) dictionary; /* owned; made when the first block asks for it, by whoever is first */
};

/* Build the object over an open file whose root is known: takes directory index and filter from the tail, or reads
 * them where it does not have them. Takes over `file` on STATUS_OK, and `tail` (which may be empty) in any case. The
 * builder reads its own file back through this before it writes the roots. */
status sstable_attach(struct io_env *env, const char *path, struct io_file *file, const struct root *root,
                      struct file_tail tail, struct block_cache *cache, struct sstable **out_table);

/* Walk everything through a scanning cursor and compare with the root. */
status sstable_check_content(struct sstable *table);

/* Whether a reader expects to go on where it left off. */
enum frame_access {
    FRAME_ACCESS_POINT,           /* exact reads, ahead only after two in a row */
    FRAME_ACCESS_SCAN,            /* ahead from the first */
    FRAME_ACCESS_SCAN_PAST_CACHE, /* and what is read is not worth keeping */
};

/* A cursor over everything that reads in the given way. */
status sstable_scan_open(struct sstable *table, bool reverse, enum frame_access access,
                         struct cursor **out_cursor);

/* Where the rows of the partition stand that a cursor of this folder is on. */
struct sstable_position {
    uint64_t rows, raw_bytes, offset;
    uint32_t bytes, restart_or_height;
    bool spans;
};
void sstable_cursor_position(const struct cursor *cursor, struct sstable_position *out_position);

/*
 * Reads frames of a table for one cursor: cache, then the piece of file that was read last, then the disk.
 * A zeroed struct with `table` and `access` set is ready.
 */
struct frame_reader {
    struct sstable *table; /* borrowed */
    enum frame_access access;
    bool reverse;
    ZSTD_DCtx *zstd;     /* lent by the cache */
    struct buffer lanes; /* of the block being decoded */
    uint8_t *chunk;      /* owned */
    size_t chunk_capacity, chunk_bytes;
    uint64_t chunk_offset;
    uint64_t last_begin, last_end; /* of the frame asked for last */
    size_t window_bytes;
};

void frame_reader_deinit(struct frame_reader *reader);
/* The table's dictionary; it lives as long as the table. STATUS_CORRUPT when there is none or both copies are bad. */
status sstable_dictionary(struct sstable *table, const ZSTD_DDict **out_dictionary);
/* The block of `ref`, pinned; checked against place, reference and layout. FRAME_ROWS accepts rows in lanes too and
 * puts them together. */
status frame_reader_get(struct frame_reader *reader, const struct frame_ref *ref, enum frame_layout layout,
                        struct block **out_block);

#endif
