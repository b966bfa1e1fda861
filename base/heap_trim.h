/* heap_trim.h: memory that was freed and that the C library holds on to. */
#ifndef STRAIT_BASE_HEAP_TRIM_H
#define STRAIT_BASE_HEAP_TRIM_H

/* Give it back to the system, of the whole process; nothing where the C library has no call for that. Takes some milliseconds: for
 * who has just finished with a lot of it. */
void heap_trim(void);

#endif
