/* Several calls on the same elements as one loop, see `fused.py`.
 *
 * Every operation is rounded by itself, as in NumPy: the compiler must not join a product and a sum.
 * So a result does not depend on how many elements a processor works on at once. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "portable.h"

#define CLEAR_DENORMALS(NAME, TYPE, SIZE, SMALLEST)                                                \
    EACH_PROCESSOR void NAME(TYPE *moment, size count)                                             \
    {                                                                                              \
        for (size i = 0; i < count; i++)                                                           \
            moment[i] = SIZE(moment[i]) < SMALLEST ? 0 : moment[i];                                \
    }
CLEAR_DENORMALS(epochal_clear_float, float, fabsf, FLT_MIN)
CLEAR_DENORMALS(epochal_clear_double, double, fabs, DBL_MIN)

/* `decay` and `d` are NULL for Adam without weight decay. */
#define ADAM_STEP(NAME, TYPE, ROOT)                                                                \
    EACH_PROCESSOR void NAME(TYPE *restrict p, TYPE *restrict m, TYPE *restrict v,                 \
                             const TYPE *restrict g, TYPE *restrict s,                             \
                             const TYPE *restrict decay, TYPE *restrict d, TYPE beta_1,            \
                             TYPE beta_2, TYPE epsilon, TYPE rate, TYPE decay_rate, size count)    \
    {                                                                                              \
        for (size i = 0; i < count; i++) {                                                         \
            if (decay != NULL) {                                                                   \
                d[i] = p[i] * decay[i] * decay_rate;                                               \
                p[i] = p[i] - d[i];                                                                \
            }                                                                                      \
            m[i] = m[i] * beta_1 + g[i];                                                           \
            v[i] = v[i] * beta_2 + g[i] * g[i];                                                    \
            s[i] = m[i] / (ROOT(v[i]) + epsilon) * rate;                                           \
            p[i] = p[i] - s[i];                                                                    \
            if (decay != NULL)                                                                     \
                s[i] = s[i] + d[i];                                                                \
        }                                                                                          \
    }
ADAM_STEP(epochal_adam_float, float, sqrtf)
ADAM_STEP(epochal_adam_double, double, sqrt)

/* ---------------------------------------------------------------- the normal distribution */

typedef void (*inner_loop)(char **, const size *, const size *, void *);
enum { PIECE = 1024, POWERS = 7 };

static void apply_float(inner_loop loop, void *data, float *x, size count)
{
    char *operands[2] = {(char *)x, (char *)x};
    const size steps[2] = {sizeof(float), sizeof(float)};
    loop(operands, &count, steps, data);
}

/* `_single` in `normal.py`. `number` has the largest square, and the coefficients of the powers from
 * the highest one down; the loop is NumPy's tanh. */
static EACH_PROCESSOR void argument_of_share(const float *restrict x, float *restrict out, size count,
                                             const float *number)
{
    for (size i = 0; i < count; i++) {
        const float squared = x[i] * x[i];
        const float bounded = squared > number[0] ? number[0] : squared;
        float sum = bounded * number[1];
        for (int k = 2; k < POWERS; k++)
            sum = (sum + number[k]) * bounded;
        out[i] = (sum + number[POWERS]) * x[i];
    }
}

static EACH_PROCESSOR void half_of_each(float *out, size count)
{
    for (size i = 0; i < count; i++)
        out[i] = out[i] * 0.5f + 0.5f;
}

void epochal_share(const float *x, float *out, size count, const float *number, inner_loop tanh_,
                   void *data)
{
    for (size start = 0; start < count; start += PIECE) {
        const size few = count - start < PIECE ? count - start : PIECE;
        argument_of_share(x + start, out + start, few, number);
        apply_float(tanh_, data, out + start, few);
        half_of_each(out + start, few);
    }
}

/* `_fill_density` in `normal.py`. `number` has its two factors; the loop is NumPy's exp. */
static EACH_PROCESSOR void argument_of_density(const float *restrict x, float *restrict out,
                                               size count, float factor)
{
    for (size i = 0; i < count; i++)
        out[i] = x[i] * x[i] * factor;
}

static EACH_PROCESSOR void multiply_each(float *out, size count, float factor)
{
    for (size i = 0; i < count; i++)
        out[i] *= factor;
}

void epochal_density(const float *x, float *out, size count, const float *number, inner_loop exp_,
                     void *data)
{
    for (size start = 0; start < count; start += PIECE) {
        const size few = count - start < PIECE ? count - start : PIECE;
        argument_of_density(x + start, out + start, few, number[0]);
        apply_float(exp_, data, out + start, few);
        multiply_each(out + start, few, number[1]);
    }
}

/* ---------------------------------------------------------------- the largest in windows */

/* Fields of `shape`: images; height and width of an image; channels; samples; rows and columns of
 * windows; height and width of a window; steps down and right. */
enum { IMAGES, HEIGHT, WIDTH, CHANNELS, SAMPLES, ROWS, COLUMNS, TALL, WIDE, DOWN, RIGHT };
enum { CHUNK = 256, MOST_PARTS = 16 };

#define EACH_CHUNK(M)                                                                              \
    for (size image = 0; image < M[IMAGES]; image++)                                               \
        for (size row = 0; row < M[ROWS]; row++)                                                   \
            for (size channel = 0; channel < M[CHANNELS]; channel++)                               \
                for (size column = 0; column < M[COLUMNS]; column++)                               \
                    for (size first = 0; first < M[SAMPLES]; first += CHUNK)
#define COUNT(M) (M[SAMPLES] - first < CHUNK ? M[SAMPLES] - first : CHUNK)

/* Where a window begins in the image, and what belongs to it in the output. */
#define BEGIN(M)                                                                                   \
    ((((image * M[HEIGHT] + row * M[DOWN]) * M[CHANNELS] + channel) * M[WIDTH] +                   \
      column * M[RIGHT]) * M[SAMPLES] + first)
#define PLACE(M)                                                                                   \
    ((((image * M[ROWS] + row) * M[CHANNELS] + channel) * M[COLUMNS] + column) * M[SAMPLES] + first)

/* How far each part of a window is from its beginning. */
static size offsets_of_parts(const size *m, size *offset)
{
    for (size i = 0; i < m[TALL]; i++)
        for (size j = 0; j < m[WIDE]; j++)
            offset[i * m[WIDE] + j] = (i * m[CHANNELS] * m[WIDTH] + j) * m[SAMPLES];
    return m[TALL] * m[WIDE];
}

#define ALONG_SAMPLES(TYPE)                                                                        \
    static inline void larger_##TYPE(const TYPE *restrict a, const TYPE *restrict b,               \
                                     TYPE *restrict out, size count)                               \
    {                                                                                              \
        for (size i = 0; i < count; i++)                                                           \
            out[i] = LARGER(a[i], b[i]);                                                           \
    }                                                                                              \
    /* What of `rest` goes to `a` stays in it; the other part is written to `to_b`. */             \
    static inline void share_##TYPE(const TYPE *restrict a, const TYPE *restrict largest,          \
                                    TYPE *restrict rest, TYPE *restrict to_b, size count)          \
    {                                                                                              \
        for (size i = 0; i < count; i++) {                                                         \
            const TYPE is_a = a[i] == largest[i] ? 1 : 0, to_a = rest[i] * is_a;                   \
            to_b[i] = rest[i] - to_a;                                                              \
            rest[i] = to_a;                                                                        \
        }                                                                                          \
    }
ALONG_SAMPLES(float)
ALONG_SAMPLES(double)

#define LARGEST_IN_WINDOWS(TYPE)                                                                   \
    PUBLIC EACH_PROCESSOR void epochal_largest_##TYPE(const size *m, const TYPE *x, TYPE *out)     \
    {                                                                                              \
        size offset[MOST_PARTS], parts = offsets_of_parts(m, offset);                              \
        TYPE largest[2][CHUNK];                                                                    \
        EACH_CHUNK(m) {                                                                            \
            const TYPE *from = x + BEGIN(m), *before = from;                                       \
            TYPE *to = out + PLACE(m);                                                             \
            for (size k = 1; k < parts; k++) {                                                     \
                TYPE *now = k == parts - 1 ? to : largest[k % 2];                                  \
                larger_##TYPE(before, from + offset[k], now, COUNT(m));                            \
                before = now;                                                                      \
            }                                                                                      \
        }                                                                                          \
    }
LARGEST_IN_WINDOWS(float)
LARGEST_IN_WINDOWS(double)

/* Parts of the image that belong to no window are left as they are. Loops that write to several
 * parts at once are ten times slower: so each is copied in one piece. */
#define LARGEST_GRADIENTS(TYPE)                                                                    \
    EACH_PROCESSOR void epochal_largest_gradients_##TYPE(const size *m, const TYPE *x,             \
                                                         const TYPE *g, TYPE *out)                 \
    {                                                                                              \
        size offset[MOST_PARTS], parts = offsets_of_parts(m, offset);                              \
        TYPE numbers[MOST_PARTS][CHUNK], shares[MOST_PARTS][CHUNK], rest[CHUNK];                   \
        EACH_CHUNK(m) {                                                                            \
            const size count = COUNT(m);                                                           \
            const TYPE *from = x + BEGIN(m);                                                       \
            TYPE *to = out + BEGIN(m);                                                             \
            memcpy(numbers[0], from, (size_t)count * sizeof(TYPE));                                \
            memcpy(rest, g + PLACE(m), (size_t)count * sizeof(TYPE));                              \
            for (size k = 1; k < parts; k++)                                                       \
                larger_##TYPE(numbers[k - 1], from + offset[k], numbers[k], count);                \
            for (size k = parts - 1; k > 0; k--)                                                   \
                share_##TYPE(numbers[k - 1], numbers[k], rest, shares[k], count);                  \
            memcpy(to, rest, (size_t)count * sizeof(TYPE));                                        \
            for (size k = 1; k < parts; k++)                                                       \
                memcpy(to + offset[k], shares[k], (size_t)count * sizeof(TYPE));                   \
        }                                                                                          \
    }
LARGEST_GRADIENTS(float)
LARGEST_GRADIENTS(double)
