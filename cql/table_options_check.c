/*
 * table_options_check.c: are the values of table options allowed, and what does the engine make of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cql/compaction_options_internal.h"
#include "cql/number.h"
#include "cql/table_options_internal.h"

enum {
    TTL_MAX_S = 630720000, /* 20 years: TTL-4 */
    FLUSH_PERIOD_MIN_MS = 60000,
};

static const char compression_package[] = "org.apache.cassandra.io.compress.";

/* ---- numbers ---- */

/* NULL when memory ran out. */
static const char *java_double(struct arena *arena, double value)
{
    struct buffer text = {0};
    double_print_java(&text, value);
    buffer_append_u8(&text, 0);
    const char *copy = text.failed ? NULL : arena_printf(arena, "%s", (const char *)text.data);
    buffer_deinit(&text);
    return copy;
}

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
        return cql_refuse(error, profile, MSG_BLOOM_FILTER_CHANCE,
                          request->target->is_scylla
                              ? arena_printf(request->arena, "%g", options->bloom_filter_fp_chance)
                              : java_double(request->arena, options->bloom_filter_fp_chance));
    if (!(options->crc_check_chance >= 0 && options->crc_check_chance <= 1.0))
        return cql_refuse(error, profile, MSG_CRC_CHECK_CHANCE, options->crc_check_chance);
    int32_t period = options->memtable_flush_period_in_ms;
    if (period < 0 || (period > 0 && period < FLUSH_PERIOD_MIN_MS && request->target->is_scylla))
        return cql_refuse(error, profile, MSG_FLUSH_PERIOD, (int)FLUSH_PERIOD_MIN_MS, (int)period);
    return true;
}

static const char *without_package(const char *name, const char *package)
{
    size_t bytes = strlen(package);
    return strncmp(name, package, bytes) == 0 ? name + bytes : name;
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

static bool check_level(const struct cql_option_map *map, enum cql_profile profile, struct cql_error *error)
{
    const char *text = option_map_get(map, "compression_level");
    int32_t level = 0;
    return !text || property_to_int("compression_level", text, profile, &level, error);
}

/* A power of two, in KiB. */
static bool check_chunk(const struct cql_option_map *map, enum cql_profile profile, struct cql_error *error)
{
    const char *text = option_map_get(map, "chunk_length_in_kb");
    text = text ? text : option_map_get(map, "chunk_length_kb");
    if (!text)
        return true;
    char *end;
    long value = strtol(text, &end, 10);
    if (end != text && !*end && value < 1)
        return cql_refuse(error, profile, MSG_COMPRESSION_CHUNK_NONE);
    if (end == text || *end || value > INT32_MAX / 1024)
        return cql_refuse(error, profile, MSG_COMPRESSION_CHUNK_INVALID);
    return (value & (value - 1)) == 0 || cql_refuse(error, profile, MSG_COMPRESSION_CHUNK);
}

static bool check_compression_names(const struct cql_option_map *map, enum cql_profile profile,
                                    struct cql_error *error)
{
    static const char *const names[] = {
        "class",
        "sstable_compression",
        "chunk_length_in_kb",
        "chunk_length_kb",
        "crc_check_chance",
        "enabled",
        "min_compress_ratio",
        "compression_level",
        "lz4_compressor_type",
        "lz4_high_compressor_level",
    };
    for (uint32_t i = 0; i < map->count; i++) {
        size_t j = 0;
        while (j < ARRAY_LEN(names) && strcmp(names[j], map->items[i].key) != 0)
            j++;
        if (j == ARRAY_LEN(names))
            return cql_refuse(error, profile, MSG_COMPRESSION_OPTION, map->items[i].key);
    }
    return true;
}

static bool check_compression(const struct table_options_request *request,
                              const struct cql_table_options *options, struct cql_error *error)
{
    static const char *const known[] = {
        "LZ4Compressor",  "SnappyCompressor",       "DeflateCompressor",      "ZstdCompressor",
        "NoopCompressor", "LZ4WithDictsCompressor", "ZstdWithDictsCompressor"};
    const struct cql_option_map *map = &options->compression;
    const char *name = compression_class(map), *given = option_map_get(map, "class");
    if (given && !*given && !request->target->is_scylla)
        return cql_refuse(error, request->profile, MSG_COMPRESSION_CLASS_EMPTY);
    bool is_unnamed = !request->target->is_scylla && !given && name && !*name;
    if (compression_is_off(map) && !is_unnamed)
        return true;
    const char *key = request->target->is_scylla ? "sstable_compression" : "class";
    if (!name || (!request->target->is_scylla && !option_map_get(map, key)))
        return cql_refuse(error, request->profile, MSG_SUB_OPTION_MISSING, key, "compression");
    const char *bare = without_package(name, compression_package);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i], bare) == 0)
            return check_compression_names(map, request->profile, error) &&
                   check_level(map, request->profile, error) && check_chunk(map, request->profile, error);
    return cql_refuse(
        error, request->profile, MSG_COMPRESSION_CLASS_UNKNOWN,
        request->target->is_scylla ? name : arena_printf(request->arena, "%s%s", compression_package, bare));
}

/* ---- caching ---- */

static bool is_word(const char *text, const struct cql_target *target, const char *word)
{
    return target->is_scylla ? strcmp(text, word) == 0 : strcasecmp(text, word) == 0;
}

static bool check_caching(const struct table_options_request *request, const struct cql_option_map *map,
                          struct cql_error *error)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const char *key = map->items[i].key, *value = map->items[i].value;
        bool is_word_value =
            is_word(value, request->target, "ALL") || is_word(value, request->target, "NONE");
        if (strcmp(key, "keys") == 0 && !is_word_value)
            return cql_refuse(error, request->profile, MSG_CACHING_KEYS, value);
        if (strcmp(key, "rows_per_partition") == 0 && !is_word_value &&
            (!*value || strspn(value, "0123456789") != strlen(value)))
            return cql_refuse(error, request->profile, MSG_CACHING_ROWS, value);
        if (strcmp(key, "keys") != 0 && strcmp(key, "rows_per_partition") != 0 &&
            !(request->target->is_scylla && strcmp(key, "enabled") == 0))
            return cql_refuse(error, request->profile, MSG_CACHING_OPTION, key);
    }
    return true;
}

/* ---- policies ---- */

/* A number and then nothing but `unit`, in any case. */
static bool is_measure(const char *text, const char *unit, double *out_value)
{
    char *end;
    *out_value = strtod(text, &end);
    return end != text && (*text == '.' || (*text >= '0' && *text <= '9')) && strcasecmp(end, unit) == 0;
}

static const char *speculative_word(const char *text)
{
    static const struct {
        const char *word, *shown;
    } words[] = {{"NONE", "NEVER"}, {"NEVER", "NEVER"}, {"ALWAYS", "ALWAYS"}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(words[i].word, text) == 0)
            return words[i].shown;
    return NULL;
}

/* 99p, 10ms, ALWAYS, NEVER; MIN(99p,10ms) and MAX(...) are kept as they are. */
static bool check_speculation(const struct table_options_request *request, const char **text,
                              struct cql_error *error)
{
    const char *word = speculative_word(*text);
    double value = 0;
    if (word) {
        *text = request->target->is_scylla ? *text : word;
        return true;
    }
    if (is_measure(*text, "p", &value) || is_measure(*text, "percentile", &value)) {
        if (value <= 0 || value >= 100)
            return cql_refuse(error, request->profile, MSG_SPECULATIVE_PERCENTILE, *text);
        if (!request->target->is_scylla)
            *text = arena_printf(request->arena, "%.15gp", value);
    } else if (is_measure(*text, "ms", &value)) {
        if (!request->target->is_scylla)
            *text = arena_printf(request->arena, "%.15gms", value);
    } else if (strncasecmp(*text, "min(", 4) != 0 && strncasecmp(*text, "max(", 4) != 0) {
        return cql_refuse(error, request->profile, MSG_SPECULATIVE_RETRY, *text);
    }
    return *text || cql_refuse(error, request->profile, MSG_NOMEM);
}

static bool check_read_repair(const struct table_options_request *request, const char **text,
                              struct cql_error *error)
{
    static const char *const words[] = {"NONE", "BLOCKING"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(words[i], *text) == 0) {
            *text = words[i];
            return true;
        }
    return cql_refuse(error, request->profile, MSG_PROPERTY_INVALID, "read_repair", *text);
}

static bool check_policies(const struct table_options_request *request, struct cql_table_options *options,
                           struct cql_error *error)
{
    static const char *const memtables[] = {"default", "skiplist", "skiplist_sharded", "trie"};
    size_t known = 0;
    while (known < ARRAY_LEN(memtables) && strcmp(memtables[known], options->memtable) != 0)
        known++;
    if (known == ARRAY_LEN(memtables))
        return cql_refuse(error, request->profile, MSG_MEMTABLE_UNKNOWN, options->memtable);
    return check_speculation(request, &options->speculative_retry, error) &&
           check_speculation(request, &options->additional_write_policy, error) &&
           check_read_repair(request, &options->read_repair, error);
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
        return map_set(arena, map, "class", compaction_class_bare(name));
    if (!map_set(arena, map, "class", with_package(arena, COMPACTION_PACKAGE, name)))
        return false;
    return !compaction_options_have_thresholds(map) ||
           ((option_map_get(map, "max_threshold") || map_set(arena, map, "max_threshold", "32")) &&
            (option_map_get(map, "min_threshold") || map_set(arena, map, "min_threshold", "4")));
}

/* Both halves, in capitals. */
static bool show_caching(const struct table_options_request *request, struct cql_option_map *map)
{
    const char *missing = request->target->is_scylla ? "ALL" : "NONE";
    for (uint32_t i = 0; i < map->count; i++)
        map->items[i].value = strcasecmp(map->items[i].value, "all") == 0    ? "ALL"
                              : strcasecmp(map->items[i].value, "none") == 0 ? "NONE"
                                                                             : map->items[i].value;
    return (option_map_get(map, "keys") || map_set(request->arena, map, "keys", missing)) &&
           (option_map_get(map, "rows_per_partition") ||
            map_set(request->arena, map, "rows_per_partition", missing));
}

/* "2" as 2.0 */
static bool show_ratio(struct arena *arena, struct cql_option_map *map)
{
    double ratio;
    const char *given = option_map_get(map, "min_compress_ratio");
    return !given || !double_parse(slice_text(given), &ratio) ||
           map_set(arena, map, "min_compress_ratio", java_double(arena, ratio));
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
    return request->target->is_scylla ||
           (show_ratio(arena, map) &&
            (option_map_get(map, "chunk_length_in_kb") || map_set(arena, map, "chunk_length_in_kb", "16")));
}

/* What Cassandra takes -1 for. */
static double usual_chance(const struct cql_option_map *compaction)
{
    const char *name = option_map_get(compaction, "class");
    return name && strcmp(without_package(name, COMPACTION_PACKAGE), "LeveledCompactionStrategy") == 0 ? 0.1
                                                                                                       : 0.01;
}

/* A table of an earlier version may have options that are refused now: it goes on with them until others are given. */
static bool is_given(const struct table_options_request *request, const char *name)
{
    for (uint32_t i = 0; i < request->property_count; i++)
        if (strcmp(request->properties[i].name.text, name) == 0)
            return true;
    return false;
}

bool table_options_check(const struct table_options_request *request, struct cql_table_options *options,
                         struct cql_error *error)
{
    struct cql_option_map compaction, compression, caching;
    if (options->bloom_filter_fp_chance == -1 && !request->target->is_scylla)
        options->bloom_filter_fp_chance = usual_chance(&options->compaction);
    if (!check_numbers(request, options, error) ||
        (is_given(request, "compaction") &&
         !compaction_options_check(request, &options->compaction, error)) ||
        (is_given(request, "compression") && !check_compression(request, options, error)) ||
        !check_caching(request, &options->caching, error) || !check_policies(request, options, error))
        return false;
    /* The maps may be the static ones of the defaults: work on copies. */
    if (failed(option_map_copy(request->arena, &options->compaction, &compaction)) ||
        failed(option_map_copy(request->arena, &options->compression, &compression)) ||
        failed(option_map_copy(request->arena, &options->caching, &caching)) ||
        !show_compaction(request, &compaction) || !show_compression(request, &compression) ||
        !show_caching(request, &caching))
        return cql_refuse(error, request->profile, MSG_NOMEM);
    options->compaction = compaction;
    options->compression = compression;
    options->caching = caching;
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

static enum store_compaction compaction_of(const struct cql_table *table)
{
    const struct cql_option_map *map = &table->options.compaction;
    if (!table->options.compaction_given && !compaction_options_disabled(map))
        return clustered_by_time(table) ? STORE_COMPACTION_TIME_WINDOW : STORE_COMPACTION_SIZE_TIERED;
    return compaction_options_strategy(map);
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
    struct store_table_options store = {
        .gc_grace_s = options->gc_grace_seconds,
        .compaction = compaction_of(table),
        .compression_level = compression_level(&options->compression),
        .filter_fp_chance = options->bloom_filter_fp_chance,
    };
    compaction_options_store(&options->compaction, &store);
    *out_options = store;
}

const char *table_options_strategy(const struct cql_table *table)
{
    return compaction_options_name(compaction_of(table));
}
