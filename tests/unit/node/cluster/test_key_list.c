/* The keys that a node accepts: from a coordinator's answer, and from its own disk. */
#include "node/cluster/key_list.h"
#include "proto/base/arena.h"
#include "tests/unit/proto/model/fixture.h"

#include <stdio.h>
#include <unistd.h>

static const char A[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char B[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

static struct key_list list;
static struct state_dir dir;
static char *scratch;

static int set_up(void **state)
{
    (void)state;
    struct error e;
    char path[512];
    scratch = fixture_directory();
    snprintf(path, sizeof path, "%s/state", scratch);
    key_list_init(&list);
    return state_dir_open(&dir, path, NULL, &e);
}

static int tear_down(void **state)
{
    (void)state;
    key_list_fini(&list);
    state_dir_close(&dir);
    fixture_directory_remove(scratch);
    return 0;
}

/* An answer to `keys` with one row for each of the two, or with a key that is none. */
static int answer(const char *first, const char *role)
{
    static const char *const headers[] = {"owner", "key", "role", NULL};
    struct cluster_table_writer w;
    struct cluster_reply reply;
    struct arena arena;
    struct buf b = BUF_INIT;
    struct error e;
    cluster_table_begin(&w, &b, 1, NULL, headers);
    const char *rows[2][3] = {{"shop", first, role}, {"ann", B, "admin"}};
    for (size_t i = 0; i < 2; i++) {
        cluster_row_begin(&w);
        for (size_t k = 0; k < 3; k++)
            tns_put_str(&b, rows[i][k]);
        cluster_row_end(&w);
    }
    cluster_table_end(&w);
    arena_init(&arena, 0);
    assert_int_equal(cluster_reply_decode(&reply, buf_slice(&b), 100000, &arena, &e), 0);
    int result = key_list_take(&list, &reply.table, &e);
    arena_fini(&arena);
    buf_fini(&b);
    return result;
}

static void test_an_answer(void **state)
{
    (void)state;
    assert_int_equal(answer(A, "handler"), 0);
    assert_true(keyring_allows(&list.ring, slice_str(A), ROLE_HANDLER));
    assert_false(keyring_allows(&list.ring, slice_str(A), ROLE_ADMIN));
    assert_true(keyring_allows(&list.ring, slice_str(B), ROLE_ADMIN));
    assert_int_equal(answer(A, "revoked"), 0);
    assert_false(keyring_allows(&list.ring, slice_str(A), ROLE_ANY));
    assert_int_equal(answer(A, "coordinator"), 0); /* nobody who connects is one */
    assert_false(keyring_allows(&list.ring, slice_str(A), ~0u));
    assert_int_equal(answer("no key", "admin"), -1);
    assert_true(keyring_allows(&list.ring, slice_str(B), ROLE_ADMIN));
}

static void test_a_restart(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(key_list_load(&list, &dir, &e), 0); /* there is no file yet */
    assert_int_equal(answer(A, "handler"), 0);
    assert_int_equal(key_list_save(&list, &dir, &e), 0);
    key_list_fini(&list);
    key_list_init(&list);
    assert_int_equal(key_list_load(&list, &dir, &e), 0);
    assert_true(keyring_allows(&list.ring, slice_str(A), ROLE_HANDLER));
    assert_string_equal(keyring_find(&list.ring, slice_str(B))->owner, "ann");
}

static void test_damaged_files(void **state)
{
    (void)state;
    static const char *const files[] = {
        "rubbish",
        "0:~",
        "3:1:a,]",
        "7:4:1:a,]]",
        "8:5:1:1#1:b]",
        "20:16:1:a,4:node,4:ab",
        "60:56:40:rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"7,4:node,0:,]]"};
    struct error e;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal(state_dir_write(&dir, "keys", files[i], strlen(files[i]), &e), 0);
        assert_int_equal(key_list_load(&list, &dir, &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
        assert_int_equal(map_count(&list.ring.by_key), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
