/* Which way a body goes to a handler, and what happens on each when something does not go right. */
#include "tests/unit/node/target/handler_world.h"

#include <dirent.h>
#include <sys/stat.h>

#define POST(fields)  SLICE("POST /x HTTP/1.1\r\nHost: a.test\r\n" fields "\r\n\r\n")
#define OK            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define FILES         "upload.temp_store", pattern
#define SMALL_LIMIT   "limits.content_length", "10"
#define CHUNKED       "Transfer-Encoding: chunked"
#define assert_has(t) assert_non_null(strstr(buf_str(&w.message), t))
#define assert_not(t) assert_null(strstr(buf_str(&w.message), t))

static struct handler_world w;
static char folder[32], pattern[64];

static void start(const char *const *settings)
{
    handler_world_start(&w, settings);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/m2-handler-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(pattern, sizeof pattern, "%s/up.XXXXXX", folder);
    return 0;
}

static unsigned file_count(void)
{
    unsigned count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(d);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    handler_world_stop(&w);
    assert_null(w.request);
    assert_int_equal(w.serving.worker.exchanges.in_use, 0);
    assert_int_equal(file_count(), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void say(struct slice bytes)
{
    handler_world_say(&w, bytes);
}

static void assert_answer(const char *begin, bool closed)
{
    bool ended = false;
    struct slice got = serving_receive(&w.serving, &ended);
    if (!slice_starts_with(got, slice_str(begin)))
        fail_msg("not '%s' but '%.*s'", begin, SLICE_ARG(got));
    assert_int_equal(ended, closed);
}

static void assert_body(const char *expected)
{
    struct slice body = handler_world_body(&w.message);
    if (!slice_eq(body, slice_str(expected)))
        fail_msg("not '%s' but '%.*s'", expected, SLICE_ARG(body));
}

/* The file that the last message names, which is then removed. */
static void assert_file(const char *expected)
{
    char text[256] = "", path[64];
    const char *at = strstr(buf_str(&w.message), folder);
    assert_non_null(at);
    snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\""), at);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof text - 1, f), strlen(expected));
    fclose(f);
    assert_string_equal(text, expected);
    unlink(path);
}

/* --- whole --- */

static void test_small_bodies_go_whole(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    say(POST("Content-Length: 10"));
    assert_int_equal(w.requests, 0);
    say(SLICE("0123456789"));
    assert_body("0123456789");
    assert_not("upload");
    handler_world_reply(&w, OK);
    say(POST(CHUNKED));
    say(SLICE("5\r\n01234\r\n5\r\n56789\r\n"));
    assert_int_equal(w.requests, 1);
    say(SLICE("0\r\n\r\n"));
    assert_body("0123456789");
    assert_not("upload");
    handler_world_reply(&w, OK);
    assert_int_equal(w.serving.worker.counters.uploads_begun, 0);
}

static void test_large_ones_are_refused_without_a_way(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, NULL});
    say(POST("Content-Length: 11\r\nExpect: 100-continue"));
    assert_answer("HTTP/1.1 413 ", true);
    serving_disconnect(&w.serving);
    say(POST(CHUNKED));
    say(SLICE("b\r\n01234567890\r\n1\r\nx\r\n1\r\ny\r\n0\r\n\r\n")); /* all at once */
    assert_answer("HTTP/1.1 413 ", true);
    assert_int_equal(w.requests, 0);
}

/* --- files --- */

static void test_a_file(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    w.takes = false;
    say(POST("Content-Length: 11\r\nExpect: 100-continue"));
    assert_has("x-mongrel2-upload-start");
    assert_not("x-mongrel2-upload-done");
    assert_true(w.request->open);
    assert_answer("", false); /* nothing is read before a handler has it */
    backend_request_taken(w.request);
    handler_world_turns(&w);
    assert_answer("HTTP/1.1 100 ", false);
    say(SLICE("0123456789"));
    assert_int_equal(w.parts, 0);
    say(SLICE("x"));
    assert_int_equal(w.parts, 1);
    assert_has("x-mongrel2-upload-done");
    assert_body("");
    assert_false(w.request->open);
    assert_file("0123456789x");
    handler_world_reply(&w, OK);
    assert_answer(OK, false);
    assert_int_equal(w.serving.worker.counters.uploads_done, 1);
    assert_int_equal(w.serving.worker.counters.upload_bytes, 11);
}

static void test_chunks_that_grow_into_a_file(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    say(POST(CHUNKED "\r\nX-A: b"));
    say(SLICE("5\r\n01234\r\n"));
    assert_int_equal(w.requests, 0);
    say(SLICE("6\r\n56789x\r\n3\r\nyyy\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    assert_int_equal(w.requests, 1);
    assert_has("x-mongrel2-upload-done");
    assert_has("\"x-a\":\"b\"");
    assert_file("0123456789xyyy");
    handler_world_reply(&w, OK);
    assert_int_equal(w.requests, 2);
    assert_has("GET");
    handler_world_reply(&w, OK);
}

/* The second message waits for the first to be taken, also when it was handed back. */
static void test_a_file_is_whole_before_its_request_is_taken(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    say(POST("Content-Length: 11"));
    w.request->taken = false;
    say(SLICE("0123456789x"));
    assert_int_equal(w.parts, 0);
    backend_request_taken(w.request);
    handler_world_turns(&w);
    assert_int_equal(w.parts, 1);
    assert_file("0123456789x");
    handler_world_reply(&w, OK);
}

static void test_an_early_answer(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    say(POST("Content-Length: 11"));
    handler_world_reply(&w, OK);
    assert_answer(OK, false);
    say(SLICE("0123456789x"));
    assert_int_equal(w.parts, 1);
    assert_file("0123456789x");
    assert_null(w.request); /* over with its last part */
}

static void test_what_ends_an_upload(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    for (int way = 0; way < 4; way++) {
        say(POST(CHUNKED));
        say(SLICE("b\r\n0123456789x\r\n"));
        assert_int_equal(file_count(), 1);
        if (way == 0)
            serving_disconnect(&w.serving);
        else if (way == 1)
            handler_world_reply(&w, "");
        else if (way == 2)
            say(SLICE("no chunk"));
        else
            w.request->failed(w.request, 502);
        handler_world_turns(&w);
        if (way >= 2)
            assert_answer(way == 2 ? "HTTP/1.1 400 " : "HTTP/1.1 502 ", way == 2);
        serving_disconnect(&w.serving);
        handler_world_turns(&w);
        assert_int_equal(file_count(), 0);
        assert_int_equal(w.serving.worker.counters.uploads_failed, way + 1);
    }
    assert_int_equal(w.parts, 0);
}

static void test_the_second_message_cannot_be_sent(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, NULL});
    w.refuses_parts = true;
    say(POST("Content-Length: 11"));
    say(SLICE("0123456789x"));
    assert_answer("HTTP/1.1 502 ", true);
    assert_int_equal(w.serving.worker.counters.uploads_failed, 1);
}

/* --- parts --- */

static void test_the_first_takes_along_what_is_there(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, FILES, "upload.stream", "1", NULL});
    say(SLICE("POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 12\r\n\r\n01234"));
    assert_has("\"UPLOAD_STREAM\":\"0\"");
    assert_body("01234");
    say(SLICE("56789xy"));
    assert_int_equal(w.parts, 0);
    handler_world_credit(&w, 3);
    assert_int_equal(w.parts, 1);
    assert_has("{\"UPLOAD_STREAM\":\"5\"},3:567,");
    handler_world_credit(&w, 100);
    assert_has("{\"UPLOAD_STREAM\":\"8\",\"UPLOAD_STREAM_DONE\":\"1\"},4:89xy,");
    handler_world_reply(&w, OK);
    assert_answer(OK, false);
    say(SLICE("POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 12\r\n\r\n0123456789xyGET"));
    assert_has("\"UPLOAD_STREAM_DONE\":\"1\"");
    assert_body("0123456789xy");
    assert_int_equal(w.parts, 2);
    handler_world_reply(&w, OK);
    assert_int_equal(w.serving.worker.counters.uploads_done, 2);
}

static void test_parts_are_bounded(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, "upload.stream", "1", NULL});
    say(POST("Content-Length: 25"));
    handler_world_credit(&w, INT64_MAX);
    handler_world_credit(&w, INT64_MAX); /* as much as there can be */
    say(SLICE("0123456789012345678901234"));
    assert_int_equal(w.parts, 3);
    assert_has("{\"UPLOAD_STREAM\":\"20\",\"UPLOAD_STREAM_DONE\":\"1\"},5:01234,");
    handler_world_reply(&w, OK);
}

static void test_chunks_are_parts(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, "upload.stream", "1", NULL});
    say(SLICE("POST /x HTTP/1.1\r\nHost: a.test\r\n" CHUNKED "\r\n\r\n5\r\nhello\r\n6\r\n wo"));
    assert_body("");
    handler_world_credit(&w, 1);
    assert_has("{\"UPLOAD_STREAM\":\"0\"},5:hello,");
    handler_world_credit(&w, 4); /* none left */
    assert_int_equal(w.parts, 1);
    handler_world_credit(&w, 1);
    assert_int_equal(w.parts, 1); /* not whole yet */
    say(SLICE("rld\r\n0\r\n\r\n"));
    assert_has("{\"UPLOAD_STREAM\":\"5\"},6: world,");
    handler_world_credit(&w, 6);
    assert_has("{\"UPLOAD_STREAM\":\"11\",\"UPLOAD_STREAM_DONE\":\"1\"},0:,");
    handler_world_reply(&w, OK);
    assert_answer(OK, false);
}

static void test_a_client_that_leaves_without_credit(void **state)
{
    (void)state;
    static char much[100000];
    start((const char *[]){SMALL_LIMIT, "upload.stream", "1", NULL});
    say(POST("Content-Length: 1000000"));
    say(slice_of(much, sizeof much));
    assert_non_null(w.request);
    serving_disconnect(&w.serving);
    handler_world_turns(&w);
    assert_null(w.request);
    assert_int_equal(w.serving.worker.conns.count, 0);
    assert_int_equal(w.serving.worker.counters.uploads_failed, 1);
}

static void test_a_part_that_cannot_be_sent(void **state)
{
    (void)state;
    start((const char *[]){SMALL_LIMIT, "upload.stream", "1", NULL});
    say(POST("Content-Length: 20"));
    w.refuses_parts = true;
    say(SLICE("0123456789"));
    handler_world_credit(&w, 5);
    assert_answer("HTTP/1.1 502 ", true);
    serving_disconnect(&w.serving);
    w.refuses_parts = false;
    say(POST("Content-Length: 20"));
    handler_world_credit(&w, 5);
    say(SLICE("01234"));
    w.poster->settled(w.poster, 503); /* nobody took it in time */
    assert_answer("HTTP/1.1 503 ", true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_bodies_go_whole),
        TEST(test_large_ones_are_refused_without_a_way),
        TEST(test_a_file),
        TEST(test_chunks_that_grow_into_a_file),
        TEST(test_a_file_is_whole_before_its_request_is_taken),
        TEST(test_an_early_answer),
        TEST(test_what_ends_an_upload),
        TEST(test_the_second_message_cannot_be_sent),
        TEST(test_the_first_takes_along_what_is_there),
        TEST(test_parts_are_bounded),
        TEST(test_chunks_are_parts),
        TEST(test_a_client_that_leaves_without_credit),
        TEST(test_a_part_that_cannot_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
