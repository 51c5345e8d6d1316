/* A line is built on the stack and written with one write(2), so that lines of several processes on
 * one file do not mix. A line that cannot be written is lost: logging must never stop the server.
 */

#include "proto/base/log.h"

#include "proto/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level max_level = LOG_INFO_LEVEL;
static enum log_format line_format = LOG_TEXT;
static int log_fd = STDERR_FILENO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_format(enum log_format format)
{
    line_format = format;
}

void log_set_fd(int fd)
{
    log_fd = fd;
}

bool log_is_enabled(enum log_level level)
{
    return level <= max_level;
}

int log_level_from_name(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(name, level_names[i]) == 0)
            return i;
    return -1;
}

static size_t append_json_text(char *out, size_t room, const char *text)
{
    size_t at = 0;
    for (; *text != '\0' && at + 7 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            out[at++] = '\\';
            out[at++] = (char)c;
        } else if (c < 0x20) {
            at += (size_t)snprintf(out + at, room - at, "\\u%04x", c);
        } else {
            out[at++] = (char)c;
        }
    }
    return at;
}

/* Control bytes in a text line become '?', so that nobody forges a second line. */
static size_t append_plain_text(char *out, size_t room, const char *text)
{
    size_t at = 0;
    for (; *text != '\0' && at < room; text++)
        out[at++] = (unsigned char)*text < 0x20 ? '?' : *text;
    return at;
}

static void emit(enum log_level level, const char *area, const char *text)
{
    char line[4096], when[21];
    int64_t now_ms = clock_wall_ms();
    clock_format_utc(now_ms / 1000, when);
    when[19] = '\0'; /* the Z comes behind the milliseconds */
    int head;
    size_t room = sizeof line - 4, at;
    if (line_format == LOG_JSON) {
        head = snprintf(line, room,
                        "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"area\":\"%s\",\"text\":\"", when,
                        (int)(now_ms % 1000), level_names[level], area);
        at = (size_t)head;
        at += append_json_text(line + at, room - at, text);
        line[at++] = '"';
        line[at++] = '}';
    } else {
        head = snprintf(line, room, "%s.%03dZ %s %s: ", when, (int)(now_ms % 1000),
                        level_names[level], area);
        at = (size_t)head;
        at += append_plain_text(line + at, room - at, text);
    }
    line[at++] = '\n';
    ssize_t ignored = write(log_fd, line, at);
    (void)ignored;
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
    if (!log_is_enabled(level))
        return;
    char text[3072];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    emit(level, area, text);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *area, const char *fmt,
                 ...)
{
    if (!log_is_enabled(level))
        return;
    uint64_t now = clock_monotonic_us();
    if (now < limit->next_us) {
        limit->skipped++;
        return;
    }
    char text[3072];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (limit->skipped > 0 && len >= 0 && (size_t)len < sizeof text)
        snprintf(text + len, sizeof text - (size_t)len, " (and %lu more like it)", limit->skipped);
    limit->next_us = now + 1000000u;
    limit->skipped = 0;
    emit(level, area, text);
}
