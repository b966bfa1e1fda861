/* sstable_internal.h: an open table, and how cursors, verify and dump get at its frames. */
#ifndef STRAIT_SSTABLE_SSTABLE_INTERNAL_H
#define STRAIT_SSTABLE_SSTABLE_INTERNAL_H

#include "sstable/block_cache_internal.h"
#include "sstable/copied_runs_internal.h"
#include "sstable/dictionary_internal.h"
#include "sstable/directory_internal.h"
#include "sstable/read_ahead_internal.h"
#include "sstable/resident_internal.h"
#include "sstable/root_internal.h"
#include "sstable/sstable.h"
#include "sstable/warmth_internal.h"

#include <stdatomic.h>

enum { SSTABLE_READ_STRIPES = 4 };

/* What readers count, relaxed: a line of memory for each few of them. */
struct sstable_read_stripe {
#define STRIPE_COUNTER(name) _Atomic uint64_t name;
    _Alignas(64) struct {
        SSTABLE_READS(STRIPE_COUNTER)
    };
#undef STRIPE_COUNTER
};

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
    struct resident resident;  /* of these pages, those that are kept here */
    struct block *filter;      /* counted; NULL when damaged: every partition may be there */
    bool index_rebuilt;        /* the directory index was damaged */
    _Atomic(ZSTD_DCtx *) zstd; /* owned; kept between readers when there is no cache to lend one */
    _Atomic(struct sstable_dictionary *)
        dictionary;                   /* counted; read when the first block asks, by whoever is first */
    const struct copied_runs *copied; /* borrowed; while its builder checks it: what is not taken apart */
    struct warmth warmth;             /* while its builder checks it: what stays in the cache */
    _Atomic uint32_t unfoldings;      /* of cached blocks that found no room for a decoded one */
    struct sstable_read_stripe reads[SSTABLE_READ_STRIPES]; /* sstable_reads() */
    bool offers_blocks;                                     /* sstable_cursor_next_block() may find some */
};

/* Build the object over an open file whose root is known: takes directory index and filter from the tail, or reads
 * them where it does not have them. Takes over `file` on STATUS_OK, and `tail` (which may be empty) in any case. The
 * builder reads its own file back through this before it writes the roots. */
status sstable_attach(struct io_env *env, const char *path, struct io_file *file, const struct root *root,
                      struct file_tail tail, struct block_cache *cache, struct sstable **out_table);

/* Walk everything through a scanning cursor and compare with the root. Blocks in `copied` (NULL: none) count as their
 * summaries say: their rows were compared when they were written first, and their checksum says that they are the same. */
status sstable_check_content(struct sstable *table, const struct copied_runs *copied);

/* Whether a reader expects to go on where it left off. */
enum frame_access {
    FRAME_ACCESS_POINT, /* exact reads, ahead only after two in a row */
    FRAME_ACCESS_POINT_PAST_CACHE,
    FRAME_ACCESS_SCAN,            /* ahead from the first */
    FRAME_ACCESS_SCAN_PAST_CACHE, /* and what is read is not worth keeping */
};

/* A cursor over everything that reads in the given way. */
status sstable_scan_open(struct sstable *table, bool reverse, enum frame_access access,
                         struct cursor **out_cursor);

/* A cursor that goes forward will be read to its end: what comes next is read while what is there is used. It begins by
 * itself with a scan that has come some way. part_bytes 0: the usual. Any cursor may be told. */
void sstable_cursor_read_ahead(struct cursor *cursor, size_t part_bytes);

/* From now on the cursor sees what the disk has and nothing else. */
void sstable_cursor_strict(struct cursor *cursor);

/* Where the rows of the partition stand that a cursor of this folder is on. */
struct sstable_position {
    uint64_t rows, raw_bytes, offset;
    uint32_t bytes, first_row_or_height;
    bool spans;
};
void sstable_cursor_position(const struct cursor *cursor, struct sstable_position *out_position);

/*
 * Reads frames of a table for one cursor: cache, then the piece of file that was read last, then the disk.
 * A zeroed struct with `table` and `access` set is ready.
 */
struct rows_codes;
struct frame_reader {
    struct sstable *table; /* borrowed */
    enum frame_access access;
    bool reverse;
    ZSTD_DCtx *zstd;       /* lent by the cache */
    struct buffer scratch; /* of the block being decoded */
    uint8_t *chunk;        /* owned */
    size_t chunk_capacity, chunk_bytes;
    uint64_t chunk_offset;
    uint64_t last_begin, last_end; /* of the frame asked for last */
    size_t window_bytes;
    struct read_ahead *ahead; /* borrowed from the cursor; NULL: it reads what it is asked for */
    bool leads;               /* and moves its window */
    size_t least_bytes;       /* read at least that much from the next frame on: the caller will go on */
    uint64_t around_begin,
        around_end; /* and this of the file with a frame in it, if all of it can be read; 0: nothing */
    struct sstable_reads reads; /* not counted in the table yet */
    bool uncounted;             /* nor will they be: nobody reads for an answer */
    bool no_unfold;             /* a shortcut off */
    bool strict; /* what the disk has, not what is cached or could be made anew: for verification */
    struct rows_codes *codes; /* borrowed; of the block of rows that was got last; NULL: nobody wants them */
    struct block *unfolded;   /* counted; what is being unfolded: frame_reader_get_rows() */
    uint64_t unfolded_offset;
    struct block_lease *lease; /* the cursor's; NULL: it has none */
};

void frame_reader_deinit(struct frame_reader *reader);
/* It scans a table past the cache, and has come so far that more than the next frames are worth reading. */
bool frame_reader_goes_far(const struct frame_reader *reader);
/* Count what readers of one table did; once a cursor, so that those on several cores do not fight for the counters. */
void frame_readers_count(struct frame_reader *const *readers, uint32_t count);
/* The table's dictionary; it lives as long as the table. NULL when it has none, STATUS_CORRUPT when both copies are bad. */
status sstable_dictionary_load(struct sstable *table, const struct sstable_dictionary **out_dictionary);
/* The block of `ref`, pinned; checked against place, reference and layout. */
status frame_reader_get(struct frame_reader *reader, const struct frame_ref *ref, enum frame_layout layout,
                        struct block **out_block);
/* The same for rows, of which a reader of one partition wants a few, in two steps. The first finds a block that is in the
 * cache, perhaps under the reader's lease, and says NULL when it is not, or when blocks are not unfolded. The second makes it: it is
 * perhaps the reader's own, and its images are there as far as rows_unfold() was asked for. What was unfolded before must
 * have been folded. */
struct rows_unfolding;
status frame_reader_find_rows(struct frame_reader *reader, const struct frame_ref *ref,
                              const struct block_touch *touch, struct block **out_block, bool *out_leased);
status frame_reader_get_rows(struct frame_reader *reader, const struct frame_ref *ref,
                             struct rows_unfolding *unfolding, struct block **out_block);
/* The block at hand is not unfolded any further. */
void frame_reader_fold(struct frame_reader *reader, struct rows_unfolding *unfolding);
/* What the frame at `offset` says of itself; the reference has the checksum that it carries. If the frame has about so many
 * bytes, it is read with its header. */
status frame_reader_find(struct frame_reader *reader, uint64_t offset, uint32_t bytes_about,
                         struct frame_ref *out_ref, struct frame_head *out_head);
/* The block of a frame that was found elsewhere than at its place, checked as if it stood there. */
status frame_reader_take(struct frame_reader *reader, const struct frame_ref *ref, struct slice frame,
                         enum frame_layout layout, struct block **out_block);
/* Any frame as it stands in the file, checked; borrowed until the next call. */
status frame_reader_get_frame(struct frame_reader *reader, const struct frame_ref *ref,
                              struct slice *out_frame, struct frame_head *out_head);
/* The transfer that frame_reader_get_rows() of this frame would make, for somebody who makes several at a time: *out_needed
 * is false when the block is in the cache. The memory is the reader's, which must not be used before frame_reader_arrived(). A
 * transfer that failed is made again by who needs it. */
status frame_reader_ahead(struct frame_reader *reader, const struct frame_ref *ref,
                          struct io_request *out_request, bool *out_needed);
void frame_reader_arrived(struct frame_reader *reader, const struct io_request *request);
/* When `from` has read the frame together with what it was asked for, `to` need not read it again. */
void frame_reader_lend(struct frame_reader *from, struct frame_reader *to, const struct frame_ref *ref);
/* Whether what it reads stays in the cache. */
static inline bool frame_reader_keeps(const struct frame_reader *reader)
{
    return reader->access == FRAME_ACCESS_POINT || reader->access == FRAME_ACCESS_SCAN;
}
/* A frame of rows that was read beside the one asked for stays compressed in the cache. One that is damaged does not: who
 * asks for it will see. */
void frame_reader_keep_beside(struct frame_reader *reader, const struct frame_ref *ref);
/* Whether it is in the cache in any form; nobody is said to have asked for it. */
bool frame_reader_has_rows(const struct frame_reader *reader, const struct frame_ref *ref);
/* The same for a frame of rows. */
status frame_reader_get_stored(struct frame_reader *reader, const struct frame_ref *ref,
                               struct slice *out_frame, struct frame_head *out_head);

#endif
