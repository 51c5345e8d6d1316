/* What is kept, what is believed for how long, what makes room; on real files with a made-up
 * clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/target/file_cache.h"
#include "tests/unit/node/target/scratch.h"

#include <sys/resource.h>

#define SECOND UINT64_C(1000000)
#define OLD    1700000000 /* long ago: such files are settled */

struct bench { /* what every case needs */
    struct scratch scratch;
    struct file_cache *cache;
    struct file_dir dir;
    uint64_t now_us;
    int64_t wall_s;
};

static struct slice type_of(const struct file_dir *d, struct slice name)
{
    (void)d;
    return slice_ends_with(name, SLICE(".html")) ? SLICE("text/html") : SLICE("text/plain");
}

static void open_bench(struct bench *b, struct file_cache_limits limits, unsigned ttl_s)
{
    scratch_create(&b->scratch);
    b->cache = file_cache_create(limits);
    assert_non_null(b->cache);
    file_dir_init(&b->dir, b->cache, b->scratch.path, false, ttl_s, type_of);
    b->now_us = 100 * SECOND;
    b->wall_s = OLD + 1000000;
}

static void close_bench(struct bench *b)
{
    file_dir_fini(&b->dir);
    file_cache_destroy(b->cache);
    scratch_remove(&b->scratch);
}

static void add(struct bench *b, const char *name, const char *text)
{
    scratch_write(&b->scratch, name, text);
    scratch_date(&b->scratch, name, OLD);
}

static enum file_result get(struct bench *b, const char *name, const struct file_entry **e)
{
    return file_cache_get(&b->dir, slice_str(name), b->now_us, b->wall_s, e);
}

static const struct file_entry *find(struct bench *b, const char *name)
{
    const struct file_entry *e = NULL;
    enum file_result result = get(b, name, &e);
    if (result != FILE_FOUND)
        fail_msg("%s: %d", name, result);
    return e;
}

static void holds(struct bench *b, const char *name, const char *text)
{
    const struct file_variant *v = &find(b, name)->variants[FILE_AS_IS];
    assert_non_null(v->content);
    assert_int_equal(v->size, strlen(text));
    assert_true(slice_eq(slice_of(v->content->bytes, v->content->len), slice_str(text)));
}

static void test_fields(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    add(&b, "a.html", "hello world");
    const struct file_variant *v = &find(&b, "a.html")->variants[FILE_AS_IS];
    static const char fields[] = "Content-Type: text/html\r\n"
                                 "Accept-Ranges: bytes\r\n"
                                 "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
                                 "ETag: \"6553f100-b\"\r\n";
    assert_true(slice_eq(v->fields, slice_str(fields)));
    assert_int_equal(v->validators, strstr(fields, "Last-Modified") - fields);
    assert_true(slice_eq(v->etag, SLICE("\"6553f100-b\"")));
    assert_true(slice_eq(v->type, SLICE("text/html")));
    assert_int_equal(v->mtime_s, OLD);
    close_bench(&b);
}

static void test_caches_may_keep_it_for_the_ttl(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 3600);
    add(&b, "a.html", "hello world");
    const struct file_variant *v = &find(&b, "a.html")->variants[FILE_AS_IS];
    struct slice validators = slice_from(v->fields, v->validators);
    assert_true(slice_eq(validators, SLICE("Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
                                           "ETag: \"6553f100-b\"\r\n"
                                           "Cache-Control: max-age=3600\r\n")));
    close_bench(&b);
}

static void test_denied(void **state)
{
    (void)state;
    struct bench b;
    const struct file_entry *e;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    add(&b, "a", "readable");
    add(&b, "closed", "x");
    assert_int_equal(chmod(b.scratch.path, 0755), 0);
    assert_int_equal(chmod(scratch_path(&b.scratch, "closed"), 0), 0);
    holds(&b, "a", "readable"); /* the tree is open from here on */
    uid_t user = geteuid();
    if (user == 0) /* root reads everything */
        assert_int_equal(seteuid(65534), 0);
    enum file_result result = get(&b, "closed", &e);
    if (user == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(result, FILE_DENIED);
    close_bench(&b);
}

static void test_results(void **state)
{
    (void)state;
    struct bench b;
    const struct file_entry *e;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    scratch_mkdir(&b.scratch, "sub");
    scratch_mkfifo(&b.scratch, "fifo");
    scratch_write(&b.scratch, "empty", "");
    assert_int_equal(get(&b, "missing", &e), FILE_MISSING);
    assert_int_equal(get(&b, "sub", &e), FILE_IS_DIRECTORY);
    assert_int_equal(get(&b, "fifo", &e), FILE_MISSING);
    assert_int_equal(get(&b, "empty/x", &e), FILE_MISSING);
    assert_int_equal(get(&b, "", &e), FILE_MISSING);
    holds(&b, "empty", "");
    static char name[5000];
    memset(name, 'n', sizeof name - 1);
    assert_int_equal(get(&b, name, &e), FILE_MISSING);
    close_bench(&b);
}

static void test_believed_for_a_second_at_least(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    add(&b, "a", "one");
    holds(&b, "a", "one");
    scratch_write(&b.scratch, "a", "three");
    b.now_us += SECOND - 1;
    holds(&b, "a", "one");
    b.now_us += 1;
    holds(&b, "a", "three");
    assert_int_equal(unlink(scratch_path(&b.scratch, "a")), 0);
    holds(&b, "a", "three");
    const struct file_entry *e;
    b.now_us += SECOND;
    assert_int_equal(get(&b, "a", &e), FILE_MISSING);
    close_bench(&b);
}

static void test_believed_for_the_ttl(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 10);
    add(&b, "a", "one");
    holds(&b, "a", "one");
    scratch_write(&b.scratch, "a", "two");
    b.now_us += 10 * SECOND - 1;
    holds(&b, "a", "one");
    b.now_us += 1;
    holds(&b, "a", "two");
    close_bench(&b);
}

static void test_unchanged_is_not_read_again(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    add(&b, "a", "one");
    const struct payload *first = find(&b, "a")->variants[FILE_AS_IS].content;
    b.now_us += 5 * SECOND;
    assert_ptr_equal(find(&b, "a")->variants[FILE_AS_IS].content, first);
    close_bench(&b);
}

/* Size and time are those of before: only that the file was new when it was read tells. */
static void test_a_new_file_may_change_within_its_time(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    b.wall_s = OLD + 1;
    add(&b, "a", "one");
    const struct payload *first = payload_ref(find(&b, "a")->variants[FILE_AS_IS].content);
    b.now_us += SECOND;
    assert_ptr_not_equal(find(&b, "a")->variants[FILE_AS_IS].content, first);
    payload_unref((struct payload *)(uintptr_t)first);
    close_bench(&b);
}

static void test_siblings(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    add(&b, "a.html", "a long text");
    assert_false(find(&b, "a.html")->has_siblings);
    add(&b, "a.html.gz", "zipped");
    assert_false(find(&b, "a.html")->has_siblings);
    b.now_us += SECOND;
    const struct file_entry *e = find(&b, "a.html");
    assert_true(e->has_siblings);
    assert_false(file_variant_exists(&e->variants[FILE_BROTLI]));
    const struct file_variant *v = &e->variants[FILE_GZIP];
    static const char fields[] = "Content-Type: text/html\r\n"
                                 "Content-Encoding: gzip\r\n"
                                 "Accept-Ranges: bytes\r\n"
                                 "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
                                 "ETag: \"6553f100-6-gz\"\r\n"
                                 "Vary: Accept-Encoding\r\n";
    assert_true(slice_eq(v->fields, slice_str(fields)));
    assert_true(
        slice_ends_with(e->variants[FILE_AS_IS].fields, SLICE("Vary: Accept-Encoding\r\n")));
    add(&b, "a.html.br", "br");
    b.now_us += SECOND;
    e = find(&b, "a.html");
    assert_true(file_variant_exists(&e->variants[FILE_BROTLI]));
    assert_int_equal(e->variants[FILE_BROTLI].size, 2);
    scratch_write(&b.scratch, "a.html", "a newer text"); /* both siblings are out of date now */
    b.now_us += SECOND;
    assert_false(find(&b, "a.html")->has_siblings);
    scratch_write(&b.scratch, "a.html.gz", "longer than the file itself"); /* of no use */
    b.now_us += SECOND;
    assert_false(find(&b, "a.html")->has_siblings);
    close_bench(&b);
}

static void test_large_files_are_looked_at_every_time(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, (struct file_cache_limits){8, 1 << 20, 4}, 60);
    add(&b, "a", "123456789");
    const struct file_entry *e = find(&b, "a");
    assert_null(e->variants[FILE_AS_IS].content);
    assert_non_null(e->variants[FILE_AS_IS].file);
    assert_int_equal(e->variants[FILE_AS_IS].size, 9);
    scratch_write(&b.scratch, "a", "1234567890"); /* in place */
    assert_int_equal(find(&b, "a")->variants[FILE_AS_IS].size, 10);
    scratch_write(&b.scratch, "a", "12345678");
    holds(&b, "a", "12345678");
    close_bench(&b);
}

static unsigned count_entries(const struct bench *b)
{
    unsigned count = 0;
    list_for_each (it, &b->dir.entries)
        count++;
    return count;
}

static void test_room_is_bounded(void **state)
{
    (void)state;
    struct bench b;
    char name[16];
    open_bench(&b, (struct file_cache_limits){100, 20000, 3}, 60);
    add(&b, "first", "x");
    const struct payload *first = find(&b, "first")->variants[FILE_AS_IS].content;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "f%d", i);
        add(&b, name, "some text");
        holds(&b, name, "some text");
        assert_ptr_equal(find(&b, "first")->variants[FILE_AS_IS].content,
                         first); /* in use: stays */
    }
    assert_in_range(count_entries(&b), 2, 60);
    static char large[200];
    memset(large, 'x', sizeof large - 1);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "l%d", i);
        add(&b, name, large);
        assert_non_null(find(&b, name)->variants[FILE_AS_IS].file);
    }
    unsigned open = 0;
    list_for_each (it, &b.dir.entries)
        open += container_of(it, struct file_entry, in_dir)->is_open;
    assert_int_equal(open, 3);
    close_bench(&b);
}

static void test_two_dirs_share_a_cache(void **state)
{
    (void)state;
    struct bench b;
    struct file_dir other;
    struct scratch elsewhere;
    const struct file_entry *e;
    open_bench(&b, FILE_CACHE_LIMITS, 60);
    scratch_create(&elsewhere);
    scratch_write(&elsewhere, "a", "other");
    file_dir_init(&other, b.cache, elsewhere.path, false, 60, type_of);
    add(&b, "a", "own");
    holds(&b, "a", "own");
    assert_int_equal(file_cache_get(&other, SLICE("a"), b.now_us, b.wall_s, &e), FILE_FOUND);
    assert_int_equal(e->variants[FILE_AS_IS].size, 5);
    file_dir_fini(&other);
    holds(&b, "a", "own");
    scratch_remove(&elsewhere);
    close_bench(&b);
}

static void test_a_payload_outlives_its_entry(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b, FILE_CACHE_LIMITS, 0);
    add(&b, "a", "one");
    struct payload *held = payload_ref(find(&b, "a")->variants[FILE_AS_IS].content);
    close_bench(&b);
    assert_memory_equal(held->bytes, "one", 3);
    payload_unref(held);
}

static void test_another_directory_in_its_place(void **state)
{
    (void)state;
    struct bench b;
    char moved[SCRATCH_PATH_MAX];
    open_bench(&b, FILE_CACHE_LIMITS, 60);
    add(&b, "a", "one");
    holds(&b, "a", "one");
    snprintf(moved, sizeof moved, "%s.old", b.scratch.path);
    assert_int_equal(rename(b.scratch.path, moved), 0);
    assert_int_equal(mkdir(b.scratch.path, 0755), 0);
    add(&b, "a", "another");
    b.now_us += SECOND;
    holds(&b, "a", "another"); /* in spite of the ttl */
    struct scratch old = b.scratch;
    snprintf(old.path, sizeof old.path, "%.*s", (int)sizeof old.path - 1, moved);
    scratch_remove(&old);
    close_bench(&b);
}

/* Without a free descriptor the files that are only kept in case are given up. */
static void test_out_of_descriptors(void **state)
{
    (void)state;
    struct bench b;
    struct rlimit limit, low;
    const struct file_entry *e;
    open_bench(&b, (struct file_cache_limits){4, 1 << 20, 64}, 60);
    add(&b, "a", "123456");
    add(&b, "b", "123456");
    add(&b, "c", "12");
    find(&b, "a");
    int next = dup(0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){(rlim_t)next, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    enum file_result second = get(&b, "b", &e);
    enum file_result third = get(&b, "c", &e);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(second, FILE_FOUND);
    assert_int_equal(third, FILE_FOUND);
    close_bench(&b);
}

static void test_many_files(void **state)
{
    (void)state;
    struct bench b;
    char name[16];
    open_bench(&b, FILE_CACHE_LIMITS, 60);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "file-%d", i);
            if (round == 0)
                add(&b, name, name);
            holds(&b, name, name);
        }
    assert_int_equal(count_entries(&b), 1000);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_caches_may_keep_it_for_the_ttl),
        cmocka_unit_test(test_denied),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_believed_for_a_second_at_least),
        cmocka_unit_test(test_believed_for_the_ttl),
        cmocka_unit_test(test_unchanged_is_not_read_again),
        cmocka_unit_test(test_a_new_file_may_change_within_its_time),
        cmocka_unit_test(test_siblings),
        cmocka_unit_test(test_large_files_are_looked_at_every_time),
        cmocka_unit_test(test_room_is_bounded),
        cmocka_unit_test(test_two_dirs_share_a_cache),
        cmocka_unit_test(test_a_payload_outlives_its_entry),
        cmocka_unit_test(test_another_directory_in_its_place),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_many_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
