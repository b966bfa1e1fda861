/*
 * profile.h: which real database we stand in for. Every difference (Δ) is a column of a table: of messages in
 * messages.def, of everything else in struct cql_target.
 */
#ifndef STRAIT_CQL_PROFILE_H
#define STRAIT_CQL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

enum cql_profile {
    PROFILE_SCYLLA_5_2,
    PROFILE_SCYLLA_2025_1, /* the default */
    PROFILE_SCYLLA_2026_2,
    PROFILE_CASSANDRA_4_1,
    PROFILE_CASSANDRA_5_0,
    CQL_PROFILES
};

/* Sets of targets, for tables that have a row for some of them. */
enum cql_targets {
    TARGET_SCYLLA_5_2 = 1 << PROFILE_SCYLLA_5_2,
    TARGET_SCYLLA_2025_1 = 1 << PROFILE_SCYLLA_2025_1,
    TARGET_SCYLLA_2026_2 = 1 << PROFILE_SCYLLA_2026_2,
    TARGET_CASSANDRA_4_1 = 1 << PROFILE_CASSANDRA_4_1,
    TARGET_CASSANDRA_5_0 = 1 << PROFILE_CASSANDRA_5_0,
    TARGETS_SCYLLA = TARGET_SCYLLA_5_2 | TARGET_SCYLLA_2025_1 | TARGET_SCYLLA_2026_2,
    TARGETS_CASSANDRA = TARGET_CASSANDRA_4_1 | TARGET_CASSANDRA_5_0,
    TARGETS_ALL = TARGETS_SCYLLA | TARGETS_CASSANDRA,
};

/* What a target does where they differ. One row per profile in profile.c; no `if (profile == ...)` elsewhere. */
struct cql_target {
    enum cql_profile profile;
    const char *name;            /* "scylla-2025.1" */
    const char *release_version; /* SCH-2 */
    const char *cql_version;
    const char *native_protocol_version;
    bool is_scylla;
    uint32_t vector_dimension_max; /* of vector<type, n>; 0: there is no such type */
    bool has_peers_v2, has_virtual_schema;
    bool has_sai;                 /* StorageAttachedIndex */
    bool index_class_alone;       /* CREATE INDEX ... USING without CUSTOM */
    bool set_index_on_keys;       /* an index on a set is shown as one on its keys */
    bool view_not_null_on_keys;   /* IS NOT NULL in a view's WHERE is for the view's key alone */
    bool view_single_key_implied; /* ... and goes without saying for a partition key of one column */
    const char *view_warning;     /* with every CREATE MATERIALIZED VIEW; NULL for none */
    bool smaller_ttl_wins;        /* TS-8 */
    int64_t future_timestamp_us;  /* TS-4: refused beyond now + this; 0: no limit */
    bool null_ttl_refused;        /* TTL-3 */
    bool null_matches_nothing;    /* NUL-10: `= null` in WHERE is legal and matches nothing */
    bool null_in_list_skipped;    /* ... and among what IN lists where rows are filtered */
    bool null_bound_is_least; /* c > null on a clustering column is every row, in the order of the table */
    bool repeated_column_intersects; /* WHR-7 */
    bool least_token_ends_ring;      /* token(k) < the least token is every partition */
    bool empty_has_least_token;      /* TOK-4: token(0x) */
    bool partition_in_by_value;      /* WHR-10 */
    bool not_in_filters;             /* WHR-6: NOT IN, with ALLOW FILTERING */
    bool in_filters;                 /* WHR-6: IN on a column outside the key, with ALLOW FILTERING */
    uint32_t in_product_max;         /* WHR-12; 0: no limit */
    bool page_counts_before_filter;  /* PAG-2 */
    bool uppercase_in_name;          /* PRE-2: "IN(col)" against "in(col)" */
    bool named_binds_are_one;        /* PRE-4 */
    uint32_t name_bytes_max_table, name_bytes_max_keyspace; /* TYP-11 */
    uint64_t batch_warn_bytes, batch_fail_bytes;            /* BAT-4 */
    bool logged_batch_needs_grace;                          /* warns of tables with gc_grace_seconds = 0 */
    uint32_t unlogged_batch_keys_warn;                      /* warns above so many partitions; 0: never */
    bool row_ttl;         /* TTL-10: the words of a TTL of rows by a column */
    bool using_timeout;   /* USING TIMEOUT */
    int64_t expiry_max_s; /* TTL-4: the last second at which something may expire; 0: any */
    bool conditional_addition, conditional_subtraction;             /* LWT-10: SET n = n + 1 IF ... */
    bool conditional_overflow_refused;                              /* ... else it wraps around */
    bool empty_static_row_shown;                                    /* STA-2 */
    uint64_t tombstones_warn, tombstones_fail, page_tombstones_max; /* DEL-11: of one read; 0: never */
    bool deleted_counter_stays;     /* CNT: a counter that a DELETE named counts no more */
    bool list_places_by_timestamp;  /* TYP-10: items of a list stand in the order of their timestamps */
    uint32_t list_items_max;        /* added in one statement or batch */
    uint32_t literal_key_bytes_max; /* of an item of a set or a key of a map in a literal; 0: no limit */
    bool unset_append_fails;        /* NUL-3: l = l + unset is an internal error */
    bool operations_see_earlier;    /* what reads a list sees the operations before it in its statement */
    bool arithmetic;                /* + - * / % in selectors and terms */
    bool part_facts;                /* TS-16: WRITETIME and TTL of elements and fields */
    bool collection_facts;          /* TS-16: and of whole collections and slices, which is a list */
    bool aggregates_all;            /* min and max of durations; a sum of counters is a counter */
    bool average_runs;              /* avg of decimals moves by each value's share, rounded each time */
    bool dates_cut;                 /* a time before 1970 becomes the day after it, not the one it lies in */
    bool casts_are_javas;    /* CAST makes a varint of 64 bits, and writes floating numbers as Java does */
    bool numbers_are_times;  /* an int stands for a date, a bigint for a timestamp or a time, as arguments */
    bool aggregation_warned; /* without one partition named */
    bool
        relations_mix; /* WHR-8: tuples may begin anywhere and stand beside single columns; token() beside keys */
    bool maxwritetime;               /* MAXWRITETIME() and MINWRITETIME() */
    bool fields_in_conditions;       /* IF u.f = x */
    bool absent_collection_is_empty; /* IF l = []: NUL-9 */
    bool empty_collection_unordered; /* IF l < [1]: not of one that is not there; IF l > [] is refused */
    bool
        conditional_deletions_yield; /* in a conditional batch writes survive the deletion of their range or partition */
    bool contains_in_conditions;         /* IF c CONTAINS x */
    bool like_in_conditions;             /* IF c LIKE x */
    bool unset_in_list_skipped;          /* IF c IN (?, ?): else refused */
    bool over_precise_timestamp_refused; /* TYP-9: more than milliseconds in a timestamp literal */
    bool replication_may_be_omitted;     /* SCH-8: of CREATE KEYSPACE, and so may WITH */
    bool simple_strategy_is_for_vnodes;  /* SCH-8: refused unless the statement disables tablets */
    bool simple_strategy_warned;         /* SCH-8 */
    uint32_t factor_warned_below;        /* SCH-8: replication factors, but for 0; 0: never */
    bool factor_beyond_nodes_warned;     /* a replication factor above the number of nodes, which is 1 */
    bool factor_has_default;             /* SimpleStrategy without replication_factor has 1 */
    bool describe_is_paged;              /* SCH-12 */
    bool alters_if_exists; /* ALTER ... IF EXISTS, ADD IF NOT EXISTS, DROP IF EXISTS, RENAME IF EXISTS */
};

const struct cql_target *cql_target_of(enum cql_profile profile);
/* By name; false when there is no such profile. */
bool cql_profile_parse(const char *name, enum cql_profile *out_profile);

static inline unsigned cql_target_bit(const struct cql_target *target)
{
    return 1u << target->profile;
}

#endif
