#include "bench/peers/oracle.h"

#include <stdlib.h>

/* Kept beside the index so that sorting does not wander over the rows. */
struct place {
    uint64_t channel;
    int64_t created_ms;
    uint64_t id; /* first half, as a number */
    uint32_t row;
};

static uint64_t id_number(const uint8_t id[16])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | id[i];
    return number;
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->channel != b->channel)
        return a->channel < b->channel ? -1 : 1;
    if (a->created_ms != b->created_ms)
        return a->created_ms > b->created_ms ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

bool oracle_init(struct oracle *oracle, const struct chat *chat)
{
    uint64_t count = chat->options.rows;
    struct place *places = malloc(count * sizeof *places);
    *oracle = (struct oracle){.chat = chat, .order = malloc(count * sizeof *oracle->order), .count = count};
    if (!places || !oracle->order) {
        free(places);
        oracle_deinit(oracle);
        return false;
    }
    for (uint64_t i = 0; i < count; i++)
        places[i] = (struct place){.channel = chat->rows[i].channel,
                                   .created_ms = chat->rows[i].created_ms,
                                   .id = id_number(chat->rows[i].id),
                                   .row = (uint32_t)i};
    qsort(places, count, sizeof *places, compare_places);
    for (uint64_t i = 0; i < count; i++)
        oracle->order[i] = places[i].row;
    free(places);
    return true;
}

void oracle_deinit(struct oracle *oracle)
{
    free(oracle->order);
    *oracle = (struct oracle){0};
}

/* Does the row stand before every row of the channel that is older than before_ms? */
static bool stands_before(const struct chat_row *row, const struct question *question)
{
    if (row->channel != question->channel)
        return row->channel < question->channel;
    return row->created_ms >= question->before_ms;
}

void oracle_newest(const struct oracle *oracle, const struct question *question, uint32_t limit,
                   struct answer *answer)
{
    const struct chat_row *rows = oracle->chat->rows;
    uint64_t low = 0, high = oracle->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (stands_before(&rows[oracle->order[middle]], question))
            low = middle + 1;
        else
            high = middle;
    }
    for (; limit && low < oracle->count; low++, limit--) {
        const struct chat_row *row = &rows[oracle->order[low]];
        if (row->channel != question->channel)
            break;
        answer_add(answer, row);
    }
    answer_end(answer);
}

struct answer oracle_sum(const struct chat *chat, uint64_t count)
{
    struct answer answer = ANSWER_EMPTY;
    for (uint64_t i = 0; i < count; i++)
        answer_add(&answer, &chat->rows[i]);
    return answer;
}
