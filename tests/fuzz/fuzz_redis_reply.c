// links: m2_coordinator PkgConfig::HIREDIS
/* What a Redis server, or another program that writes under our keys, can make of an answer.
 * Whatever comes, there is a result that can be read.
 *
 * The input: the call, the type of the reply; of an array each element as type, length, bytes. RESP
 * itself is hiredis's business. */

#include "coordinator/store/redis_calls.h"

#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdlib.h>

enum { ELEMENTS_MAX = 256 };

/* Copied, so that reading behind a string is seen; NUL behind it, as hiredis does. */
static redisReply *make_reply(int type, const uint8_t *bytes, size_t len)
{
    redisReply *r = calloc(1, sizeof *r);
    r->type = type;
    r->str = malloc(len + 1);
    r->len = len;
    memcpy(r->str, bytes, len);
    r->str[len] = '\0';
    return r;
}

static void free_reply(redisReply *r)
{
    for (size_t i = 0; i < r->elements; i++)
        free_reply(r->element[i]);
    free(r->element);
    free(r->str);
    free(r);
}

static void add_elements(redisReply *array, const uint8_t *data, size_t size)
{
    array->element = calloc(ELEMENTS_MAX, sizeof(redisReply *));
    while (size >= 2 && array->elements < ELEMENTS_MAX) {
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        int type = data[0] < 250 ? REDIS_REPLY_STRING : data[0] - 249;
        array->element[array->elements++] = make_reply(type, data + 2, len);
        data += 2 + len;
        size -= 2 + len;
    }
}

static volatile size_t sink;

static void read_result(const struct store_result *r)
{
    size_t seen = 0;
    for (size_t i = 0; i < r->commit_count; i++)
        seen += r->commits[i].config.len + r->commits[i].why.len;
    for (size_t i = 0; i < r->record_count; i++)
        seen += r->records[i].key.len + r->records[i].value.len;
    sink = seen + strlen(r->head.hash) + strlen(r->lease.owner) + strlen(r->lease.endpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct store_request r = {.call = (enum store_call)(data[0] % STORE_CALL_COUNT)};
    int type = data[1] < 250 ? REDIS_REPLY_ARRAY : data[1] - 249;
    redisReply *reply = make_reply(type, data + 2, type == REDIS_REPLY_ARRAY ? 0 : size - 2);
    if (type == REDIS_REPLY_ARRAY)
        add_elements(reply, data + 2, size - 2);
    arena_init(&r.arena, 0);
    redis_reply_is_unusable(reply);
    redis_call_decode(&r, reply);
    if (r.result.error.code == ERROR_NONE)
        read_result(&r.result);
    arena_fini(&r.arena);
    free_reply(reply);
    return 0;
}
