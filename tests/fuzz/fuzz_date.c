// links: m2_http
/* Dates: what is read and written again reads the same. */

#include "proto/http/date.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t time, again, number;
    char text[DATE_LEN + 1];
    if (date_parse(slice_of(data, size), 1700000000, &time)) {
        date_format(time, text);
        if (!date_parse(slice_of(text, DATE_LEN), 0, &again))
            abort();
        if (again != time && time <= INT64_C(253402300799)) /* a leap second may pass 9999 */
            abort();
    }
    if (size < sizeof number)
        return 0;
    memcpy(&number, data, sizeof number);
    date_format(number, text);
    if (!date_parse(slice_of(text, DATE_LEN), number, &again))
        abort();
    return 0;
}
