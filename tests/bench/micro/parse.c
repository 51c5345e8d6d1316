/* What parsing a request head costs: nanoseconds per head, beside one memchr pass per line over the
 * same bytes (the least that finding the line ends can cost). For instructions per head:
 *
 *   valgrind --tool=callgrind --toggle-collect=parse_once build/bench/parse 100
 *   (divide by 100; likewise --toggle-collect=find_lines)
 *
 * usage: parse [ROUNDS [HEAD]], HEAD one of the names it prints. */

#include "proto/http/request_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sample {
    const char *name;
    const char *head;
};

static const struct sample samples[] = {
    {"load", /* as wrk sends it */
     "GET /static/1k.txt HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"},
    {"curl", "GET /api/things/17?fields=all HTTP/1.1\r\nHost: api.example.org\r\n"
             "User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"},
    {"browser",
     "GET /shop/catalogue/chairs?sort=price&page=3&colour=dark%20green HTTP/1.1\r\n"
     "Host: www.example.com\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n"
     "Upgrade-Insecure-Requests: 1\r\n"
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/120.0.0.0 Safari/537.36\r\n"
     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
     "*/*;q=0.8\r\nReferer: https://www.example.com/shop/catalogue/\r\n"
     "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
     "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1.2.3.4; "
     "_seen=chairs.tables.lamps.carpets\r\n"
     "If-None-Match: \"65f1a3b0-1c2d\"\r\nIf-Modified-Since: Wed, 13 Mar 2024 12:00:00 GMT\r\n"
     "\r\n"},
    {"post", "POST /orders HTTP/1.1\r\nHost: api.example.org\r\nContent-Type: application/json\r\n"
             "Content-Length: 348\r\nAuthorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789\r\n"
             "Accept: application/json\r\nUser-Agent: client/2.1\r\n"
             "X-Request-Id: 5c9de3a7-94e1-4b6d-9d2c-0f3f0f6f8a11\r\n\r\n"},
};

static const struct request_limits limits = {65536, 0, 64, false};

__attribute__((noinline)) enum parse_result parse_once(char *bytes, size_t len);
enum parse_result parse_once(char *bytes, size_t len)
{
    struct http_field fields[FIELDS_USUAL];
    struct request_head head;
    request_head_init(&head, fields, FIELDS_USUAL);
    return request_head_parse(&head, bytes, len, &limits);
}

__attribute__((noinline)) size_t find_lines(const char *bytes, size_t len);
size_t find_lines(const char *bytes, size_t len)
{
    size_t lines = 0;
    for (const char *p = bytes, *end = bytes + len; p < end; lines++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (p == NULL)
            break;
        p++;
    }
    return lines;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const struct sample *s, long rounds)
{
    size_t len = strlen(s->head), lines = 0;
    char *bytes = malloc(len);
    if (bytes == NULL)
        return;
    memcpy(bytes, s->head, len);
    double start = now_ns();
    for (long i = 0; i < rounds; i++)
        if (parse_once(bytes, len) != PARSE_DONE)
            abort();
    double parse = (now_ns() - start) / (double)rounds;
    start = now_ns();
    for (long i = 0; i < rounds; i++)
        lines += find_lines(bytes, len);
    double scan = (now_ns() - start) / (double)rounds;
    printf("%-8s %4zu bytes %2zu lines  parse %6.1f ns  memchr %6.1f ns  ratio %.2f\n", s->name,
           len, lines / (size_t)rounds, parse, scan, parse / scan);
    free(bytes);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 2000000;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (argc < 3 || strcmp(argv[2], samples[i].name) == 0)
            measure(&samples[i], rounds > 0 ? rounds : 1);
    return 0;
}
