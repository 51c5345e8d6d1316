/* The small grammars inside columns: endpoints, addresses, names. Each function returns NULL when
 * the text is right, else what it should be, to be put behind "must be ". */
#ifndef PROTO_MODEL_CHECK_SYNTAX_H
#define PROTO_MODEL_CHECK_SYNTAX_H

#include "proto/base/slice.h"

#include <stdbool.h>

/* tcp://HOST:PORT (HOST also '*', an interface, an IPv6 address in brackets; PORT also '*'),
 * ipc://PATH, inproc://NAME. */
const char *syntax_endpoint(struct slice text);

/* HOST:PORT, [IPv6]:PORT or unix:/PATH. */
const char *syntax_upstream(struct slice text);

/* An IPv4 or IPv6 address, or unix:/PATH. */
const char *syntax_bind_address(struct slice text);

/* 1 to 64 letters, digits, '-', '_' and '.': it is part of topics and metrics. */
const char *syntax_pool_name(struct slice text);

/* Letters, digits, '-', '_' and '.', not beginning with '.': it is part of file names. */
const char *syntax_server_uuid(struct slice text);

/* type/subtype, perhaps with parameters; nothing that could end a header line. */
const char *syntax_content_type(struct slice text);

/* A path or URL that may stand in a Location header. */
const char *syntax_location(struct slice text);

/* One word without blanks: it is the first of a handler message. */
const char *syntax_ident(struct slice text);

/* Does it hold a byte below 0x20, or 0x7f? */
bool syntax_has_control(struct slice text);

#endif
