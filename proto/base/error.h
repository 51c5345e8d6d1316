/* What went wrong in the world: a code for programs, a sentence for people, the object concerned.
 *
 * For failures of peers, disks and configuration (not for bugs: see BUG_ON). A function that can
 * fail takes a `struct error *e` as its last argument and returns -1 or NULL after error_set().
 * Library code never prints; whoever decides what happens next shows or logs the sentence once.
 * The struct is a plain value: no ownership, no init needed before error_set(). */
#ifndef PROTO_BASE_ERROR_H
#define PROTO_BASE_ERROR_H

enum error_code {
    ERROR_NONE,
    ERROR_USAGE,       /* the caller's words are off */
    ERROR_INVALID,     /* data that breaks a rule */
    ERROR_NOT_FOUND,   /* no such thing */
    ERROR_EXISTS,      /* there is one already */
    ERROR_CONFLICT,    /* the base has moved */
    ERROR_REFUSED,     /* a peer said no */
    ERROR_DENIED,      /* not allowed */
    ERROR_TIMEOUT,     /* no answer in time */
    ERROR_UNREACHABLE, /* nobody there */
    ERROR_TOO_LARGE,   /* over a limit */
    ERROR_IO,          /* disk, socket, database */
    ERROR_NO_MEMORY,
    ERROR_UNSUPPORTED,
    ERROR_INTERNAL,
    ERROR_COUNT
};

struct error {
    enum error_code code;
    char object[160]; /* what it concerns, e.g. "route /api"; may be empty */
    char text[512];   /* a complete sentence that says what to do */
};

/* Fills *e (NULL is fine) with code and formatted sentence, clears the object; returns -1. */
int error_set(struct error *e, enum error_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, naming the object first. */
int error_set_object(struct error *e, enum error_code code, const char *object, const char *fmt,
                     ...) __attribute__((format(printf, 4, 5)));

/* As error_set with strerror(errno) appended after ": "; code ERROR_IO. */
int error_set_errno(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Marks *e as holding no error. */
void error_clear(struct error *e);

/* The stable name used on the wire and in JSON, e.g. "NOT_FOUND". Never NULL. */
const char *error_code_name(enum error_code code);

/* The code of a name; ERROR_INTERNAL when unknown. */
enum error_code error_code_from_name(const char *name);

/* A bug: prints the condition and the place, aborts. On in release builds too. */
#define BUG_ON(cond)                              \
    do {                                          \
        if (__builtin_expect(!!(cond), 0))        \
            error_bug(#cond, __FILE__, __LINE__); \
    } while (0)
void error_bug(const char *condition, const char *file, int line) __attribute__((noreturn));

#endif
