/* The tree alone, against a search through all keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/route/trie.h"

#include <string.h>

#define KEYS_MAX 40
#define TEXT_MAX 80

/* The key that the rule of trie_candidate names, or -1. */
static int slow_candidate(const struct slice *keys, int count, struct slice text)
{
    int best = -1;
    bool inside = false;
    for (int i = 0; i < count; i++)
        inside = inside || slice_starts_with(keys[i], text);
    if (inside) { /* walk down: at each level the byte of the earliest key that goes there */
        char at[128];
        size_t len = text.len;
        memcpy(at, text.ptr, len);
        for (;;) {
            int first = -1;
            for (int i = count; i-- > 0;)
                if (slice_starts_with(keys[i], slice_of(at, len))) {
                    if (keys[i].len == len)
                        best = i;
                    first = i;
                }
            if (best >= 0)
                return best;
            at[len] = keys[first].ptr[len];
            len++;
        }
    }
    for (int i = count; i-- > 0;)
        if (keys[i].len > 0 && slice_starts_with(text, keys[i]) &&
            (best < 0 || keys[i].len >= keys[best].len))
            best = i;
    return best;
}

static uint32_t next_random(uint32_t *seed)
{
    return (*seed = *seed * 1664525 + 1013904223) >> 12;
}

/* Up to 7 pieces, so that edges are shorter and longer than what a node holds. */
static struct slice random_text(uint32_t *seed, char *out, int alphabet)
{
    static const char *const pieces[3][4] = {{"a", "b", "a", "b"},
                                             {"a", "bcd", "\xff\xfe", "e"},
                                             {"abcdefghij", "abcdefghik", "abc", "x"}};
    out[0] = '\0';
    for (uint32_t n = next_random(seed) % 8; n > 0; n--)
        strcat(out, pieces[alphabet][next_random(seed) % 4]);
    return slice_str(out);
}

static void check_order(const struct trie *t, const struct slice *keys, const uint32_t *order,
                        uint32_t count)
{
    uint32_t seen = 0;
    for (uint32_t n = 0; n < t->node_count; n++) {
        const struct trie_node *node = &t->nodes[n];
        seen += node->count;
        for (uint32_t i = 1; i < node->count; i++) {
            assert_true(order[node->first + i - 1] < order[node->first + i]);
            assert_true(slice_eq(keys[order[node->first]], keys[order[node->first + i]]));
        }
    }
    assert_int_equal(seen, count);
}

static void check_prefixes(const struct trie *t, const struct slice *keys, const uint32_t *order,
                           uint32_t count, struct slice text)
{
    const struct trie_node *found[TEXT_MAX];
    size_t nodes = trie_prefixes(t, text, found), len = 0;
    uint32_t total = 0, expected = 0;
    for (size_t i = 0; i < nodes; i++) {
        struct slice key = keys[order[found[i]->first]];
        assert_true(slice_starts_with(text, key) && (i == 0 || key.len > len));
        len = key.len;
        total += found[i]->count;
    }
    for (uint32_t i = 0; i < count; i++)
        expected += slice_starts_with(text, keys[i]);
    assert_int_equal(total, expected);
}

static void test_agrees_with_search(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        struct arena a;
        struct trie t;
        struct slice keys[KEYS_MAX];
        char bytes[KEYS_MAX][TEXT_MAX];
        uint32_t order[KEYS_MAX], count = next_random(&seed) % KEYS_MAX;
        arena_init(&a, 0);
        for (uint32_t i = 0; i < count; i++)
            keys[i] = random_text(&seed, bytes[i], round % 3);
        assert_int_equal(trie_build(&t, keys, count, order, &a), 0);
        check_order(&t, keys, order, count);
        for (int i = 0; i < 20; i++) {
            char buffer[TEXT_MAX];
            struct slice text = random_text(&seed, buffer, round % 3);
            text.len -= text.len > 0 ? next_random(&seed) % 3 % text.len : 0;
            check_prefixes(&t, keys, order, count, text);
            if (text.len == 0)
                continue;
            const struct trie_node *node = trie_candidate(&t, text);
            int expected = slow_candidate(keys, (int)count, text);
            assert_int_equal(node == NULL ? -1 : (int)order[node->first], expected);
        }
        arena_fini(&a);
    }
}

static void test_every_byte_can_branch(void **state)
{
    (void)state;
    struct arena a;
    struct trie t;
    struct slice keys[256];
    unsigned char bytes[256][2];
    uint32_t order[256];
    arena_init(&a, 0);
    for (unsigned i = 0; i < 256; i++) {
        bytes[i][0] = '/';
        bytes[i][1] = (unsigned char)(255 - i);
        keys[i] = slice_of(bytes[i], 2);
    }
    assert_int_equal(trie_build(&t, keys, 256, order, &a), 0);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(order[trie_candidate(&t, keys[i])->first], i);
    assert_int_equal(order[trie_candidate(&t, SLICE("/"))->first], 0);
    assert_int_equal(t.node_count, 258);
    arena_fini(&a);
}

static void test_no_keys(void **state)
{
    (void)state;
    struct arena a;
    struct trie t;
    uint32_t order[1];
    const struct trie_node *found[2];
    arena_init(&a, 0);
    assert_int_equal(trie_build(&t, NULL, 0, order, &a), 0);
    assert_null(trie_candidate(&t, SLICE("a")));
    assert_int_equal(trie_prefixes(&t, SLICE("a"), found), 0);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_search),
        cmocka_unit_test(test_every_byte_can_branch),
        cmocka_unit_test(test_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
