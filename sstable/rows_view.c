#include "sstable/rows_internal.h"

uint32_t rows_find(const struct rows_view *view, uint32_t begin, uint32_t end, uint32_t guess,
                   struct slice key)
{
    uint64_t prefix = key_prefix(key);
    uint32_t low = begin, high = end; /* rows before `low` are below the key, those from `high` on are not */
    uint32_t at = guess < begin ? begin : guess < end ? guess : end - 1;
    /* In steps that double, away from the guess, until the key is between two of them: mostly few, and near. */
    if (low < high && view->prefixes[at] < prefix) {
        for (uint32_t step = 1; at < high && view->prefixes[at] < prefix; step *= 2) {
            low = at + 1;
            at = high - low > step ? low + step : high;
        }
        if (at < high && view->prefixes[at] > prefix)
            high = at;
    } else if (low < high && view->prefixes[at] > prefix) {
        for (uint32_t step = 1; view->prefixes[at] > prefix; step *= 2) {
            high = at;
            if (at == low)
                break;
            at = at - low > step ? at - step : low;
        }
        if (view->prefixes[at] < prefix)
            low = at + 1;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool below = view->prefixes[middle] < prefix ||
                     (view->prefixes[middle] == prefix && slice_compare(rows_key(view, middle), key) < 0);
        if (below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
