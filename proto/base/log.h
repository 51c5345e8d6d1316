/* The error log: one event, one line, at the place of decision.
 *
 *     2026-11-22T19:10:54.123Z warn route: pattern never matches host=shop path=/x
 *
 * A call names the level, the area (a short lower-case word) and a sentence, with ids as key=value
 * behind it. Lines go to stderr or to the descriptor set; JSON form has the fields time, level,
 * area, text. The log is process-wide by nature (stderr is), set up once by main. */
#ifndef PROTO_BASE_LOG_H
#define PROTO_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR_LEVEL, LOG_WARN_LEVEL, LOG_INFO_LEVEL, LOG_DEBUG_LEVEL };
enum log_format { LOG_TEXT, LOG_JSON };

void log_set_level(enum log_level level); /* default info */
void log_set_format(enum log_format format);
void log_set_fd(int fd); /* borrows; default 2. Each line is one write(2) */
bool log_is_enabled(enum log_level level);

/* "error", "warn", "info", "debug"; -1 when the word is another. */
int log_level_from_name(const char *name);

void log_write(enum log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_ERROR_LEVEL, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN_LEVEL, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO_LEVEL, __VA_ARGS__)
#define log_debug(...)                               \
    do {                                             \
        if (log_is_enabled(LOG_DEBUG_LEVEL))         \
            log_write(LOG_DEBUG_LEVEL, __VA_ARGS__); \
    } while (0)

/* At most one line a second per cause: a `static struct log_limit` at the call site counts what was
 * left out and the next line says so. */
struct log_limit {
    uint64_t next_us;
    unsigned long skipped;
};
void log_limited(struct log_limit *limit, enum log_level level, const char *area, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

#endif
