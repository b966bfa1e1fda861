/* Table options: taken or refused as the profile does, kept, shown, and what the engine makes of them (SCH-9). */
#include <stdio.h>
#include <string.h>

#include "cql/catalog.h"
#include "cql/table_options.h"
#include "database_fixture.h"

#define SHOW(column) \
    "SELECT " column " FROM system_schema.tables WHERE keyspace_name = 'k' AND table_name = 't'"

static void defaults_are_those_of_the_target(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    shows(f,
          SHOW("gc_grace_seconds, default_time_to_live, bloom_filter_fp_chance, caching, compaction, "
               "compression,"
               " speculative_retry, comment, flags"),
          "864000,0,0.01,{'keys': 'ALL', 'rows_per_partition': 'ALL'},{'class': "
          "'SizeTieredCompactionStrategy'},"
          "{'sstable_compression': "
          "'org.apache.cassandra.io.compress.LZ4Compressor'},99.0PERCENTILE,,{'compound'}");
    refuses(f, CQL_INVALID, "", SHOW("read_repair"));
    fixture_close(f);

    f = fixture_open(PROFILE_CASSANDRA_5_0);
    does(f, "CREATE TABLE t (id int PRIMARY KEY)");
    shows(f, SHOW("additional_write_policy, read_repair, memtable, cdc, compaction"),
          "99p,BLOCKING,null,null,{'class': "
          "'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy',"
          " 'max_threshold': '32', 'min_threshold': '4'}");
    fixture_close(f);
}

static void given_options_are_shown_and_altered(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY) WITH comment = 'it''s' AND gc_grace_seconds = 0 AND"
            " default_time_to_live = 60 AND bloom_filter_fp_chance = 0.1 AND caching = {'keys': 'NONE'}");
    shows(f, SHOW("comment, gc_grace_seconds, default_time_to_live, bloom_filter_fp_chance, caching"),
          "it's,0,60,0.1,{'keys': 'NONE', 'rows_per_partition': 'ALL'}");
    does(f, "ALTER TABLE t WITH gc_grace_seconds = 100");
    changed(f, "UPDATED", "TABLE", "k", "t");
    shows(f, SHOW("comment, gc_grace_seconds, default_time_to_live"), "it's,100,60");
    fixture_close(f);
}

static void unknown_and_wrong_options_are_refused(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_SYNTAX_ERROR, "Unknown property 'colour'",
            "CREATE TABLE t (id int PRIMARY KEY) WITH colour = 'x'");
    refuses(f, CQL_SYNTAX_ERROR, "Unknown property 'read_repair'",
            "CREATE TABLE t (id int PRIMARY KEY) WITH read_repair = 'NONE'");
    refuses(f, CQL_SYNTAX_ERROR, "Multiple definition for property 'comment'",
            "CREATE TABLE t (id int PRIMARY KEY) WITH comment = 'a' AND comment = 'b'");
    refuses(f, CQL_SYNTAX_ERROR, "Invalid integer value x for 'gc_grace_seconds'",
            "CREATE TABLE t (id int PRIMARY KEY) WITH gc_grace_seconds = 'x'");
    refuses(f, CQL_SYNTAX_ERROR, "Invalid value for property 'compaction'. It should be a map.",
            "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = 'x'");
    refuses(f, CQL_CONFIG_ERROR, "default_time_to_live cannot be smaller than 0",
            "CREATE TABLE t (id int PRIMARY KEY) WITH default_time_to_live = -1");
    refuses(f, CQL_CONFIG_ERROR, "bloom_filter_fp_chance must be larger than",
            "CREATE TABLE t (id int PRIMARY KEY) WITH bloom_filter_fp_chance = 0.0");
    refuses(f, CQL_CONFIG_ERROR, "Missing sub-option 'class' for the 'compaction' option.",
            "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'min_threshold': 4}");
    refuses(f, CQL_CONFIG_ERROR, "Unable to find compaction strategy class 'Nothing'",
            "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'Nothing'}");
    refuses(f, CQL_CONFIG_ERROR, "Unsupported compression class 'Nothing'.",
            "CREATE TABLE t (id int PRIMARY KEY) WITH compression = {'sstable_compression': 'Nothing'}");
    refuses(f, CQL_CONFIG_ERROR, "Invalid window unit WEEKS",
            "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy',"
            " 'compaction_window_unit': 'WEEKS'}");
    refuses(f, CQL_INVALID, "not supported by Strait: change data capture",
            "CREATE TABLE t (id int PRIMARY KEY) WITH cdc = {'enabled': true}");
    refuses(f, CQL_INVALID, "not supported by Strait: COMPACT STORAGE",
            "CREATE TABLE t (id int PRIMARY KEY, v int) WITH COMPACT STORAGE");
    fixture_close(f);
}

static void what_a_schema_dump_says_can_be_replayed(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f,
         "CREATE TABLE t (id int PRIMARY KEY, v text) WITH bloom_filter_fp_chance = 0.01 AND caching = "
         "{'keys': 'ALL',"
         " 'rows_per_partition': 'ALL'} AND comment = '' AND compaction = {'class': "
         "'SizeTieredCompactionStrategy'} AND"
         " compression = {'sstable_compression': 'org.apache.cassandra.io.compress.LZ4Compressor'} AND"
         " crc_check_chance = 1 AND default_time_to_live = 0 AND gc_grace_seconds = 864000 AND "
         "max_index_interval = 2048 AND"
         " memtable_flush_period_in_ms = 0 AND min_index_interval = 128 AND speculative_retry = "
         "'99.0PERCENTILE' AND"
         " paxos_grace_seconds = 864000 AND read_repair_chance = 0.0 AND dclocal_read_repair_chance = 0.1");
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_5_0);
    does(f, "CREATE TABLE t (id int PRIMARY KEY, v text) WITH additional_write_policy = '99p' AND "
            "allow_auto_snapshot = true AND"
            " bloom_filter_fp_chance = 0.01 AND caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'} AND "
            "cdc = false AND"
            " comment = '' AND compaction = {'class': "
            "'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy',"
            " 'max_threshold': '32', 'min_threshold': '4'} AND compression = {'chunk_length_in_kb': '16', "
            "'class':"
            " 'org.apache.cassandra.io.compress.LZ4Compressor'} AND memtable = 'default' AND "
            "crc_check_chance = 1.0 AND"
            " default_time_to_live = 0 AND extensions = {} AND gc_grace_seconds = 864000 AND "
            "incremental_backups = true AND"
            " max_index_interval = 2048 AND memtable_flush_period_in_ms = 0 AND min_index_interval = 128 AND "
            "read_repair ="
            " 'BLOCKING' AND speculative_retry = '99p'");
    fixture_close(f);
}

static void every_class_of_the_target_is_taken_and_no_other(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'LeveledCompactionStrategy',"
            " 'sstable_size_in_mb': '160'}");
    shows(f, SHOW("compaction"), "{'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '160'}");
    does(f, "ALTER TABLE t WITH compaction = {'class': 'IncrementalCompactionStrategy',"
            " 'space_amplification_goal': '1.5'}");
    refuses(f, CQL_CONFIG_ERROR, "Unable to find compaction strategy class 'UnifiedCompactionStrategy'",
            "ALTER TABLE t WITH compaction = {'class': 'UnifiedCompactionStrategy'}");
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_5_0);
    does(f, "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'UnifiedCompactionStrategy'}");
    refuses(f, CQL_CONFIG_ERROR, "Unable to find compaction strategy class",
            "ALTER TABLE t WITH compaction = {'class': 'IncrementalCompactionStrategy'}");
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_4_1);
    does(f,
         "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'DateTieredCompactionStrategy'}");
    warned(f, "DateTieredCompactionStrategy is kept and shown, and runs as TimeWindowCompactionStrategy");
    fixture_close(f);
}

/* One refusal a line: options of compaction beside the class, and what is said of them. */
static void values_of_compaction_options_are_checked(void **state)
{
    (void)state;
    static const struct {
        enum cql_profile profile;
        const char *class_name, *options, *refusal;
    } cases[] = {
#define SCYLLA_REFUSES(class_name, options, refusal) {PROFILE_SCYLLA_2025_1, class_name, options, refusal}
#define CASSANDRA_REFUSES(class_name, options, refusal)     \
    {                                                       \
        PROFILE_CASSANDRA_5_0, class_name, options, refusal \
    }
        SCYLLA_REFUSES("SizeTiered", "'min_threshold': '1'",
                       "min_threshold value (1) must be bigger or equal to 2"),
        SCYLLA_REFUSES("SizeTiered", "'min_threshold': '9', 'max_threshold': '8'",
                       "max_threshold (8) cannot be smaller than min_threshold (9)"),
        SCYLLA_REFUSES("SizeTiered", "'bucket_low': '1.5'",
                       "bucket_low value (1.5) must be between 0.0 and 1.0"),
        SCYLLA_REFUSES("SizeTiered", "'bucket_high': '1'", "bucket_high value (1) must be greater than 1.0"),
        SCYLLA_REFUSES("SizeTiered", "'min_sstable_size': '-1'",
                       "min_sstable_size value (-1) must be non negative"),
        SCYLLA_REFUSES("SizeTiered", "'tombstone_threshold': '2'",
                       "tombstone_threshold value (2) must be between 0.0 and 1.0"),
        SCYLLA_REFUSES("SizeTiered", "'tombstone_compaction_interval': '0'",
                       "tombstone_compaction_interval value (0) must be positive"),
        SCYLLA_REFUSES("SizeTiered", "'unchecked_tombstone_compaction': 'maybe'",
                       "unchecked_tombstone_compaction value (maybe) must be \"true\" or \"false\""),
        SCYLLA_REFUSES("SizeTiered", "'enabled': 'no'", "enabled value (no) must be \"true\" or \"false\""),
        SCYLLA_REFUSES("SizeTiered", "'sstable_size_in_mb': '1'",
                       "Invalid compaction strategy options {\"sstable_size_in_mb\": \"1\"}"),
        SCYLLA_REFUSES("TimeWindow", "'compaction_window_size': '0'",
                       "compaction_window_size value (0) must be greater than 1"),
        SCYLLA_REFUSES("TimeWindow", "'timestamp_resolution': 'DAYS'",
                       "Invalid timestamp resolution DAYS for timestamp_resolution"),
        SCYLLA_REFUSES("TimeWindow", "'unsafe_aggressive_sstable_expiration': 'true'",
                       "Invalid compaction strategy options"),
        SCYLLA_REFUSES("Leveled", "'sstable_size_in_mb': '0'",
                       "sstable_size_in_mb value (0) must be positive"),
        SCYLLA_REFUSES(
            "Incremental", "'space_amplification_goal': '3'",
            "space_amplification_goal value (3) must be greater than 1.0 and less than or equal to 2.0"),
        CASSANDRA_REFUSES("Unified", "'scaling_parameters': 'T4, X2'",
                          "Scaling parameter X2 must match N|L[0-9]+|T[0-9]+|[+-]?[0-9]+"),
        CASSANDRA_REFUSES("Unified", "'target_sstable_size': '1KiB'",
                          "target_sstable_size 1KiB is not acceptable, size must be at least 1.000MiB"),
        CASSANDRA_REFUSES("Unified", "'flush_size_override': '1MB'",
                          "flush_size_override 1MB is not acceptable, size must be at least 1.000MiB"),
        CASSANDRA_REFUSES("Unified", "'target_sstable_size': 'much'",
                          "target_sstable_size much is not a valid size in bytes"),
        CASSANDRA_REFUSES(
            "Unified", "'min_sstable_size': '800MiB'",
            "Invalid configuration, min_sstable_size (800.000MiB) should be less than 70% of the "
            "targetSSTableSize (1.000GiB)"),
        CASSANDRA_REFUSES(
            "Unified", "'target_sstable_size': '100MiB', 'min_sstable_size': '90MiB'",
            "Invalid configuration, min_sstable_size (90.000MiB) should be less than 70% of the "
            "targetSSTableSize (100.000MiB)"),
        CASSANDRA_REFUSES("Unified", "'overlap_inclusion_method': 'SOME'",
                          "Invalid overlap inclusion method SOME. The valid options are [NONE, SINGLE, "
                          "TRANSITIVE]."),
        CASSANDRA_REFUSES("Unified", "'survival_factor': '1'",
                          "Properties specified [survival_factor] are not understood"),
        CASSANDRA_REFUSES("Unified", "'sstable_growth': '150%'",
                          "sstable_growth 150% must be between 0 and 1"),
        CASSANDRA_REFUSES("Unified", "'bucket_low': '0.5'",
                          "Properties specified [bucket_low] are not understood"),
        CASSANDRA_REFUSES("Unified", "'target_sstable_size': '-1MiB'",
                          "target_sstable_size -1MiB is not acceptable, size must be at least 1.000MiB"),
        CASSANDRA_REFUSES(
            "Unified", "'target_sstable_size': '1048576'",
            "target_sstable_size 1048576 is not a valid size in bytes: 1048576 does not end in unit B"),
        CASSANDRA_REFUSES(
            "Unified", "'target_sstable_size': '100mib'",
            "target_sstable_size 100mib is not a valid size in bytes: 100mib does not end in unit B"),
        CASSANDRA_REFUSES("Unified", "'target_sstable_size': '100MIB'",
                          "target_sstable_size 100MIB is not a valid size in bytes: Unexpected characters "
                          "between pos 4 and 5 in 100MIB"),
        CASSANDRA_REFUSES("Unified", "'target_sstable_size': '0x10MiB'",
                          "target_sstable_size 0x10MiB is not a valid size in bytes: Unexpected characters "
                          "between pos 1 and 6 in 0x10MiB"),
        CASSANDRA_REFUSES("Unified", "'min_sstable_size': '10mib'",
                          "10mib is not a valid size in bytes for min_sstable_size"),
        CASSANDRA_REFUSES(
            "Unified", "'min_sstable_size': '-1MiB'",
            "Invalid configuration, min_sstable_size should be greater than or equal to 0 (zero)"),
        CASSANDRA_REFUSES("Unified", "'min_sstable_size': '100PiB'",
                          "Invalid configuration, min_sstable_size (100.000PiB) should be less than 70% of "
                          "the targetSSTableSize (1.000GiB)"),
        CASSANDRA_REFUSES("Unified", "'base_shard_count': '0'",
                          "Invalid configuration, base_shard_count should be positive: 0"),
        CASSANDRA_REFUSES("Unified", "'base_shard_count': ' 4'",
                          " 4 is not a parsable int (base10) for base_shard_count"),
        CASSANDRA_REFUSES("Unified", "'base_shard_count': '2147483648'",
                          "2147483648 is not a parsable int (base10) for base_shard_count"),
        CASSANDRA_REFUSES("Unified", "'sstable_growth': 'abc'",
                          "sstable_growth is not a valid number between 0 and 1: For input string: \"abc\""),
        CASSANDRA_REFUSES(
            "Unified", "'expired_sstable_check_frequency_seconds': '0'",
            "Invalid configuration, expired_sstable_check_frequency_seconds should be positive: 0"),
        CASSANDRA_REFUSES("Unified", "'expired_sstable_check_frequency_seconds': 'abc'",
                          "abc is not a parsable long (base10) for expired_sstable_check_frequency_seconds"),
        CASSANDRA_REFUSES("Unified", "'max_sstables_to_compact': '1.5'",
                          "1.5 is not a parsable int (base10) for max_sstables_to_compact"),
        CASSANDRA_REFUSES("Unified", "'scaling_parameters': 't4'",
                          "Scaling parameter t4 must match N|L[0-9]+|T[0-9]+|[+-]?[0-9]+"),
        CASSANDRA_REFUSES("Unified", "'scaling_parameters': 'L1'", "Fan factor cannot be lower than 2 in L1"),
        CASSANDRA_REFUSES("Unified", "'scaling_parameters': 'T4,,L4'", "Scaling parameter  must match"),
        CASSANDRA_REFUSES("Unified", "'unsafe_aggressive_sstable_expiration': 'x'",
                          "unsafe_aggressive_sstable_expiration should either be 'true' or 'false', not x"),
        CASSANDRA_REFUSES(
            "Unified", "'min_threshold': '2'",
            "Properties specified [min_threshold] are not understood by UnifiedCompactionStrategy"),
        CASSANDRA_REFUSES("TimeWindow", "'expired_sstable_check_frequency_seconds': 'abc'",
                          "abc is not a parsable int (base10) for expired_sstable_check_frequency_seconds"),
        CASSANDRA_REFUSES("Leveled", "'fanout_size': '0'", "fanout_size must be larger than 0, but was 0"),
        CASSANDRA_REFUSES("SizeTiered", "'min_sstable_size': '-1'",
                          "min_sstable_size must be non negative: -1"),
        CASSANDRA_REFUSES("SizeTiered", "'min_sstable_size': '1.5'",
                          "1.5 is not a parsable int (base10) for min_sstable_size"),
        CASSANDRA_REFUSES("SizeTiered", "'bucket_low': '1.5'",
                          "bucket_high value (1.5) is less than or equal to the bucket_low value (1.5)"),
        CASSANDRA_REFUSES("SizeTiered", "'bucket_high': '-1'",
                          "bucket_high value (-1.0) is less than or equal to the bucket_low value (0.5)"),
        CASSANDRA_REFUSES("SizeTiered", "'bucket_high': 'abc'",
                          "abc is not a parsable float for bucket_high"),
        CASSANDRA_REFUSES("SizeTiered", "'tombstone_threshold': 'abc'",
                          "abc is not a parsable int (base10) for tombstone_threshold"),
        CASSANDRA_REFUSES("SizeTiered", "'min_threshold': '-1'",
                          "Invalid value -1 for 'min_threshold' compaction sub-option - must be an integer"),
        CASSANDRA_REFUSES("SizeTiered", "'max_threshold': '0'",
                          "Disabling compaction by setting compaction thresholds to 0 has been removed, set "
                          "the compaction option 'enabled' to false instead."),
        CASSANDRA_REFUSES(
            "SizeTiered", "'max_threshold': '1'",
            "Min compaction threshold (got 4) cannot be greater than max compaction threshold (got 1)"),
        CASSANDRA_REFUSES("SizeTiered", "'log_all': 'x'",
                          "'log_all' should either be 'true' or 'false', not x"),
        CASSANDRA_REFUSES("TimeWindow", "'compaction_window_unit': 'WEEKS'",
                          "WEEKS is not valid for compaction_window_unit"),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char statement[400];
        struct fixture *f = fixture_open(cases[i].profile);
        snprintf(
            statement, sizeof statement,
            "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': '%sCompactionStrategy', %s}",
            cases[i].class_name, cases[i].options);
        refuses(f, CQL_CONFIG_ERROR, cases[i].refusal, statement);
        fixture_close(f);
    }
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    refuses(f, CQL_SYNTAX_ERROR, "Invalid integer value soon for 'expired_sstable_check_frequency_seconds'",
            "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy',"
            " 'expired_sstable_check_frequency_seconds': 'soon'}");
    fixture_close(f);
}

static void odd_values_that_the_target_takes_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *class_name, *options;
    } cases[] = {
        {"Unified", "'target_sstable_size': '1PiB'"},
        {"Unified", "'target_sstable_size': '100 MiB'"},
        {"Unified", "'flush_size_override': '16EiB'"},
        {"Unified", "'base_shard_count': '2147483647'"},
        {"Unified", "'sstable_growth': '50 %'"},
        {"Unified", "'max_sstables_to_compact': '-1'"},
        {"Unified", "'scaling_parameters': 'T4,'"},
        {"Unified", "'scaling_parameters': 'T99999999'"},
        {"SizeTiered", "'bucket_low': '-1'"},
        {"SizeTiered", "'bucket_low': '1'"},
        {"SizeTiered", "'bucket_high': '1'"},
        {"SizeTiered", "'min_sstable_size': '9223372036854775807'"},
        {"SizeTiered", "'tombstone_compaction_interval': '0'"},
    };
    struct fixture *f = fixture_open(PROFILE_CASSANDRA_5_0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char statement[400];
        snprintf(
            statement, sizeof statement,
            "CREATE TABLE t%zu (id int PRIMARY KEY) WITH compaction = {'class': '%sCompactionStrategy', %s}",
            i, cases[i].class_name, cases[i].options);
        does(f, statement);
        snprintf(statement, sizeof statement, "INSERT INTO t%zu (id) VALUES (1)", i);
        does(f, statement);
    }
    fixture_close(f);
}

/* As a version that refused less may have left it; here another target's class. */
static void options_that_are_refused_by_now_stay_until_others_are_given(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_on_disk(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY) WITH compaction = {'class': 'IncrementalCompactionStrategy',"
            " 'space_amplification_goal': '1.5'}");
    f->profile = PROFILE_CASSANDRA_5_0;
    fixture_reopen(f);
    does(f, "USE k");
    does(f, "ALTER TABLE t WITH comment = 'still there' AND gc_grace_seconds = 7");
    shows(f, SHOW("comment"), "still there");
    refuses(f, CQL_CONFIG_ERROR, "Unable to find compaction strategy class",
            "ALTER TABLE t WITH compaction = {'class': 'IncrementalCompactionStrategy'}");
    does(f, "ALTER TABLE t WITH compaction = {'class': 'SizeTieredCompactionStrategy'}");
    fixture_close(f);
}

static struct store_table_options engine_options(struct fixture *f, const char *table_name)
{
    struct store *store = cql_database_store(f->database);
    struct store_table found = {0};
    struct buffer properties = {0};
    struct store_table_options options = {0};
    bool seen = false;
    while (!seen) {
        struct cql_table *table = NULL;
        uint64_t base;
        buffer_clear(&properties);
        assert_true(ok(store_next_table(store, found.id, &found, &properties)));
        assert_true(ok(catalog_decode_table(buffer_slice(&properties), found.id, &table, &base)));
        if (table && strcmp(table->name, table_name) == 0) {
            options = found.options;
            seen = true;
        }
        table_unref(table);
    }
    buffer_deinit(&properties);
    return options;
}

static void the_engine_hears_of_compaction_and_compression(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE a (id int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy',"
            " 'compaction_window_unit': 'HOURS', 'compaction_window_size': '6', 'min_threshold': '3'} AND"
            " compression = {'sstable_compression': 'ZstdCompressor', 'compression_level': '5'} AND "
            "gc_grace_seconds = 9");
    struct store_table_options options = engine_options(f, "a");
    assert_int_equal(options.compaction, STORE_COMPACTION_TIME_WINDOW);
    assert_int_equal(options.window_s, 6 * 3600);
    assert_int_equal(options.min_threshold, 3);
    assert_int_equal(options.compression_level, 5);
    assert_int_equal(options.gc_grace_s, 9);
    does(f, "CREATE TABLE b (id int PRIMARY KEY) WITH compression = {'sstable_compression': ''} AND"
            " compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}");
    options = engine_options(f, "b");
    assert_int_equal(options.compaction, STORE_COMPACTION_NONE);
    assert_int_equal(options.compression_level, 0);
    fixture_close(f);
}

static void the_engine_hears_of_every_option(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE a (id int PRIMARY KEY) WITH compaction = {'class': 'LeveledCompactionStrategy',"
            " 'sstable_size_in_mb': '10', 'fanout_size': '5', 'tombstone_threshold': '0.5',"
            " 'tombstone_compaction_interval': '60', 'unchecked_tombstone_compaction': 'true'}");
    struct store_table_options options = engine_options(f, "a");
    assert_int_equal(options.compaction, STORE_COMPACTION_LEVELED);
    assert_int_equal(options.tuning.sstable_bytes, 10 << 20);
    assert_int_equal(options.tuning.fanout, 5);
    assert_true(options.tuning.tombstone_threshold == 0.5);
    assert_int_equal(options.tuning.tombstone_interval_s, 60);
    assert_true(options.tuning.tombstones_unchecked);
    does(f, "CREATE TABLE b (id int PRIMARY KEY) WITH compaction = {'class': 'IncrementalCompactionStrategy',"
            " 'sstable_size_in_mb': '100', 'space_amplification_goal': '1.25', 'bucket_low': '0.25',"
            " 'bucket_high': '2', 'min_sstable_size': '0', 'max_threshold': '8'}");
    options = engine_options(f, "b");
    assert_int_equal(options.compaction, STORE_COMPACTION_INCREMENTAL);
    assert_int_equal(options.tuning.sstable_bytes, 100 << 20);
    assert_true(options.tuning.space_amplification_goal == 1.25);
    assert_true(options.tuning.bucket_low == 0.25 && options.tuning.bucket_high == 2);
    assert_int_equal(options.tuning.min_sstable_bytes, 1); /* none: 0 would be the default */
    assert_int_equal(options.max_threshold, 8);
    does(f, "CREATE TABLE c (id int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy',"
            " 'expired_sstable_check_frequency_seconds': '0', 'timestamp_resolution': 'MILLISECONDS',"
            " 'tombstone_threshold': '0.3'}");
    options = engine_options(f, "c");
    assert_true(options.tuning.expiry_check_s < 0);
    assert_true(options.tuning.timestamps_in_ms);
    assert_true(options.tuning.tombstones_alone);
    fixture_close(f);
    f = fixture_open(PROFILE_CASSANDRA_5_0);
    does(f, "CREATE TABLE d (id int PRIMARY KEY) WITH compaction = {'class': 'UnifiedCompactionStrategy',"
            " 'scaling_parameters': 'T4, N, L10, -3', 'target_sstable_size': '256MiB', "
            "'overlap_inclusion_method': 'single', 'base_shard_count': '2',"
            " 'sstable_growth': '50%', 'min_sstable_size': '10MiB', 'flush_size_override': '64MB'}");
    options = engine_options(f, "d");
    assert_int_equal(options.compaction, STORE_COMPACTION_UNIFIED);
    assert_int_equal(options.tuning.scaling_count, 4);
    assert_int_equal(options.tuning.scaling[0], 2);
    assert_int_equal(options.tuning.scaling[1], 0);
    assert_int_equal(options.tuning.scaling[2], -8);
    assert_int_equal(options.tuning.scaling[3], -3);
    assert_int_equal(options.tuning.sstable_bytes, 256 << 20);
    assert_int_equal(options.tuning.base_shards, 2);
    assert_true(options.tuning.growth == 0.5);
    assert_int_equal(options.tuning.min_sstable_bytes, 10 << 20);
    assert_int_equal(options.tuning.flush_bytes, 64000000);
    fixture_close(f);
}

static void a_table_clustered_by_time_gets_windows_unless_told_otherwise(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE a (id int, at timestamp, PRIMARY KEY (id, at))");
    does(f, "CREATE TABLE b (id int, at timestamp, PRIMARY KEY (id, at)) WITH compaction = {'class':"
            " 'SizeTieredCompactionStrategy'}");
    does(f, "CREATE TABLE c (id int, at int, PRIMARY KEY (id, at))");
    assert_int_equal(engine_options(f, "a").compaction, STORE_COMPACTION_TIME_WINDOW);
    assert_int_equal(engine_options(f, "b").compaction, STORE_COMPACTION_SIZE_TIERED);
    assert_int_equal(engine_options(f, "c").compaction, STORE_COMPACTION_SIZE_TIERED);
    fixture_close(f);
}

static void options_that_do_nothing_here_say_so(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(
        f,
        "CREATE TABLE t (id int PRIMARY KEY) WITH per_partition_rate_limit = {'max_writes_per_second': 100}");
    warned(f, "per_partition_rate_limit is accepted and has no effect");
    fixture_close(f);
}

static void a_given_id_is_the_tables(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(PROFILE_SCYLLA_2025_1);
    does(f, "CREATE TABLE t (id int PRIMARY KEY) WITH id = '5a1c395e-b41f-11e5-9f22-ba0be0483c18'");
    shows(f, SHOW("id"), "5a1c395e-b41f-11e5-9f22-ba0be0483c18");
    refuses(f, CQL_CONFIG_ERROR, "", "ALTER TABLE t WITH id = '5a1c395e-b41f-11e5-9f22-ba0be0483c19'");
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_target),
        cmocka_unit_test(given_options_are_shown_and_altered),
        cmocka_unit_test(unknown_and_wrong_options_are_refused),
        cmocka_unit_test(what_a_schema_dump_says_can_be_replayed),
        cmocka_unit_test(every_class_of_the_target_is_taken_and_no_other),
        cmocka_unit_test(values_of_compaction_options_are_checked),
        cmocka_unit_test(odd_values_that_the_target_takes_are_taken),
        cmocka_unit_test(options_that_are_refused_by_now_stay_until_others_are_given),
        cmocka_unit_test(the_engine_hears_of_every_option),
        cmocka_unit_test(the_engine_hears_of_compaction_and_compression),
        cmocka_unit_test(a_table_clustered_by_time_gets_windows_unless_told_otherwise),
        cmocka_unit_test(options_that_do_nothing_here_say_so),
        cmocka_unit_test(a_given_id_is_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
