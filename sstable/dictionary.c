#include "sstable/dictionary_internal.h"

#include "base/hash.h"
#include "row/image.h"
#include "sstable/token_cut_internal.h"

#include <stdlib.h>

enum {
    VALUE_BYTES_MAX = 1024,         /* of one value, that are learnt from */
    COLUMN_SAMPLE_LEAST = 16 << 10, /* bytes of a column that are worth a table */
    COLUMN_SAMPLE_MOST = 3 << 20,   /* bytes of a column of long values; more make no smaller files */
    TABLE_ONE_IN = 8,               /* the table of a column is at most that part of its sample */
    VALUES_ONE_IN = 4,              /* or that part, of whole values */
    COLUMN_SAVES_ONE_IN = 8,        /* a table must save that part of its column */
    MEASURED_AT_ONCE = 64,          /* values; one run of so many of every eight */
    MEASURED_ONE_IN = 8,
    /* A table is kept that codes the new sample worse than its own by no more than that part: what it was learnt from it
     * fits better than anything else, by 3 to 4 % for words. */
    KEPT_WORSE_ONE_IN = 16,
};

/* ---- the object ---- */

static void frame_free(struct buffer *frame)
{
    if (frame)
        buffer_deinit(frame);
    free(frame);
}

static void encoders_free(struct dictionary_encoders *encoders)
{
    for (uint32_t i = 0; encoders && i < DICTIONARY_COLUMNS; i++)
        token_encoder_free(encoders->of[i]);
    free(encoders);
}

struct sstable_dictionary *sstable_dictionary_ref(struct sstable_dictionary *dictionary)
{
    atomic_fetch_add_explicit(&dictionary->references, 1, memory_order_relaxed);
    return dictionary;
}

void sstable_dictionary_unref(struct sstable_dictionary *dictionary)
{
    /* The release of every holder pairs with the acquire of the one that frees. */
    if (!dictionary || atomic_fetch_sub_explicit(&dictionary->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < dictionary->column_count; i++)
        tokens_deinit(&dictionary->columns[i].tokens);
    encoders_free(atomic_load_explicit(&dictionary->encoders, memory_order_relaxed));
    frame_free(atomic_load_explicit(&dictionary->frame, memory_order_relaxed));
    buffer_deinit(&dictionary->encoded);
    free(dictionary);
}

uint64_t dictionary_id_of(struct slice encoded)
{
    uint64_t id = hash64(encoded, 0);
    return id ? id : 1;
}

static status columns_decode(struct sstable_dictionary *dictionary)
{
    struct reader in = reader_of(buffer_slice(&dictionary->encoded));
    uint64_t ratio = reader_varint(&in);
    uint64_t learnt_kib = reader_varint(&in);
    uint64_t count = reader_varint(&in);
    if (in.failed || count > DICTIONARY_COLUMNS || ratio > UINT32_MAX || learnt_kib > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    dictionary->ratio = (uint32_t)ratio;
    dictionary->learnt_kib = (uint32_t)learnt_kib;
    for (uint32_t i = 0; i < count; i++) {
        struct dictionary_column *column = &dictionary->columns[i];
        column->place = reader_varint(&in);
        struct slice table = reader_take(&in, reader_varint(&in));
        TRY(reader_status(&in));
        TRY(tokens_decode_table(table, &column->tokens));
        dictionary->column_count++;
    }
    return in.at == in.end ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

status dictionary_decode(struct slice encoded, struct sstable_dictionary **out_dictionary)
{
    struct sstable_dictionary *dictionary = calloc(1, sizeof *dictionary);
    if (!dictionary)
        return STATUS_FAIL(STATUS_NOMEM);
    atomic_init(&dictionary->references, 1);
    buffer_append_slice(&dictionary->encoded, encoded);
    dictionary->id = dictionary_id_of(encoded);
    status st = buffer_status(&dictionary->encoded);
    if (ok(st))
        st = columns_decode(dictionary);
    if (ok(st))
        *out_dictionary = dictionary;
    else
        sstable_dictionary_unref(dictionary);
    return st;
}

static const struct dictionary_column *dictionary_column_of(const struct sstable_dictionary *dictionary,
                                                            uint64_t place)
{
    for (uint32_t i = 0; i < dictionary->column_count; i++)
        if (dictionary->columns[i].place == place)
            return &dictionary->columns[i];
    return NULL;
}

const struct tokens *dictionary_tokens(const struct sstable_dictionary *dictionary, uint64_t place)
{
    const struct dictionary_column *column = dictionary_column_of(dictionary, place);
    return column ? &column->tokens : NULL;
}

status dictionary_encoders(struct sstable_dictionary *dictionary,
                           const struct dictionary_encoders **out_encoders)
{
    struct dictionary_encoders *there = atomic_load_explicit(&dictionary->encoders, memory_order_acquire);
    if (!there) {
        struct dictionary_encoders *made = calloc(1, sizeof *made);
        bool good = made;
        for (uint32_t i = 0; good && i < dictionary->column_count; i++) {
            made->of[i] = token_encoder_new(&dictionary->columns[i].tokens);
            good = made->of[i];
        }
        if (!good) {
            encoders_free(made);
            return STATUS_FAIL(STATUS_NOMEM);
        }
        /* Pairs with the acquire above. Who comes second takes what the first has made. */
        if (atomic_compare_exchange_strong_explicit(&dictionary->encoders, &there, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            there = made;
        else
            encoders_free(made);
    }
    *out_encoders = there;
    return STATUS_DONE;
}

const struct token_encoder *dictionary_encoder(const struct sstable_dictionary *dictionary,
                                               const struct dictionary_encoders *encoders, uint64_t place)
{
    for (uint32_t i = 0; i < dictionary->column_count; i++)
        if (dictionary->columns[i].place == place)
            return encoders->of[i];
    return NULL;
}

status dictionary_frame(struct sstable_dictionary *dictionary, ZSTD_CCtx *zstd, struct slice *out_frame)
{
    struct buffer *there = atomic_load_explicit(&dictionary->frame, memory_order_acquire);
    if (!there) {
        struct buffer *made = calloc(1, sizeof *made);
        status st = made
                        ? frame_encode(zstd, FRAME_DICTIONARY, 0, 0, buffer_slice(&dictionary->encoded), made)
                        : STATUS_FAIL(STATUS_NOMEM);
        if (failed(st)) {
            frame_free(made);
            return st;
        }
        /* Pairs with the acquire above. Who comes second takes what the first has made. */
        if (atomic_compare_exchange_strong_explicit(&dictionary->frame, &there, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            there = made;
        else
            frame_free(made);
    }
    *out_frame = buffer_slice(there);
    return STATUS_DONE;
}

/* ---- learning ---- */

void dictionary_sample_deinit(struct dictionary_sample *sample)
{
    for (uint32_t i = 0; i < sample->column_count; i++) {
        buffer_deinit(&sample->columns[i].bytes);
        buffer_deinit(&sample->columns[i].lengths);
    }
    *sample = (struct dictionary_sample){0};
}

static void value_add(struct dictionary_sample *sample, uint64_t place, struct slice value)
{
    uint32_t at = 0;
    while (at < sample->column_count && sample->columns[at].place != place)
        at++;
    if (at == DICTIONARY_COLUMNS || !value.bytes)
        return;
    if (at == sample->column_count) {
        sample->column_count++;
        sample->columns[at].place = place;
    }
    uint32_t length = value.bytes < VALUE_BYTES_MAX ? (uint32_t)value.bytes : VALUE_BYTES_MAX;
    sample->columns[at].seen_bytes += value.bytes;
    /* Words are soon known; ids come again from afar. */
    if (value.bytes > TOKEN_BYTES_MAX && sample->columns[at].bytes.bytes >= COLUMN_SAMPLE_MOST)
        return;
    buffer_append(&sample->columns[at].bytes, value.data, length);
    buffer_append(&sample->columns[at].lengths, &length, sizeof length);
}

void dictionary_sample_add(struct dictionary_sample *sample, struct slice clustering, struct slice image)
{
    sample->raw_bytes += clustering.bytes + image.bytes;
    if (image.bytes < IMAGE_BYTES_MIN)
        return;
    unsigned flags = image.data[0];
    struct reader in = {.at = image.data + IMAGE_BASE_END, .end = image.data + image.bytes};
    if (flags & IMAGE_MARKER_EXPIRES) {
        (void)image_varint(&in);
        (void)image_varint(&in);
    }
    struct image_cuts cuts = image_cuts_open(&in, flags);
    uint64_t place;
    while (image_cuts_next(&cuts, &in, &place)) {
        struct slice value = reader_take(&in, image_varint(&in));
        if (in.failed)
            return;
        value_add(sample, place, value);
    }
}

/* Bytes that the sample of a column takes in tokens, reckoned from a part of it. */
static size_t column_measure(const struct tokens *tokens, struct slice bytes, const uint32_t *lengths,
                             uint32_t count)
{
    struct token_encoder *encoder = token_encoder_new(tokens);
    struct token_scratch scratch = {0};
    struct buffer codes = {0};
    size_t raw = 0, coded = 0;
    const uint8_t *at = bytes.data;
    for (uint32_t i = 0; encoder && i < count;) {
        struct slice values[MEASURED_AT_ONCE];
        uint32_t some = 0;
        bool measured = i / MEASURED_AT_ONCE % MEASURED_ONE_IN == 0;
        for (; some < MEASURED_AT_ONCE && i < count; some++, i++) {
            values[some] = slice_of(at, lengths[i]);
            at += lengths[i];
            raw += measured ? lengths[i] : 0;
        }
        buffer_clear(&codes);
        if (measured)
            token_encoder_encode(encoder, &scratch, values, some, &codes);
        coded += codes.bytes;
    }
    bool good = encoder && raw && !codes.failed;
    buffer_deinit(&codes);
    token_scratch_deinit(&scratch);
    token_encoder_free(encoder);
    return good ? (size_t)((double)coded / (double)raw * (double)bytes.bytes) : SIZE_MAX;
}

/* The length of all values, when whole values may be tokens; else 0. */
static size_t common_length(const uint32_t *lengths, uint32_t count)
{
    enum { LEAST = 3 };
    for (uint32_t i = 1; i < count; i++)
        if (lengths[i] != lengths[0])
            return 0;
    return count && lengths[0] >= LEAST && lengths[0] <= TOKEN_BYTES_MAX ? lengths[0] : 0;
}

/* A column of a sample, on its way to a table. */
struct learning {
    struct slice bytes;
    const uint32_t *lengths;
    uint32_t count;
    uint64_t place, seen_bytes;
    size_t room;                       /* for the table */
    size_t coded;                      /* what the bytes take */
    size_t learnt_bytes, learnt_coded; /* the same of what the table was learnt from */
};

/* Whether the table learnt before does: from nearly as many bytes, and what it saved then it saves now. */
static bool column_is_kept(const struct sstable_dictionary *before, struct learning *learning,
                           const struct tokens **out_tokens)
{
    const struct dictionary_column *column = before ? dictionary_column_of(before, learning->place) : NULL;
    if (!column || column->sample_bytes / 3 < learning->bytes.bytes / 4)
        return false;
    learning->coded = column_measure(&column->tokens, learning->bytes, learning->lengths, learning->count);
    learning->learnt_bytes = column->sample_bytes;
    learning->learnt_coded = column->sample_coded;
    *out_tokens = &column->tokens;
    return (double)learning->coded * (double)column->sample_bytes * KEPT_WORSE_ONE_IN <=
           (double)column->sample_coded * (double)learning->bytes.bytes * (KEPT_WORSE_ONE_IN + 1);
}

static status column_train(struct learning *learning, struct tokens *out_tokens)
{
    size_t length = common_length(learning->lengths, learning->count);
    size_t most = learning->bytes.bytes / (length ? VALUES_ONE_IN : TABLE_ONE_IN);
    if (most > learning->room)
        most = learning->room;
    if (length)
        TRY(tokens_of_values(learning->bytes, length, learning->count, most, out_tokens));
    else
        TRY(tokens_train(learning->bytes, learning->lengths, learning->count, most, out_tokens));
    learning->coded = column_measure(out_tokens, learning->bytes, learning->lengths, learning->count);
    learning->learnt_bytes = learning->bytes.bytes;
    learning->learnt_coded = learning->coded;
    return STATUS_DONE;
}

/* Append a column's table when it saves enough; *out_saved is what it saves of all values seen, 0 without one. */
static status column_learn(struct learning *learning, const struct sstable_dictionary *before,
                           struct buffer *out, size_t *out_saved)
{
    struct tokens trained = {0};
    const struct tokens *tokens = &trained;
    struct buffer table = {0};
    size_t bytes = learning->bytes.bytes;
    *out_saved = 0;
    if (bytes < COLUMN_SAMPLE_LEAST)
        return STATUS_DONE;
    if (!column_is_kept(before, learning, &tokens)) {
        tokens = &trained;
        TRY(column_train(learning, &trained));
    }
    if (learning->coded < bytes - bytes / COLUMN_SAVES_ONE_IN) {
        tokens_encode_table(tokens, &table);
        buffer_append_varint(out, learning->place);
        buffer_append_varint(out, table.bytes);
        buffer_append_slice(out, buffer_slice(&table));
        *out_saved =
            (size_t)((double)(bytes - learning->coded) / (double)bytes * (double)learning->seen_bytes);
    }
    status st = buffer_status(&table);
    buffer_deinit(&table);
    tokens_deinit(&trained);
    return st;
}

static struct learning learning_of(const struct dictionary_sample *sample, uint32_t at, size_t room)
{
    const struct buffer *lengths = &sample->columns[at].lengths;
    return (struct learning){.bytes = buffer_slice(&sample->columns[at].bytes),
                             .lengths = (const uint32_t *)(const void *)lengths->data,
                             .count = (uint32_t)(lengths->bytes / sizeof(uint32_t)),
                             .place = sample->columns[at].place,
                             .seen_bytes = sample->columns[at].seen_bytes,
                             .room = room};
}

/* Who learns again must know what this one was learnt from. */
static void sample_note(struct sstable_dictionary *dictionary, const struct learning *learnt, uint32_t count)
{
    for (uint32_t i = 0; i < dictionary->column_count; i++)
        for (uint32_t j = 0; j < count; j++)
            if (learnt[j].place == dictionary->columns[i].place) {
                dictionary->columns[i].sample_bytes = learnt[j].learnt_bytes;
                dictionary->columns[i].sample_coded = learnt[j].learnt_coded;
            }
}

status dictionary_learn(const struct dictionary_sample *sample, const struct sstable_dictionary *before,
                        struct sstable_dictionary **out_dictionary)
{
    struct buffer columns = {0}, encoded = {0};
    struct learning learning[DICTIONARY_COLUMNS];
    uint32_t count = 0, tried = 0;
    size_t saved = 0;
    status st = STATUS_DONE;
    for (; ok(st) && tried < sample->column_count && columns.bytes < DICTIONARY_BYTES_MAX; tried++) {
        size_t saves = 0;
        st = buffer_status(&sample->columns[tried].bytes);
        if (ok(st))
            st = buffer_status(&sample->columns[tried].lengths);
        learning[tried] = learning_of(sample, tried, DICTIONARY_BYTES_MAX - columns.bytes);
        if (ok(st))
            st = column_learn(&learning[tried], before, &columns, &saves);
        count += saves > 0;
        saved += saves;
    }
    if (ok(st))
        st = buffer_status(&columns);
    *out_dictionary = NULL;
    if (ok(st) && count) {
        buffer_append_varint(&encoded, 1000 - saved * 1000 / sample->raw_bytes);
        buffer_append_varint(&encoded, sample->raw_bytes / 1024);
        buffer_append_varint(&encoded, count);
        buffer_append_slice(&encoded, buffer_slice(&columns));
        st = buffer_status(&encoded);
        if (ok(st))
            st = dictionary_decode(buffer_slice(&encoded), out_dictionary);
        if (ok(st))
            sample_note(*out_dictionary, learning, tried);
    }
    buffer_deinit(&columns);
    buffer_deinit(&encoded);
    return st;
}
