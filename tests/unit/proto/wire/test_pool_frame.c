#include "proto/wire/pool_frame.h"
#include "tests/support/golden.h"

static uint32_t number(const struct golden_case *c, const char *key)
{
    return (uint32_t)golden_int(c, key);
}

/* The message that the fields of the case say. */
static struct pool_frame expected_of(const struct golden_case *c, enum pool_frame_type type)
{
    struct pool_frame f;
    memset(&f, 0, sizeof f);
    f.type = type;
    switch (type) {
    case POOL_READY:
        f.ready.pool = golden_string(c, "pool");
        f.ready.worker = golden_string(c, "worker");
        f.ready.capacity = number(c, "capacity");
        f.ready.name = golden_string(c, "name");
        f.ready.host = golden_string(c, "host");
        f.ready.pid = golden_int(c, "pid");
        break;
    case POOL_WELCOME:
        f.welcome.node = golden_string(c, "node");
        f.welcome.cluster = golden_string(c, "cluster");
        f.welcome.heartbeat_ms = number(c, "heartbeat");
        break;
    case POOL_REFUSED: f.refused.error = golden_string(c, "error"); break;
    case POOL_REQUEST:
        f.request.id = golden_string(c, "id");
        f.request.message = golden_string(c, "message");
        break;
    case POOL_CREDIT: f.credit.count = number(c, "count"); break;
    case POOL_WANT: f.want.count = number(c, "count"); break;
    case POOL_REPLY: f.reply.message = golden_string(c, "message"); break;
    case POOL_RETURN: f.returned.id = golden_string(c, "id"); break;
    default: break;
    }
    return f;
}

static void compare_ready(const struct golden_case *c, const struct pool_frame *got,
                          const struct pool_frame *want)
{
    golden_compare(c, got->ready.pool, want->ready.pool);
    golden_compare(c, got->ready.worker, want->ready.worker);
    assert_int_equal(got->ready.capacity, want->ready.capacity);
    golden_compare(c, got->ready.name, want->ready.name);
    golden_compare(c, got->ready.host, want->ready.host);
    assert_int_equal(got->ready.pid, want->ready.pid);
}

static void compare(const struct golden_case *c, const struct pool_frame *got,
                    const struct pool_frame *want)
{
    switch (want->type) {
    case POOL_READY: compare_ready(c, got, want); break;
    case POOL_WELCOME:
        golden_compare(c, got->welcome.node, want->welcome.node);
        golden_compare(c, got->welcome.cluster, want->welcome.cluster);
        assert_int_equal(got->welcome.heartbeat_ms, want->welcome.heartbeat_ms);
        break;
    case POOL_REFUSED: golden_compare(c, got->refused.error, want->refused.error); break;
    case POOL_REQUEST:
        golden_compare(c, got->request.id, want->request.id);
        golden_compare(c, got->request.message, want->request.message);
        break;
    case POOL_CREDIT: assert_int_equal(got->credit.count, want->credit.count); break;
    case POOL_WANT: assert_int_equal(got->want.count, want->want.count); break;
    case POOL_REPLY: golden_compare(c, got->reply.message, want->reply.message); break;
    case POOL_RETURN: golden_compare(c, got->returned.id, want->returned.id); break;
    default: break;
    }
}

static void check_encode(const struct golden_case *c, const struct pool_frame *f)
{
    struct slice frames[POOL_FRAMES_MAX];
    struct buf scratch = BUF_INIT;
    buf_append_str(&scratch, "of the message before");
    assert_int_equal(pool_frame_encode(f, frames, &scratch), c->frame_count);
    for (size_t i = 0; i < c->frame_count; i++)
        golden_compare(c, frames[i], c->frames[i]);
    buf_fini(&scratch);
}

static void check_frames(struct golden_case *c)
{
    struct pool_frame f;
    enum pool_frame_status status = pool_frame_decode(c->frames, c->frame_count, &f);
    if (c->refused) {
        if (status != POOL_FRAME_MALFORMED)
            fail_msg("%s: %d", c->name, (int)status);
        return;
    }
    struct slice type = golden_string(c, "type");
    if (slice_eq(type, SLICE("unknown"))) {
        assert_int_equal(status, POOL_FRAME_UNKNOWN);
        return;
    }
    assert_int_equal(status, POOL_FRAME_OK);
    golden_compare(c, slice_str(pool_frame_name(f.type)), type);
    struct pool_frame want = expected_of(c, f.type);
    compare(c, &f, &want);
    if (!c->decode_only)
        check_encode(c, &want);
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("pool_frame.txt", check_frames);
}

static void test_no_frames(void **state)
{
    (void)state;
    struct pool_frame f;
    assert_int_equal(pool_frame_decode(NULL, 0, &f), POOL_FRAME_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_no_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
