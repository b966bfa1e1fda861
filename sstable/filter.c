#include "sstable/filter_internal.h"

#include "base/bytes.h"

static size_t line_of(uint64_t hash, uint64_t lines)
{
    return (size_t)((hash >> 32) * lines >> 32);
}

status filter_build(const uint64_t *hashes, uint64_t count, uint32_t bits_per_key, struct buffer *out,
                    uint8_t *out_probes)
{
    uint64_t lines = (count * bits_per_key + FILTER_LINE_BYTES * 8 - 1) / (FILTER_LINE_BYTES * 8);
    uint32_t probes = (bits_per_key * 69 + 50) / 100;
    if (lines == 0)
        lines = 1;
    if (lines > UINT32_MAX / FILTER_LINE_BYTES / 4)
        lines = UINT32_MAX / FILTER_LINE_BYTES / 4;
    probes = probes < 1 ? 1 : probes > FILTER_PROBES_MAX ? FILTER_PROBES_MAX : probes;
    uint8_t *bits = buffer_extend(out, lines * FILTER_LINE_BYTES);
    if (!bits)
        return STATUS_FAIL(STATUS_NOMEM);
    memset(bits, 0, lines * FILTER_LINE_BYTES);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *line = bits + line_of(hashes[i], lines) * FILTER_LINE_BYTES;
        uint32_t at = (uint32_t)hashes[i];
        uint32_t step = (uint32_t)(hashes[i] >> 17) | 1;
        for (uint32_t probe = 0; probe < probes; probe++, at += step)
            line[at / 8 % FILTER_LINE_BYTES] |= (uint8_t)(1u << at % 8);
    }
    *out_probes = (uint8_t)probes;
    return STATUS_DONE;
}

bool filter_may_contain(struct slice lines, uint32_t probes, uint64_t hash)
{
    uint64_t count = lines.bytes / FILTER_LINE_BYTES;
    if (!count)
        return true;
    const uint8_t *line = lines.data + line_of(hash, count) * FILTER_LINE_BYTES;
    uint32_t at = (uint32_t)hash;
    uint32_t step = (uint32_t)(hash >> 17) | 1;
    for (uint32_t probe = 0; probe < probes; probe++, at += step)
        if (!(line[at / 8 % FILTER_LINE_BYTES] >> at % 8 & 1))
            return false;
    return true;
}
