#include "proto/model/commit.h"
#include "tests/unit/proto/model/fixture.h"

static struct commit sample(void)
{
    struct commit c = {.version = 1,
                       .parent = COMMIT_NO_PARENT,
                       .config = SLICE("0:}"),
                       .who = SLICE("alice"),
                       .where = SLICE("vm"),
                       .how = SLICE("m2sh push -config a.conf"),
                       .why = SLICE("first"),
                       .when_ms = 1795374816123,
                       .scope = SLICE("all")};
    assert_int_equal(commit_seal(&c, NULL), 0);
    return c;
}

static void the_bytes_are_these(void **state)
{
    (void)state;
    struct commit c = sample();
    struct buf out = BUF_INIT;
    commit_encode(&c, &out);
    char path[300], golden[4000] = "";
    snprintf(path, sizeof path, "%s/model/commit.tns", M2_GOLDEN);
    if (getenv("M2_GOLDEN_WRITE") != NULL) {
        FILE *w = fopen(path, "w");
        fwrite(out.data, 1, out.len, w);
        fclose(w);
    }
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    (void)!fread(golden, 1, sizeof golden - 1, f);
    fclose(f);
    assert_string_equal(golden, buf_str(&out));
    buf_fini(&out);
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    for (int with_config = 0; with_config < 2; with_config++) {
        struct commit c = sample(), back;
        if (!with_config)
            c.config = SLICE_EMPTY;
        struct buf out = BUF_INIT;
        struct error e = {0};
        commit_encode(&c, &out);
        if (commit_decode(&back, buf_slice(&out), &a, &e) < 0)
            fail_msg("%s", e.text);
        buf_fini(&out); /* nothing is borrowed from the bytes */
        assert_int_equal(back.version, 1);
        assert_string_equal(back.hash, c.hash);
        assert_true(slice_eq(back.how, c.how));
        assert_true(slice_eq(back.config, c.config));
        assert_int_equal(back.when_ms, c.when_ms);
        assert_int_equal(commit_verify(&back, &e), 0);
    }
    arena_fini(&a);
}

static void each_part_of_the_record_is_covered(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        struct commit c = sample();
        switch (i) {
        case 0: c.version = 2; break;
        case 1: c.parent[0] = '1'; break;
        case 2: c.config = SLICE("0:]"); break;
        case 3: c.who = SLICE("bob"); break;
        case 4: c.where = SLICE("vm2"); break;
        case 5: c.when_ms++; break;
        case 6: c.how = SLICE(""); break;
        case 7: c.why = SLICE("firs"); break;
        case 8: c.config_hash[63] ^= 1; break;
        }
        struct error e = {0};
        assert_int_equal(commit_verify(&c, &e), -1);
        assert_int_equal(e.code, ERROR_CONFLICT);
    }
    struct commit c = sample();
    c.scope = SLICE("node-1");
    assert_int_equal(commit_verify(&c, NULL), 0);
    c.config = SLICE_EMPTY;
    assert_int_equal(commit_verify(&c, NULL), 0);
}

static void commits_form_a_chain(void **state)
{
    (void)state;
    struct commit first = sample(), second = sample();
    second.version = 2;
    memcpy(second.parent, first.hash, sizeof second.parent);
    assert_int_equal(commit_seal(&second, NULL), 0);
    assert_int_equal(commit_follows(&first, NULL, NULL), 0);
    assert_int_equal(commit_follows(&second, &first, NULL), 0);
    assert_int_equal(commit_follows(&second, NULL, NULL), -1);
    assert_int_equal(commit_follows(&first, &second, NULL), -1);
    struct error e;
    second.parent[5] ^= 1;
    assert_int_equal(commit_follows(&second, &first, &e), -1);
    assert_int_equal(e.code, ERROR_CONFLICT);
}

static void replace(struct buf *b, const char *from, const char *to)
{
    char *at = strstr(b->data, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"3:who,", "3:wha,"},
        {"3:why,", "3:who,"},
        {"7:version,1:1#", "7:version,1:1,"},
        {"7:version,1:1#", "7:version,1:0#"},
        {"5:alice,", "5:alice#"},
        {"4:hash,64:", "4:hash,46:"},
        {"6:parent,64:0", "6:parent,64:G"},
    };
    struct arena a;
    arena_init(&a, 0);
    struct commit c = sample(), back;
    struct error e;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct buf out = BUF_INIT;
        commit_encode(&c, &out);
        replace(&out, changes[i][0], changes[i][1]);
        assert_int_equal(commit_decode(&back, buf_slice(&out), &a, &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
        buf_fini(&out);
    }
    struct buf out = BUF_INIT;
    commit_encode(&c, &out);
    for (size_t n = 0; n < out.len; n++)
        assert_int_equal(commit_decode(&back, slice_of(out.data, n), &a, &e), -1);
    buf_append_char(&out, 'x');
    assert_int_equal(commit_decode(&back, buf_slice(&out), &a, &e), -1);
    buf_fini(&out);
    arena_fini(&a);
}

static void a_scope_is_all_or_names(void **state)
{
    (void)state;
    assert_true(commit_is_for_all(SLICE("all")));
    assert_true(commit_is_meant_for(SLICE("all"), SLICE("web-1")));
    const struct slice two = SLICE("web-1 web-22");
    assert_false(commit_is_for_all(two));
    assert_true(commit_is_meant_for(two, SLICE("web-1")));
    assert_true(commit_is_meant_for(two, SLICE("web-22")));
    assert_false(commit_is_meant_for(two, SLICE("web-2")));
    assert_false(commit_is_meant_for(two, SLICE("web-1 web-22")));
    assert_false(commit_is_meant_for(two, SLICE("all")));
    assert_false(commit_is_meant_for(SLICE_EMPTY, SLICE("web-1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(each_part_of_the_record_is_covered),
        cmocka_unit_test(commits_form_a_chain),
        cmocka_unit_test(other_bytes_are_refused),
        cmocka_unit_test(a_scope_is_all_or_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
