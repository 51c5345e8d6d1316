/* Requests for files and their whole answers, through the session, the router and the reply; Date
 * and Server lines left out. The rows S1-S4 and D5-D21 of the list of upstream's defects that
 * concern Dir are here or in test_file_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/target/dir.h"
#include "proto/base/clock.h"
#include "tests/unit/node/target/scratch.h"
#include "tests/unit/node/target/serving.h"

#define OLD      1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define DATE     "Tue, 14 Nov 2023 22:13:20 GMT"
#define BEFORE   "Tue, 14 Nov 2023 22:13:19 GMT"
#define AFTER    "Tue, 14 Nov 2023 22:13:21 GMT"
#define MODIFIED "Last-Modified: " DATE "\r\n"
#define LARGE    (100 << 10)

/* The fields of the file a.txt, "hello world". */
#define VALID        MODIFIED "ETag: \"6553f100-b\"\r\n"
#define HELLO        "Content-Type: text/plain\r\nAccept-Ranges: bytes\r\n" VALID
#define FULL         "HTTP/1.1 200 OK\r\n" HELLO "Content-Length: 11\r\n\r\nhello world"
#define NOT_MODIFIED "HTTP/1.1 304 Not Modified\r\n" VALID "\r\n"

#define ERROR(status, len, body) \
    "HTTP/1.1 " status "\r\nContent-Type: text/plain\r\nContent-Length: " len "\r\n\r\n" body
#define NOT_FOUND    ERROR("404 Not Found", "9", "Not Found")
#define FAILED       ERROR("412 Precondition Failed", "19", "Precondition Failed")
#define MOVED(to)    "HTTP/1.1 301 Moved Permanently\r\nLocation: " to "\r\nContent-Length: 0\r\n\r\n"
#define BROTLI_VALID MODIFIED "ETag: \"6553f100-6-br\"\r\nVary: Accept-Encoding\r\n"
#define PLAIN_VALID  MODIFIED "ETag: \"6553f100-15\"\r\nVary: Accept-Encoding\r\n"
#define AS_BROTLI                                                                          \
    "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Encoding: br\r\nAccept-Ranges: " \
    "bytes\r\n" BROTLI_VALID "Content-Length: 6\r\n\r\nbrotli"
#define AS_GZIP                                                                              \
    "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Encoding: gzip\r\nAccept-Ranges: " \
    "bytes\r\n" MODIFIED "ETag: \"6553f100-7-gz\"\r\nVary: Accept-Encoding\r\n"              \
    "Content-Length: 7\r\n\r\ngzipped"
#define AS_PLAIN                                                                        \
    "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nAccept-Ranges: bytes\r\n" PLAIN_VALID \
    "Content-Length: 21\r\n\r\nbody { color: black }"
#define PART(range, of, bytes)                                                    \
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range "/11\r\n" HELLO \
    "Content-Length: " of "\r\n\r\n" bytes
#define BAD_RANGE                                                                              \
    "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n" \
    "Content-Range: bytes */11\r\n\r\nRange Not Satisfiable"
#define INDEX                                                                         \
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccept-Ranges: bytes\r\n" MODIFIED \
    "ETag: \"6553f100-5\"\r\nContent-Length: 5\r\n\r\nindex"

struct example {
    const char *request; /* method and path, then header lines; the rest is added */
    const char *answer;
};

static const struct example paths[] = {
    {"GET /static/a.txt", FULL},
    {"GET /static//a.txt", FULL},
    {"GET /static/./a.txt", FULL},
    {"GET /static/sub/../a.txt", FULL},
    {"GET /static/%61.txt", FULL},
    {"GET /static/a.txt?x=1", FULL},
    {"GET /static/", INDEX},
    {"GET /static/sub/", INDEX},
    {"GET /static/sub/..", INDEX},
    {"GET /static/missing", NOT_FOUND},
    {"GET /static/noindex/", NOT_FOUND},
    {"GET /static/a.txt/", NOT_FOUND},
    {"GET /static/fifo", NOT_FOUND},
    {"GET /static/../static2/secret", NOT_FOUND},
    {"GET /static/..%2fstatic2/secret", NOT_FOUND},
    {"GET /static/%2e%2e/%2e%2e/secret", NOT_FOUND},
    {"GET /static/link_out", NOT_FOUND},
    {"GET /static/link_in", FULL},
    {"GET /static/a.txt%00x", ERROR("400 Bad Request", "11", "Bad Request")},
    {"HEAD /static/missing",
     "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n"},
    {"HEAD /static/a.txt", "HTTP/1.1 200 OK\r\n" HELLO "Content-Length: 11\r\n\r\n"},
    {"POST /static/a.txt",
     "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n"
     "Allow: GET, HEAD\r\n\r\nMethod Not Allowed"},
    /* to the form with the slash */
    {"GET /static/sub", MOVED("//a.test/static/sub/")},
    {"GET /static/sub?x=1", MOVED("//a.test/static/sub/?x=1")},
    {"GET /static/noindex", MOVED("//a.test/static/noindex/")},
    {"GET /static", MOVED("//a.test/static/")},
    {"GET /static?", MOVED("//a.test/static/?")},
    {"HEAD /static/sub", MOVED("//a.test/static/sub/")},
    {"GET /sta", NOT_FOUND},
    /* routes that do not end in a slash, that are one file, that have a pattern */
    {"GET /st2a.txt", FULL},
    {"GET /st2/a.txt", FULL},
    {"GET /st2", MOVED("//a.test/st2/")},
    {"GET /st2/", INDEX},
    {"GET /a.txt", FULL},
    {"GET /pat/index.html", INDEX},
    {"GET /one", NOT_FOUND},
    {"GET /nowhere/x", NOT_FOUND},
};

static const struct example conditions[] = {
    {"GET /static/a.txt\nIf-None-Match: \"6553f100-b\"", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-None-Match: W/\"6553f100-b\"", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-None-Match: 6553f100-b", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-None-Match: *", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-None-Match: \"a\", \"6553f100-b\"", NOT_MODIFIED},
    {"HEAD /static/a.txt\nIf-None-Match: *", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-None-Match: \"zzz\"", FULL},
    {"GET /static/a.txt\nIf-None-Match: \"zzz\"\nIf-Modified-Since: " AFTER, FULL},
    {"GET /static/a.txt\nIf-Modified-Since: " DATE, NOT_MODIFIED},
    {"GET /static/a.txt\nIf-Modified-Since: " AFTER, NOT_MODIFIED},
    {"GET /static/a.txt\nIf-Modified-Since: " BEFORE, FULL},
    {"GET /static/a.txt\nIf-Modified-Since: junk", FULL},
    {"GET /static/a.txt\nIf-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-Modified-Since: Tue Nov 14 22:13:20 2023", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-Unmodified-Since: " DATE, FULL},
    {"GET /static/a.txt\nIf-Unmodified-Since: " BEFORE, FAILED},
    {"GET /static/a.txt\nIf-Unmodified-Since: " AFTER "\nIf-None-Match: \"zzz\"", FULL},
    {"GET /static/a.txt\nIf-Unmodified-Since: " AFTER "\nIf-None-Match: *", NOT_MODIFIED},
    {"GET /static/a.txt\nIf-Match: \"6553f100-b\"", FULL},
    {"GET /static/a.txt\nIf-Match: 6553f100-b", FULL},
    {"GET /static/a.txt\nIf-Match: *", FULL},
    {"GET /static/a.txt\nIf-Match: \"1-1\"", FAILED},
    {"GET /static/a.txt\nIf-Match: W/\"6553f100-b\"", FAILED},
    {"HEAD /static/a.txt\nIf-Match: \"1-1\"",
     "HTTP/1.1 412 Precondition Failed\r\nContent-Type: text/plain\r\nContent-Length: 19\r\n\r\n"},
    {"GET /static/missing\nIf-None-Match: *", NOT_FOUND},
};

static const struct example ranges[] = {
    {"GET /static/a.txt\nRange: bytes=0-4", PART("0-4", "5", "hello")},
    {"GET /static/a.txt\nRange: bytes=6-", PART("6-10", "5", "world")},
    {"GET /static/a.txt\nRange: bytes=-5", PART("6-10", "5", "world")},
    {"GET /static/a.txt\nRange: bytes=0-99", PART("0-10", "11", "hello world")},
    {"GET /static/a.txt\nRange: bytes=11-", BAD_RANGE},
    {"GET /static/a.txt\nRange: bytes=5-2", FULL},
    {"GET /static/a.txt\nRange: lines=1-2", FULL},
    {"GET /static/a.txt\nRange: bytes=0-4\nRange: bytes=5-6", FULL},
    {"HEAD /static/a.txt\nRange: bytes=0-4",
     "HTTP/1.1 200 OK\r\n" HELLO "Content-Length: 11\r\n\r\n"},
    {"GET /static/a.txt\nRange: bytes=0-4\nIf-Range: \"6553f100-b\"", PART("0-4", "5", "hello")},
    {"GET /static/a.txt\nRange: bytes=0-4\nIf-Range: " DATE, PART("0-4", "5", "hello")},
    {"GET /static/a.txt\nRange: bytes=0-4\nIf-Range: \"zzz\"", FULL},
    {"GET /static/a.txt\nRange: bytes=0-4\nIf-None-Match: *", NOT_MODIFIED},
    {"GET /static/a.txt\nRange: bytes=0-1,3-4",
     PART("0-4", "5", "hello")}, /* close: put together */
};

static const struct example codings[] = {
    {"GET /static/s.css", AS_PLAIN},
    {"GET /static/s.css\nAccept-Encoding: gzip, deflate, br", AS_BROTLI},
    {"GET /static/s.css\nAccept-Encoding: br;q=0.5, gzip", AS_GZIP},
    {"GET /static/s.css\nAccept-Encoding: gzip", AS_GZIP},
    {"GET /static/s.css\nAccept-Encoding: GZIP", AS_GZIP},
    {"GET /static/s.css\nAccept-Encoding: gzip;q=0", AS_PLAIN},
    {"GET /static/s.css\nAccept-Encoding: identity, gzip;q=0.5", AS_PLAIN},
    {"GET /static/s.css\nAccept-Encoding: *", AS_BROTLI},
    {"GET /static/s.css\nAccept-Encoding: deflate", AS_PLAIN},
    {"GET /static/s.css\nAccept-Encoding: deflate\nAccept-Encoding: gzip", AS_GZIP},
    {"GET /static/s.css\nAccept-Encoding: br\nIf-None-Match: \"6553f100-6-br\"",
     "HTTP/1.1 304 Not Modified\r\n" BROTLI_VALID "\r\n"},
    {"GET /static/s.css\nAccept-Encoding: br\nIf-None-Match: \"6553f100-15\"", AS_BROTLI},
    {"GET /static/s.css\nIf-None-Match: \"6553f100-6-br\"", AS_PLAIN},
    {"GET /static/s.css\nAccept-Encoding: br\nRange: bytes=0-1",
     "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/6\r\nContent-Type: text/css\r\n"
     "Content-Encoding: br\r\nAccept-Ranges: bytes\r\n" BROTLI_VALID "Content-Length: 2\r\n\r\nbr"},
};

static struct scratch scratch;
static struct serving serving;

static void put(const char *name, const void *bytes, size_t len)
{
    scratch_write_bytes(&scratch, name, bytes, len);
    scratch_date(&scratch, name, OLD);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void fill_scratch(void)
{
    static char large[LARGE];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 26);
    scratch_create(&scratch);
    scratch_mkdir(&scratch, "static");
    scratch_mkdir(&scratch, "static2");
    put_text("static2/secret", "secret");
    put_text("secret", "secret");
    put_text("static/a.txt", "hello world");
    put_text("static/index.html", "index");
    scratch_mkdir(&scratch, "static/sub");
    scratch_mkdir(&scratch, "static/noindex");
    put_text("static/sub/index.html", "index");
    put_text("static/s.css", "body { color: black }");
    put_text("static/s.css.br", "brotli");
    put_text("static/s.css.gz", "gzipped");
    put("static/large.bin", large, sizeof large);
    put("static/medium.bin", large, 40000);
    put_text("static/empty", "");
    put_text("static/closed", "x");
    assert_int_equal(chmod(scratch_path(&scratch, "static/closed"), 0), 0);
    assert_int_equal(chmod(scratch_path(&scratch, "static"), 0755), 0);
    scratch_mkfifo(&scratch, "static/fifo");
    scratch_link(&scratch, "../secret", "static/link_out");
    scratch_link(&scratch, "a.txt", "static/link_in");
}

static void add_dir(struct model *m, int id, const char *base)
{
    char words[2][SCRATCH_PATH_MAX + 8];
    snprintf(words[0], sizeof words[0], "id=%d", id);
    snprintf(words[1], sizeof words[1], "base=%s", base);
    fixture_row(m, TABLE_DIRECTORY, words[0], words[1], "index_file=index.html",
                "default_ctype=text/plain", "cache_ttl=0", NULL);
}

static void add_route(struct model *m, const char *path, int dir)
{
    char words[2][64];
    snprintf(words[0], sizeof words[0], "path=%s", path);
    snprintf(words[1], sizeof words[1], "target_id=%d", dir);
    fixture_row(m, TABLE_ROUTE, words[0], "host_id=1", words[1], "target_type=dir", NULL);
}

static int set_up(void **state)
{
    (void)state;
    static const struct target_ops *const kinds[] = {&target_dir, NULL};
    fill_scratch();
    struct model *m = model_create(NULL);
    fixture_server(m, "main", 0);
    fixture_row(m, TABLE_HOST, "id=1", "server_id=1", "name=a.test", "matching=a.test", NULL);
    add_dir(m, 1, scratch_path(&scratch, "static/"));
    add_dir(m, 2, scratch_path(&scratch, "nowhere/"));
    add_route(m, "/static/", 1);
    add_route(m, "/st2", 1);
    add_route(m, "/a.txt", 1);
    add_route(m, "/pat/(.*.html)$", 1);
    add_route(m, "/one()$", 1);
    add_route(m, "/nowhere/", 2);
    fixture_row(m, TABLE_MIMETYPE, "extension=.html", "mimetype=text/html", NULL);
    fixture_row(m, TABLE_MIMETYPE, "extension=.css", "mimetype=text/css", NULL);
    fixture_row(m, TABLE_MIMETYPE, "extension=.bin", "mimetype=application/octet-stream", NULL);
    serving_start(&serving, m, kinds);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    serving_stop(&serving);
    scratch_remove(&scratch);
    return 0;
}

/* "GET /x\nName: value" as it goes over the wire. */
static struct slice write_request(struct buf *b, const char *short_form, const char *version)
{
    size_t line = strcspn(short_form, "\n");
    buf_clear(b);
    buf_printf(b, "%.*s %s\r\n", (int)line, short_form, version);
    if (strcmp(version, "HTTP/1.1") == 0)
        buf_append_str(b, "Host: a.test\r\n");
    for (const char *at = short_form + line; *at != '\0'; at++)
        buf_append_str(b,
                       *at == '\n' ? (at == short_form + line ? "" : "\r\n") : (char[]){*at, '\0'});
    if (short_form[line] != '\0')
        buf_append_str(b, "\r\n");
    buf_append_str(b, "\r\n");
    return buf_slice(b);
}

/* Takes the line that begins with `name` out of the head. */
static void drop_line(struct buf *b, const char *name)
{
    char *line = strstr(b->data, name);
    assert_non_null(line);
    size_t len = (size_t)(strstr(line, "\r\n") - line) + 2;
    memmove(line, line + len, b->len - (size_t)(line - b->data) - len + 1);
    b->len -= len;
}

/* The answer without Date and Server, in a buffer that the next call overwrites. */
static const char *ask(const char *short_form, const char *version, bool *ended)
{
    static struct buf request, answer;
    struct slice got = serving_ask(&serving, write_request(&request, short_form, version), ended);
    buf_clear(&answer);
    buf_append_slice(&answer, got);
    drop_line(&answer, "Date: ");
    drop_line(&answer, "Server: ");
    static char text[1 << 18];
    assert_true(answer.len < sizeof text);
    memcpy(text, answer.data, answer.len + 1);
    buf_fini(&answer);
    buf_fini(&request);
    return text;
}

static void run(const struct example *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool ended;
        const char *answer = ask(rows[i].request, "HTTP/1.1", &ended);
        if (strcmp(answer, rows[i].answer) != 0)
            fail_msg("%s\n--- answer:\n%s\n--- instead of:\n%s", rows[i].request, answer,
                     rows[i].answer);
        if (ended) /* none of the answers says so */
            fail_msg("%s: the connection was closed", rows[i].request);
    }
}
#define RUN(rows) run(rows, sizeof(rows) / sizeof(rows)[0])

static void test_paths(void **state)
{
    (void)state;
    RUN(paths);
}

static void test_conditions(void **state)
{
    (void)state;
    RUN(conditions);
}

static void test_ranges(void **state)
{
    (void)state;
    RUN(ranges);
}

static void test_codings(void **state)
{
    (void)state;
    RUN(codings);
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static void check_letters(const char *body, size_t from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(body[i], 'a' + (from + i) % 26);
}

static void test_from_memory_and_from_disk(void **state)
{
    (void)state;
    const char *answer = ask("GET /static/medium.bin", "HTTP/1.1", NULL);
    assert_non_null(strstr(answer, "Content-Length: 40000\r\n"));
    assert_int_equal(strlen(body_of(answer)), 40000);
    check_letters(body_of(answer), 0, 40000);
    answer = ask("GET /static/large.bin", "HTTP/1.1", NULL);
    assert_int_equal(strlen(body_of(answer)), LARGE);
    check_letters(body_of(answer), 0, LARGE);
    answer = ask("GET /static/large.bin\nRange: bytes=70000-70099", "HTTP/1.1", NULL);
    assert_non_null(strstr(answer, "Content-Range: bytes 70000-70099/102400\r\n"));
    assert_int_equal(strlen(body_of(answer)), 100);
    check_letters(body_of(answer), 70000, 100);
    answer = ask("GET /static/empty", "HTTP/1.1", NULL);
    assert_non_null(strstr(answer, "Content-Length: 0\r\n"));
}

static void test_several_ranges(void **state)
{
    (void)state;
    static const char *const files[] = {"medium", "large"};
    for (int i = 0; i < 2; i++) {
        char request[128], expected[1024], boundary[64];
        snprintf(request, sizeof request, "GET /static/%s.bin\nRange: bytes=0-1,1000-1002,-1",
                 files[i]);
        size_t size = i == 0 ? 40000 : LARGE;
        const char *answer = ask(request, "HTTP/1.1", NULL);
        assert_true(strncmp(answer, "HTTP/1.1 206 ", 13) == 0);
        const char *type = strstr(answer, "Content-Type: multipart/byteranges; boundary=");
        assert_non_null(type);
        assert_int_equal(sscanf(strchr(type, '=') + 1, "%63[^\r]", boundary), 1);
        snprintf(expected, sizeof expected,
                 "--%s\r\nContent-Type: application/octet-stream\r\n"
                 "Content-Range: bytes 0-1/%zu\r\n\r\nab\r\n"
                 "--%s\r\nContent-Type: application/octet-stream\r\n"
                 "Content-Range: bytes 1000-1002/%zu\r\n\r\nmno\r\n"
                 "--%s\r\nContent-Type: application/octet-stream\r\n"
                 "Content-Range: bytes %zu-%zu/%zu\r\n\r\n%c\r\n--%s--\r\n",
                 boundary, size, boundary, size, boundary, size - 1, size - 1, size,
                 (int)('a' + (size - 1) % 26), boundary);
        assert_string_equal(body_of(answer), expected);
        char length[64];
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(expected));
        assert_non_null(strstr(answer, length));
        assert_null(strstr(answer, "\r\nContent-Range: bytes 0-10/"));
    }
}

static void test_http_1_0(void **state)
{
    (void)state;
    bool ended;
    serving_disconnect(&serving);
    const char *answer = ask("GET /static/a.txt\nConnection: keep-alive", "HTTP/1.0", &ended);
    assert_non_null(strstr(answer, "Connection: keep-alive\r\n"));
    assert_false(ended);
    assert_string_equal(ask("GET /static/sub", "HTTP/1.0", &ended), /* no Host: the path alone */
                        "HTTP/1.1 301 Moved Permanently\r\nLocation: /static/sub/\r\n"
                        "Content-Length: 0\r\nConnection: close\r\n\r\n");
    assert_true(ended);
    serving_disconnect(&serving);
    answer = ask("GET //static/../static/sub", "HTTP/1.0", &ended);
    assert_null(strstr(answer, "Location: //"));
    serving_disconnect(&serving);
}

static void test_pipelined_and_with_a_body(void **state)
{
    (void)state;
    bool ended;
    serving_disconnect(&serving);
    struct slice answers = serving_ask(
        &serving,
        SLICE("GET /static/a.txt HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nabcde"
              "GET /static/large.bin HTTP/1.1\r\nHost: a.test\r\n\r\n"
              "GET /static/sub/ HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        &ended);
    assert_false(ended);
    const char *at = answers.ptr;
    const char *expected[] = {"hello world", "abcdefgh", "index"};
    for (int i = 0; i < 3; i++) {
        assert_true(strncmp(at, "HTTP/1.1 200 OK\r\n", 17) == 0);
        size_t len = strtoul(strstr(at, "Content-Length: ") + 16, NULL, 10);
        at = body_of(at);
        assert_true(strncmp(at, expected[i], strlen(expected[i])) == 0);
        at += len;
    }
    assert_ptr_equal(at, answers.ptr + answers.len);
}

/* Unreadable: no crash, 403, and the same connection goes on. The clock stands still, so that the
 * directory, opened while we could, is not looked up again. */
static void test_unreadable(void **state)
{
    (void)state;
    clock_fake(2000000000u, OLD * 1000ll);
    assert_string_equal(ask("GET /static/a.txt", "HTTP/1.1", NULL), FULL);
    uid_t user = geteuid();
    if (user == 0) /* root reads everything */
        assert_int_equal(seteuid(65534), 0);
    const char *answer = ask("GET /static/closed", "HTTP/1.1", NULL);
    if (user == 0)
        assert_int_equal(seteuid(0), 0);
    assert_string_equal(answer, ERROR("403 Forbidden", "9", "Forbidden"));
    assert_string_equal(ask("GET /static/a.txt", "HTTP/1.1", NULL), FULL);
    clock_fake_stop();
}

static void test_date_is_now(void **state)
{
    (void)state;
    static struct buf request;
    char line[64], now[32];
    for (int i = 0; i < 2; i++) {
        clock_fake(1000000000u + (unsigned)i * 100000u, (OLD + 86400 + i) * 1000ll);
        struct slice answer = serving_ask(
            &serving, write_request(&request, "GET /static/a.txt", "HTTP/1.1"), NULL);
        snprintf(now, sizeof now, "22:13:2%d", i);
        snprintf(line, sizeof line, "Date: Wed, 15 Nov 2023 %s GMT\r\n", now);
        assert_non_null(strstr(answer.ptr, line));
    }
    clock_fake_stop();
    buf_fini(&request);
}

static void test_long_paths(void **state)
{
    (void)state;
    static char request[8300];
    strcpy(request, "GET /static/");
    memset(request + 12, 'x', 8000);
    assert_string_equal(ask(request, "HTTP/1.1", NULL), NOT_FOUND);
    for (size_t i = 12; i + 3 <= 8012; i += 3) /* dots and slashes without end */
        memcpy(request + i, "./.", 3);
    ask(request, "HTTP/1.1", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_from_memory_and_from_disk),
        cmocka_unit_test(test_several_ranges),
        cmocka_unit_test(test_http_1_0),
        cmocka_unit_test(test_pipelined_and_with_a_body),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_date_is_now),
        cmocka_unit_test(test_long_paths),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
