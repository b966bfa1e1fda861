/* change.h: random INSERT, UPDATE, DELETE and BATCH statements, and what each of them writes into the journal. */
#ifndef STRAIT_TESTS_NAIVE_CHANGE_H
#define STRAIT_TESTS_NAIVE_CHANGE_H

#include "journal.h"

/* Append one statement to `out`, and its writes and deletions to the journal. */
void change_random(struct journal *journal, struct random *rng, int64_t now_s, struct buffer *out);
/* Is there room in the journal for another one? */
bool change_fits(const struct journal *journal);

#endif
