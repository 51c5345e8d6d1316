/* Output queues against a plain model: whatever is added and in whatever steps it is written, the
 * bytes come out in order, each once, and the counts are right. */
#include "node/io/outq.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define SOURCE (200 << 10)

static struct outq queue;
static struct outq_memory memory;
static char source[SOURCE];
static struct payload *shared;
static struct file_ref *file;

static unsigned released;

static void note_release(struct payload *p)
{
    released++;
    free(p);
}

static int set_up(void **state)
{
    (void)state;
    queue = (struct outq){.head = NULL};
    outq_memory_init(&memory);
    for (size_t i = 0; i < SOURCE; i++)
        source[i] = (char)(i * 31 + i / 256);
    released = 0;
    shared = malloc(sizeof *shared);
    *shared = (struct payload){.bytes = source, .len = SOURCE, .refs = 1, .release = note_release};
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    assert_int_equal(write(fd, source, SOURCE), SOURCE);
    file = file_ref_create(fd);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    outq_clear(&queue, &memory);
    assert_true(outq_is_empty(&queue));
    assert_int_equal(queue.bytes, 0);
    assert_int_equal(queue.file_bytes, 0);
    assert_int_equal(memory.bytes, 0);
    assert_int_equal(memory.blocks.in_use, 0);
    assert_int_equal(memory.pieces.in_use, 0);
    payload_unref(shared);
    assert_int_equal(released, 1);
    assert_int_equal(file->refs, 1);
    file_ref_unref(file);
    outq_memory_fini(&memory);
    return 0;
}

/* "Writes" at most `most` bytes into `out`; how many. */
static size_t write_some(char *out, size_t most)
{
    int fd;
    off_t from;
    uint64_t len;
    size_t done = 0;
    if (outq_head_file(&queue, &fd, &from, &len)) {
        done = len < most ? (size_t)len : most;
        assert_int_equal(pread(fd, out, done, from), done);
    } else {
        struct iovec v[3];
        int count = outq_gather(&queue, v, 3);
        assert_true(count > 0);
        for (int i = 0; i < count && done < most; i++) {
            size_t part = v[i].iov_len < most - done ? v[i].iov_len : most - done;
            memcpy(out + done, v[i].iov_base, part);
            done += part;
        }
    }
    outq_written(&queue, &memory, done);
    return done;
}

static void add(unsigned how, size_t from, size_t len)
{
    char *room;
    switch (how % 5) {
    case 0: assert_int_equal(outq_copy(&queue, &memory, slice_of(source + from, len)), 0); break;
    case 1: assert_int_equal(outq_share(&queue, &memory, shared, from, len), 0); break;
    case 2: assert_int_equal(outq_file(&queue, &memory, file, (off_t)from, len), 0); break;
    case 3:
        assert_int_equal(outq_copy(&queue, &memory, slice_of(source + from, len % 300)), 0);
        break;
    default:
        room = outq_room(&queue, &memory, OUTQ_BLOCK / 2);
        memcpy(room, source + from, len % (OUTQ_BLOCK / 2));
        outq_filled(&queue, &memory, len % (OUTQ_BLOCK / 2));
    }
}

static size_t len_added(unsigned how, size_t len)
{
    return how % 5 == 3 ? len % 300 : how % 5 == 4 ? len % (OUTQ_BLOCK / 2) : len;
}

static void test_random_walks(void **state)
{
    (void)state;
    char *expected = malloc(8 << 20), *got = malloc(8 << 20);
    for (unsigned seed = 1; seed <= 30; seed++) {
        size_t in = 0, out = 0;
        srand(seed);
        for (int step = 0; step < 400; step++) {
            unsigned how = (unsigned)rand();
            size_t len = (size_t)rand() % (rand() % 4 == 0 ? 20000 : 1500);
            size_t from = (size_t)rand() % (SOURCE - 20000);
            if (rand() % 2 == 0) {
                add(how, from, len);
                len = len_added(how, len);
                memcpy(expected + in, source + from, len);
                in += len;
            } else if (in > out) {
                out += write_some(got + out, 1 + (size_t)rand() % 9000);
            }
            assert_int_equal(queue.bytes, in - out);
            assert_int_equal(memory.bytes, in - out);
            assert_true(outq_memory_held(&queue) <= queue.bytes);
        }
        while (out < in)
            out += write_some(got + out, 100000);
        assert_memory_equal(got, expected, in);
        assert_int_equal(queue.file_bytes, 0);
        outq_clear(&queue, &memory); /* an empty block may be left */
    }
    free(expected);
    free(got);
}

static void test_a_response_in_pieces_is_one_write(void **state)
{
    (void)state;
    struct iovec v[4];
    outq_copy(&queue, &memory, SLICE("HTTP/1.1 200 OK\r\n"));
    outq_copy(&queue, &memory, SLICE("\r\n"));
    outq_share(&queue, &memory, shared, 0, 1000); /* short: copied */
    assert_int_equal(outq_gather(&queue, v, 4), 1);
    assert_int_equal(shared->refs, 1);
    outq_share(&queue, &memory, shared, 0, 5000); /* long: shared */
    assert_int_equal(outq_gather(&queue, v, 4), 2);
    assert_int_equal(shared->refs, 2);
    assert_ptr_equal(v[1].iov_base, source);
}

static void test_files_are_counted_apart(void **state)
{
    (void)state;
    outq_copy(&queue, &memory, SLICE("abc"));
    outq_file(&queue, &memory, file, 10, 1000);
    assert_int_equal(queue.bytes, 1003);
    assert_int_equal(outq_memory_held(&queue), 3);
    outq_written(&queue, &memory, 3);
    outq_written(&queue, &memory, 400);
    assert_int_equal(queue.file_bytes, 600);
    assert_int_equal(outq_memory_held(&queue), 0);
    outq_written(&queue, &memory, 600);
    assert_int_equal(file->refs, 1);
}

static void test_nothing_adds_nothing(void **state)
{
    (void)state;
    outq_copy(&queue, &memory, SLICE_EMPTY);
    outq_share(&queue, &memory, shared, 5, 0);
    outq_file(&queue, &memory, file, 5, 0);
    assert_true(outq_is_empty(&queue));
}

static struct {
    struct outq *queue;
    uint64_t numbers[4];
    unsigned count;
} passed;

static void on_passed(struct outq *q, uint64_t number)
{
    assert_ptr_equal(q, &queue);
    passed.numbers[passed.count++] = number;
}

static void test_marks_are_passed_when_all_before_is_written(void **state)
{
    (void)state;
    memset(&passed, 0, sizeof passed);
    memory.passed = on_passed;
    outq_mark(&queue, &memory, 1); /* nothing waits */
    assert_int_equal(passed.count, 1);
    outq_copy(&queue, &memory, SLICE("hello"));
    outq_mark(&queue, &memory, 2);
    outq_mark(&queue, &memory, 3);
    outq_share(&queue, &memory, shared, 0, 5000);
    outq_file(&queue, &memory, file, 0, 10);
    outq_mark(&queue, &memory, 4);
    outq_copy(&queue, &memory, SLICE("unmarked"));
    struct iovec vectors[8];
    assert_int_equal(outq_gather(&queue, vectors, 8), 2);
    outq_written(&queue, &memory, 4);
    assert_int_equal(passed.count, 1);
    outq_written(&queue, &memory, 1);
    assert_int_equal(passed.count, 3);
    assert_int_equal(passed.numbers[1], 2);
    assert_int_equal(passed.numbers[2], 3);
    outq_written(&queue, &memory, 5009);
    assert_int_equal(passed.count, 3);
    outq_written(&queue, &memory, 2);
    assert_int_equal(passed.count, 4);
    assert_int_equal(queue.bytes, 7);
    outq_mark(&queue, &memory, 5); /* dropped with the rest */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_random_walks),
        TEST(test_a_response_in_pieces_is_one_write),
        TEST(test_files_are_counted_apart),
        TEST(test_nothing_adds_nothing),
        TEST(test_marks_are_passed_when_all_before_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
