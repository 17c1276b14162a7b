/* Walks a list of calls: the same functions on the same memory as the calls of a plan in Python.
 *
 * What is computed is computed by NumPy and its BLAS: an operation holds a pointer to the inner
 * loop of a NumPy function, or to a routine of the BLAS that NumPy has loaded. This file only calls
 * them one after the other, and copies memory. So every bit is the one that NumPy alone computes.
 *
 * `rows.py` writes the operations; their fields and kinds are described there.
 */
#include <math.h>
#include <string.h>

#include "portable.h"

#ifndef SOURCE_DIGEST
#define SOURCE_DIGEST 0
#endif

typedef struct {
    size kind;
    void *function;
    void *data;
    char *operand[3];
    size count;
    size step[3];       /* in bytes */
    const size *more;   /* outer axes, or arguments of a BLAS routine */
} operation;

typedef struct {
    const operation *operations;
    const int32_t *order;
    size length;
} table;

enum kind {
    LOOP, MATMUL, COMPARE_FLOAT, COMPARE_DOUBLE, COPY, LARGEST,
    GEMM_FLOAT, GEMM_DOUBLE, GEMV_FLOAT, GEMV_DOUBLE, SYRK_FLOAT, SYRK_DOUBLE,
    DOT_FLOAT, DOT_DOUBLE, AXPY_FLOAT, AXPY_DOUBLE,
    ADAM_FLOAT, ADAM_DOUBLE, DRAW_FLOAT, DRAW_DOUBLE, TAKE, PUT, ARGMAX_FLOAT, ARGMAX_DOUBLE,
    ONE_HOT_FLOAT, ONE_HOT_DOUBLE, WHOLE_FLOAT, WHOLE_DOUBLE, SHUFFLE,
    CLIP_NORM_FLOAT, CLIP_NORM_DOUBLE, ADAM_STEP_FLOAT, ADAM_STEP_DOUBLE,
    WINDOWS_FLOAT, WINDOWS_DOUBLE, WINDOW_GRADIENTS_FLOAT, WINDOW_GRADIENTS_DOUBLE,
    WALK, TRANSPOSE, MULTIPLY_FLOAT, MULTIPLY_DOUBLE, LARGEST_OF_FEW_FLOAT, LARGEST_OF_FEW_DOUBLE,
    SHARE, DENSITY, CHAIN, ADD_FLOAT, ADD_DOUBLE, CLEAR_DENORMALS_FLOAT, CLEAR_DENORMALS_DOUBLE,
    SUBTRACT_FLOAT, SUBTRACT_DOUBLE, DIVIDE_FLOAT, DIVIDE_DOUBLE, MAXIMUM_FLOAT, MAXIMUM_DOUBLE
};

enum { MOST_AXES = 32, BOOLEANS = 1024 };

typedef void (*inner_loop)(char **, const size *, const size *, void *);

/* ---------------------------------------------------------------- along one axis */

static void copy(const operation *o, char **at)
{
    const char *from = at[0];
    char *to = at[1];
    size width = (size)o->data;
    if (o->step[0] == width && o->step[1] == width) {
        memcpy(to, from, (size_t)(o->count * width));
        return;
    }
    if (width == 4)
        for (size i = 0; i < o->count; i++, from += o->step[0], to += o->step[1])
            memcpy(to, from, 4);
    else if (width == 8)
        for (size i = 0; i < o->count; i++, from += o->step[0], to += o->step[1])
            memcpy(to, from, 8);
    else
        for (size i = 0; i < o->count; i++, from += o->step[0], to += o->step[1])
            memcpy(to, from, (size_t)width);
}

/* Rows of the source become columns, a few rows at a time: what one cache line of the source holds
 * is used at once, and the output is written in pieces. `step` has the bytes between the rows of the
 * source and between those of the output, and the number of columns of the source. */
enum { TILE = 8 };

#define TRANSPOSED(NAME, TYPE)                                                                     \
    static void NAME(const operation *o, char **at)                                                \
    {                                                                                              \
        const size width = sizeof(TYPE), step = o->step[0], rows = o->count, columns = o->step[2]; \
        for (size first = 0; first < rows; first += TILE) {                                        \
            const size count = rows - first < TILE ? rows - first : TILE;                          \
            for (size k = 0; k < columns; k++) {                                                   \
                const char *from = at[0] + first * step + k * width;                               \
                char *to = at[1] + first * width + k * o->step[1];                                 \
                for (size i = 0; i < count; i++)                                                   \
                    memcpy(to + i * width, from + i * step, sizeof(TYPE));                         \
            }                                                                                      \
        }                                                                                          \
    }
TRANSPOSED(transposed_4, uint32_t)
TRANSPOSED(transposed_8, uint64_t)

/* A comparison gives booleans, which become 1 and 0. */
#define COMPARE(NAME, TYPE)                                                        \
    static void NAME(const operation *o, char **at)                                \
    {                                                                              \
        char booleans[BOOLEANS];                                                   \
        char *to = at[2];                                                          \
        const size steps[3] = {o->step[0], o->step[1], 1};                         \
        for (size start = 0; start < o->count; start += BOOLEANS) {                \
            size count = o->count - start < BOOLEANS ? o->count - start : BOOLEANS;\
            char *operand[3] = {at[0] + start * o->step[0],                        \
                                at[1] + start * o->step[1], booleans};             \
            ((inner_loop)o->function)(operand, &count, steps, o->data);            \
            if (o->step[2] == sizeof(TYPE)) {                                      \
                for (size i = 0; i < count; i++)                                   \
                    ((TYPE *)to)[i] = (TYPE)booleans[i];                           \
                to += count * (size)sizeof(TYPE);                                  \
                continue;                                                          \
            }                                                                      \
            for (size i = 0; i < count; i++, to += o->step[2])                     \
                *(TYPE *)to = (TYPE)booleans[i];                                   \
        }                                                                          \
    }
COMPARE(compare_float, float)
COMPARE(compare_double, double)

/* NumPy reduces by calling its loop with an output that stands still. */
static void largest(const operation *o, char **at)
{
    size width = o->step[1], rest = o->count - 1;
    memcpy(at[1], at[0], (size_t)width);
    char *operand[3] = {at[1], at[0] + o->step[0], at[1]};
    const size steps[3] = {0, o->step[0], 0};
    if (rest > 0)
        ((inner_loop)o->function)(operand, &rest, steps, o->data);
}

/* Rows of `step[0]` bytes at the indices; `data` is the number of rows of the table. */
static void take(const operation *o, char **at)
{
    const int64_t *index = (const int64_t *)at[1];
    const int64_t last = (int64_t)(size)o->data - 1;
    const size width = o->step[0];
    for (size i = 0; i < o->count; i++) {
        int64_t k = index[i] < 0 ? 0 : index[i] > last ? last : index[i];
        memcpy(at[2] + i * width, at[0] + k * width, (size_t)width);
    }
}

static void put(const operation *o, char **at)
{
    const int64_t *index = (const int64_t *)at[1];
    const size width = o->step[0];
    for (size i = 0; i < o->count; i++)
        memcpy(at[0] + index[i] * width, at[2] + i * width, (size_t)width);
}

/* Rows of `step[1]` numbers for the labels at the indices, of which each has `step[0]`; for all
 * labels where there are no indices. `data` is the width of a label. */
#define ONE_HOT(NAME, TYPE)                                                                        \
    static void NAME(const operation *o, char **at)                                                \
    {                                                                                              \
        const int64_t *index = (const int64_t *)at[1];                                             \
        const size labels = o->step[0], classes = o->step[1];                                      \
        TYPE *to = (TYPE *)at[2];                                                                  \
        memset(to, 0, (size_t)(o->count * labels * classes) * sizeof(TYPE));                       \
        for (size i = 0; i < o->count; i++)                                                        \
            for (size j = 0; j < labels; j++, to += classes) {                                     \
                size k = (index == NULL ? i : index[i]) * labels + j;                              \
                int64_t label = (size)o->data == 4 ? ((const int32_t *)at[0])[k]                   \
                                                   : ((const int64_t *)at[0])[k];                  \
                if (label >= 0)                                                                    \
                    to[label] = 1;                                                                 \
            }                                                                                      \
    }
ONE_HOT(one_hot_float, float)
ONE_HOT(one_hot_double, double)

static void along_one_axis(const operation *o, char **at)
{
    switch (o->kind) {
    case TAKE: take(o, at); break;
    case PUT: put(o, at); break;
    case ONE_HOT_FLOAT: one_hot_float(o, at); break;
    case ONE_HOT_DOUBLE: one_hot_double(o, at); break;
    case COPY: copy(o, at); break;
    case TRANSPOSE: (size)o->data == 4 ? transposed_4(o, at) : transposed_8(o, at); break;
    case COMPARE_FLOAT: compare_float(o, at); break;
    case COMPARE_DOUBLE: compare_double(o, at); break;
    case LARGEST: largest(o, at); break;
    default: {
        char *operand[3] = {at[0], at[1], at[2]};
        ((inner_loop)o->function)(operand, &o->count, o->step, o->data);
    }
    }
}

/* Move the operands to the next row of the outer axes; return 0 after the last one. An axis is its
 * length and the steps of the operands. */
static int next_row(char **at, size *index, size axes, const size *axis)
{
    for (size k = axes - 1; k >= 0; k--) {
        const size *a = axis + 4 * k;
        index[k]++;
        for (int i = 0; i < 3; i++)
            at[i] += a[1 + i];
        if (index[k] < a[0])
            return 1;
        for (int i = 0; i < 3; i++)
            at[i] -= a[0] * a[1 + i];
        index[k] = 0;
    }
    return 0;
}

/* `more`: the number of outer axes, and these. */
static void along_all_axes(const operation *o)
{
    char *at[3] = {o->operand[0], o->operand[1], o->operand[2]};
    size index[MOST_AXES] = {0};
    do
        along_one_axis(o, at);
    while (o->more != NULL && next_row(at, index, o->more[0], o->more + 1));
}

/* An operation on numbers along two axes, the outer of which is the last one in `more`: where the inner
 * one is short, to call NumPy's loop takes longer than to compute. The output is one of the inputs or
 * apart from them. Where it has neighbors in memory, and each input has neighbors or stands still, the
 * compiler takes several at a time. */
#define EACH_NEIGHBOR(TYPE, A, B)                                                                  \
    {                                                                                              \
        INDEPENDENT                                                                                \
        for (size i = 0; i < o->count; i++)                                                        \
            ((TYPE *)out)[i] = OF(A, B);                                                           \
    }

#define SHORT(NAME, TYPE)                                                                          \
    static EACH_PROCESSOR void NAME(const operation *o)                                            \
    {                                                                                              \
        const size axes = o->more[0], *last = o->more + 1 + 4 * (axes - 1), *step = o->step;       \
        const size width = sizeof(TYPE);                                                           \
        const int are_neighbors = step[0] == width && step[1] == width && step[2] == width;        \
        const int first_stands = step[0] == 0 && step[1] == width && step[2] == width;             \
        const int second_stands = step[0] == width && step[1] == 0 && step[2] == width;            \
        char *at[3] = {o->operand[0], o->operand[1], o->operand[2]};                               \
        size index[MOST_AXES] = {0};                                                               \
        do                                                                                         \
            for (size k = 0; k < last[0]; k++) {                                                   \
                const char *a = at[0] + k * last[1], *b = at[1] + k * last[2];                     \
                const TYPE x = *(const TYPE *)a, y = *(const TYPE *)b;                             \
                char *out = at[2] + k * last[3];                                                   \
                if (are_neighbors)                                                                 \
                    EACH_NEIGHBOR(TYPE, ((const TYPE *)a)[i], ((const TYPE *)b)[i])                \
                else if (first_stands)                                                             \
                    EACH_NEIGHBOR(TYPE, x, ((const TYPE *)b)[i])                                   \
                else if (second_stands)                                                            \
                    EACH_NEIGHBOR(TYPE, ((const TYPE *)a)[i], y)                                   \
                else                                                                               \
                    for (size i = 0; i < o->count; i++)                                            \
                        *(TYPE *)(out + i * step[2]) = OF(*(const TYPE *)(a + i * step[0]),        \
                                                          *(const TYPE *)(b + i * step[1]));       \
            }                                                                                      \
        while (next_row(at, index, axes - 1, o->more + 1));                                        \
    }
#define OF(A, B) ((A) + (B))
SHORT(add_float, float)
SHORT(add_double, double)
#undef OF
#define OF(A, B) ((A) - (B))
SHORT(subtract_float, float)
SHORT(subtract_double, double)
#undef OF
#define OF(A, B) ((A) * (B))
SHORT(multiply_float, float)
SHORT(multiply_double, double)
#undef OF
#define OF(A, B) ((A) / (B))
SHORT(divide_float, float)
SHORT(divide_double, double)
#undef OF
#define OF LARGER
SHORT(maximum_float, float)
SHORT(maximum_double, double)
#undef OF

/* The largest of a few numbers in each row, whose step is in bytes: see `largest_of_few_is_known`. */
#define LARGEST_OF_FEW(TYPE)                                                                       \
    PUBLIC void epochal_largest_of_few_##TYPE(size rows, size count, const char *from, size step,  \
                                              char *to, size step_to)                              \
    {                                                                                              \
        for (size k = 0; k < rows; k++) {                                                          \
            const TYPE *row = (const TYPE *)(from + k * step);                                     \
            TYPE most = row[0] == row[0] ? row[0] : (TYPE)NAN;                                     \
            for (size i = 1; i < count; i++)                                                       \
                most = LARGER(most, row[i]);                                                       \
            *(TYPE *)(to + k * step_to) = most;                                                    \
        }                                                                                          \
    }                                                                                              \
    static void largest_of_few_##TYPE(const operation *o)                                          \
    {                                                                                              \
        const size axes = o->more[0], *last = o->more + 1 + 4 * (axes - 1);                        \
        char *at[3] = {o->operand[0], o->operand[1], o->operand[2]};                               \
        size index[MOST_AXES] = {0};                                                               \
        do                                                                                         \
            epochal_largest_of_few_##TYPE(last[0], o->count, at[0], last[1], at[1], last[2]);      \
        while (next_row(at, index, axes - 1, o->more + 1));                                        \
    }
LARGEST_OF_FEW(float)
LARGEST_OF_FEW(double)

/* `more`: the three lengths of a product of matrices and the six steps of its three matrices; then
 * the number of outer axes, and these. */
static void products(const operation *o)
{
    const size *core = o->more;
    const size lengths[4] = {o->count, core[0], core[1], core[2]};
    char *at[3] = {o->operand[0], o->operand[1], o->operand[2]};
    size index[MOST_AXES] = {0}, steps[9];
    memcpy(steps, o->step, sizeof o->step);
    memcpy(steps + 3, core + 3, 6 * sizeof(size));
    do {
        char *operand[3] = {at[0], at[1], at[2]};
        ((inner_loop)o->function)(operand, lengths, steps, o->data);
    } while (next_row(at, index, core[9], core + 10));
}

/* ---------------------------------------------------------------- BLAS */

enum { ROW_MAJOR = 101, UPPER = 121 };

#define BLAS(TYPE, SUFFIX)                                                                         \
    typedef void (*gemm_##SUFFIX)(int, int, int, size, size, size, TYPE, const void *, size,       \
                                  const void *, size, TYPE, void *, size);                         \
    typedef void (*gemv_##SUFFIX)(int, int, size, size, TYPE, const void *, size, const void *,    \
                                  size, TYPE, void *, size);                                       \
    typedef void (*syrk_##SUFFIX)(int, int, int, size, size, TYPE, const void *, size, TYPE,       \
                                  void *, size);                                                   \
    typedef TYPE (*dot_##SUFFIX)(size, const void *, size, const void *, size);                    \
    typedef void (*axpy_##SUFFIX)(size, TYPE, const void *, size, void *, size);                   \
                                                                                                   \
    /* more: transposed 1, transposed 2, m, n, k, leading dimensions of a, b and the product */    \
    static void call_gemm_##SUFFIX(const operation *o)                                             \
    {                                                                                              \
        const size *m = o->more;                                                                   \
        ((gemm_##SUFFIX)o->function)(ROW_MAJOR, (int)m[0], (int)m[1], m[2], m[3], m[4], 1,         \
                                     o->operand[0], m[5], o->operand[1], m[6], 0, o->operand[2],   \
                                     m[7]);                                                        \
    }                                                                                              \
    /* more: order, transposed, m, n, leading dimension of the matrix, step of the vector */       \
    static void call_gemv_##SUFFIX(const operation *o)                                             \
    {                                                                                              \
        const size *m = o->more;                                                                   \
        ((gemv_##SUFFIX)o->function)((int)m[0], (int)m[1], m[2], m[3], 1, o->operand[0], m[4],     \
                                     o->operand[1], m[5], 0, o->operand[2], 1);                    \
    }                                                                                              \
    /* more: transposed, n, k, leading dimensions of a and of the product */                       \
    static void call_syrk_##SUFFIX(const operation *o)                                             \
    {                                                                                              \
        const size *m = o->more, n = m[1], width = m[4];                                           \
        TYPE *out = (TYPE *)o->operand[2];                                                         \
        ((syrk_##SUFFIX)o->function)(ROW_MAJOR, UPPER, (int)m[0], n, m[2], 1, o->operand[0], m[3], \
                                     0, out, width);                                               \
        for (size i = 0; i < n; i++)                                                               \
            for (size j = i + 1; j < n; j++)                                                       \
                out[j * width + i] = out[i * width + j];                                           \
    }                                                                                              \
    static void call_dot_##SUFFIX(const operation *o)                                              \
    {                                                                                              \
        double sum = 0.0;                                                                          \
        sum += ((dot_##SUFFIX)o->function)(o->count, o->operand[0], o->step[0], o->operand[1],     \
                                           o->step[1]);                                            \
        *(TYPE *)o->operand[2] = (TYPE)sum;                                                        \
    }                                                                                              \
    static void call_axpy_##SUFFIX(const operation *o)                                             \
    {                                                                                              \
        TYPE factor = *(TYPE *)o->operand[1];                                                      \
        if (o->count == 1)                                                                         \
            *(TYPE *)o->operand[2] = factor * *(TYPE *)o->operand[0];                              \
        else                                                                                       \
            ((axpy_##SUFFIX)o->function)(o->count, factor, o->operand[0], o->step[0],              \
                                         o->operand[2], 1);                                        \
    }

BLAS(float, float)
BLAS(double, double)

/* NumPy writes zeros before every product. So does this walk, but not before products of matrices,
 * which do not read their output. */
static void clear(const operation *o)
{
    memset(o->operand[2], 0, (size_t)(size)o->data);
}

/* ---------------------------------------------------------------- what Python functions do */

/* `Adam._correct`; operands: the number of steps, the rate, and the scaled rate with the scaled
 * epsilon behind it. `data` holds the three numbers of the optimizer. */
#define ADAM(TYPE)                                                                                 \
    {                                                                                              \
        const double *number = (const double *)o->data;                                            \
        double beta_1 = number[0], beta_2 = number[1], epsilon = number[2];                        \
        double t = (double)++*(int64_t *)o->operand[0];                                            \
        double scale_1 = (1.0 - beta_1) / (1.0 - pow(beta_1, t));                                  \
        double scale_2 = sqrt((1.0 - beta_2) / (1.0 - pow(beta_2, t)));                            \
        *(TYPE *)o->operand[2] = (TYPE)((double)*(TYPE *)o->operand[1] * scale_1 / scale_2);       \
        *(TYPE *)o->more[0] = (TYPE)(epsilon / scale_2);                                              \
    }

/* `clear_denormals`; operands: the number of steps, and the moments. */
enum { STEPS_BETWEEN_CLEARINGS = 64 };
#define CLEAR_DENORMALS(TYPE)                                                                      \
    {                                                                                              \
        if (++*(int64_t *)o->operand[0] % STEPS_BETWEEN_CLEARINGS == 0)                            \
            epochal_clear_##TYPE((TYPE *)o->operand[1], o->count);                                 \
    }

/* In `fused.c`. */
void epochal_clear_float(float *, size);
void epochal_clear_double(double *, size);
void epochal_adam_float(float *, float *, float *, const float *, float *, const float *, float *,
                        float, float, float, float, float, size);
void epochal_adam_double(double *, double *, double *, const double *, double *, const double *,
                         double *, double, double, double, double, double, size);

void epochal_largest_float(const size *, const float *, float *);
void epochal_largest_double(const size *, const double *, double *);
void epochal_largest_gradients_float(const size *, const float *, const float *, float *);
void epochal_largest_gradients_double(const size *, const double *, const double *, double *);

void epochal_share(const float *, float *, size, const float *, inner_loop, void *);
void epochal_density(const float *, float *, size, const float *, inner_loop, void *);

/* more: the gradient and the step, the addresses of four numbers, and with weight decay that of the
 * rate and two arrays. */
#define ADAM_STEP(TYPE, NAME)                                                                      \
    {                                                                                              \
        const size *m = o->more;                                                                   \
        char *const *at = o->operand;                                                              \
        NAME((TYPE *)at[0], (TYPE *)at[1], (TYPE *)at[2], (const TYPE *)m[0], (TYPE *)m[1],        \
             (const TYPE *)m[7], (TYPE *)m[8], *(const TYPE *)m[2], *(const TYPE *)m[3],           \
             *(const TYPE *)m[4], *(const TYPE *)m[5], m[6] ? *(const TYPE *)m[6] : 0, o->count);  \
    }

/* more: the fields of `fused.c`; `data` is the number of bytes of gradients to clear before. */
#define WINDOWS(TYPE, NAME) NAME(o->more, (const TYPE *)o->operand[0], (TYPE *)o->operand[1]);
#define WINDOW_GRADIENTS(TYPE, NAME)                                                               \
    clear(o);                                                                                      \
    NAME(o->more, (const TYPE *)o->operand[0], (const TYPE *)o->operand[1],                        \
         (TYPE *)o->operand[2]);

/* NumPy's `bitgen_t`. */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *);
    uint32_t (*next_uint32)(void *);
    double (*next_double)(void *);
    uint64_t (*next_raw)(void *);
} generator;

static void draw_float(const operation *o)
{
    const generator *rng = (const generator *)o->data;
    float *to = (float *)o->operand[0];
    for (size i = 0; i < o->count; i++)
        to[i] = (float)(rng->next_uint32(rng->state) >> 8) * (1.0f / 16777216.0f);
}

static void draw_double(const operation *o)
{
    const generator *rng = (const generator *)o->data;
    double *to = (double *)o->operand[0];
    for (size i = 0; i < o->count; i++)
        to[i] = rng->next_double(rng->state);
}

/* `_generator.pyx`: the last place gets one of all, the one before it one of the rest, and so on. */
PUBLIC void epochal_shuffle(const generator *rng, int64_t *x, size count)
{
    uint32_t mask = 1;
    while ((size)mask < count - 1)
        mask = 2 * mask + 1;
    for (size i = count - 1; i > 0; i--) {
        size other;
        while ((size)(mask >> 1) >= i)
            mask >>= 1;
        do
            other = (size)(rng->next_uint32(rng->state) & mask);
        while (other > i);
        const int64_t here = x[other];
        x[other] = x[i];
        x[i] = here;
    }
}

/* Whole numbers from 0 to `data` - 1; where a number is none, NumPy's conversion gives the least. */
#define WHOLE(TYPE)                                                                                \
    {                                                                                              \
        const TYPE *from = (const TYPE *)o->operand[0];                                            \
        int64_t *to = (int64_t *)o->operand[1];                                                    \
        const int64_t last = (int64_t)(size)o->data - 1;                                           \
        for (size i = 0; i < o->count; i++) {                                                      \
            const int is_known = from[i] > 0 && from[i] < (TYPE)9e18;                              \
            const int64_t k = is_known ? (int64_t)from[i] : 0;                                     \
            to[i] = k > last ? last : k;                                                           \
        }                                                                                          \
    }

/* `_clip_norm`; operands: the gradient, room for it as float64, and the limit. */
#define CLIP_NORM(TYPE)                                                                            \
    {                                                                                              \
        TYPE *gradient = (TYPE *)o->operand[0];                                                    \
        double *wide = (double *)o->operand[1];                                                    \
        const double limit = *(const double *)o->operand[2];                                       \
        for (size i = 0; i < o->count; i++)                                                        \
            wide[i] = (double)gradient[i];                                                         \
        const double norm = sqrt(((dot_double)o->function)(o->count, wide, 1, wide, 1));           \
        const TYPE factor = (TYPE)(limit / norm);                                                  \
        if (norm > limit)                                                                          \
            for (size i = 0; i < o->count; i++)                                                    \
                gradient[i] *= factor;                                                             \
    }

/* The first of the largest numbers of each row, or the first NaN. */
#define ARGMAX(TYPE)                                                                               \
    {                                                                                              \
        const TYPE *row = (const TYPE *)o->operand[0];                                             \
        int64_t *to = (int64_t *)o->operand[1];                                                    \
        const size width = o->step[0];                                                             \
        for (size i = 0; i < o->count; i++, row += width) {                                        \
            size best = 0;                                                                         \
            for (size k = 1; k < width && row[best] == row[best]; k++)                             \
                if (!(row[k] <= row[best]))                                                        \
                    best = k;                                                                      \
            to[i] = best;                                                                          \
        }                                                                                          \
    }

/* ---------------------------------------------------------------- the walk */

static void in_pieces(const operation *);
PUBLIC void epochal_walk(const table *);

static void call(const operation *o)
{
    switch (o->kind) {
    case LOOP:
        if (o->more == NULL) {
            char *operand[3] = {o->operand[0], o->operand[1], o->operand[2]};
            ((inner_loop)o->function)(operand, &o->count, o->step, o->data);
            break;
        }
        along_all_axes(o);
        break;
    case COMPARE_FLOAT: case COMPARE_DOUBLE: case COPY: case TRANSPOSE: case LARGEST:
    case TAKE: case PUT: case ONE_HOT_FLOAT: case ONE_HOT_DOUBLE:
        along_all_axes(o);
        break;
    case MULTIPLY_FLOAT: multiply_float(o); break;
    case MULTIPLY_DOUBLE: multiply_double(o); break;
    case ADD_FLOAT: add_float(o); break;
    case ADD_DOUBLE: add_double(o); break;
    case SUBTRACT_FLOAT: subtract_float(o); break;
    case SUBTRACT_DOUBLE: subtract_double(o); break;
    case DIVIDE_FLOAT: divide_float(o); break;
    case DIVIDE_DOUBLE: divide_double(o); break;
    case MAXIMUM_FLOAT: maximum_float(o); break;
    case MAXIMUM_DOUBLE: maximum_double(o); break;
    case LARGEST_OF_FEW_FLOAT: largest_of_few_float(o); break;
    case LARGEST_OF_FEW_DOUBLE: largest_of_few_double(o); break;
    case MATMUL: products(o); break;
    case GEMM_FLOAT: call_gemm_float(o); break;
    case GEMM_DOUBLE: call_gemm_double(o); break;
    case GEMV_FLOAT: clear(o); call_gemv_float(o); break;
    case GEMV_DOUBLE: clear(o); call_gemv_double(o); break;
    case SYRK_FLOAT: clear(o); call_syrk_float(o); break;
    case SYRK_DOUBLE: clear(o); call_syrk_double(o); break;
    case DOT_FLOAT: call_dot_float(o); break;
    case DOT_DOUBLE: call_dot_double(o); break;
    case AXPY_FLOAT: clear(o); call_axpy_float(o); break;
    case AXPY_DOUBLE: clear(o); call_axpy_double(o); break;
    case ADAM_FLOAT: ADAM(float) break;
    case ADAM_DOUBLE: ADAM(double) break;
    case CLEAR_DENORMALS_FLOAT: CLEAR_DENORMALS(float) break;
    case CLEAR_DENORMALS_DOUBLE: CLEAR_DENORMALS(double) break;
    case DRAW_FLOAT: draw_float(o); break;
    case DRAW_DOUBLE: draw_double(o); break;
    case ARGMAX_FLOAT: ARGMAX(float) break;
    case ARGMAX_DOUBLE: ARGMAX(double) break;
    case WHOLE_FLOAT: WHOLE(float) break;
    case WHOLE_DOUBLE: WHOLE(double) break;
    case SHUFFLE:
        epochal_shuffle((const generator *)o->data, (int64_t *)o->operand[0], o->count);
        break;
    case CLIP_NORM_FLOAT: CLIP_NORM(float) break;
    case CLIP_NORM_DOUBLE: CLIP_NORM(double) break;
    case ADAM_STEP_FLOAT: ADAM_STEP(float, epochal_adam_float) break;
    case ADAM_STEP_DOUBLE: ADAM_STEP(double, epochal_adam_double) break;
    case WINDOWS_FLOAT: WINDOWS(float, epochal_largest_float) break;
    case WINDOWS_DOUBLE: WINDOWS(double, epochal_largest_double) break;
    case WINDOW_GRADIENTS_FLOAT:
        WINDOW_GRADIENTS(float, epochal_largest_gradients_float) break;
    case WINDOW_GRADIENTS_DOUBLE:
        WINDOW_GRADIENTS(double, epochal_largest_gradients_double) break;
    case SHARE:
        epochal_share((const float *)o->operand[0], (float *)o->operand[1], o->count,
                      (const float *)o->operand[2], (inner_loop)o->function, o->data);
        break;
    case DENSITY:
        epochal_density((const float *)o->operand[0], (float *)o->operand[1], o->count,
                        (const float *)o->operand[2], (inner_loop)o->function, o->data);
        break;
    case WALK: epochal_walk((const table *)o->operand[0]); break;
    case CHAIN: in_pieces(o); break;
    }
}

/* The rows of another table on a piece of their arrays after the other, see `chains.py`. */
static void in_pieces(const operation *o)
{
    const table *t = (const table *)o->operand[0];
    const size length = (size)o->data;
    for (size start = 0; start < o->count; start += length)
        for (size i = 0; i < t->length; i++) {
            operation part = t->operations[t->order[i]];
            part.count = o->count - start < length ? o->count - start : length;
            for (int k = 0; k < 3; k++)
                part.operand[k] += start * part.step[k];
            call(&part);
        }
}

PUBLIC void epochal_walk(const table *t)
{
    for (size i = 0; i < t->length; i++)
        call(t->operations + t->order[i]);
}

/* The checksum of this file, by which its reader knows a library of another version. */
PUBLIC uint32_t epochal_source(void)
{
    return SOURCE_DIGEST;
}
