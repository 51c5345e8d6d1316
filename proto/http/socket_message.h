/* One message of a JSON or XML socket, recognised as its bytes arrive:
 *
 *     "@" path SP "{" … "}" NUL        path: pchar and "/", no query
 *     "<" tag ( "/" / WSP / ">" ) … ">" NUL        tag: letters, digits, "-", "."
 *
 * What is between the braces or inside the element is the handler's business: it is not looked at.
 * A message ends at the first closing brace (bracket) with a NUL behind it. */
#ifndef PROTO_HTTP_SOCKET_MESSAGE_H
#define PROTO_HTTP_SOCKET_MESSAGE_H

#include "proto/base/slice.h"
#include "proto/http/parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offsets from the first byte of the message, so that the buffer may move between two calls.
 * Zeroes are a message that has not begun. */
struct socket_message {
    uint32_t path_len; /* with its "@" or "<"; 0: not known yet */
    uint32_t inside;   /* first byte behind the opening brace, or behind the byte after the tag */
    uint32_t scanned;  /* bytes that need not be looked at again */
    uint32_t len;      /* PARSE_DONE: of the whole message, with its NUL */
    enum parse_fault fault;
};

/* Whether a message of a socket begins with this byte. */
static inline bool socket_message_begins(char first)
{
    return first == '@' || first == '<';
}

/* Goes on with a message: `in` is all of it that has arrived, and perhaps more; at most `max` bytes
 * belong to it. PARSE_DONE, PARSE_MORE, or PARSE_BAD with m->fault. No byte is looked at twice. */
enum parse_result socket_message_parse(struct socket_message *m, struct slice in, size_t max);

/* Of a message that is done; `in` as before. */
static inline bool socket_message_is_xml(struct slice in)
{
    return in.ptr[0] == '<';
}
struct slice socket_message_path(const struct socket_message *m, struct slice in);
/* What a handler gets: the object, or the document, without the NUL. */
struct slice socket_message_body(const struct socket_message *m, struct slice in);

/* A JSON message that only shows that the client is there: the object is {"type":"ping"}, with
 * white space allowed behind the colon, and the path has no bytes but "@", a-z and "/". */
bool socket_message_is_ping(const struct socket_message *m, struct slice in);
/* The question that Flash asks before it connects: the tag is policy-file-request. */
bool socket_message_asks_policy(const struct socket_message *m, struct slice in);

#endif
