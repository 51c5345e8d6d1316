/* UUIDs in text form (RFC 9562): 36 characters, lower case when made here. */
#ifndef PROTO_BASE_UUID_H
#define PROTO_BASE_UUID_H

#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define UUID_LEN 36

/* A random UUID (version 4) with NUL; 0, or -1 when the system gives no entropy. */
int uuid_generate(char out[UUID_LEN + 1], struct error *e);

/* 8-4-4-4-12 hexadecimal digits, either case. */
bool uuid_is_valid(struct slice text);

/* `len` random bytes from the system; 0 or -1. */
int uuid_random_bytes(void *out, size_t len, struct error *e);

#endif
