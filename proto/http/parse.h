/* What every parser of this room answers: a small result on the hot path and, when the bytes break
 * a rule, which rule. Text and status are looked up from the fault, so nothing is formatted while
 * parsing. */
#ifndef PROTO_HTTP_PARSE_H
#define PROTO_HTTP_PARSE_H

enum parse_result {
    PARSE_DONE,  /* complete */
    PARSE_MORE,  /* fine so far, more bytes are needed */
    PARSE_BAD,   /* see the fault */
    PARSE_PIECE, /* a piece of a body is handed out; call again (body.h only) */
    PARSE_FULL,  /* the fields array is full, give a larger one (heads only) */
};

enum parse_fault {
    FAULT_NONE,
    /* start line */
    FAULT_EMPTY_LINES,
    FAULT_METHOD,
    FAULT_METHOD_LENGTH,
    FAULT_TARGET,
    FAULT_TARGET_FORM,
    FAULT_TARGET_AUTHORITY,
    FAULT_URL_PATH,
    FAULT_START_LINE,
    FAULT_VERSION,
    FAULT_VERSION_UNSUPPORTED,
    FAULT_STATUS,
    /* field lines */
    FAULT_FIELD_NAME,
    FAULT_FIELD_SPACE,
    FAULT_FIELD_COLON,
    FAULT_FIELD_FOLDED,
    FAULT_FIELD_VALUE,
    FAULT_BARE_CR,
    FAULT_FIELD_COUNT,
    FAULT_HEAD_BYTES,
    FAULT_START_LINE_BYTES,
    /* Host */
    FAULT_HOST_MISSING,
    FAULT_HOST_REPEATED,
    FAULT_HOST,
    /* framing */
    FAULT_LENGTH,
    FAULT_LENGTH_CONFLICT,
    FAULT_LENGTH_AND_CODING,
    FAULT_CODING_VERSION,
    FAULT_CODING_NOT_FINAL,
    FAULT_CODING_UNKNOWN,
    /* body */
    FAULT_CHUNK_SIZE,
    FAULT_CHUNK_EXTENSION,
    FAULT_CHUNK_END,
    FAULT_TRAILER,
    FAULT_TRAILER_BYTES,
    /* messages of JSON and XML sockets */
    FAULT_SOCKET_PATH,
    FAULT_SOCKET_OBJECT,
    FAULT_SOCKET_TAG,
    FAULT_SOCKET_BYTES,
    FAULT_COUNT
};

/* The status of the answer to a request with this fault: 400, 414, 431, 501 or 505. */
int parse_fault_status(enum parse_fault fault);

/* A sentence for the log, e.g. "there is white space before the colon of a header field". */
const char *parse_fault_text(enum parse_fault fault);

#endif
