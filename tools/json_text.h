/* json_text.h: a text as a JSON string, quoted and escaped, on a stream. */
#ifndef STRAIT_TOOLS_JSON_TEXT_H
#define STRAIT_TOOLS_JSON_TEXT_H

#include <stdio.h>

void json_text_print(const char *text, FILE *out);

#endif
