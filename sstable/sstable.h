/*
 * sstable.h: one immutable file of partitions: build, open, look up, walk, verify.
 *
 * File        root | dictionary | rows, block indexes, directory pages | dictionary again | directory index | filter | root
 *             again; 4 KiB aligned. docs/formats/sstable.md.
 * Shapes      File numbers are never given twice in the life of a store. Every checksum is seeded by (store id,
 *             file number, offset), so a stale, misplaced or foreign block is told from a good one.
 * Ownership   A builder is finished or aborted, never both. An open table is counted: ref/unref; with
 *             sstable_set_obsolete() the last unref unlinks the file.
 * Errors      STATUS_CORRUPT names the check that failed by its file:line; rows outside a bad block stay readable.
 * Threads     A builder or a cursor belongs to one thread at a time; an open table may be shared.
 */
#ifndef STRAIT_SSTABLE_SSTABLE_H
#define STRAIT_SSTABLE_SSTABLE_H

#include "base/buffer.h"
#include "io/io.h"
#include "row/cursor.h"
#include "sstable/block_cache.h"
#include "sstable/dictionary_shelf.h"

/* What is known of a file without opening it: kept in its statistics and in the manifest. */
struct sstable_info {
    uint64_t file_number;
    uint64_t file_bytes;
    uint64_t raw_bytes; /* rows before compression */
    uint64_t partitions, rows;
    uint64_t tombstones;   /* cells, rows, ranges, partitions */
    uint64_t content_hash; /* order-independent hash of every row and tombstone (I13) */
    int64_t min_token, max_token;
    int64_t min_timestamp, max_timestamp;
    int64_t min_expiry_s, max_expiry_s; /* INT64_MAX/INT64_MIN when nothing expires and nothing is dead */
    bool never_expires;                 /* holds a live cell or marker without TTL: cannot be dropped whole */
    uint64_t largest_partition_bytes;
    int64_t created_s; /* when the file was built */
    /* What a compaction strategy remembers of a table; nobody else looks. */
    uint32_t level;    /* of a leveled strategy; 0: made by a flush, or without levels */
    uint64_t run;      /* tables of one number were made together, disjoint in tokens; 0: a run of its own */
    bool off_strategy; /* made outside the strategy: merged once before it counts there */
    /* What a read of one partition may conclude from the file alone; meaningful only with rows_only. */
    bool rows_only; /* no partition has a deletion, a range tombstone or a static row */
    uint64_t first_prefix[2], last_prefix[2]; /* first 16 bytes of the least and greatest clustering key */
    uint64_t warmth; /* of a file just built: sstable_take_warmth(). 0: nothing. Kept nowhere */
    /* sstable_droppable() at the time for which a strategy is asked; 0 cells: nobody looked. Kept nowhere. */
    uint64_t droppable, cells;
};

/* Clustering bounds of all rows of a file, never too narrow. */
struct sstable_bounds {
    uint8_t first[16], last[16];
    uint32_t first_bytes, last_bytes;
};
struct sstable_bounds sstable_info_bounds(const struct sstable_info *info);

/*
 * What the rows of one data block add up to, kept beside the block: a copied block is accounted for without being
 * decoded. Not the deletions of the partition, which are no rows.
 */
struct sstable_block_summary {
    uint64_t rows;
    uint64_t raw_bytes;    /* of clustering keys and images */
    uint64_t content_hash; /* its share: the sum over its rows of content_hash_row() */
    uint64_t cells;        /* dead ones included */
    uint64_t tombstones;   /* dead cells, row deletions */
    uint64_t expiring;     /* cells with a TTL */
    int64_t min_timestamp, max_timestamp;
    int64_t min_expiry_s, max_expiry_s; /* INT64_MAX/INT64_MIN when nothing expires and nothing is dead */
    bool never_expires;
};

void sstable_info_encode(struct buffer *out, const struct sstable_info *info);
status sstable_info_decode(struct reader *in, struct sstable_info *out_info);

/*
 * What values of a table have in common, learnt from a sample: the blocks of a file are compressed with at most one.
 * Counted and immutable; every file keeps a copy of its own. A compaction hands the dictionary of its inputs to its
 * outputs, a flush the one that sstable_dictionary_choose() names; blocks pass raw between tables of one dictionary.
 */
struct sstable_dictionary;
struct sstable_dictionary *sstable_dictionary_ref(struct sstable_dictionary *dictionary);
void sstable_dictionary_unref(struct sstable_dictionary *dictionary); /* NULL is welcome */

struct sstable_build_options {
    struct io_env *env; /* borrowed */
    const char *path;   /* borrowed for the call; the file must not exist */
    uint64_t store_id, table_id, file_number;
    uint32_t block_bytes;         /* raw target of a data block; 0: 8192 */
    int compression_level;        /* zstd; 0: blocks are stored raw */
    uint32_t filter_bits;         /* per partition; 0: 10 */
    uint64_t expected_partitions; /* a hint for the filter */
    uint32_t parity_pages;        /* directory pages to a parity frame, at most 64; 0: 16, UINT32_MAX: none */
    bool no_lanes;                /* rows are compressed as they are: for tests and comparisons */
    uint32_t dictionary_after_bytes; /* train one when so much is known; 0: 32 MiB, UINT32_MAX: never */
    struct sstable_dictionary
        *dictionary; /* borrowed for the call; use this one and train none. NULL: train */
    struct dictionary_shelf
        *shelf; /* borrowed as long as the builder lives; where what is trained is shared; NULL: it is not */
    struct block_cache
        *warm;      /* borrowed as long as the builder lives; what readers are likely to ask for first is
                                 there when the file is finished: sstable_take_warmth(). NULL: nothing is */
    uint32_t level; /* these three are kept in the statistics */
    uint64_t run;
    bool off_strategy;
};

struct sstable_builder;

status sstable_builder_open(const struct sstable_build_options *options,
                            struct sstable_builder **out_builder);
/* Partitions in rising (token, key) order; of the view: key, deletion, ranges, static_image. */
status sstable_builder_begin_partition(struct sstable_builder *builder,
                                       const struct partition_view *partition);
status sstable_builder_add_row(struct sstable_builder *builder, struct slice clustering, struct slice image);
/*
 * The same for a row that `source`, any cursor or NULL, stands on: when its table is compressed with the dictionary of this
 * builder, values are taken over as they stand coded there, since a code says the same in every file. They were read from a
 * block whose checksum was good and have just been decoded into this image; that they say the same here is checked like
 * everything else when the file is read back. *out_coded tells whether there were any.
 *
 * `row_hash` is content_hash_row() of the row, from its giver, who needs it as well: what comes back from the disk must
 * have it.
 */
status sstable_builder_add_row_of(struct sstable_builder *builder, struct cursor *source,
                                  struct slice clustering, struct slice image, uint64_t row_hash,
                                  bool *out_coded);
/*
 * Take a whole data block of another table as it is, in place of its rows: compressed bytes, and the counts of its
 * summary. It comes from sstable_cursor_next_block() of a cursor that stands on the same partition key, behind the row
 * added last. Order is checked; when the file is read back its checksum is, and its summary is trusted: the rows were
 * compared when they were first written. STATUS_INVALID unless sstable_builder_takes_block().
 */
struct sstable_block;
status sstable_builder_add_block(struct sstable_builder *builder, const struct sstable_block *block);
/* Whether the block can be read with the dictionary of this builder. */
bool sstable_builder_takes_block(const struct sstable_builder *builder, const struct sstable_block *block);
status sstable_builder_end_partition(struct sstable_builder *builder);
/* Bytes that the file holds so far. */
uint64_t sstable_builder_bytes(const struct sstable_builder *builder);
/* Write out, sync the file and its folder, read the file back and compare; only then is it good.
 * Frees the builder in every case; on failure the file is unlinked. */
status sstable_builder_finish(struct sstable_builder *builder, struct sstable_info *out_info);
/* Unlink what was written. NULL is welcome. */
void sstable_builder_abort(struct sstable_builder *builder);

struct sstable;

/* Checks footer, statistics, filter and directory root; blocks are checked when read. */
status sstable_open(struct io_env *env, const char *path, uint64_t store_id, struct block_cache *cache,
                    struct sstable **out_table);
/* The table was just opened, nobody has read it yet: what its builder left in the table's cache is found by it. `info` is the
 * builder's; one without warmth is welcome. */
void sstable_take_warmth(struct sstable *table, const struct sstable_info *info);
/* The file will not be opened: its builder's `cache` forgets it. */
void sstable_drop_warmth(struct block_cache *cache, const struct sstable_info *info);
struct sstable *sstable_ref(struct sstable *table);
void sstable_unref(struct sstable *table); /* NULL is welcome */
void sstable_set_obsolete(struct sstable *table);
const struct sstable_info *sstable_info(const struct sstable *table);
uint64_t sstable_table_id(const struct sstable *table);
/* False only when the partition is certainly not there: token range and filter. No I/O. */
bool sstable_may_contain(const struct sstable *table, struct partition_key key);
/* What filters are asked for: a reader of many tables makes it once. */
uint64_t sstable_key_hash(struct partition_key key);
bool sstable_may_contain_hash(const struct sstable *table, int64_t token, uint64_t key_hash);

/* A cursor over all partitions; holds a reference. */
status sstable_cursor_open(struct sstable *table, bool reverse, struct cursor **out_cursor);
/* A cursor that sees no partition but `key`; STATUS_NOT_FOUND when the table does not have it. Its rows are read
 * only when first asked for: opening reads at most a directory page. */
status sstable_cursor_open_one(struct sstable *table, struct partition_key key, bool reverse,
                               struct cursor **out_cursor);

/* The same for a table that the caller holds until the cursor is closed, and of whose filter he knows what it says. The
 * blocks of small partitions stand right before their directory page and are read with it, as are blocks that lie beside one
 * that the index leads to (not the partition's entry) while the cache has room, unless `apart` turns that off. */
status sstable_cursor_open_held(struct sstable *table, struct partition_key key, bool reverse, bool apart,
                                struct cursor **out_cursor);

/*
 * For somebody who will read the first rows of several cursors of sstable_cursor_open_one() and has the disk bring all of them
 * at a time: the transfer that the first row of the cursor would make. *out_needed is false when there is none to make.
 * Memory is the cursor's, which must not be moved before it is told by sstable_cursor_take() how the transfer went; one
 * that failed is made again, and fails where it matters.
 */
status sstable_cursor_ahead(struct cursor *cursor, struct io_request *out_request, bool *out_needed);
void sstable_cursor_take(struct cursor *cursor, const struct io_request *request);

/* Rows of the partition that a cursor of an SSTable stands on, and their bytes before compression: from the directory,
 * without reading them. */
void sstable_cursor_partition_size(const struct cursor *cursor, uint64_t *out_rows, uint64_t *out_bytes);

/*
 * A data block that lies ahead of a cursor and holds rows of this one partition only. Slices and frame are borrowed
 * from the cursor until it moves.
 */
struct sstable_block {
    struct slice first, last; /* clustering keys of its first and last row */
    struct sstable_block_summary summary;
    uint64_t dictionary_id;                 /* that it needs; 0: none */
    struct slice frame;                     /* sstable's own: as it stands in the file, checked */
    uint64_t file_number, offset, checksum; /* where it stands there, and what was found good */
};

/*
 * The block whose first row would be the cursor's next one: the cursor stands before the first row of its partition,
 * on the last row of a block, or where sstable_cursor_skip_block() left it, and goes forward. *out_found is false
 * when it stands elsewhere, when that block is shared with another partition, and past the last. Any cursor may be
 * asked; one that is not of an SSTable has no blocks. The cursor does not move.
 */
status sstable_cursor_next_block(struct cursor *cursor, struct sstable_block *out_block, bool *out_found);
/* Pass over the block just found, as if all its rows had been read: on no row, next() goes to the row behind it. */
status sstable_cursor_skip_block(struct cursor *cursor);

/* Rows of this cursor will be given to sstable_builder_add_row_of(), and what it reads is no answer to anybody. Any cursor
 * may be told; it costs reading blocks that somebody has decoded already. */
void sstable_cursor_keep_codes(struct cursor *cursor);

/* The dictionary of the table; NULL when it has none. The caller owns a reference. Reads it when nobody has yet. */
status sstable_dictionary_get(struct sstable *table, struct sstable_dictionary **out_dictionary);
/* Without I/O: its id, 0 when it has none. */
uint64_t sstable_table_dictionary_id(const struct sstable *table);
/* Whether it was learnt from much less than a table of so many raw bytes would have to offer. */
bool sstable_dictionary_is_outgrown(const struct sstable_dictionary *dictionary, uint64_t raw_bytes);
/*
 * Which dictionary a new table should use: that of the newest of `tables` that has one, or that of the largest when it was
 * learnt from more than twice as much; unless the ratio that it reaches
 * there has become worse by a tenth than when it was trained; then NULL, and the builder trains a new one. The caller
 * owns a reference.
 */
status sstable_dictionary_choose(struct sstable *const *tables, uint32_t count,
                                 struct sstable_dictionary **out_dictionary);

/* Tombstones and expired cells that a compaction at `gc_before_s` could forget at most, and all cells and tombstones:
 * estimates from the histogram of the statistics. */
struct sstable_droppable {
    uint64_t droppable, cells;
};
struct sstable_droppable sstable_droppable(const struct sstable *table, int64_t gc_before_s);

/* How large partitions and rows are: bucket n counts those of 2^(n-1) up to 2^n - 1, bucket 0 those of nothing. Rows
 * of a block count as of their mean size. */
enum { SSTABLE_SIZE_BUCKETS = 40 };
struct sstable_sizes {
    uint64_t partition_bytes[SSTABLE_SIZE_BUCKETS];
    uint64_t partition_rows[SSTABLE_SIZE_BUCKETS];
    uint64_t row_bytes[SSTABLE_SIZE_BUCKETS];
};
void sstable_sizes(const struct sstable *table, struct sstable_sizes *out_sizes);

/*
 * What reads of single partitions, and scans of small tables, asked of the file since it was opened, each counted when its
 * cursor closes. Compaction and verification are not among them.
 */
struct sstable_reads {
    uint64_t blocks_cached;  /* of rows, indexes and directory, that were in memory as they are walked */
    uint64_t blocks_decoded; /* kept compressed, decoded again */
    uint64_t blocks_read;    /* from the disk ... */
    uint64_t blocks_joined;  /* ... and of those, which came with the page that leads to them */
    uint64_t blocks_beside;  /* kept with those that were read: neighbours that nobody has asked for */
    uint64_t rows_made;      /* in blocks that are decoded little by little ... */
    uint64_t rows_spared;    /* ... and those that nobody got to, or that were passed over */
    uint64_t pages_restored; /* directory pages that were damaged and made anew of others; by whomever */
};
/* All of them, for whoever does the same with each. */
#define SSTABLE_READS(X) \
    X(blocks_cached)     \
    X(blocks_decoded)    \
    X(blocks_read)       \
    X(blocks_joined)     \
    X(blocks_beside)     \
    X(rows_made)         \
    X(rows_spared)       \
    X(pages_restored)
void sstable_reads(const struct sstable *table, struct sstable_reads *out_reads);
void sstable_reads_add(struct sstable_reads *sum, const struct sstable_reads *more);
/* The rows that will be asked for first lie in the middle of the partition: what leads there is brought near. Of a cursor
 * over one partition; others may be told. */
void sstable_cursor_touch_index(struct cursor *cursor);
/* Blocks are decoded as a whole from now on, for tests and comparisons. Any cursor may be told. */
void sstable_cursor_decode_whole(struct cursor *cursor);
/* Every row is asked for by itself, likewise. */
void sstable_cursor_row_by_row(struct cursor *cursor);

/* From now on a scan waits for each piece of file that it reads. Any cursor may be told. */
void sstable_cursor_no_read_ahead(struct cursor *cursor);

/* Read every block and check checksums, order, counts and the content hash. */
status sstable_verify(struct sstable *table);

/* A directory page that is damaged: what it said of partitions with these tokens. */
struct sstable_page_damage {
    int64_t first_token, last_token;
    uint64_t partitions;
    bool restored; /* readers make it anew of the other pages of its group: nothing is lost */
};
/* Read every directory page from the disk. *out_count of them are damaged; the first `capacity` are described. */
status sstable_directory_damage(struct sstable *table, struct sstable_page_damage *out_damage,
                                uint32_t capacity, uint32_t *out_count);
/* The least token behind `token` that a directory page begins with; false when there is none. No I/O. */
bool sstable_page_behind(const struct sstable *table, int64_t token, int64_t *out_first_token);

/* A person's view of the file: header, blocks, directory, statistics; with `rows` every row. For `strait inspect`.
 * store_id 0: taken from the header. */
status sstable_dump(struct io_env *env, const char *path, bool rows, struct buffer *out_text);

#endif
