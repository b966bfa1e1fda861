#include "bench/peers/workload.h"

#include <stdlib.h>

#include "bench/measure.h"

enum { COLD_READS = 1000 };

static struct question_list list_new(uint32_t count)
{
    struct question_list list = {
        .items = calloc(count, sizeof *list.items), .count = count, .expected = ANSWER_EMPTY};
    if (!list.items)
        measure_fail("questions", "out of memory");
    return list;
}

static struct question_list ask_newest(const struct chat *chat, struct random *rng, uint32_t count)
{
    struct question_list list = list_new(count);
    for (uint32_t i = 0; i < count; i++)
        list.items[i] = (struct question){.channel = chat_pick_channel(chat, rng), .before_ms = INT64_MAX};
    return list;
}

static struct question_list ask_page(const struct chat *chat, struct random *rng, uint32_t count)
{
    struct question_list list = ask_newest(chat, rng, count);
    uint64_t span_ms = (uint64_t)(chat->last_ms - chat->first_ms + 1);
    for (uint32_t i = 0; i < count; i++)
        list.items[i].before_ms = chat->first_ms + 1 + (int64_t)random_below(rng, span_ms);
    return list;
}

/* Every channel is asked at most once, so that the answer to one question does not warm another; all of them have
 * rows. */
static struct question_list ask_cold(const struct oracle *oracle, struct random *rng)
{
    uint64_t *channels = malloc(oracle->count * sizeof *channels), count = 0;
    if (!channels)
        measure_fail("questions", "out of memory");
    for (uint64_t i = 0; i < oracle->count; i++) {
        uint64_t channel = oracle->chat->rows[oracle->order[i]].channel;
        if (!count || channels[count - 1] != channel)
            channels[count++] = channel;
    }
    struct question_list list = list_new(count < COLD_READS ? (uint32_t)count : COLD_READS);
    for (uint32_t i = 0; i < list.count; i++) {
        uint64_t other = i + random_below(rng, count - i), channel = channels[other];
        channels[other] = channels[i];
        list.items[i] = (struct question){.channel = channel, .before_ms = INT64_MAX};
    }
    free(channels);
    return list;
}

static struct question_list ask_point(const struct chat *chat, struct random *rng, uint32_t count)
{
    struct question_list list = list_new(count);
    for (uint32_t i = 0; i < count; i++) {
        list.items[i].row = (uint32_t)random_below(rng, chat->options.rows);
        answer_add(&list.expected, &chat->rows[list.items[i].row]);
        answer_end(&list.expected);
    }
    return list;
}

static void answer_list(const struct oracle *oracle, struct question_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        oracle_newest(oracle, &list->items[i], WORKLOAD_PAGE_ROWS, &list->expected);
}

void workload_init(struct workload *workload, const struct chat_options *options, uint32_t reads)
{
    struct random rng = {~options->seed};
    struct oracle oracle;
    struct chat *chat = chat_new(options);
    if (!chat || !oracle_init(&oracle, chat))
        measure_fail("workload", "out of memory");
    *workload = (struct workload){.chat = chat};
    workload->newest = ask_newest(chat, &rng, reads);
    workload->page = ask_page(chat, &rng, reads);
    workload->warm_newest = ask_newest(chat, &rng, reads);
    workload->warm_page = ask_page(chat, &rng, reads);
    workload->cold = ask_cold(&oracle, &rng);
    workload->point = ask_point(chat, &rng, reads);
    answer_list(&oracle, &workload->newest);
    answer_list(&oracle, &workload->page);
    answer_list(&oracle, &workload->cold);
    oracle_deinit(&oracle);
}

void workload_deinit(struct workload *workload)
{
    chat_free(workload->chat);
    free(workload->newest.items);
    free(workload->page.items);
    free(workload->warm_newest.items);
    free(workload->warm_page.items);
    free(workload->cold.items);
    free(workload->point.items);
    *workload = (struct workload){0};
}
