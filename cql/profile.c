#include "cql/profile.h"

#include <assert.h>
#include <string.h>

enum {
    KIBIBYTE = 1 << 10,
};

#define THREE_DAYS_US (INT64_C(3) * 24 * 3600 * 1000000)

static const struct cql_target targets[CQL_PROFILES] = {
    [PROFILE_SCYLLA_5_2] =
        {
            .profile = PROFILE_SCYLLA_5_2,
            .name = "scylla-5.2",
            .release_version = "3.0.8",
            .set_index_on_keys = true,
            .view_single_key_implied = true,
            .cql_version = "3.3.1",
            .native_protocol_version = "4",
            .is_scylla = true,
            .like_in_conditions = true,
            .smaller_ttl_wins = true,
            .future_timestamp_us = THREE_DAYS_US,
            .null_ttl_refused = true,
            .null_matches_nothing = true,
            .repeated_column_intersects = true,
            .partition_in_by_value = true,
            .in_filters = true,
            .in_product_max = 100,
            .page_counts_before_filter = true,
            .uppercase_in_name = true,
            .named_binds_are_one = true,
            .name_bytes_max_table = 48,
            .name_bytes_max_keyspace = 48,
            .batch_warn_bytes = 128 * KIBIBYTE,
            .batch_fail_bytes = 1024 * KIBIBYTE,
            .empty_static_row_shown = true,
            .tombstones_warn = 1000,
            .page_tombstones_max = 10000,
            .over_precise_timestamp_refused = true,
            .list_places_by_timestamp = true,
            .list_items_max = 1 << 17,
        },
    [PROFILE_SCYLLA_2025_1] =
        {
            .profile = PROFILE_SCYLLA_2025_1,
            .name = "scylla-2025.1",
            .release_version = "3.0.8",
            .set_index_on_keys = true,
            .view_not_null_on_keys = true,
            .view_single_key_implied = true,
            .cql_version = "3.3.1",
            .native_protocol_version = "4",
            .is_scylla = true,
            .like_in_conditions = true,
            .smaller_ttl_wins = true,
            .future_timestamp_us = THREE_DAYS_US,
            .null_ttl_refused = true,
            .null_matches_nothing = true,
            .repeated_column_intersects = true,
            .partition_in_by_value = true,
            .in_filters = true,
            .in_product_max = 100,
            .page_counts_before_filter = true,
            .uppercase_in_name = true,
            .named_binds_are_one = true,
            .name_bytes_max_table = 192,
            .name_bytes_max_keyspace = 192,
            .batch_warn_bytes = 128 * KIBIBYTE,
            .batch_fail_bytes = 1024 * KIBIBYTE,
            .empty_static_row_shown = true,
            .tombstones_warn = 1000,
            .page_tombstones_max = 10000,
            .over_precise_timestamp_refused = true,
            .list_places_by_timestamp = true,
            .list_items_max = 1 << 17,
        },
    [PROFILE_SCYLLA_2026_2] =
        {
            .profile = PROFILE_SCYLLA_2026_2,
            .name = "scylla-2026.2",
            .release_version = "3.0.8",
            .set_index_on_keys = true,
            .view_not_null_on_keys = true,
            .view_single_key_implied = true,
            .cql_version = "3.3.1",
            .native_protocol_version = "4",
            .is_scylla = true,
            .like_in_conditions = true,
            .smaller_ttl_wins = true,
            .future_timestamp_us = THREE_DAYS_US,
            .null_ttl_refused = true,
            .null_matches_nothing = true,
            .repeated_column_intersects = true,
            .partition_in_by_value = true,
            .in_filters = true,
            .in_product_max = 100,
            .page_counts_before_filter = true,
            .uppercase_in_name = true,
            .named_binds_are_one = true,
            .name_bytes_max_table = 192,
            .name_bytes_max_keyspace = 192,
            .batch_warn_bytes = 128 * KIBIBYTE,
            .batch_fail_bytes = 1024 * KIBIBYTE,
            .empty_static_row_shown = true,
            .tombstones_warn = 1000,
            .page_tombstones_max = 10000,
            .over_precise_timestamp_refused = true,
            .list_places_by_timestamp = true,
            .vector_dimension_max = 16000,
            .list_items_max = 1 << 17,
            .replication_may_be_omitted = true,
            .simple_strategy_is_for_vnodes = true,
            .simple_strategy_warned = true,
            .factor_warned_below = 3,
            .part_facts = true,
        },
    [PROFILE_CASSANDRA_4_1] =
        {
            .profile = PROFILE_CASSANDRA_4_1,
            .name = "cassandra-4.1",
            .release_version = "4.1.7",
            .view_warning = "Materialized views are experimental and are not recommended for production use.",
            .cql_version = "3.4.6",
            .native_protocol_version = "5",
            .has_peers_v2 = true,
            .has_virtual_schema = true,
            .contains_in_conditions = true,
            .unset_in_list_skipped = true,
            .partition_in_by_value = true,
            .name_bytes_max_table = 222,
            .name_bytes_max_keyspace = 48,
            .batch_warn_bytes = 5 * KIBIBYTE,
            .batch_fail_bytes = 50 * KIBIBYTE,
            .tombstones_warn = 1000,
            .tombstones_fail = 100000,
            .list_items_max = INT32_MAX,
            .operations_see_earlier = true,
            .arithmetic = true,
            .factor_beyond_nodes_warned = true,
            .factor_has_default = true,
            .alters_if_exists = true,
        },
    [PROFILE_CASSANDRA_5_0] =
        {
            .profile = PROFILE_CASSANDRA_5_0,
            .name = "cassandra-5.0",
            .release_version = "5.0.6",
            .has_sai = true,
            .index_class_alone = true,
            .view_warning = "Materialized views are experimental and are not recommended for production use.",
            .cql_version = "3.4.7",
            .native_protocol_version = "5",
            .has_peers_v2 = true,
            .has_virtual_schema = true,
            .contains_in_conditions = true,
            .unset_in_list_skipped = true,
            .partition_in_by_value = true,
            .name_bytes_max_table = 222,
            .name_bytes_max_keyspace = 48,
            .batch_warn_bytes = 5 * KIBIBYTE,
            .batch_fail_bytes = 50 * KIBIBYTE,
            .tombstones_warn = 1000,
            .tombstones_fail = 100000,
            .vector_dimension_max = 1 << 20,
            .list_items_max = INT32_MAX,
            .operations_see_earlier = true,
            .arithmetic = true,
            .maxwritetime = true,
            .factor_beyond_nodes_warned = true,
            .factor_has_default = true,
            .alters_if_exists = true,
            .part_facts = true,
            .collection_facts = true,
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
