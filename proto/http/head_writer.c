#include "proto/http/head_writer.h"

#include "proto/http/status_code.h"

void head_writer_number(struct head_writer *w, uint64_t n)
{
    char digits[20];
    size_t from = sizeof digits;
    do {
        digits[--from] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    head_writer_put(w, slice_of(digits + from, sizeof digits - from));
}

void head_writer_number_field(struct head_writer *w, struct slice name, uint64_t n)
{
    head_writer_put(w, name);
    head_writer_put(w, SLICE(": "));
    head_writer_number(w, n);
    head_writer_put(w, SLICE("\r\n"));
}

void head_writer_status_line(struct head_writer *w, int status)
{
    head_writer_put(w, SLICE("HTTP/1.1 "));
    head_writer_number(w, (uint64_t)status);
    head_writer_char(w, ' ');
    head_writer_put(w, status_code_reason(status));
    head_writer_put(w, SLICE("\r\n"));
}

void head_writer_chunk_size(struct head_writer *w, uint64_t size)
{
    char digits[16];
    size_t from = sizeof digits;
    do {
        digits[--from] = "0123456789abcdef"[size & 15];
        size >>= 4;
    } while (size > 0);
    head_writer_put(w, slice_of(digits + from, sizeof digits - from));
    head_writer_put(w, SLICE("\r\n"));
}
