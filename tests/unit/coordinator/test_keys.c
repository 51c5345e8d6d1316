/* The keys of a coordinator: records and files, which outweighs which, and what roles may do. */
#include "coordinator/access.h"
#include "coordinator/keys.h"
#include "proto/base/log.h"
#include "proto/link/curve_cert.h"
#include "proto/wire/cluster_msg.h"
#include "tests/unit/proto/model/fixture.h"

#include <stdio.h>
#include <unistd.h>

static struct access guard;
static struct keys *keys = &guard.keys;
static char *scratch;

static int set_up(void **state)
{
    (void)state;
    log_set_level((enum log_level) - 1);
    scratch = fixture_directory();
    keys_init(keys);
    guard.has_keys = true;
    guard.denied = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    keys_fini(keys);
    fixture_directory_remove(scratch);
    log_set_level(LOG_INFO_LEVEL);
    return 0;
}

/* As the store says it. */
static void give(const char *key, unsigned role, const char *owner)
{
    struct buf record = BUF_INIT;
    struct cluster_author author = {.who = SLICE("ann"), .why = SLICE("because")};
    key_encode(&record, role, slice_str(owner), &author, 1000);
    assert_int_equal(keys_take(keys, slice_str(key), buf_slice(&record)), 0);
    buf_fini(&record);
    keys_changed(keys, 0);
}

static void put_file(unsigned role, const char *owner, const char *name, char key[41])
{
    struct curve_cert cert;
    struct error e;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    assert_int_equal(curve_cert_make(&cert, role, owner, &e), 0);
    assert_int_equal(curve_cert_save(&cert, path, &e), 0);
    memcpy(key, cert.public_key, 41);
}

static const char A[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char B[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

static void test_records(void **state)
{
    (void)state;
    give(A, ROLE_ADMIN, "ann");
    const struct key_record *it = keys_find(keys, slice_str(A));
    assert_int_equal(it->role, ROLE_ADMIN);
    assert_true(slice_eq(it->owner, SLICE("ann")));
    assert_true(slice_eq(it->author.why, SLICE("because")));
    assert_int_equal(it->when_ms, 1000);
    int64_t before = keys->seq;
    give(A, 0, "ann");
    assert_true(keys->seq > before);
    assert_int_equal(keys_find(keys, slice_str(A))->role, 0);
    assert_false(keyring_allows(&keys->ring, slice_str(A), ROLE_ANY));
    assert_int_equal(keys_take(keys, slice_str(A), SLICE_EMPTY), 0);
    assert_null(keys_find(keys, slice_str(A)));
}

static void test_a_record_that_makes_no_sense_is_no_key(void **state)
{
    (void)state;
    static const char *const records[] = {"rubbish", "0:}", "4:true!",
                                          "25:4:role,5:admin,5:owner,1:a,}",
                                          "62:4:role,4:king,5:owner,1:a,7:when_ms,1:1#}"};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        assert_int_equal(keys_take(keys, slice_str(B), slice_str(records[i])), 0);
        keys_changed(keys, 0);
        assert_non_null(keys_find(keys, slice_str(B)));
        assert_false(keyring_allows(&keys->ring, slice_str(B), ROLE_ANY));
    }
}

static void test_the_store_is_read_again(void **state)
{
    (void)state;
    struct buf record = BUF_INIT;
    struct cluster_author author = {.who = SLICE("ann")};
    give(A, 0, "ann");
    key_encode(&record, ROLE_VIEWER, SLICE("vic"), &author, 1000);
    keys_load_begin(keys);
    assert_int_equal(keys_load_take(keys, slice_str(B), buf_slice(&record)), 0);
    assert_non_null(keys_find(keys, slice_str(A))); /* what stood stands until the end */
    assert_null(keys_find(keys, slice_str(B)));
    keys_load_begin(keys); /* that one broke off */
    keys_load_end(keys);
    assert_null(keys_find(keys, slice_str(A)));
    assert_null(keys_find(keys, slice_str(B)));
    keys_load_begin(keys);
    assert_int_equal(keys_load_take(keys, slice_str(B), buf_slice(&record)), 0);
    keys_load_end(keys);
    keys_changed(keys, 0);
    assert_true(keyring_allows(&keys->ring, slice_str(B), ROLE_VIEWER));
    buf_fini(&record);
}

static void test_files(void **state)
{
    (void)state;
    char admin[41], node[41], own[41], path[512];
    put_file(ROLE_ADMIN, "ann", "ann.cert", admin);
    put_file(ROLE_NODE, "n", "node.cert", node);
    put_file(ROLE_COORDINATOR, "c", "coordinator.cert", own);
    snprintf(path, sizeof path, "%s/broken.cert", scratch);
    FILE *f = fopen(path, "w");
    fputs("nothing\n", f);
    fclose(f);
    assert_true(keys_read_files(keys, scratch));
    assert_false(keys_read_files(keys, scratch)); /* nothing has changed */
    keys_changed(keys, 0);
    assert_true(keyring_allows(&keys->ring, slice_str(admin), ROLE_ADMIN));
    assert_true(keyring_allows(&keys->ring, slice_str(node), ROLE_NODE));
    assert_null(keyring_find(&keys->ring, slice_str(own))); /* nobody connects with it */

    give(admin, 0, "ann"); /* what was revoked stays so, whatever lies about */
    keys->files_are.tv_sec = 0;
    assert_true(keys_read_files(keys, scratch));
    keys_changed(keys, 0);
    assert_false(keyring_allows(&keys->ring, slice_str(admin), ROLE_ANY));

    snprintf(path, sizeof path, "%s/node.cert", scratch);
    unlink(path);
    keys->files_are.tv_sec = 0;
    assert_true(keys_read_files(keys, scratch));
    keys_changed(keys, 0);
    assert_null(keyring_find(&keys->ring, slice_str(node)));
    assert_false(keys_read_files(keys, "/nowhere"));
}

static void test_whether_a_key_is_lost(void **state)
{
    (void)state;
    struct buf record = BUF_INIT;
    struct cluster_author author = {.who = SLICE("ann")};
    give(A, ROLE_ADMIN, "ann");
    assert_false(keys_changed(keys, 0));
    static const struct {
        unsigned role;
        bool is_lost;
    } steps[] = {
        {ROLE_VIEWER, true}, {ROLE_VIEWER, false}, {0, true}, {0, false}, {ROLE_NODE, false}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        buf_clear(&record);
        key_encode(&record, steps[i].role, SLICE("ann"), &author, 1000);
        assert_int_equal(keys_take(keys, slice_str(A), buf_slice(&record)), 0);
        assert_int_equal(keys_changed(keys, 0), steps[i].is_lost);
    }
    assert_int_equal(keys_take(keys, slice_str(A), SLICE_EMPTY), 0);
    assert_true(keys_changed(keys, 0));
    buf_fini(&record);
}

static void test_the_last_admin(void **state)
{
    (void)state;
    give(A, ROLE_ADMIN, "ann");
    assert_true(keys_is_last_admin(keys, slice_str(A)));
    assert_false(keys_is_last_admin(keys, slice_str(B)));
    give(B, ROLE_ADMIN, "bea");
    assert_false(keys_is_last_admin(keys, slice_str(A)));
    give(B, ROLE_VIEWER, "bea");
    assert_true(keys_is_last_admin(keys, slice_str(A)));
    assert_false(keys_is_last_admin(keys, slice_str(B)));
}

static int ask(const char *key, enum cluster_verb verb, struct cluster_request *r)
{
    struct client client = {.seq = 1};
    struct error e;
    snprintf(client.key, sizeof client.key, "%s", key);
    cluster_request_init(r, verb);
    int result = access_check(&guard, &client, r, &e);
    assert_true(result == 0 || e.code == ERROR_DENIED);
    return result;
}

static void test_who_may_ask_what(void **state)
{
    (void)state;
    struct cluster_request r;
    give(A, ROLE_ADMIN, "ann");
    give(B, ROLE_HANDLER, "shop");
    for (int verb = 0; verb < CLUSTER_VERB_COUNT; verb++) {
        bool handlers_may = (cluster_verb((enum cluster_verb)verb)->roles & ROLE_HANDLER) != 0;
        assert_int_equal(ask(A, (enum cluster_verb)verb, &r), 0); /* an admin may do everything */
        assert_int_equal(ask(B, (enum cluster_verb)verb, &r), handlers_may ? 0 : -1);
        assert_int_equal(ask("", (enum cluster_verb)verb, &r), -1);
    }
    assert_int_equal(ask(B, CLUSTER_JOIN, &r), -1);
    assert_int_equal(ask(B, CLUSTER_GET, &r), -1);
    assert_int_equal(ask(B, CLUSTER_POOLS, &r), 0);
    uint64_t denied = guard.denied;
    give(A, 0, "ann");
    assert_int_equal(ask(A, CLUSTER_HEAD, &r), -1);
    assert_int_equal(guard.denied, denied + 1);
    guard.has_keys = false;
    assert_int_equal(ask("", CLUSTER_PUSH, &r), 0);
}

static void test_the_author_is_the_keys_owner(void **state)
{
    (void)state;
    static const enum cluster_verb verbs[] = {CLUSTER_PUSH, CLUSTER_ROLLBACK};
    struct cluster_request r;
    struct client client = {.seq = 1};
    struct error e;
    give(A, ROLE_ADMIN, "ann");
    memcpy(client.key, A, sizeof client.key);
    for (size_t i = 0; i < 2; i++) {
        cluster_request_init(&r, verbs[i]);
        r.push.author.who = SLICE("mallory");
        assert_int_equal(access_check(&guard, &client, &r, &e), 0);
        assert_true(slice_eq(r.push.author.who, SLICE("ann")));
    }
    cluster_request_init(&r, CLUSTER_ORDER);
    r.order.author.who = SLICE("mallory");
    assert_int_equal(access_check(&guard, &client, &r, &e), 0);
    assert_true(slice_eq(r.order.author.who, SLICE("ann")));
    cluster_request_init(&r, CLUSTER_NOTE);
    assert_int_equal(access_check(&guard, &client, &r, &e), 0);
    assert_true(slice_eq(r.note.author.who, SLICE("ann")));
    cluster_request_init(&r, CLUSTER_KEY);
    assert_int_equal(access_check(&guard, &client, &r, &e), 0);
    assert_true(slice_eq(r.key.author.who, SLICE("ann")));
    cluster_request_init(&r, CLUSTER_ABORT);
    assert_int_equal(access_check(&guard, &client, &r, &e), 0);
    assert_true(slice_eq(r.decide.author.who, SLICE("ann")));
}

static void test_who_hears_what(void **state)
{
    (void)state;
    give(A, ROLE_NODE, "n");
    give(B, ROLE_HANDLER, "shop");
    assert_true(access_may_hear(&guard, slice_str(A), SLICE("commit")));
    assert_true(access_may_hear(&guard, slice_str(A), SLICE("")));
    assert_true(access_may_hear(&guard, slice_str(B), SLICE("pool.chat")));
    assert_false(access_may_hear(&guard, slice_str(B), SLICE("commit")));
    assert_false(access_may_hear(&guard, slice_str(B), SLICE("")));
    assert_false(access_may_hear(&guard, slice_str(B), SLICE("p")));
    assert_false(access_may_hear(&guard, SLICE_EMPTY, SLICE("pool.chat")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_record_that_makes_no_sense_is_no_key, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_store_is_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whether_a_key_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_last_admin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_may_ask_what, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_author_is_the_keys_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_hears_what, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
