#include "cql/table_options.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cql/table_options_internal.h"

enum {
    SCYLLA = TARGETS_SCYLLA,
    CASSANDRA = TARGETS_CASSANDRA,
    CASSANDRA_5 = TARGET_CASSANDRA_5_0,
    BOTH = TARGETS_ALL,
};

#define FIELD(name) offsetof(struct cql_table_options, name)

/* In the order in which DESCRIBE writes them; looked up by name. Ranges are those of the targets, checked in option_check(). */
static const struct option_rule {
    const char *name;
    enum option_kind {
        OPTION_TEXT,
        OPTION_INT,
        OPTION_DOUBLE,
        OPTION_BOOLEAN,
        OPTION_MAP,
        OPTION_ID,          /* the table's uuid */
        OPTION_WITHOUT_USE, /* taken and forgotten: it has no meaning on one node */
        OPTION_WARNED,      /* taken and forgotten, with a warning that it does nothing */
        OPTION_REFUSED,     /* would change data, and we cannot do it */
    } kind;
    unsigned targets;
    size_t field;
} rules[] = {
    {"additional_write_policy", OPTION_TEXT, CASSANDRA, FIELD(additional_write_policy)},
    {"allow_auto_snapshot", OPTION_BOOLEAN, CASSANDRA_5, FIELD(allow_auto_snapshot)},
    {"bloom_filter_fp_chance", OPTION_DOUBLE, BOTH, FIELD(bloom_filter_fp_chance)},
    {"caching", OPTION_MAP, BOTH, FIELD(caching)},
    {"cdc", OPTION_REFUSED, SCYLLA, 0},
    {"cdc", OPTION_BOOLEAN, CASSANDRA, FIELD(cdc)},
    {"comment", OPTION_TEXT, BOTH, FIELD(comment)},
    {"compaction", OPTION_MAP, BOTH, FIELD(compaction)},
    {"compression", OPTION_MAP, BOTH, FIELD(compression)},
    {"memtable", OPTION_TEXT, CASSANDRA, FIELD(memtable)},
    {"crc_check_chance", OPTION_DOUBLE, BOTH, FIELD(crc_check_chance)},
    {"default_time_to_live", OPTION_INT, BOTH, FIELD(default_time_to_live)},
    {"extensions", OPTION_MAP, CASSANDRA, FIELD(extensions)},
    {"gc_grace_seconds", OPTION_INT, BOTH, FIELD(gc_grace_seconds)},
    {"incremental_backups", OPTION_BOOLEAN, CASSANDRA_5, FIELD(incremental_backups)},
    {"max_index_interval", OPTION_INT, BOTH, FIELD(max_index_interval)},
    {"memtable_flush_period_in_ms", OPTION_INT, BOTH, FIELD(memtable_flush_period_in_ms)},
    {"min_index_interval", OPTION_INT, BOTH, FIELD(min_index_interval)},
    {"read_repair", OPTION_TEXT, CASSANDRA, FIELD(read_repair)},
    {"speculative_retry", OPTION_TEXT, BOTH, FIELD(speculative_retry)},
    {"id", OPTION_ID, BOTH, 0},
    {"read_repair_chance", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"dclocal_read_repair_chance", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"index_interval", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"replicate_on_write", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"populate_io_cache_on_flush", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"paxos_grace_seconds", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"tablets", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"synchronous_updates", OPTION_WITHOUT_USE, SCYLLA, 0},
    {"tombstone_gc", OPTION_WARNED, SCYLLA, 0},
    {"per_partition_rate_limit", OPTION_WARNED, SCYLLA, 0},
};

/* ---- defaults ---- */

static struct cql_option scylla_caching[] = {{"keys", "ALL"}, {"rows_per_partition", "ALL"}};
static struct cql_option scylla_compaction[] = {{"class", "SizeTieredCompactionStrategy"}};
static struct cql_option scylla_compression[] = {
    {"sstable_compression", "org.apache.cassandra.io.compress.LZ4Compressor"}};
static struct cql_option cassandra_caching[] = {{"keys", "ALL"}, {"rows_per_partition", "NONE"}};
static struct cql_option cassandra_compaction[] = {
    {"class", "org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy"},
    {"max_threshold", "32"},
    {"min_threshold", "4"}};
static struct cql_option cassandra_compression[] = {
    {"chunk_length_in_kb", "16"}, {"class", "org.apache.cassandra.io.compress.LZ4Compressor"}};

#define STATIC_MAP(entries)                             \
    {                                                   \
        .items = (entries), .count = ARRAY_LEN(entries) \
    }

static const struct cql_table_options scylla_defaults = {
    .bloom_filter_fp_chance = 0.01,
    .crc_check_chance = 1.0,
    .comment = "",
    .speculative_retry = "99.0PERCENTILE",
    .additional_write_policy = "99p",
    .read_repair = "BLOCKING",
    .memtable = "default",
    .gc_grace_seconds = 864000,
    .max_index_interval = 2048,
    .min_index_interval = 128,
    .allow_auto_snapshot = true,
    .incremental_backups = true,
    .caching = STATIC_MAP(scylla_caching),
    .compaction = STATIC_MAP(scylla_compaction),
    .compression = STATIC_MAP(scylla_compression),
};

static const struct cql_table_options cassandra_defaults = {
    .bloom_filter_fp_chance = 0.01,
    .crc_check_chance = 1.0,
    .comment = "",
    .speculative_retry = "99p",
    .additional_write_policy = "99p",
    .read_repair = "BLOCKING",
    .memtable = "default",
    .gc_grace_seconds = 864000,
    .max_index_interval = 2048,
    .min_index_interval = 128,
    .allow_auto_snapshot = true,
    .incremental_backups = true,
    .caching = STATIC_MAP(cassandra_caching),
    .compaction = STATIC_MAP(cassandra_compaction),
    .compression = STATIC_MAP(cassandra_compression),
};

void table_options_default(const struct cql_target *target, struct cql_table_options *out_options)
{
    *out_options = target->is_scylla ? scylla_defaults : cassandra_defaults;
}

/* ---- fields by rule ---- */

static const char **text_field(struct cql_table_options *options, const struct option_rule *rule)
{
    return (const char **)((char *)options + rule->field);
}

static int32_t *int_field(struct cql_table_options *options, const struct option_rule *rule)
{
    return (int32_t *)((char *)options + rule->field);
}

static double *double_field(struct cql_table_options *options, const struct option_rule *rule)
{
    return (double *)((char *)options + rule->field);
}

static bool *boolean_field(struct cql_table_options *options, const struct option_rule *rule)
{
    return (bool *)((char *)options + rule->field);
}

static struct cql_option_map *map_field(struct cql_table_options *options, const struct option_rule *rule)
{
    return (struct cql_option_map *)((char *)options + rule->field);
}

static bool rule_is_kept(const struct option_rule *rule)
{
    return rule->kind <= OPTION_MAP;
}

/* ---- copying, encoding ---- */

status table_options_copy(struct arena *arena, const struct cql_table_options *options,
                          struct cql_table_options *out_options)
{
    struct cql_table_options copy = *options;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct option_rule *rule = &rules[i];
        if (rule->kind == OPTION_TEXT) {
            const char **text = text_field(&copy, rule);
            *text = arena_text(arena, slice_text(*text ? *text : ""));
            if (!*text)
                return STATUS_FAIL(STATUS_NOMEM);
        } else if (rule->kind == OPTION_MAP) {
            struct cql_option_map *map = map_field(&copy, rule);
            TRY(option_map_copy(arena, map, map));
        }
    }
    *out_options = copy;
    return STATUS_DONE;
}

static void encode_text(struct buffer *out, const char *text)
{
    size_t bytes = strlen(text);
    buffer_append_varint(out, bytes);
    buffer_append(out, text, bytes);
}

void option_map_encode(struct buffer *out, const struct cql_option_map *map)
{
    buffer_append_varint(out, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        encode_text(out, map->items[i].key);
        encode_text(out, map->items[i].value);
    }
}

static status decode_text(struct reader *in, struct arena *arena, const char **out_text)
{
    uint64_t bytes = reader_varint(in);
    struct slice text = reader_take(in, bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes);
    if (in->failed || (text.bytes && memchr(text.data, 0, text.bytes)))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_text = arena_text(arena, text);
    return *out_text ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

status option_map_decode(struct reader *in, struct arena *arena, struct cql_option_map *out_map)
{
    uint64_t count = reader_varint(in);
    if (in->failed || count > reader_left(in) / 2) /* a pair takes two bytes at least */
        return STATUS_FAIL(STATUS_CORRUPT);
    struct cql_option_map map = {.count = (uint32_t)count};
    if (count) {
        map.items = arena_calloc(arena, (size_t)count, sizeof *map.items);
        if (!map.items)
            return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < map.count; i++) {
        TRY(decode_text(in, arena, &map.items[i].key));
        TRY(decode_text(in, arena, &map.items[i].value));
        if (i && strcmp(map.items[i - 1].key, map.items[i].key) >= 0)
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    *out_map = map;
    return STATUS_DONE;
}

/*
 * Options on disk: varint count, then per option its name as a text, u8 kind, and the value: text, le32, le64 of the
 * double's bits, u8, or map. By name, so that a newer version may add options without a new format.
 */
void table_options_encode(struct buffer *out, const struct cql_table_options *given)
{
    struct cql_table_options options = *given;
    uint64_t count = 1;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        count += rule_is_kept(&rules[i]);
    buffer_append_varint(out, count);
    encode_text(out, "compaction_given");
    buffer_append_u8(out, OPTION_BOOLEAN);
    buffer_append_u8(out, options.compaction_given);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct option_rule *rule = &rules[i];
        if (!rule_is_kept(rule))
            continue;
        encode_text(out, rule->name);
        buffer_append_u8(out, (uint8_t)rule->kind);
        switch (rule->kind) {
        case OPTION_TEXT:
            encode_text(out, *text_field(&options, rule) ? *text_field(&options, rule) : "");
            break;
        case OPTION_INT: buffer_append_le32(out, (uint32_t)*int_field(&options, rule)); break;
        case OPTION_DOUBLE: {
            uint64_t bits;
            memcpy(&bits, double_field(&options, rule), sizeof bits);
            buffer_append_le64(out, bits);
            break;
        }
        case OPTION_BOOLEAN: buffer_append_u8(out, *boolean_field(&options, rule)); break;
        case OPTION_MAP: option_map_encode(out, map_field(&options, rule)); break;
        default: break;
        }
    }
}

static const struct option_rule *rule_by_kind(const char *name, uint8_t kind)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].kind == kind && rule_is_kept(&rules[i]) && strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

static status decode_option(struct reader *in, struct arena *arena, struct cql_table_options *options)
{
    const char *name;
    TRY(decode_text(in, arena, &name));
    uint8_t kind = reader_u8(in);
    TRY(reader_status(in));
    if (kind == OPTION_BOOLEAN && strcmp(name, "compaction_given") == 0) {
        options->compaction_given = reader_u8(in) != 0;
        return reader_status(in);
    }
    const struct option_rule *rule = rule_by_kind(name, kind);
    struct cql_table_options unknown = {0};
    struct cql_table_options *into = rule ? options : &unknown;
    switch (kind) {
    case OPTION_TEXT: return decode_text(in, arena, rule ? text_field(into, rule) : &unknown.comment);
    case OPTION_INT: {
        int32_t value = (int32_t)reader_le32(in);
        if (rule)
            *int_field(into, rule) = value;
        return reader_status(in);
    }
    case OPTION_DOUBLE: {
        uint64_t bits = reader_le64(in);
        if (rule)
            memcpy(double_field(into, rule), &bits, sizeof bits);
        return reader_status(in);
    }
    case OPTION_BOOLEAN: {
        bool value = reader_u8(in) != 0;
        if (rule)
            *boolean_field(into, rule) = value;
        return reader_status(in);
    }
    case OPTION_MAP: return option_map_decode(in, arena, rule ? map_field(into, rule) : &unknown.caching);
    default: return STATUS_FAIL(STATUS_CORRUPT);
    }
}

status table_options_decode(struct reader *in, struct arena *arena, struct cql_table_options *out_options)
{
    struct cql_table_options options = scylla_defaults; /* what an older version did not write */
    uint64_t count = reader_varint(in);
    TRY(reader_status(in));
    for (uint64_t i = 0; i < count; i++)
        TRY(decode_option(in, arena, &options));
    *out_options = options;
    return STATUS_DONE;
}

/* ---- printing ---- */

static void print_quoted(struct buffer *out, const char *text)
{
    buffer_append_u8(out, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            buffer_append_u8(out, '\'');
        buffer_append_u8(out, (uint8_t)*c);
    }
    buffer_append_u8(out, '\'');
}

void option_map_print(struct buffer *out, const struct cql_option_map *map)
{
    buffer_append_u8(out, '{');
    for (uint32_t i = 0; i < map->count; i++) {
        if (i)
            buffer_printf(out, ", ");
        print_quoted(out, map->items[i].key);
        buffer_printf(out, ": ");
        print_quoted(out, map->items[i].value);
    }
    buffer_append_u8(out, '}');
}

/* Cassandra writes 1.0 where ScyllaDB writes 1. */
static void print_double(struct buffer *out, double value, const struct cql_target *target)
{
    bool is_whole = floor(value) == value;
    buffer_printf(out, is_whole && !target->is_scylla ? "%.1f" : "%.15g", value);
}

void table_options_print(struct buffer *out, const struct cql_table_options *given,
                         const struct cql_target *target)
{
    struct cql_table_options options = *given;
    unsigned wanted = cql_target_bit(target);
    bool is_first = true;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct option_rule *rule = &rules[i];
        if (!rule_is_kept(rule) || !(rule->targets & wanted))
            continue;
        buffer_printf(out, "%s%s = ", is_first ? "" : "\n    AND ", rule->name);
        is_first = false;
        switch (rule->kind) {
        case OPTION_TEXT: print_quoted(out, *text_field(&options, rule)); break;
        case OPTION_INT: buffer_printf(out, "%d", (int)*int_field(&options, rule)); break;
        case OPTION_DOUBLE: print_double(out, *double_field(&options, rule), target); break;
        case OPTION_BOOLEAN:
            buffer_printf(out, "%s", *boolean_field(&options, rule) ? "true" : "false");
            break;
        case OPTION_MAP: option_map_print(out, map_field(&options, rule)); break;
        default: break;
        }
    }
}

/* ---- statements ---- */

const char *property_text(const struct ast_term *term, struct arena *arena)
{
    if (term->kind != TERM_LITERAL)
        return NULL;
    char *text = arena_text(arena, term->text);
    if (text && term->literal == LITERAL_BOOLEAN)
        for (char *c = text; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    return text;
}

bool property_map(const struct ast_property *property, enum cql_profile profile, struct arena *arena,
                  struct cql_option_map *out_map, struct cql_error *error)
{
    const struct ast_term *term = property->value;
    bool is_empty = term->kind == TERM_SET && term->item_count == 0;
    if (term->kind != TERM_MAP && !is_empty)
        return cql_refuse(error, profile, MSG_PROPERTY_NOT_MAP, property->name.text);
    struct cql_option_map map = {0};
    uint32_t count = is_empty ? 0 : term->item_count / 2;
    if (count) {
        map.items = arena_calloc(arena, count, sizeof *map.items);
        if (!map.items)
            return cql_refuse(error, profile, MSG_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cql_option item = {.key = property_text(term->items[2 * (size_t)i], arena),
                                  .value = property_text(term->items[2 * (size_t)i + 1], arena)};
        if (!item.key || !item.value)
            return cql_refuse(error, profile, MSG_PROPERTY_NOT_MAP, property->name.text);
        uint32_t at = map.count++;
        for (; at > 0 && strcmp(map.items[at - 1].key, item.key) > 0; at--)
            map.items[at] = map.items[at - 1];
        map.items[at] = item;
    }
    for (uint32_t i = 1; i < map.count; i++)
        if (strcmp(map.items[i - 1].key, map.items[i].key) == 0)
            return cql_refuse(error, profile, MSG_PROPERTY_KEY_TWICE, map.items[i].key);
    *out_map = map;
    return true;
}

static const struct option_rule *rule_of(const char *name, const struct cql_target *target)
{
    unsigned wanted = cql_target_bit(target);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].targets & wanted && strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

bool table_options_known(const struct ast_property *properties, uint32_t count,
                         const struct cql_target *target, enum cql_profile profile, struct cql_error *error)
{
    /* A repetition is found while a statement is read, an unknown name afterwards. */
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(properties[j].name.text, properties[i].name.text) == 0)
                return cql_refuse(error, profile, MSG_PROPERTY_TWICE, properties[i].name.text);
    for (uint32_t i = 0; i < count; i++)
        if (!rule_of(properties[i].name.text, target))
            return cql_refuse(error, profile, MSG_UNKNOWN_PROPERTY, properties[i].name.text);
    return true;
}

bool property_to_int(const char *name, const char *text, enum cql_profile profile, int32_t *out_value,
                     struct cql_error *error)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < INT32_MIN || value > INT32_MAX)
        return cql_refuse(error, profile, MSG_PROPERTY_NOT_INTEGER, name, text);
    *out_value = (int32_t)value;
    return true;
}

static bool to_double(const char *name, const char *text, enum cql_profile profile, double *out_value,
                      struct cql_error *error)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return cql_refuse(error, profile, MSG_PROPERTY_NOT_DOUBLE, name, text);
    *out_value = value;
    return true;
}

bool property_to_boolean(const char *name, const char *text, enum cql_profile profile, bool *out_value,
                         struct cql_error *error)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true}, {"yes", true}, {"1", true}, {"false", false}, {"no", false}, {"0", false}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(words[i].text, text) == 0) {
            *out_value = words[i].value;
            return true;
        }
    return cql_refuse(error, profile, MSG_PROPERTY_NOT_BOOLEAN, name, text);
}

static bool to_uuid(const char *text, enum cql_profile profile, uint8_t out_uuid[16], struct cql_error *error)
{
    struct buffer wire = {0};
    bool fits = type_from_literal(type_scalar(TYPE_UUID), LITERAL_UUID, slice_text(text), "id", profile,
                                  &wire, error);
    fits = fits && !wire.failed && wire.bytes == 16;
    if (fits)
        memcpy(out_uuid, wire.data, 16);
    buffer_deinit(&wire);
    return fits || cql_refuse(error, profile, MSG_TABLE_ID);
}

static void warn_without_use(struct buffer *warnings, const char *name)
{
    buffer_printf(warnings, "Strait: the table option %s is accepted and has no effect", name);
    buffer_append_u8(warnings, 0);
}

/* cdc = {'enabled': false} changes nothing; anything else would need change logs. */
static bool refuse_unless_disabled(const struct table_options_request *request,
                                   const struct ast_property *property, struct cql_error *error)
{
    struct cql_option_map map;
    if (!property_map(property, request->profile, request->arena, &map, error))
        return false;
    const char *enabled = option_map_get(&map, "enabled");
    if (map.count == 0 || (enabled && strcasecmp(enabled, "false") == 0))
        return true;
    return cql_refuse(error, request->profile, MSG_NOT_SUPPORTED, "change data capture (table option cdc)");
}

static bool apply_property(const struct table_options_request *request, const struct ast_property *property,
                           struct cql_table_options *options, uint8_t out_uuid[16], bool *out_has_uuid,
                           struct cql_error *error)
{
    const struct option_rule *rule = rule_of(property->name.text, request->target);
    enum cql_profile profile = request->profile;
    if (!rule)
        return cql_refuse(error, profile, MSG_UNKNOWN_PROPERTY, property->name.text);
    switch (rule->kind) {
    case OPTION_MAP:
        if (rule->field == FIELD(extensions)) /* shown, but no statement sets them */
            return true;
        if (rule->field == FIELD(compaction))
            options->compaction_given = true;
        return property_map(property, profile, request->arena, map_field(options, rule), error);
    case OPTION_WITHOUT_USE: return true;
    case OPTION_WARNED: warn_without_use(request->warnings, rule->name); return true;
    case OPTION_REFUSED: return refuse_unless_disabled(request, property, error);
    default: break;
    }
    const char *text = property_text(property->value, request->arena);
    if (!text)
        return cql_refuse(error, profile, MSG_PROPERTY_NOT_STRING, rule->name);
    switch (rule->kind) {
    case OPTION_TEXT: *text_field(options, rule) = text; return true;
    case OPTION_INT: return property_to_int(rule->name, text, profile, int_field(options, rule), error);
    case OPTION_DOUBLE: return to_double(rule->name, text, profile, double_field(options, rule), error);
    case OPTION_BOOLEAN:
        return property_to_boolean(rule->name, text, profile, boolean_field(options, rule), error);
    case OPTION_ID: *out_has_uuid = true; return to_uuid(text, profile, out_uuid, error);
    default: return cql_refuse(error, profile, MSG_INTERNAL, "an option without a kind");
    }
}

bool table_options_apply(const struct table_options_request *request, struct cql_table_options *options,
                         uint8_t out_uuid[16], bool *out_has_uuid, struct cql_error *error)
{
    *out_has_uuid = false;
    if (!table_options_known(request->properties, request->property_count, request->target, request->profile,
                             error))
        return false;
    for (uint32_t i = 0; i < request->property_count; i++)
        if (!apply_property(request, &request->properties[i], options, out_uuid, out_has_uuid, error))
            return false;
    return table_options_check(request, options, error);
}
