/* HTML out of text that may hold anything: names, reasons and errors come from outside. */
#ifndef PROTO_VIEW_HTML_H
#define PROTO_VIEW_HTML_H

#include "proto/base/buf.h"
#include "proto/base/slice.h"

/* Appends text so that it stays text, in elements and in quoted attributes. Control bytes, line
 * ends among them, become blanks: the result is one line. */
void html_put(struct buf *out, struct slice text);
void html_put_str(struct buf *out, const char *text); /* NULL: nothing */

/* "<code>m2sh nodes</code>" */
void html_put_command(struct buf *out, const char *command);

#endif
