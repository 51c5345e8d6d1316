/* The head of an HTTP/1.1 response as a load generator needs it: complete or not, status, length.
 * Not a parser for the world: it trusts a server under test, refuses what it does not understand
 * and knows neither chunked bodies nor several heads in a row. */
#ifndef TESTS_BENCH_PROGRAMS_RESPONSE_H
#define TESTS_BENCH_PROGRAMS_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

enum response_result { RESPONSE_DONE, RESPONSE_MORE, RESPONSE_BAD };

struct response {
    unsigned status;
    size_t head_len; /* bytes up to the body */
    int64_t length;  /* Content-Length; -1: none was given */
};

enum response_result response_read(const char *bytes, size_t len, struct response *out);

#endif
