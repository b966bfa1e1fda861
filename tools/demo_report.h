/*
 * demo_report.h: what the demonstration measured, strategy beside strategy, for a person who chooses a partition key.
 */
#ifndef STRAIT_TOOLS_DEMO_REPORT_H
#define STRAIT_TOOLS_DEMO_REPORT_H

#include "tools/demo_run.h"

/* On standard output: a table, then what is worth noticing in it. Everything said is computed from `results`. */
void demo_report(struct demo_result *results, unsigned count, const struct demo_options *options);

#endif
