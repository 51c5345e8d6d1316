/* Requests of the cluster protocol: every verb goes there and back, everything off is refused with
 * a sentence that names it. */

#include "proto/wire/cluster_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "0f6e8a2c-93a1-4a6e-9a53-6d0a3c4c2d11"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Fills every field of a request with something that is not its default. */
static void fill(void *base, const struct field *f, struct arena *a)
{
    void *at = (char *)base + f->offset;
    switch (f->type) {
    case FIELD_BYTES: *(struct slice *)at = SLICE("a\0b"); break;
    case FIELD_TEXT: *(struct slice *)at = SLICE("some text"); break;
    case FIELD_NAME: *(struct slice *)at = SLICE("web-1.example"); break;
    case FIELD_UUID: *(struct slice *)at = SLICE(UUID); break;
    case FIELD_HASH: *(struct slice *)at = SLICE(HASH); break;
    case FIELD_TABLE: *(struct slice *)at = SLICE("1:a,"); break;
    case FIELD_INT: *(int64_t *)at = f->fallback == 7 ? 8 : 7; break;
    case FIELD_BOOL: *(bool *)at = true; break;
    case FIELD_WORD: *(int *)at = 1; break;
    case FIELD_STRINGS: {
        struct slice *items = arena_alloc(a, 2 * sizeof *items);
        items[0] = SLICE("one");
        items[1] = SLICE("");
        *(struct field_strings *)at = (struct field_strings){items, 2};
        break;
    }
    case FIELD_INTS: {
        int64_t *items = arena_alloc(a, 2 * sizeof *items);
        items[0] = 0;
        items[1] = 1000000;
        *(struct field_ints *)at = (struct field_ints){items, 2};
        break;
    }
    }
}

static void test_every_verb_goes_there_and_back(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    for (int verb = 0; verb < CLUSTER_VERB_COUNT; verb++)
        for (int full = 0; full < 2; full++) {
            const struct cluster_verb_info *info = cluster_verb((enum cluster_verb)verb);
            struct cluster_request in, back;
            struct buf bytes = BUF_INIT, again = BUF_INIT;
            struct error e;
            cluster_request_init(&in, (enum cluster_verb)verb);
            in.seq = 1 + verb;
            for (size_t i = 0; i < info->field_count; i++)
                if (full || info->fields[i].is_required)
                    fill(&in.hello, &info->fields[i], &a);
            cluster_request_encode(&bytes, &in);
            if (cluster_request_decode(&back, buf_slice(&bytes), 10000, &a, &e) != 0)
                fail_msg("%s: %s", info->name, e.text);
            assert_int_equal(back.verb, verb);
            assert_int_equal(back.seq, 1 + verb);
            cluster_request_encode(&again, &back);
            assert_string_equal(buf_str(&bytes), buf_str(&again));
            assert_int_equal(bytes.len, again.len);
            buf_fini(&bytes);
            buf_fini(&again);
        }
    arena_fini(&a);
}

/* "get seq=5 version=7 node='x" as a request: numbers, true/false, 'strings, [] and ~. */
static void build(struct buf *out, const char *words)
{
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", words);
    size_t list = tns_open(out);
    tns_put_str(out, strsep(&rest, " "));
    size_t dict = tns_open(out);
    for (char *key; (key = strsep(&rest, " ")) != NULL;) {
        char *value = strchr(key, '=');
        *value++ = '\0';
        tns_put_str(out, key);
        if (*value == '\'')
            tns_put_str(out, value + 1);
        else if (*value == '[')
            buf_append_str(out, "0:]");
        else if (*value == '~')
            tns_put_null(out);
        else if (*value == 't' || *value == 'f')
            tns_put_bool(out, *value == 't');
        else
            tns_put_int(out, strtoll(value, NULL, 10));
    }
    tns_close_dict(out, dict);
    tns_close_list(out, list);
}

static void test_a_decoded_request_has_its_values(void **state)
{
    (void)state;
    struct cluster_request r;
    struct buf b = BUF_INIT;
    struct arena a;
    struct error e;
    arena_init(&a, 0);
    build(&b, "push seq=7 config='0:} who='zed where='host why='up policy='any dry=true base=41");
    if (cluster_request_decode(&r, buf_slice(&b), 10000, &a, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(r.verb, CLUSTER_PUSH);
    assert_int_equal(r.seq, 7);
    assert_true(slice_eq(r.push.config, SLICE("0:}")));
    assert_true(slice_eq(r.push.author.who, SLICE("zed")));
    assert_int_equal(r.push.policy, POLICY_ANY);
    assert_true(r.push.dry);
    assert_int_equal(r.push.base, 41);
    assert_int_equal(r.push.timeout_ms, 10000);
    assert_int_equal(r.push.canary.len, 0);
    buf_fini(&b);
    arena_fini(&a);
}

struct refusal {
    const char *words; /* for build(), or raw bytes behind a '!' */
    enum error_code code;
    const char *says; /* part of the sentence */
    int64_t seq;
};

static const struct refusal refusals[] = {
    {"!", ERROR_INVALID, "no tnetstring", 0},
    {"!garbage", ERROR_INVALID, "no tnetstring", 0},
    {"!3:abc,", ERROR_INVALID, "list of two", 0},
    {"!0:]", ERROR_INVALID, "list of two", 0},
    {"!7:4:head,]", ERROR_INVALID, "list of two", 0},
    {"!10:4:head,0:]]", ERROR_INVALID, "list of two", 0},
    {"!13:4:head,0:}0:~]", ERROR_INVALID, "list of two", 0},
    {"!10:4:head,0:}]x", ERROR_INVALID, "1 bytes follow", 0},
    {"!15:4:head,5:1:a,x}]", ERROR_INVALID, "malformed", 0},
    {"!13:4:head,3:x:y}]", ERROR_INVALID, "malformed", 0},
    {"head", ERROR_INVALID, "\"seq\" is missing", 0},
    {"head seq='x", ERROR_INVALID, "\"seq\" must be an integer", 0},
    {"head seq=-1", ERROR_INVALID, "\"seq\" must be an integer", 0},
    {"nose seq=5", ERROR_UNSUPPORTED, "no verb \"nose\"", 5},
    {"nose", ERROR_UNSUPPORTED, "no verb \"nose\"", 0},
    {"head seq=5 abc='x", ERROR_INVALID, "no field \"abc\"", 5},
    {"get seq=5 version=true", ERROR_INVALID, "\"version\" must be an integer", 5},
    {"get seq=5 version=-1", ERROR_INVALID, "\"version\" must be from 0", 5},
    {"get seq=5 version=1 version=1", ERROR_INVALID, "given twice", 5},
    {"get seq=5 have_hash='abc", ERROR_INVALID, "64 lower-case", 5},
    {"get seq=5 without_config=1", ERROR_INVALID, "must be a boolean", 5},
    {"log seq=5 count=0", ERROR_INVALID, "\"count\" must be from 1 to 1000", 5},
    {"log seq=5 count=1001", ERROR_INVALID, "not 1001", 5},
    {"workers seq=5", ERROR_INVALID, "\"pool\" is missing", 5},
    {"workers seq=5 pool=~", ERROR_INVALID, "\"pool\" must be a string", 5},
    {"nodes seq=5 node='a/b", ERROR_INVALID, "\"node\" must be a name", 5},
    {"order seq=5 order='jump who='a where='b", ERROR_INVALID,
     "one of drain, undrain, pause, resume; not \"jump\"", 5},
    {"order seq=5 order=1 who='a where='b", ERROR_INVALID, "\"order\" must be a word", 5},
    {"leave uuid='x boot='y", ERROR_INVALID, "\"uuid\" must be a UUID", 0},
    {"beat uuid='" UUID " boot='" UUID " version=0 latency=5", ERROR_INVALID, "must be a list", 0},
};

static void test_what_is_off_is_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *c = &refusals[i];
        struct cluster_request r;
        struct buf b = BUF_INIT;
        struct arena a;
        struct error e;
        arena_init(&a, 0);
        if (c->words[0] == '!')
            buf_append_str(&b, c->words + 1);
        else
            build(&b, c->words);
        assert_int_equal(cluster_request_decode(&r, buf_slice(&b), 1000, &a, &e), -1);
        if (strstr(e.text, c->says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", c->words, e.text, c->says);
        assert_int_equal(e.code, c->code);
        assert_int_equal(r.seq, c->seq);
        buf_fini(&b);
        arena_fini(&a);
    }
}

static void test_oversize_is_refused(void **state)
{
    (void)state;
    struct cluster_request r;
    struct buf b = BUF_INIT;
    struct arena a;
    struct error e;
    arena_init(&a, 0);
    build(&b, "head seq=5");
    assert_int_equal(cluster_request_decode(&r, buf_slice(&b), b.len, &a, &e), 0);
    assert_int_equal(cluster_request_decode(&r, buf_slice(&b), b.len - 1, &a, &e), -1);
    assert_int_equal(e.code, ERROR_TOO_LARGE);
    assert_int_equal(r.seq, 5);
    buf_fini(&b);
    arena_fini(&a);
}

static void test_long_text_and_lists_are_bounded(void **state)
{
    (void)state;
    struct cluster_request r;
    struct buf b = BUF_INIT;
    struct arena a;
    struct error e;
    char text[300];
    memset(text, 'x', sizeof text);
    arena_init(&a, 0);
    cluster_request_init(&r, CLUSTER_HELLO);
    r.hello.protocol = 1;
    r.hello.program = slice_of(text, 256);
    cluster_request_encode(&b, &r);
    assert_int_equal(cluster_request_decode(&r, buf_slice(&b), 1000, &a, &e), -1);
    assert_non_null(strstr(e.text, "at most 255"));
    buf_clear(&b);
    cluster_request_init(&r, CLUSTER_BEAT);
    r.beat.uuid = r.beat.boot = SLICE(UUID);
    r.beat.latency.count = FIELD_LIST_MAX + 1;
    r.beat.latency.items = arena_zalloc(&a, r.beat.latency.count * sizeof(int64_t));
    cluster_request_encode(&b, &r);
    assert_int_equal(cluster_request_decode(&r, buf_slice(&b), 100000, &a, &e), -1);
    assert_non_null(strstr(e.text, "more than 4096"));
    buf_fini(&b);
    arena_fini(&a);
}

static void test_every_cut_of_a_message_is_refused(void **state)
{
    (void)state;
    struct cluster_request r;
    struct buf b = BUF_INIT;
    struct arena a;
    struct error e;
    arena_init(&a, 0);
    build(&b, "push seq=7 config='0:} who='zed where='host why='up policy='any dry=true base=41");
    for (size_t len = 0; len < b.len; len++) {
        char *cut = malloc(len > 0 ? len : 1); /* exact, for the sanitizer */
        memcpy(cut, b.data, len);
        assert_int_equal(cluster_request_decode(&r, slice_of(cut, len), 1000, &a, &e), -1);
        free(cut);
    }
    buf_fini(&b);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb_goes_there_and_back),
        cmocka_unit_test(test_a_decoded_request_has_its_values),
        cmocka_unit_test(test_what_is_off_is_refused_in_words),
        cmocka_unit_test(test_oversize_is_refused),
        cmocka_unit_test(test_long_text_and_lists_are_bounded),
        cmocka_unit_test(test_every_cut_of_a_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
