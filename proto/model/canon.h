/* The canonical form: one configuration, one sequence of bytes.
 *
 * A tnetstring dict of table names to lists of rows, each row a list of its column values. Ids are
 * not written: a row's number is its place in its list, from 1, and references are such numbers.
 * Rows whose order means nothing are sorted and equal ones written once; hosts, routes, filters and
 * xrequests keep the order of the configuration, which does mean something. Defaults of additions
 * at the end of a row are left out, and so are empty tables: the bytes of a configuration do not
 * change when the schema grows. docs/reference/canonical.md is the full description. */
#ifndef PROTO_MODEL_CANON_H
#define PROTO_MODEL_CANON_H

#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#define CANON_HASH_LEN 64 /* hexadecimal digits of SHA-256 */

/* Appends the canonical bytes. ERROR_INVALID, naming the object, for a model with a value of the
 * wrong type or a reference to nothing (check_model finds these too); ERROR_NO_MEMORY. */
int canon_encode(const struct model *m, struct buf *out, struct error *e);

/* Makes the frozen model of canonical bytes. Strict: bytes that canon_encode would not have
 * written are refused. ERROR_INVALID, ERROR_TOO_LARGE, ERROR_NO_MEMORY. */
int canon_decode(struct model **out, struct slice bytes, struct error *e);

/* SHA-256 of bytes as lower-case hexadecimal, with NUL. */
void canon_hash(struct slice bytes, char hex[CANON_HASH_LEN + 1]);

#endif
