/* Target "handler": a request becomes a message to a handler, classic or pool; the answer comes
 * back as raw bytes through deliver/ and exchange/raw_reply.h. Bodies up to limits.content_length
 * are collected first; larger ones go as a file or in parts (handler_parts.h), or are refused with
 * 413. */
#ifndef NODE_TARGET_HANDLER_H
#define NODE_TARGET_HANDLER_H

#include "node/conf/target.h"

extern const struct target_ops target_handler;

#endif
