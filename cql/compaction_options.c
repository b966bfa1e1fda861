#include "cql/compaction_options_internal.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cql/compaction_values_internal.h"
#include "cql/table_options_internal.h"

/* ---- classes ---- */

enum {
    SIZES = 1,
    WINDOWS = 2,
    LEVELS = 4,
    FRAGMENTS = 8,
    DENSITY = 16,
    EVERY = SIZES | WINDOWS | LEVELS | FRAGMENTS | DENSITY,
    NOT_DENSITY = EVERY & ~DENSITY,
};

enum {
    SCYLLA = TARGETS_SCYLLA,
    CASSANDRA = TARGETS_CASSANDRA,
    CASSANDRA_5 = TARGET_CASSANDRA_5_0,
    BOTH = TARGETS_ALL,
};

/* Names that the targets know, as they are written without their package. */
static const struct strategy {
    const char *name;
    enum store_compaction runs_as;
    unsigned targets;
    unsigned options; /* whose it takes; 0: they are not looked at */
    bool stands_in;   /* the engine runs something else under the name, and says so */
} strategies[] = {
    {"SizeTieredCompactionStrategy", STORE_COMPACTION_SIZE_TIERED, BOTH, SIZES, false},
    {"TimeWindowCompactionStrategy", STORE_COMPACTION_TIME_WINDOW, BOTH, WINDOWS, false},
    {"LeveledCompactionStrategy", STORE_COMPACTION_LEVELED, BOTH, LEVELS, false},
    {"IncrementalCompactionStrategy", STORE_COMPACTION_INCREMENTAL, SCYLLA, FRAGMENTS, false},
    {"UnifiedCompactionStrategy", STORE_COMPACTION_UNIFIED, CASSANDRA_5, DENSITY, false},
    {"DateTieredCompactionStrategy", STORE_COMPACTION_TIME_WINDOW, TARGET_CASSANDRA_4_1, 0, true},
    {"NullCompactionStrategy", STORE_COMPACTION_NONE, SCYLLA, 0, false},
};

const char *compaction_class_bare(const char *name)
{
    size_t bytes = strlen(COMPACTION_PACKAGE);
    return strncmp(name, COMPACTION_PACKAGE, bytes) == 0 ? name + bytes : name;
}

static const struct strategy *strategy_of(const char *name, unsigned targets)
{
    const char *bare = compaction_class_bare(name);
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        if (strcmp(strategies[i].name, bare) == 0 && (strategies[i].targets & targets))
            return &strategies[i];
    return NULL;
}

const char *compaction_options_name(enum store_compaction compaction)
{
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        if (strategies[i].runs_as == compaction && compaction != STORE_COMPACTION_NONE)
            return strategies[i].name;
    return "none";
}

/* ---- options ---- */

#define FIELD(name) offsetof(struct store_compaction_tuning, name)

enum field_kind {
    FIELD_NONE, /* nothing here acts on it */
    FIELD_U64,
    FIELD_U32,
    FIELD_S64,
    FIELD_DOUBLE,
    FIELD_BOOL,
};

enum value_kind {
    VALUE_ANY,
    VALUE_NUMBER,
    VALUE_LONG,      /* the same, and another text for what is none */
    VALUE_THRESHOLD, /* the same */
    VALUE_FRACTION,
    VALUE_AMOUNT, /* the same, refused with six digits after its point */
    VALUE_FLAG,
    VALUE_SIZE,       /* a number of bytes with a unit: 100MiB */
    VALUE_LEAST_SIZE, /* the same, with other texts */
    VALUE_PERCENT,    /* 0.333 or 33.3% */
    VALUE_UNIT,
    VALUE_RESOLUTION,
    VALUE_SCALING,
    VALUE_OVERLAP,
};

/* A value is refused with `refusal` unless it is least <= value <= most, where an open end is left out. */
static const struct option_rule {
    const char *name;
    unsigned strategies, targets;
    enum value_kind value;
    double least, most;
    bool least_open, most_open;
    enum cql_message refusal;
    enum field_kind kind;
    size_t field;
    double scale; /* of the field; 0: 1 */
    double zero;  /* what stands for 0 in the field, where 0 means the default */
} rules[] = {
    {"class", EVERY, BOTH, .value = VALUE_ANY},
    {"enabled", EVERY, BOTH, .value = VALUE_FLAG, .refusal = MSG_OPTION_ENABLED},
    {"min_threshold", EVERY, SCYLLA, VALUE_NUMBER, 2, INT32_MAX, .refusal = MSG_OPTION_THRESHOLD},
    {"max_threshold", EVERY, SCYLLA, VALUE_NUMBER, 2, INT32_MAX, .refusal = MSG_OPTION_THRESHOLD_MAX},
    {"min_threshold", NOT_DENSITY, CASSANDRA, VALUE_THRESHOLD, 2, INT32_MAX, .refusal = MSG_OPTION_THRESHOLD},
    {"max_threshold", NOT_DENSITY, CASSANDRA, VALUE_THRESHOLD, 1, INT32_MAX,
     .refusal = MSG_OPTION_THRESHOLD_MAX},
    {"tombstone_threshold", EVERY, CASSANDRA, VALUE_AMOUNT, 0, 1e15, .refusal = MSG_OPTION_AMOUNT,
     .kind = FIELD_DOUBLE, .field = FIELD(tombstone_threshold), .zero = 1e-12},
    {"tombstone_threshold", EVERY, SCYLLA, VALUE_FRACTION, 0, 1, .refusal = MSG_OPTION_FRACTION,
     .kind = FIELD_DOUBLE, .field = FIELD(tombstone_threshold), .zero = 1e-12},
    {"tombstone_compaction_interval", EVERY, SCYLLA, VALUE_NUMBER, 1, 9e15, .refusal = MSG_OPTION_POSITIVE,
     .kind = FIELD_S64, .field = FIELD(tombstone_interval_s)},
    {"tombstone_compaction_interval", EVERY, CASSANDRA, VALUE_NUMBER, 0, 9e15, .refusal = MSG_OPTION_POSITIVE,
     .kind = FIELD_S64, .field = FIELD(tombstone_interval_s), .zero = -1},
    {"unchecked_tombstone_compaction", EVERY, BOTH, VALUE_FLAG, .refusal = MSG_OPTION_FLAG,
     .kind = FIELD_BOOL, .field = FIELD(tombstones_unchecked)},
    {"only_purge_repaired_tombstones", EVERY, BOTH, .value = VALUE_FLAG, .refusal = MSG_OPTION_FLAG},
    {"provide_overlapping_tombstones", EVERY, BOTH, .value = VALUE_ANY},
    {"log_all", EVERY, BOTH, .value = VALUE_FLAG, .refusal = MSG_OPTION_LOG_ALL},
    {"min_sstable_size", NOT_DENSITY, BOTH, VALUE_NUMBER, 0, 1e19, .refusal = MSG_OPTION_LEAST_SIZE,
     .kind = FIELD_U64, .field = FIELD(min_sstable_bytes), .zero = 1},
    {"bucket_low", NOT_DENSITY, SCYLLA, VALUE_FRACTION, 0, 1, true, true, .refusal = MSG_OPTION_FRACTION,
     .kind = FIELD_DOUBLE, .field = FIELD(bucket_low)},
    {"bucket_high", NOT_DENSITY, SCYLLA, VALUE_FRACTION, 1, 1e15, true, .refusal = MSG_OPTION_ABOVE_ONE,
     .kind = FIELD_DOUBLE, .field = FIELD(bucket_high)},
    {"bucket_low", NOT_DENSITY, CASSANDRA, VALUE_FRACTION, -1e15, 1e15, .refusal = MSG_OPTION_NO_FLOAT,
     .kind = FIELD_DOUBLE, .field = FIELD(bucket_low), .zero = 1e-12},
    {"bucket_high", NOT_DENSITY, CASSANDRA, VALUE_FRACTION, -1e15, 1e15, .refusal = MSG_OPTION_NO_FLOAT,
     .kind = FIELD_DOUBLE, .field = FIELD(bucket_high), .zero = 1e-12},
    {"cold_reads_to_omit", NOT_DENSITY, BOTH, VALUE_FRACTION, 0, 1, .refusal = MSG_OPTION_FRACTION},
    {"compaction_window_unit", WINDOWS, BOTH, VALUE_UNIT, .refusal = MSG_WINDOW_UNIT},
    {"compaction_window_size", WINDOWS, BOTH, VALUE_NUMBER, 1, INT32_MAX, .refusal = MSG_OPTION_WINDOW_SIZE},
    {"timestamp_resolution", WINDOWS, BOTH, VALUE_RESOLUTION, .refusal = MSG_OPTION_RESOLUTION},
    {"enable_optimized_twcs_queries", WINDOWS, BOTH, .value = VALUE_FLAG, .refusal = MSG_OPTION_FLAG},
    {"expired_sstable_check_frequency_seconds", WINDOWS, BOTH, VALUE_NUMBER, 0, 9e15,
     .refusal = MSG_OPTION_NEGATIVE, .kind = FIELD_S64, .field = FIELD(expiry_check_s), .zero = -1},
    {"expired_sstable_check_frequency_seconds", DENSITY, CASSANDRA, VALUE_LONG, 1, 1e19,
     .refusal = MSG_OPTION_CONFIGURED, .kind = FIELD_S64, .field = FIELD(expiry_check_s)},
    {"unsafe_aggressive_sstable_expiration", WINDOWS, CASSANDRA, VALUE_FLAG, .refusal = MSG_OPTION_FLAG,
     .kind = FIELD_BOOL, .field = FIELD(expiry_unchecked)},
    {"unsafe_aggressive_sstable_expiration", DENSITY, CASSANDRA, VALUE_FLAG, .refusal = MSG_OPTION_ENABLED,
     .kind = FIELD_BOOL, .field = FIELD(expiry_unchecked)},
    {"sstable_size_in_mb", LEVELS | FRAGMENTS, BOTH, VALUE_NUMBER, 1, INT32_MAX,
     .refusal = MSG_OPTION_SIZE_MB, .kind = FIELD_U64, .field = FIELD(sstable_bytes), .scale = 1 << 20},
    {"fanout_size", LEVELS, BOTH, VALUE_NUMBER, 1, INT32_MAX, .refusal = MSG_OPTION_SIZE_MB,
     .kind = FIELD_U32, .field = FIELD(fanout)},
    {"single_sstable_uplevel", LEVELS, BOTH, .value = VALUE_FLAG, .refusal = MSG_OPTION_FLAG},
    {"space_amplification_goal", FRAGMENTS, SCYLLA, VALUE_FRACTION, 1, 2, true, .refusal = MSG_OPTION_GOAL,
     .kind = FIELD_DOUBLE, .field = FIELD(space_amplification_goal)},
    {"scaling_parameters", DENSITY, CASSANDRA, .value = VALUE_SCALING},
    {"target_sstable_size", DENSITY, CASSANDRA, VALUE_SIZE, 1 << 20, 0x1p63, .kind = FIELD_U64,
     .field = FIELD(sstable_bytes)},
    {"min_sstable_size", DENSITY, CASSANDRA, VALUE_LEAST_SIZE, 0, 1e30, .kind = FIELD_U64,
     .field = FIELD(min_sstable_bytes), .zero = 1},
    {"flush_size_override", DENSITY, CASSANDRA, VALUE_SIZE, 1 << 20, 1e30, .kind = FIELD_U64,
     .field = FIELD(flush_bytes)},
    {"base_shard_count", DENSITY, CASSANDRA, VALUE_NUMBER, 1, INT32_MAX, .refusal = MSG_OPTION_CONFIGURED,
     .kind = FIELD_U32, .field = FIELD(base_shards)},
    {"sstable_growth", DENSITY, CASSANDRA, VALUE_PERCENT, 0, 1, .refusal = MSG_OPTION_GROWTH,
     .kind = FIELD_DOUBLE, .field = FIELD(growth), .zero = -1},
    {"overlap_inclusion_method", DENSITY, CASSANDRA, VALUE_OVERLAP, .refusal = MSG_OPTION_OVERLAP},
    {"max_sstables_to_compact", DENSITY, CASSANDRA, VALUE_NUMBER, INT32_MIN, INT32_MAX,
     .refusal = MSG_OPTION_NO_NUMBER},
};

static const struct option_rule *rule_of(const char *name, unsigned of_strategies, unsigned targets)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if ((rules[i].strategies & of_strategies) && (rules[i].targets & targets) &&
            strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

/* ---- checking ---- */

/* What Cassandra reads as an int or a long; ScyllaDB saturates. */
static bool parse_number(const struct option_rule *rule, const char *text, bool strictly, double *out_value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *out_value = (double)number;
    if (end == text || *end)
        return false;
    bool fits = !errno && (rule->most > INT32_MAX || (number >= INT32_MIN && number <= INT32_MAX));
    return !strictly || (fits && !isspace((unsigned char)*text));
}

static bool check_range(const struct option_rule *rule, const char *text, double value,
                        enum cql_profile profile, struct cql_error *error)
{
    bool below = rule->least_open ? value <= rule->least : value < rule->least;
    bool above = rule->most_open ? value >= rule->most : value > rule->most;
    return (!below && !above) || cql_refuse(error, profile, rule->refusal, rule->name, text);
}

/* Cassandra looks at these before anything else. */
static bool check_threshold(const struct option_rule *rule, const char *text, enum cql_profile profile,
                            struct cql_error *error)
{
    double value;
    if (!parse_number(rule, text, true, &value) || value < 0)
        return cql_refuse(error, profile, MSG_OPTION_NO_THRESHOLD, rule->name, text);
    if (value == 0)
        return cql_refuse(error, profile, MSG_OPTION_THRESHOLD_ZERO);
    return check_range(rule, text, value, profile, error);
}

static enum cql_message scaling_refusal(const char *piece)
{
    bool fanout = (*piece == 'T' || *piece == 'L') && piece[1] && !piece[1 + strspn(piece + 1, "0123456789")];
    return fanout ? MSG_OPTION_FAN : MSG_OPTION_SCALING;
}

static bool check_size(const struct option_rule *rule, const char *text, enum cql_profile profile,
                       struct cql_error *error)
{
    const char *stop;
    char least[32];
    double value = 0;
    size_t bytes = strlen(text);
    bool parsed = compaction_size_parse(text, &value, &stop);
    if (rule->value == VALUE_LEAST_SIZE) {
        if (!parsed)
            return cql_refuse(error, profile, MSG_OPTION_NO_LEAST, rule->name, text);
        return value >= 0 || cql_refuse(error, profile, MSG_OPTION_LEAST_BELOW, rule->name);
    }
    if (!parsed && bytes && text[bytes - 1] == 'B')
        return cql_refuse(error, profile, MSG_OPTION_SIZE_MIDDLE, rule->name, text, (int)(stop - text),
                          (int)bytes - 1);
    if (!parsed || value > rule->most)
        return cql_refuse(error, profile, MSG_OPTION_NO_SIZE, rule->name, text);
    compaction_size_print(rule->least, least);
    return value >= rule->least || cql_refuse(error, profile, MSG_OPTION_SIZE, rule->name, text, least);
}

static bool check_value(const struct option_rule *rule, const char *text,
                        const struct table_options_request *request, struct cql_error *error)
{
    enum cql_profile profile = request->profile;
    struct store_compaction_tuning tuning;
    char *end, bad[32], digits[DBL_MAX_10_EXP + 16];
    double value = 0;
    switch (rule->value) {
    case VALUE_ANY: return true;
    case VALUE_FLAG:
        return compaction_is_flag(text) || cql_refuse(error, profile, rule->refusal, rule->name, text);
    case VALUE_THRESHOLD: return check_threshold(rule, text, profile, error);
    case VALUE_NUMBER:
    case VALUE_LONG:
        if (!parse_number(rule, text, !request->target->is_scylla, &value))
            return cql_refuse(error, profile,
                              rule->value == VALUE_LONG ? MSG_OPTION_NO_LONG : MSG_OPTION_NO_NUMBER,
                              rule->name, text);
        return check_range(rule, text, value, profile, error);
    case VALUE_FRACTION:
    case VALUE_AMOUNT:
        value = strtod(text, &end);
        if (end == text || *end || !isfinite(value))
            return cql_refuse(error, profile,
                              rule->value == VALUE_AMOUNT ? MSG_OPTION_NO_AMOUNT : MSG_OPTION_NO_FLOAT,
                              rule->name, text);
        snprintf(digits, sizeof digits, "%f", value);
        return check_range(rule, rule->value == VALUE_AMOUNT ? digits : text, value, profile, error);
    case VALUE_PERCENT:
        if (!compaction_percent_parse(text, &value))
            return cql_refuse(error, profile, MSG_OPTION_NO_GROWTH, rule->name, text);
        return check_range(rule, text, value, profile, error);
    case VALUE_SIZE:
    case VALUE_LEAST_SIZE: return check_size(rule, text, profile, error);
    case VALUE_UNIT: return compaction_window_unit_s(text) || cql_refuse(error, profile, rule->refusal, text);
    case VALUE_RESOLUTION:
        return strcmp(text, "MICROSECONDS") == 0 || strcmp(text, "MILLISECONDS") == 0 ||
               cql_refuse(error, profile, rule->refusal, rule->name, text);
    case VALUE_OVERLAP: return compaction_is_overlap(text) || cql_refuse(error, profile, rule->refusal, text);
    case VALUE_SCALING:
        return compaction_scalings_parse(text, &tuning, bad) ||
               cql_refuse(error, profile, scaling_refusal(bad), bad);
    }
    return cql_refuse(error, profile, MSG_INTERNAL, "an option without a kind of value");
}

/* Every option that the strategy does not know, in one refusal: ScyllaDB shows them with their values. */
static bool check_understood(const struct table_options_request *request, const struct strategy *strategy,
                             const struct cql_option_map *map, struct cql_error *error)
{
    struct buffer unknown = {0};
    unsigned target = cql_target_bit(request->target);
    for (uint32_t i = 0; strategy->options && i < map->count; i++) {
        const struct cql_option *option = &map->items[i];
        if (rule_of(option->key, strategy->options, target))
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
                   strategy->name);
    understood &= !unknown.failed;
    buffer_deinit(&unknown);
    return understood;
}

/* Files as small as the least size have to fit into what the splitting by the target allows: its half root. */
static bool check_sizes(const struct cql_option_map *map, enum cql_profile profile, struct cql_error *error)
{
    const char *least = option_map_get(map, "min_sstable_size"),
               *target = option_map_get(map, "target_sstable_size");
    double least_bytes = 0, target_bytes = 1 << 30;
    char shown[32], shown_target[32];
    if (!least || !compaction_size_of(least, &least_bytes))
        return true;
    if (target)
        (void)compaction_size_of(target, &target_bytes);
    double limit = fmin(ceil(target_bytes * sqrt(0.5)), INT32_MAX); /* an int there */
    compaction_size_print(least_bytes, shown);
    compaction_size_print(target_bytes, shown_target);
    return least_bytes < limit || cql_refuse(error, profile, MSG_OPTION_SIZES, shown, shown_target);
}

/* What two options say together. */
static bool check_pairs(const struct cql_option_map *map, enum cql_profile profile, struct cql_error *error)
{
    char shown_low[32], shown_high[32];
    const char *low = option_map_get(map, "bucket_low"), *high = option_map_get(map, "bucket_high");
    const char *least = option_map_get(map, "min_threshold"), *most = option_map_get(map, "max_threshold");
    long min_threshold = least ? strtol(least, NULL, 10) : 4,
         max_threshold = most ? strtol(most, NULL, 10) : 32;
    if (max_threshold < min_threshold)
        return cql_refuse(error, profile, MSG_COMPACTION_THRESHOLDS, (int)min_threshold, (int)max_threshold);
    double low_value = low ? strtod(low, NULL) : 0.5, high_value = high ? strtod(high, NULL) : 1.5;
    if (high_value > low_value)
        return true;
    compaction_double_print(low_value, shown_low);
    compaction_double_print(high_value, shown_high);
    return cql_refuse(error, profile, MSG_OPTION_BUCKETS, shown_high, shown_low);
}

bool compaction_options_check(const struct table_options_request *request, const struct cql_option_map *map,
                              struct cql_error *error)
{
    enum cql_profile profile = request->profile;
    unsigned target = cql_target_bit(request->target);
    const char *name = option_map_get(map, "class");
    if (!name)
        return cql_refuse(error, profile, MSG_COMPACTION_CLASS_MISSING);
    const struct strategy *strategy = strategy_of(name, target);
    if (!strategy)
        return cql_refuse(error, profile, MSG_COMPACTION_CLASS_UNKNOWN, name);
    if (!check_understood(request, strategy, map, error))
        return false;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct option_rule *rule = rule_of(map->items[i].key, strategy->options, target);
        if (rule && !check_value(rule, map->items[i].value, request, error))
            return false;
    }
    if (strategy->stands_in) {
        buffer_printf(request->warnings, "Strait: %s is kept and shown, and runs as %s", strategy->name,
                      compaction_options_name(strategy->runs_as));
        buffer_append_u8(request->warnings, 0);
    }
    if (strategy->options == DENSITY && !check_sizes(map, profile, error))
        return false;
    return check_pairs(map, profile, error);
}

/* ---- for the engine ---- */

bool compaction_options_have_thresholds(const struct cql_option_map *map)
{
    const char *name = option_map_get(map, "class");
    const struct strategy *strategy = name ? strategy_of(name, BOTH) : NULL;
    return !strategy || !(strategy->options & (DENSITY | LEVELS));
}

bool compaction_options_disabled(const struct cql_option_map *map)
{
    const char *enabled = option_map_get(map, "enabled");
    return enabled && strcasecmp(enabled, "false") == 0;
}

enum store_compaction compaction_options_strategy(const struct cql_option_map *map)
{
    const char *name = option_map_get(map, "class");
    const struct strategy *strategy = name ? strategy_of(name, BOTH) : NULL;
    if (compaction_options_disabled(map))
        return STORE_COMPACTION_NONE;
    return strategy ? strategy->runs_as : STORE_COMPACTION_SIZE_TIERED;
}

/* The engine takes no more than this; what is given is shown all the same. */
enum { COUNT_MOST = 1 << 16 };
#define BYTES_MOST 9e15

static void field_set(const struct option_rule *rule, double value, struct store_compaction_tuning *tuning)
{
    char *at = (char *)tuning + rule->field;
    bool large = rule->kind == FIELD_U64 || rule->kind == FIELD_S64;
    double most = large ? BYTES_MOST : rule->kind == FIELD_U32 ? COUNT_MOST : value;
    value = value <= 0 && rule->zero != 0 ? rule->zero : value * (rule->scale > 0 ? rule->scale : 1);
    value = rule->kind != FIELD_BOOL && value > most ? most : value;
    switch (rule->kind) {
    case FIELD_U64: *(uint64_t *)at = (uint64_t)value; break;
    case FIELD_U32: *(uint32_t *)at = (uint32_t)value; break;
    case FIELD_S64: *(int64_t *)at = (int64_t)value; break;
    case FIELD_DOUBLE: *(double *)at = value; break;
    case FIELD_BOOL: *(bool *)at = value != 0; break;
    case FIELD_NONE: break;
    }
}

static void option_store(const struct option_rule *rule, const char *text,
                         struct store_compaction_tuning *tuning)
{
    double value = 0;
    char bad[32];
    switch (rule->value) {
    case VALUE_FLAG: value = strcasecmp(text, "true") == 0; break;
    case VALUE_SIZE:
    case VALUE_LEAST_SIZE: (void)compaction_size_of(text, &value); break;
    case VALUE_PERCENT: (void)compaction_percent_parse(text, &value); break;
    case VALUE_NUMBER:
    case VALUE_LONG:
    case VALUE_THRESHOLD:
    case VALUE_FRACTION:
    case VALUE_AMOUNT: value = strtod(text, NULL); break;
    case VALUE_SCALING: (void)compaction_scalings_parse(text, tuning, bad); return;
    case VALUE_ANY:
    case VALUE_OVERLAP:
    case VALUE_UNIT:
    case VALUE_RESOLUTION: return;
    }
    field_set(rule, value, tuning);
}

static uint32_t map_u32(const struct cql_option_map *map, const char *key, uint32_t otherwise)
{
    const char *text = option_map_get(map, key);
    long value = text ? strtol(text, NULL, 10) : 0;
    return value > 0 && value <= INT32_MAX ? (uint32_t)value : otherwise;
}

static void window_store(const struct cql_option_map *map, struct store_table_options *store)
{
    const char *unit = option_map_get(map, "compaction_window_unit");
    const char *resolution = option_map_get(map, "timestamp_resolution");
    if (unit || option_map_get(map, "compaction_window_size"))
        store->window_s = (unit ? compaction_window_unit_s(unit) : 86400) *
                          (int64_t)map_u32(map, "compaction_window_size", 1);
    store->tuning.timestamps_in_ms = resolution && strcmp(resolution, "MILLISECONDS") == 0;
    store->tuning.tombstones_alone =
        option_map_get(map, "tombstone_threshold") || option_map_get(map, "tombstone_compaction_interval");
}

void compaction_options_store(const struct cql_option_map *map, struct store_table_options *store)
{
    const char *name = option_map_get(map, "class");
    const struct strategy *strategy = name ? strategy_of(name, BOTH) : NULL;
    store->min_threshold = map_u32(map, "min_threshold", 0);
    store->max_threshold = map_u32(map, "max_threshold", 0);
    for (uint32_t i = 0; strategy && i < map->count; i++) {
        const struct option_rule *rule = rule_of(map->items[i].key, strategy->options, BOTH);
        if (rule)
            option_store(rule, map->items[i].value, &store->tuning);
    }
    if (store->compaction == STORE_COMPACTION_TIME_WINDOW)
        window_store(map, store);
}
