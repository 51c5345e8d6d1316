/* One row per fault: the status and the sentence stay beside each other. */

#include "proto/http/parse.h"

#include <stddef.h>

struct fault_row {
    int status;
    const char *text;
};

static const struct fault_row rows[FAULT_COUNT] = {
    [FAULT_NONE] = {400, "nothing is wrong"},
    [FAULT_EMPTY_LINES] = {400, "too many empty lines before the request line"},
    [FAULT_METHOD] = {400, "the request does not begin with a method"},
    [FAULT_METHOD_LENGTH] = {501, "the method is longer than any that is known"},
    [FAULT_TARGET] = {400, "a byte is not allowed in a request target"},
    [FAULT_TARGET_FORM] = {400, "the form of the request target does not fit the method"},
    [FAULT_TARGET_AUTHORITY] = {400, "the authority in the request target is not valid"},
    [FAULT_URL_PATH] = {414, "the path is longer than limits.url_path"},
    [FAULT_START_LINE] = {400, "the start line does not end after the version"},
    [FAULT_VERSION] = {400, "the HTTP version is not of the form HTTP/1.1"},
    [FAULT_VERSION_UNSUPPORTED] = {505, "the HTTP version is not 1.0 or 1.1"},
    [FAULT_STATUS] = {400, "the status line has no valid status code"},
    [FAULT_FIELD_NAME] = {400, "a byte is not allowed in a field name"},
    [FAULT_FIELD_SPACE] = {400, "there is white space before the colon of a field"},
    [FAULT_FIELD_COLON] = {400, "a field line has no colon"},
    [FAULT_FIELD_FOLDED] = {400, "a field line begins with white space"},
    [FAULT_FIELD_VALUE] = {400, "a control byte is not allowed in a field value"},
    [FAULT_BARE_CR] = {400, "a CR is not followed by LF"},
    [FAULT_FIELD_COUNT] = {431, "there are more fields than limits.header_count"},
    [FAULT_HEAD_BYTES] = {431, "the head is larger than limits.buffer_size"},
    [FAULT_START_LINE_BYTES] = {414, "the request line is larger than limits.buffer_size"},
    [FAULT_HOST_MISSING] = {400, "an HTTP/1.1 request has no Host"},
    [FAULT_HOST_REPEATED] = {400, "there is more than one Host"},
    [FAULT_HOST] = {400, "the value of Host is not valid"},
    [FAULT_LENGTH] = {400, "the value of Content-Length is not valid"},
    [FAULT_LENGTH_CONFLICT] = {400, "Content-Length has different values"},
    [FAULT_LENGTH_AND_CODING] = {400, "there are both Content-Length and Transfer-Encoding"},
    [FAULT_CODING_VERSION] = {400, "Transfer-Encoding is not allowed in HTTP/1.0"},
    [FAULT_CODING_NOT_FINAL] = {400, "chunked is not the last transfer coding, once"},
    [FAULT_CODING_UNKNOWN] = {501, "a transfer coding other than chunked is not known"},
    [FAULT_CHUNK_SIZE] = {400, "a chunk size is not valid"},
    [FAULT_CHUNK_EXTENSION] = {400, "a chunk extension is too long or not valid"},
    [FAULT_CHUNK_END] = {400, "the data of a chunk is not followed by CRLF"},
    [FAULT_TRAILER] = {400, "a trailer field is not valid"},
    [FAULT_TRAILER_BYTES] = {431, "the trailer section is too large"},
    [FAULT_SOCKET_PATH] = {400, "a byte is not allowed in the route of a JSON message"},
    [FAULT_SOCKET_OBJECT] = {400, "the route of a JSON message is not followed by an object"},
    [FAULT_SOCKET_TAG] = {400, "an XML message does not begin with a plain tag"},
    [FAULT_SOCKET_BYTES] = {400, "the message of a socket is larger than limits.buffer_size"},
};

int parse_fault_status(enum parse_fault fault)
{
    return (unsigned)fault < FAULT_COUNT ? rows[fault].status : 400;
}

const char *parse_fault_text(enum parse_fault fault)
{
    return (unsigned)fault < FAULT_COUNT ? rows[fault].text : "unknown";
}
