/* The trainer with fixed parameters is declared among what may still change in zstd; it costs a tenth of the one that
 * tries parameters out, for dictionaries nearly as good. */
#define ZDICT_STATIC_LINKING_ONLY
#include "sstable/dictionary_internal.h"

#include <zdict.h>

enum {
    SEGMENT_BYTES = 1024,
    DMER_BYTES = 8,
    FREQUENCY_LOG = 18,
    ACCELERATION = 5,
};

void dictionary_trainer_deinit(struct dictionary_trainer *trainer)
{
    buffer_deinit(&trainer->samples);
    buffer_deinit(&trainer->sizes);
}

status dictionary_trainer_add(struct dictionary_trainer *trainer, struct slice raw, bool *out_ready)
{
    *out_ready = false;
    /* A giant row teaches nothing about the others. */
    if (trainer->after_bytes == SIZE_MAX || raw.bytes > trainer->after_bytes / 4)
        return STATUS_DONE;
    buffer_append_slice(&trainer->samples, raw);
    buffer_append(&trainer->sizes, &raw.bytes, sizeof raw.bytes);
    TRY(buffer_status(&trainer->samples));
    TRY(buffer_status(&trainer->sizes));
    *out_ready = trainer->samples.bytes >= trainer->after_bytes;
    return STATUS_DONE;
}

status dictionary_train(struct dictionary_trainer *trainer, int compression_level, struct buffer *out)
{
    size_t room = trainer->samples.bytes / 16;
    if (room > DICTIONARY_BYTES_MAX)
        room = DICTIONARY_BYTES_MAX;
    ZDICT_fastCover_params_t parameters = {
        .k = room / 4 < SEGMENT_BYTES ? (unsigned)(room / 4) : SEGMENT_BYTES,
        .d = DMER_BYTES,
        .f = FREQUENCY_LOG,
        .accel = ACCELERATION,
        .zParams = {.compressionLevel = compression_level},
    };
    size_t start = out->bytes;
    uint8_t *at = buffer_extend(out, room);
    if (!at)
        return STATUS_FAIL(STATUS_NOMEM);
    size_t bytes = ZDICT_trainFromBuffer_fastCover(
        at, room, trainer->samples.data, (const size_t *)(const void *)trainer->sizes.data,
        (unsigned)(trainer->sizes.bytes / sizeof(size_t)), parameters);
    out->bytes = ZDICT_isError(bytes) ? start : start + bytes;
    dictionary_trainer_deinit(trainer);
    trainer->after_bytes = SIZE_MAX;
    return STATUS_DONE;
}
