#include "engine/tuning_internal.h"

enum {
    TUNING_FIELDS = 17 + STORE_SCALING_MAX,
    EXPIRY_CHECK_S = 600,
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void tuning_encode(struct buffer *out, const struct store_compaction_tuning *tuning)
{
    uint64_t fields[TUNING_FIELDS] = {
        bits_of(tuning->bucket_low),
        bits_of(tuning->bucket_high),
        tuning->min_sstable_bytes,
        bits_of(tuning->tombstone_threshold),
        (uint64_t)tuning->tombstone_interval_s,
        tuning->tombstones_unchecked,
        tuning->tombstones_alone,
        tuning->expiry_unchecked,
        tuning->timestamps_in_ms,
        (uint64_t)tuning->expiry_check_s,
        tuning->sstable_bytes,
        tuning->fanout,
        bits_of(tuning->space_amplification_goal),
        tuning->base_shards,
        bits_of(tuning->growth),
        tuning->flush_bytes,
        tuning->scaling_count,
    };
    for (uint32_t i = 0; i < STORE_SCALING_MAX; i++)
        fields[TUNING_FIELDS - STORE_SCALING_MAX + i] = (uint64_t)(int64_t)tuning->scaling[i];
    buffer_append_u8(out, TUNING_FIELDS);
    for (uint32_t i = 0; i < TUNING_FIELDS; i++)
        buffer_append_le64(out, fields[i]);
}

status tuning_decode(struct reader *in, struct store_compaction_tuning *out_tuning)
{
    uint64_t fields[TUNING_FIELDS] = {0};
    uint32_t count = reader_u8(in);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t field = reader_le64(in);
        if (i < TUNING_FIELDS)
            fields[i] = field;
    }
    TRY(reader_status(in));
    if (fields[5] > 1 || fields[6] > 1 || fields[7] > 1 || fields[8] > 1 || fields[11] > UINT32_MAX ||
        fields[13] > UINT32_MAX || fields[16] > STORE_SCALING_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_tuning = (struct store_compaction_tuning){
        .bucket_low = double_of(fields[0]),
        .bucket_high = double_of(fields[1]),
        .min_sstable_bytes = fields[2],
        .tombstone_threshold = double_of(fields[3]),
        .tombstone_interval_s = (int64_t)fields[4],
        .tombstones_unchecked = fields[5] != 0,
        .tombstones_alone = fields[6] != 0,
        .expiry_unchecked = fields[7] != 0,
        .timestamps_in_ms = fields[8] != 0,
        .expiry_check_s = (int64_t)fields[9],
        .sstable_bytes = fields[10],
        .fanout = (uint32_t)fields[11],
        .space_amplification_goal = double_of(fields[12]),
        .base_shards = (uint32_t)fields[13],
        .growth = double_of(fields[14]),
        .flush_bytes = fields[15],
        .scaling_count = (uint32_t)fields[16],
    };
    for (uint32_t i = 0; i < STORE_SCALING_MAX; i++) {
        int64_t scaling = (int64_t)fields[TUNING_FIELDS - STORE_SCALING_MAX + i];
        if (scaling < -100000 || scaling > 100000)
            return STATUS_FAIL(STATUS_CORRUPT);
        out_tuning->scaling[i] = (int32_t)scaling;
    }
    return STATUS_DONE;
}

static enum compaction_strategy strategy_of(enum store_compaction compaction)
{
    switch (compaction) {
    case STORE_COMPACTION_SIZE_TIERED: return COMPACTION_SIZE_TIERED;
    case STORE_COMPACTION_TIME_WINDOW: return COMPACTION_TIME_WINDOW;
    case STORE_COMPACTION_LEVELED: return COMPACTION_LEVELED;
    case STORE_COMPACTION_INCREMENTAL: return COMPACTION_INCREMENTAL;
    case STORE_COMPACTION_UNIFIED: return COMPACTION_UNIFIED;
    case STORE_COMPACTION_NONE: break;
    }
    return COMPACTION_NONE;
}

static void sizes_take(struct compaction_options *options, const struct store_compaction_tuning *tuning)
{
    if (tuning->bucket_low > 0)
        options->bucket_low = tuning->bucket_low;
    if (tuning->bucket_high > 0)
        options->bucket_high = tuning->bucket_high;
    if (tuning->min_sstable_bytes)
        options->min_sstable_bytes = tuning->min_sstable_bytes;
    if (tuning->sstable_bytes)
        options->sstable_bytes = tuning->sstable_bytes;
    if (tuning->fanout > 1)
        options->fanout = tuning->fanout;
    if (tuning->base_shards)
        options->base_shards = tuning->base_shards;
    if (tuning->growth != 0)
        options->growth = tuning->growth < 0 ? 0 : tuning->growth;
    if (tuning->flush_bytes)
        options->flush_bytes = tuning->flush_bytes;
    options->space_amplification_goal = tuning->space_amplification_goal;
    if (!tuning->scaling_count)
        return;
    options->scaling_count = tuning->scaling_count;
    for (uint32_t i = 0; i < tuning->scaling_count; i++)
        options->scaling[i] = tuning->scaling[i];
}

struct compaction_options tuning_options(const struct store_table_options *table, uint64_t flush_bytes)
{
    const struct store_compaction_tuning *tuning = &table->tuning;
    struct compaction_options options = compaction_defaults_of(strategy_of(table->compaction));
    options.flush_bytes = flush_bytes;
    if (table->min_threshold)
        options.min_threshold = table->min_threshold;
    if (table->max_threshold)
        options.max_threshold = table->max_threshold;
    if (table->window_s)
        options.window_s = table->window_s;
    sizes_take(&options, tuning);
    if (tuning->tombstone_threshold > 0)
        options.tombstone_threshold = tuning->tombstone_threshold;
    if (tuning->tombstone_interval_s)
        options.tombstone_interval_s = tuning->tombstone_interval_s < 0 ? 0 : tuning->tombstone_interval_s;
    options.tombstones_unchecked = tuning->tombstones_unchecked;
    options.expiry_unchecked = tuning->expiry_unchecked;
    options.timestamps_in_ms = tuning->timestamps_in_ms;
    if (tuning->tombstones_alone)
        options.tombstones_alone_never = false;
    return options;
}

int64_t tuning_expiry_check_s(const struct store_table_options *table)
{
    int64_t every_s = table->tuning.expiry_check_s;
    return every_s < 0 ? 0 : every_s ? every_s : EXPIRY_CHECK_S;
}
