/*
 * chat_stream.h: a repeatable stream of chat messages, edits and deletions.
 *
 * Message number i is a pure function of (seed, i): any message can be made again without keeping it, which is how the
 * demo verifies every row. Channels are chosen by Zipf's law, times come in bursts, some messages arrive late; recent
 * messages are edited, marked deleted, or removed.
 *
 * Ownership   chat_stream_new() gives what chat_stream_free() releases. A message's content belongs to the caller's struct.
 * Threads     A stream that is not being advanced may be read by several.
 */
#ifndef STRAIT_TOOLS_CHAT_STREAM_H
#define STRAIT_TOOLS_CHAT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHAT_CONTENT_BYTES_MAX = 432,
    CHAT_CHANNELS_PER_SERVER = 20,
};

struct chat_message {
    uint64_t number;
    uint32_t channel, server;
    int64_t created_ms;
    int32_t month; /* 202601 and so on, from created_ms */
    uint8_t id[16], channel_id[16], server_id[16], member_id[16];
    bool deleted;       /* marked, still there */
    int64_t updated_ms; /* created_ms until edited */
    size_t content_bytes;
    char content[CHAT_CONTENT_BYTES_MAX];
};

enum chat_event_kind {
    CHAT_SENT,
    CHAT_EDITED,  /* content and updated_ms are new */
    CHAT_MARKED,  /* deleted is set */
    CHAT_REMOVED, /* the row is gone */
};

struct chat_stream;

struct chat_stream *chat_stream_new(uint64_t seed, uint64_t messages);
void chat_stream_free(struct chat_stream *stream); /* NULL is welcome */

uint64_t chat_stream_messages(const struct chat_stream *stream);
uint32_t chat_stream_channels(const struct chat_stream *stream);
/* First and last month that messages can lie in. */
void chat_stream_months(const struct chat_stream *stream, int32_t *out_first, int32_t *out_last);

/* The next event, and the message as it is after it; false when all messages were sent. */
bool chat_stream_next(struct chat_stream *stream, enum chat_event_kind *out_kind,
                      struct chat_message *out_message);
/* Back to the first event, nothing sent. */
void chat_stream_rewind(struct chat_stream *stream);

/* Message `number` as it is after the events so far; false when it was removed or not sent yet. */
bool chat_stream_message(const struct chat_stream *stream, uint64_t number, struct chat_message *out_message);
/* The number of the message with this id; UINT64_MAX when no message of this stream has it. */
uint64_t chat_stream_number_of(const struct chat_stream *stream, const uint8_t id[16]);
/* Messages that are there after the events so far. */
uint64_t chat_stream_live(const struct chat_stream *stream);

/* Channels by popularity: rank 0 is the busiest. */
uint32_t chat_stream_channel_of_rank(const struct chat_stream *stream, uint32_t rank);
void chat_stream_channel_id(const struct chat_stream *stream, uint32_t channel, uint8_t out_id[16]);
void chat_stream_server_id(const struct chat_stream *stream, uint32_t server, uint8_t out_id[16]);
/* A channel as a reader would choose it: by popularity. `state` is the caller's random state. */
uint32_t chat_stream_pick_channel(const struct chat_stream *stream, uint64_t *state);

#endif
