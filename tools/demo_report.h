/* demo_report.h: the strategies side by side, on standard output. */
#ifndef STRAIT_TOOLS_DEMO_REPORT_H
#define STRAIT_TOOLS_DEMO_REPORT_H

#include "tools/demo_run.h"

void demo_report(struct demo_result *results, unsigned count, const struct demo_options *options);

#endif
