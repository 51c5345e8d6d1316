#include "proto/wire/handler_xreply.h"
#include "tests/support/golden.h"

static bool flag(const struct golden_case *c, const char *key)
{
    bool value = false;
    tns_get_bool(&c->fields, key, &value);
    return value;
}

/* Index of the first of `words` that is a key of the case and its string; -1 when none is. */
static int pick(const struct golden_case *c, const char *const words[3], struct slice *value)
{
    for (int i = 0; i < 3; i++)
        if (words[i] != NULL && tns_get_string(&c->fields, words[i], value))
            return i;
    return -1;
}

static void fill_ws(const struct golden_case *c, struct xreply *x)
{
    static const char *const words[3] = {[XREPLY_WS_TEXT] = "text", [XREPLY_WS_BINARY] = "binary"};
    int what = pick(c, words, &x->ws.data);
    x->ws.what = what >= 0 ? (enum xreply_ws)what : XREPLY_WS_CLOSE;
    if (what >= 0)
        return;
    x->ws.code = (uint16_t)golden_int(c, "close");
    x->ws.data = SLICE_EMPTY;
    tns_get_string(&c->fields, "reason", &x->ws.data);
}

static void fill_channel(const struct golden_case *c, struct xreply *x)
{
    static const char *const words[3] = {"join", "leave", "send"};
    int what = pick(c, words, &x->channel.name);
    assert_true(what >= 0);
    x->channel.what = (enum xreply_channel)what;
    x->channel.chunk = flag(c, "chunk");
    struct slice frame;
    if (tns_get_string(&c->fields, "frame", &frame))
        x->channel.frame = slice_eq(frame, SLICE("text")) ? XREPLY_FRAME_TEXT : XREPLY_FRAME_BINARY;
    if (x->channel.what == XREPLY_SEND)
        x->channel.data = golden_string(c, "data");
}

/* What the fields of the case say. */
static struct xreply expected_of(const struct golden_case *c)
{
    struct xreply x;
    memset(&x, 0, sizeof x);
    x.key = golden_string(c, "key");
    x.kind = XREPLY_OTHER;
    if (slice_eq(x.key, SLICE("ctl")))
        x.kind = XREPLY_CTL;
    else if (slice_eq(x.key, SLICE("sendfile")))
        x.kind = XREPLY_SENDFILE;
    else if (slice_eq(x.key, SLICE("ws")))
        x.kind = XREPLY_WS;
    else if (slice_eq(x.key, SLICE("channel")))
        x.kind = XREPLY_CHANNEL;
    if (flag(c, "bad"))
        return x;
    if (x.kind == XREPLY_CTL) {
        x.ctl.keep_alive = flag(c, "keep_alive");
        x.ctl.cancel = flag(c, "cancel");
        x.ctl.has_credits = tns_get_int(&c->fields, "credits", &x.ctl.credits);
    } else if (x.kind == XREPLY_SENDFILE) {
        x.sendfile.path = golden_string(c, "path");
    } else if (x.kind == XREPLY_WS) {
        fill_ws(c, &x);
    } else if (x.kind == XREPLY_CHANNEL) {
        fill_channel(c, &x);
    }
    return x;
}

static void compare(const struct golden_case *c, const struct xreply *got,
                    const struct xreply *want)
{
    switch (want->kind) {
    case XREPLY_CTL:
        assert_int_equal(got->ctl.keep_alive, want->ctl.keep_alive);
        assert_int_equal(got->ctl.cancel, want->ctl.cancel);
        assert_int_equal(got->ctl.has_credits, want->ctl.has_credits);
        assert_true(got->ctl.credits == want->ctl.credits);
        break;
    case XREPLY_SENDFILE: golden_compare(c, got->sendfile.path, want->sendfile.path); break;
    case XREPLY_WS:
        assert_int_equal(got->ws.what, want->ws.what);
        assert_int_equal(got->ws.code, want->ws.code);
        golden_compare(c, got->ws.data, want->ws.data);
        break;
    case XREPLY_CHANNEL:
        assert_int_equal(got->channel.what, want->channel.what);
        assert_int_equal(got->channel.frame, want->channel.frame);
        assert_int_equal(got->channel.chunk, want->channel.chunk);
        golden_compare(c, got->channel.name, want->channel.name);
        golden_compare(c, got->channel.data, want->channel.data);
        break;
    case XREPLY_OTHER: break;
    }
}

static void check_xreply(struct golden_case *c)
{
    struct xreply x;
    enum xreply_status status = xreply_parse(c->frames[0], &x);
    if (c->refused) {
        assert_int_equal(status, XREPLY_MALFORMED);
        return;
    }
    struct xreply want = expected_of(c);
    assert_int_equal(status, flag(c, "bad") ? XREPLY_BAD_VALUE : XREPLY_OK);
    assert_int_equal(x.kind, want.kind);
    golden_compare(c, x.key, want.key);
    if (status == XREPLY_OK)
        compare(c, &x, &want);
    if (c->decode_only)
        return;
    struct buf out = BUF_INIT;
    xreply_encode(&out, &want);
    golden_compare(c, buf_slice(&out), c->frames[0]);
    buf_fini(&out);
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("handler_xreply.txt", check_xreply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
