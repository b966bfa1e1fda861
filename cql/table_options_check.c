/*
 * table_options_check.c: are the values of table options allowed, and what does the engine make of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cql/table_options_internal.h"

enum {
    TTL_MAX_S = 630720000, /* 20 years: TTL-4 */
    FLUSH_PERIOD_MIN_MS = 60000,
};

static const char compaction_package[] = "org.apache.cassandra.db.compaction.";
static const char compression_package[] = "org.apache.cassandra.io.compress.";

/* Names that the targets know; `short_name` is how they are written without their package. */
static const struct strategy {
    const char *short_name;
    enum store_compaction runs_as;
    bool scylla, cassandra;
    bool is_ours; /* the engine has it; others run as size-tiered, and say so */
} strategies[] = {
    {"SizeTieredCompactionStrategy", STORE_COMPACTION_SIZE_TIERED, true, true, true},
    {"TimeWindowCompactionStrategy", STORE_COMPACTION_TIME_WINDOW, true, true, true},
    {"LeveledCompactionStrategy", STORE_COMPACTION_SIZE_TIERED, true, true, false},
    {"IncrementalCompactionStrategy", STORE_COMPACTION_SIZE_TIERED, true, false, false},
    {"UnifiedCompactionStrategy", STORE_COMPACTION_SIZE_TIERED, false, true, false},
    {"DateTieredCompactionStrategy", STORE_COMPACTION_TIME_WINDOW, false, true, false},
    {"NullCompactionStrategy", STORE_COMPACTION_NONE, true, false, true},
};

static const char *without_package(const char *name, const char *package)
{
    size_t bytes = strlen(package);
    return strncmp(name, package, bytes) == 0 ? name + bytes : name;
}

static const struct strategy *strategy_of(const char *name, const struct cql_target *target)
{
    const char *bare = without_package(name, compaction_package);
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        if (strcmp(strategies[i].short_name, bare) == 0 &&
            (!target || (target->is_scylla ? strategies[i].scylla : strategies[i].cassandra)))
            return &strategies[i];
    return NULL;
}

/* ---- numbers ---- */

static bool check_numbers(const struct table_options_request *request,
                          const struct cql_table_options *options, struct cql_error *error)
{
    enum cql_profile profile = request->profile;
    if (options->default_time_to_live < 0)
        return cql_refuse(error, profile, MSG_PROPERTY_BELOW, "default_time_to_live", 0LL, 0LL,
                          (long long)options->default_time_to_live);
    if (options->default_time_to_live > TTL_MAX_S)
        return cql_refuse(error, profile, MSG_PROPERTY_ABOVE, "default_time_to_live", (long long)TTL_MAX_S,
                          (long long)options->default_time_to_live);
    if (options->gc_grace_seconds < 0)
        return cql_refuse(error, profile, MSG_PROPERTY_BELOW, "gc_grace_seconds", 0LL, 864000LL,
                          (long long)options->gc_grace_seconds);
    if (options->min_index_interval < 1)
        return cql_refuse(error, profile, MSG_MIN_INDEX_INTERVAL, (int)options->min_index_interval);
    if (options->max_index_interval < options->min_index_interval)
        return cql_refuse(error, profile, MSG_MAX_INDEX_INTERVAL, (int)options->min_index_interval,
                          (int)options->max_index_interval);
    if (!(options->bloom_filter_fp_chance > 6.71e-5 && options->bloom_filter_fp_chance <= 1.0))
        return cql_refuse(error, profile, MSG_BLOOM_FILTER_CHANCE, options->bloom_filter_fp_chance);
    if (!(options->crc_check_chance >= 0 && options->crc_check_chance <= 1.0))
        return cql_refuse(error, profile, MSG_CRC_CHECK_CHANCE, options->crc_check_chance);
    int32_t period = options->memtable_flush_period_in_ms;
    if (period < 0 || (period > 0 && period < FLUSH_PERIOD_MIN_MS && request->target->is_scylla))
        return cql_refuse(error, profile, MSG_FLUSH_PERIOD, (int)FLUSH_PERIOD_MIN_MS, (int)period);
    return true;
}

/* ---- compaction ---- */

static bool map_number(const struct cql_option_map *map, const char *key, enum cql_profile profile,
                       int32_t least, int32_t *out_value, struct cql_error *error)
{
    const char *text = option_map_get(map, key);
    if (!text)
        return true;
    if (!property_to_int(key, text, profile, out_value, error))
        return false;
    if (*out_value < least)
        return cql_refuse(error, profile, MSG_PROPERTY_BELOW, key, (long long)least, (long long)least,
                          (long long)*out_value);
    return true;
}

static int64_t window_unit_s(const char *unit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"MINUTES", 60}, {"HOURS", 3600}, {"DAYS", 86400}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].seconds;
    return 0;
}

static bool check_window(const struct table_options_request *request, const struct cql_option_map *map,
                         struct cql_error *error)
{
    const char *unit = option_map_get(map, "compaction_window_unit");
    if (unit && !window_unit_s(unit))
        return cql_refuse(error, request->profile, MSG_WINDOW_UNIT, unit);
    int32_t size = 1;
    return map_number(map, "compaction_window_size", request->profile, 1, &size, error);
}

/* What a strategy may be told; words separated by spaces, with one before and behind each. */
static const char *const options_of_all =
    " class enabled min_threshold max_threshold tombstone_threshold tombstone_compaction_interval "
    "unchecked_tombstone_compaction only_purge_repaired_tombstones provide_overlapping_tombstones log_all ";
static const char *const options_of_sizes = " min_sstable_size bucket_low bucket_high cold_reads_to_omit ";
static const struct {
    const char *strategy, *options;
    bool sizes; /* those of size-tiered too */
} strategy_options[] = {
    {"SizeTieredCompactionStrategy", " ", true},
    {"TimeWindowCompactionStrategy",
     " compaction_window_unit compaction_window_size timestamp_resolution enable_optimized_twcs_queries "
     "expired_sstable_check_frequency_seconds unsafe_aggressive_sstable_expiration ",
     true},
    {"LeveledCompactionStrategy", " sstable_size_in_mb fanout_size single_sstable_uplevel ", true},
    {"IncrementalCompactionStrategy", " sstable_size_in_mb space_amplification_goal ", true},
};

static bool has_word(const char *words, const char *word)
{
    char wanted[128];
    int bytes = snprintf(wanted, sizeof wanted, " %s ", word);
    return bytes > 0 && (size_t)bytes < sizeof wanted && strstr(words, wanted);
}

static bool understands(const struct strategy *strategy, const char *option)
{
    if (has_word(options_of_all, option))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(strategy_options); i++)
        if (strcmp(strategy_options[i].strategy, strategy->short_name) == 0)
            return has_word(strategy_options[i].options, option) ||
                   (strategy_options[i].sizes && has_word(options_of_sizes, option));
    return true; /* of others the list is not kept */
}

/* Every option that the strategy does not know, in one refusal: ScyllaDB shows them with their values. */
static bool check_understood(const struct table_options_request *request, const struct strategy *strategy,
                             const struct cql_option_map *map, struct cql_error *error)
{
    struct buffer unknown = {0};
    for (uint32_t i = 0; i < map->count; i++) {
        const struct cql_option *option = &map->items[i];
        if (understands(strategy, option->key))
            continue;
        if (unknown.bytes)
            buffer_printf(&unknown, ", ");
        if (request->target->is_scylla)
            buffer_printf(&unknown, "\"%s\": \"%s\"", option->key, option->value);
        else
            buffer_printf(&unknown, "%s", option->key);
    }
    bool understood = !unknown.bytes && !unknown.failed;
    buffer_append_u8(&unknown, 0);
    if (unknown.failed)
        cql_refuse(error, request->profile, MSG_NOMEM);
    else if (!understood)
        cql_refuse(error, request->profile, MSG_COMPACTION_OPTIONS, (const char *)unknown.data,
                   strategy->short_name);
    understood &= !unknown.failed;
    buffer_deinit(&unknown);
    return understood;
}

static bool check_compaction(const struct table_options_request *request,
                             const struct cql_table_options *options, struct cql_error *error)
{
    enum cql_profile profile = request->profile;
    const struct cql_option_map *map = &options->compaction;
    const char *name = option_map_get(map, "class");
    if (!name)
        return cql_refuse(error, profile, MSG_SUB_OPTION_MISSING, "class", "compaction");
    const struct strategy *strategy = strategy_of(name, request->target);
    if (!strategy)
        return cql_refuse(error, profile, MSG_COMPACTION_CLASS_UNKNOWN, name);
    if (!check_understood(request, strategy, map, error))
        return false;
    int32_t least = 4, most = 32;
    if (!map_number(map, "min_threshold", profile, request->target->is_scylla ? 1 : 2, &least, error) ||
        !map_number(map, "max_threshold", profile, 1, &most, error))
        return false;
    if (most < least)
        return cql_refuse(error, profile, MSG_COMPACTION_THRESHOLDS, (int)least, (int)most);
    if (strategy->runs_as == STORE_COMPACTION_TIME_WINDOW && !check_window(request, map, error))
        return false;
    if (!strategy->is_ours) {
        buffer_printf(request->warnings,
                      "Strait: %s is kept and shown, and runs as SizeTieredCompactionStrategy",
                      strategy->short_name);
        buffer_append_u8(request->warnings, 0);
    }
    return true;
}

/* ---- compression ---- */

static const char *compression_class(const struct cql_option_map *map)
{
    const char *name = option_map_get(map, "sstable_compression");
    return name ? name : option_map_get(map, "class");
}

static bool compression_is_off(const struct cql_option_map *map)
{
    const char *enabled = option_map_get(map, "enabled");
    const char *name = compression_class(map);
    return map->count == 0 || (enabled && strcasecmp(enabled, "false") == 0) || (name && !*name);
}

static bool check_compression(const struct table_options_request *request,
                              const struct cql_table_options *options, struct cql_error *error)
{
    static const char *const known[] = {
        "LZ4Compressor",  "SnappyCompressor",       "DeflateCompressor",      "ZstdCompressor",
        "NoopCompressor", "LZ4WithDictsCompressor", "ZstdWithDictsCompressor"};
    const struct cql_option_map *map = &options->compression;
    if (compression_is_off(map))
        return true;
    const char *name = compression_class(map);
    if (!name)
        return cql_refuse(error, request->profile, MSG_SUB_OPTION_MISSING,
                          request->target->is_scylla ? "sstable_compression" : "class", "compression");
    const char *bare = without_package(name, compression_package);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i], bare) == 0) {
            int32_t number = 0;
            return map_number(map, "compression_level", request->profile, -7, &number, error) &&
                   map_number(map, "chunk_length_in_kb", request->profile, 1, &number, error) &&
                   map_number(map, "chunk_length_kb", request->profile, 1, &number, error);
        }
    return cql_refuse(error, request->profile, MSG_COMPRESSION_CLASS_UNKNOWN, name);
}

/* ---- shown form ---- */

/* Cassandra shows classes with their package and always both thresholds; ScyllaDB shows what it was given, with the
 * compressor's package. */
static const char *with_package(struct arena *arena, const char *package, const char *name)
{
    return strchr(name, '.') || !*name ? name : arena_printf(arena, "%s%s", package, name);
}

static bool map_set(struct arena *arena, struct cql_option_map *map, const char *key, const char *value)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0) {
            map->items[i].value = value;
            return value != NULL;
        }
    struct cql_option_map larger = {.items = arena_calloc(arena, map->count + 1, sizeof *map->items),
                                    .count = map->count + 1};
    if (!larger.items || !value)
        return false;
    uint32_t at = map->count;
    if (map->count)
        memcpy(larger.items, map->items, map->count * sizeof *map->items);
    for (; at > 0 && strcmp(larger.items[at - 1].key, key) > 0; at--)
        larger.items[at] = larger.items[at - 1];
    larger.items[at] = (struct cql_option){.key = key, .value = value};
    *map = larger;
    return true;
}

static bool show_compaction(const struct table_options_request *request, struct cql_option_map *map)
{
    struct arena *arena = request->arena;
    const char *name = option_map_get(map, "class");
    if (request->target->is_scylla)
        return map_set(arena, map, "class", without_package(name, compaction_package));
    return map_set(arena, map, "class", with_package(arena, compaction_package, name)) &&
           (option_map_get(map, "max_threshold") || map_set(arena, map, "max_threshold", "32")) &&
           (option_map_get(map, "min_threshold") || map_set(arena, map, "min_threshold", "4"));
}

static bool show_compression(const struct table_options_request *request, struct cql_option_map *map)
{
    struct arena *arena = request->arena;
    const char *name = compression_class(map);
    if (compression_is_off(map)) {
        if (request->target->is_scylla) {
            map->count = 0;
            return true;
        }
        map->count = 0;
        return map_set(arena, map, "enabled", "false");
    }
    const char *key = request->target->is_scylla ? "sstable_compression" : "class";
    const char *other = request->target->is_scylla ? "class" : "sstable_compression";
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, other) == 0) {
            for (uint32_t j = i + 1; j < map->count; j++)
                map->items[j - 1] = map->items[j];
            map->count--;
            break;
        }
    if (!map_set(arena, map, key, with_package(arena, compression_package, name)))
        return false;
    return request->target->is_scylla || option_map_get(map, "chunk_length_in_kb") ||
           map_set(arena, map, "chunk_length_in_kb", "16");
}

bool table_options_check(const struct table_options_request *request, struct cql_table_options *options,
                         struct cql_error *error)
{
    struct cql_option_map compaction, compression;
    if (!check_numbers(request, options, error) || !check_compaction(request, options, error) ||
        !check_compression(request, options, error))
        return false;
    /* The maps may be the static ones of the defaults: work on copies. */
    if (failed(option_map_copy(request->arena, &options->compaction, &compaction)) ||
        failed(option_map_copy(request->arena, &options->compression, &compression)) ||
        !show_compaction(request, &compaction) || !show_compression(request, &compression))
        return cql_refuse(error, request->profile, MSG_NOMEM);
    options->compaction = compaction;
    options->compression = compression;
    return true;
}

/* ---- the engine's options ---- */

static bool clustered_by_time(const struct cql_table *table)
{
    if (!table->clustering_count)
        return false;
    enum type_id id = table->columns[table->partition_count].type->id;
    return id == TYPE_TIMESTAMP || id == TYPE_TIMEUUID;
}

static uint32_t map_u32(const struct cql_option_map *map, const char *key, uint32_t otherwise)
{
    const char *text = option_map_get(map, key);
    long value = text ? strtol(text, NULL, 10) : 0;
    return value > 0 && value <= INT32_MAX ? (uint32_t)value : otherwise;
}

static enum store_compaction compaction_of(const struct cql_table *table)
{
    const struct cql_option_map *map = &table->options.compaction;
    const char *enabled = option_map_get(map, "enabled");
    if (enabled && strcasecmp(enabled, "false") == 0)
        return STORE_COMPACTION_NONE;
    if (!table->options.compaction_given)
        return clustered_by_time(table) ? STORE_COMPACTION_TIME_WINDOW : STORE_COMPACTION_SIZE_TIERED;
    const char *name = option_map_get(map, "class");
    const struct strategy *strategy = name ? strategy_of(name, NULL) : NULL;
    return strategy ? strategy->runs_as : STORE_COMPACTION_SIZE_TIERED;
}

static int compression_level(const struct cql_option_map *map)
{
    if (compression_is_off(map))
        return 0;
    const char *name = without_package(compression_class(map), compression_package);
    if (strcmp(name, "NoopCompressor") == 0)
        return 0;
    const char *level = option_map_get(map, "compression_level");
    if (strncmp(name, "Zstd", 4) != 0)
        return 1;
    long value = level ? strtol(level, NULL, 10) : 3;
    return value < 1 ? 1 : value > 19 ? 19 : (int)value;
}

void table_options_store(const struct cql_table *table, struct store_table_options *out_options)
{
    const struct cql_table_options *options = &table->options;
    const struct cql_option_map *compaction = &options->compaction;
    struct store_table_options store = {
        .gc_grace_s = options->gc_grace_seconds,
        .compaction = compaction_of(table),
        .min_threshold = map_u32(compaction, "min_threshold", 0),
        .max_threshold = map_u32(compaction, "max_threshold", 0),
        .compression_level = compression_level(&options->compression),
        .filter_fp_chance = options->bloom_filter_fp_chance,
    };
    const char *unit = option_map_get(compaction, "compaction_window_unit");
    const char *size = option_map_get(compaction, "compaction_window_size");
    if (store.compaction == STORE_COMPACTION_TIME_WINDOW && (unit || size))
        store.window_s =
            (unit ? window_unit_s(unit) : 86400) * (int64_t)map_u32(compaction, "compaction_window_size", 1);
    *out_options = store;
}

const char *table_options_strategy(const struct cql_table *table)
{
    switch (compaction_of(table)) {
    case STORE_COMPACTION_TIME_WINDOW: return "TimeWindowCompactionStrategy";
    case STORE_COMPACTION_NONE: return "none";
    case STORE_COMPACTION_SIZE_TIERED: break;
    }
    return "SizeTieredCompactionStrategy";
}
