#include "cql/profile.h"

#include <assert.h>
#include <string.h>

enum {
    KIBIBYTE = 1 << 10,
};

#define THREE_DAYS_US (INT64_C(3) * 24 * 3600 * 1000000)

/* What every ScyllaDB does. */
#define SCYLLA_ALWAYS                                                                                      \
    .release_version = "3.0.8", .set_index_on_keys = true, .view_single_key_implied = true,                \
    .cql_version = "3.3.1", .native_protocol_version = "4", .is_scylla = true, .like_in_conditions = true, \
    .using_timeout = true, .smaller_ttl_wins = true, .future_timestamp_us = THREE_DAYS_US,                 \
    .null_ttl_refused = true, .null_matches_nothing = true, .null_in_list_skipped = true,                  \
    .repeated_column_intersects = true, .partition_in_by_value = true, .in_filters = true,                 \
    .in_product_max = 100, .page_counts_before_filter = true, .uppercase_in_name = true,                   \
    .named_binds_are_one = true, .batch_fail_bytes = 1024 * KIBIBYTE, .empty_static_row_shown = true,      \
    .tombstones_warn = 1000, .page_tombstones_max = 10000, .over_precise_timestamp_refused = true,         \
    .list_places_by_timestamp = true, .list_items_max = 1 << 17, .literal_key_bytes_max = UINT16_MAX

/* What every Cassandra does. */
#define CASSANDRA_ALWAYS                                                                                   \
    .view_warning = "Materialized views are experimental and are not recommended for production use.",     \
    .native_protocol_version = "5", .has_peers_v2 = true, .has_virtual_schema = true,                      \
    .fields_in_conditions = true, .absent_collection_is_empty = true, .conditional_deletions_yield = true, \
    .contains_in_conditions = true, .logged_batch_needs_grace = true, .unlogged_batch_keys_warn = 10,      \
    .expiry_max_s = INT32_MAX - 1, .unset_in_list_skipped = true, .least_token_ends_ring = true,           \
    .empty_has_least_token = true, .deleted_counter_stays = true, .partition_in_by_value = true,           \
    .name_bytes_max_table = 222, .name_bytes_max_keyspace = 48, .batch_warn_bytes = 5 * KIBIBYTE,          \
    .batch_fail_bytes = 50 * KIBIBYTE, .tombstones_warn = 1000, .tombstones_fail = 100000,                 \
    .list_items_max = INT32_MAX, .unset_append_fails = true, .operations_see_earlier = true,               \
    .arithmetic = true, .aggregation_warned = true, .aggregates_all = true, .relations_mix = true,         \
    .average_runs = true, .dates_cut = true, .numbers_are_times = true, .casts_are_javas = true,           \
    .in_filters = true, .factor_beyond_nodes_warned = true, .factor_has_default = true,                    \
    .alters_if_exists = true, .describe_is_paged = true

static const struct cql_target targets[CQL_PROFILES] = {
    [PROFILE_SCYLLA_5_2] =
        {
            .profile = PROFILE_SCYLLA_5_2,
            .name = "scylla-5.2",
            .name_bytes_max_table = 48,
            .name_bytes_max_keyspace = 48,
            SCYLLA_ALWAYS,
        },
    [PROFILE_SCYLLA_2025_1] =
        {
            .profile = PROFILE_SCYLLA_2025_1,
            .name = "scylla-2025.1",
            .view_not_null_on_keys = true,
            .name_bytes_max_table = 192,
            .name_bytes_max_keyspace = 192,
            SCYLLA_ALWAYS,
        },
    [PROFILE_SCYLLA_2026_2] =
        {
            .profile = PROFILE_SCYLLA_2026_2,
            .name = "scylla-2026.2",
            .view_not_null_on_keys = true,
            .conditional_addition = true,
            .conditional_subtraction = true,
            .conditional_overflow_refused = true,
            .row_ttl = true,
            .not_in_filters = true,
            .name_bytes_max_table = 192,
            .name_bytes_max_keyspace = 192,
            .vector_dimension_max = 16000,
            .replication_may_be_omitted = true,
            .simple_strategy_is_for_vnodes = true,
            .simple_strategy_warned = true,
            .factor_warned_below = 3,
            .part_facts = true,
            SCYLLA_ALWAYS,
        },
    [PROFILE_CASSANDRA_4_1] =
        {
            .profile = PROFILE_CASSANDRA_4_1,
            .name = "cassandra-4.1",
            .release_version = "4.1.7",
            .cql_version = "3.4.6",
            CASSANDRA_ALWAYS,
        },
    [PROFILE_CASSANDRA_5_0] =
        {
            .profile = PROFILE_CASSANDRA_5_0,
            .name = "cassandra-5.0",
            .release_version = "5.0.6",
            .cql_version = "3.4.7",
            .empty_static_row_shown = true,
            .has_sai = true,
            .index_class_alone = true,
            .empty_collection_unordered = true,
            .conditional_addition = true,
            .null_in_list_skipped = true,
            .null_bound_is_least = true,
            .vector_dimension_max = 1 << 20,
            .maxwritetime = true,
            .part_facts = true,
            .collection_facts = true,
            CASSANDRA_ALWAYS,
        },
};

const struct cql_target *cql_target_of(enum cql_profile profile)
{
    assert(profile < CQL_PROFILES);
    return &targets[profile];
}

bool cql_profile_parse(const char *name, enum cql_profile *out_profile)
{
    for (size_t i = 0; i < CQL_PROFILES; i++)
        if (strcmp(targets[i].name, name) == 0) {
            *out_profile = (enum cql_profile)i;
            return true;
        }
    return false;
}
