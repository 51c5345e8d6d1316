/* Parts of URIs (RFC 3986) as a server meets them: the authority of Host and of absolute targets,
 * and percent-decoding of a path into a file name. No normalisation: "." and ".." stay, whoever
 * opens the file contains them. */
#ifndef PROTO_HTTP_URI_H
#define PROTO_HTTP_URI_H

#include "proto/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes "host", "host:port", "[v6]:port" apart (RFC 3986 section 3.2, without userinfo). *host
 * borrows and has no brackets; it may be empty. *port is -1 when there is none ("host:" too).
 * False when the text is not a valid authority. */
bool uri_parse_authority(struct slice authority, struct slice *host, int32_t *port);

/* Decodes %XX of `path` into `out` (room for path.len bytes; not NUL-terminated). "+" stays as it
 * is. Returns the length, or -1 when an escape is not two hex digits or gives NUL. */
long uri_decode(struct slice path, char *out);

/* The value of a hex digit, or -1. */
int uri_hex_value(char c);

#endif
