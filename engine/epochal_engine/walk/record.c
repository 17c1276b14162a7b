/* What is recorded of epochs: losses, accuracies, and statistics of the layers' gradients.
 *
 * The same sums in the same order as in Python, see `metrics.py`, `losses.py` and `snapshots.py`,
 * without arrays between them: a pass over the records instead of twenty. Logarithms, and exponentials
 * of float64, are NumPy's own loops, as in `walk.c`.
 */
#include <math.h>
#include <string.h>

#include "portable.h"

typedef void (*inner_loop)(char **, const size *, const size *, void *);

/* ---------------------------------------------------------------- sums */

/* NumPy's pairwise sum of numbers in float64. */
#define PAIRWISE(NAME, TYPE, TERM)                                                                 \
    static EACH_PROCESSOR double NAME##_of_few(const TYPE *x, size n)                              \
    {                                                                                              \
        double r[8];                                                                               \
        size i;                                                                                    \
        for (int k = 0; k < 8; k++)                                                                \
            r[k] = TERM(x[k]);                                                                     \
        for (i = 8; i < n - n % 8; i += 8)                                                         \
            for (int k = 0; k < 8; k++)                                                            \
                r[k] += TERM(x[i + k]);                                                            \
        double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));            \
        for (; i < n; i++)                                                                         \
            sum += TERM(x[i]);                                                                     \
        return sum;                                                                                \
    }                                                                                              \
    static double NAME(const TYPE *x, size n)                                                      \
    {                                                                                              \
        if (n < 8) {                                                                               \
            double sum = -0.0;                                                                     \
            for (size i = 0; i < n; i++)                                                           \
                sum += TERM(x[i]);                                                                 \
            return sum;                                                                            \
        }                                                                                          \
        if (n <= 128)                                                                              \
            return NAME##_of_few(x, n);                                                            \
        const size half = n / 2 - (n / 2) % 8;                                                     \
        return NAME(x, half) + NAME(x + half, n - half);                                           \
    }
#define PLAIN(x) ((double)(x))
#define SQUARED(x) ((double)(x) * (double)(x))
PAIRWISE(sum_float, float, PLAIN)
PAIRWISE(sum_double, double, PLAIN)
PAIRWISE(squares_float, float, SQUARED)
PAIRWISE(squares_double, double, SQUARED)

/* NumPy's `reduceat` begins with the first number. */
#define SEGMENT(SUM, TERM, x, n) ((n) == 1 ? TERM((x)[0]) : TERM((x)[0]) + SUM((x) + 1, (n) - 1))

/* ---------------------------------------------------------------- layers */

/* Where the layers lie in a flat vector. */
typedef struct {
    size count;
    const int64_t *starts;
    const int64_t *sizes;
} layers;

enum { STATISTICS = 11, LOOKED = 4, FIRST_BIN = 46, BINS = 22, AT_ONCE = 256 };

/* Vectors of numbers, in `groups` of `rows`: a row is `step` bytes after the one before, a group
 * `group_step`. What is computed of them lies in order, without gaps. */
typedef struct {
    size groups, rows;
    size group_step, step;
} vectors;

/* The sum of squares of each layer in each vector. */
#define SQUARES(NAME, TYPE, SUM)                                                                   \
    PUBLIC void NAME(const char *first, const vectors *v, const layers *l, double *out)            \
    {                                                                                              \
        for (size group = 0; group < v->groups; group++)                                           \
            for (size i = 0; i < v->rows; i++)                                                     \
                for (size k = 0; k < l->count; k++) {                                              \
                    const char *row = first + group * v->group_step + i * v->step;                 \
                    const TYPE *x = (const TYPE *)row + l->starts[k];                              \
                    *out++ = SEGMENT(SUM, SQUARED, x, l->sizes[k]);                                \
                }                                                                                  \
    }
SQUARES(epochal_squares_float, float, squares_float)
SQUARES(epochal_squares_double, double, squares_double)

/* How many numbers are in each bin between two. Counters of one byte, one for each of the neighbors,
 * fit many into a vector; they are added up before they can be full. */
enum { NEIGHBORS = 64, IN_BYTES = 2048 };

static EACH_PROCESSOR void count_bins(const uint8_t *restrict bins, size n, uint8_t first,
                                      uint8_t last, uint32_t *restrict histogram)
{
    const size whole = n < 2 * NEIGHBORS ? 0 : n - n % NEIGHBORS;
    for (uint8_t bin = first; bin <= last && whole > 0; bin++) {
        uint8_t counts[NEIGHBORS] = {0};
        uint32_t sum = 0;
        for (size i = 0; i < whole; i += NEIGHBORS)
            for (int k = 0; k < NEIGHBORS; k++)
                counts[k] += bins[i + k] == bin;
        for (int k = 0; k < NEIGHBORS; k++)
            sum += counts[k];
        histogram[bin] += sum;
    }
    for (size i = whole; i < n; i++)
        histogram[bins[i]]++;
}

/* Count the numbers by the pair of their exponents; return how many are 0, and the largest size.
 * Without its sign, the bits of a number are in the order of numbers, and NaN is the largest. */
#define LOOK(NAME, TYPE, BITS)                                                                     \
    static EACH_PROCESSOR void NAME##_at_few(const TYPE *restrict x, size n,                       \
                                             uint8_t *restrict bins, int32_t *range, size *zeros,  \
                                             BITS *largest)                                        \
    {                                                                                              \
        BITS most = *largest;                                                                      \
        int32_t none = 0, first = BINS - 1, last = 0;                                              \
        for (size i = 0; i < n; i++) {                                                             \
            BITS bits;                                                                             \
            float narrow = (float)x[i];                                                            \
            uint32_t narrow_bits;                                                                  \
            memcpy(&bits, x + i, sizeof bits);                                                     \
            memcpy(&narrow_bits, &narrow, sizeof narrow_bits);                                     \
            bits &= (BITS)-1 >> 1;                                                                 \
            most = bits > most ? bits : most;                                                      \
            none += bits == 0;                                                                     \
            const int32_t pair = (int32_t)((narrow_bits << 1) >> 25) - FIRST_BIN;                  \
            const int32_t at_least = pair < 0 ? 0 : pair;                                          \
            const int32_t bin = at_least > BINS - 1 ? BINS - 1 : at_least;                         \
            first = bin < first ? bin : first;                                                     \
            last = bin > last ? bin : last;                                                        \
            bins[i] = (uint8_t)bin;                                                                \
        }                                                                                          \
        *zeros += none;                                                                            \
        *largest = most;                                                                           \
        range[0] = first;                                                                          \
        range[1] = last;                                                                           \
    }                                                                                              \
    static size NAME(const TYPE *x, size n, uint32_t *histogram, TYPE *largest)                    \
    {                                                                                              \
        uint8_t bins[IN_BYTES];                                                                    \
        int32_t range[2];                                                                          \
        size zeros = 0;                                                                            \
        BITS most = 0;                                                                             \
        for (size start = 0; start < n; start += IN_BYTES) {                                       \
            const size count = n - start < IN_BYTES ? n - start : IN_BYTES;                        \
            NAME##_at_few(x + start, count, bins, range, &zeros, &most);                           \
            count_bins(bins, count, (uint8_t)range[0], (uint8_t)range[1], histogram);              \
        }                                                                                          \
        memcpy(largest, &most, sizeof most);                                                       \
        return zeros;                                                                              \
    }
LOOK(look_float, float, uint32_t)
LOOK(look_double, double, uint64_t)

/* The first statistics of each layer, `out` `(rows, layers, STATISTICS)`, and the histograms. The
 * squares are `(rows, layers)`. */
#define GRADIENTS(NAME, TYPE, SUM, SQUARES_OF, LOOK_AT)                                            \
    PUBLIC void NAME(const char *gradients, size gradient_step, const char *steps, size step_step, \
                     size rows, const layers *l, const double *gradient_squares,                   \
                     const double *parameter_squares, TYPE *out, uint32_t *histogram)              \
    {                                                                                              \
        for (size i = 0; i < rows; i++)                                                            \
            for (size k = 0; k < l->count; k++) {                                                  \
                const TYPE *g = (const TYPE *)(gradients + i * gradient_step) + l->starts[k];      \
                const TYPE *s = (const TYPE *)(steps + i * step_step) + l->starts[k];              \
                const size n = l->sizes[k];                                                        \
                const double mean = SEGMENT(SUM, PLAIN, g, n) / (double)n;                         \
                const double variance = *gradient_squares / (double)n - mean * mean;               \
                const double weight_norm = sqrt(*parameter_squares++);                             \
                const double step_norm = sqrt(SEGMENT(SQUARES_OF, SQUARED, s, n));                 \
                const double least = 2.2250738585072014e-308;                                      \
                TYPE largest;                                                                      \
                const size zeros = LOOK_AT(g, n, histogram, &largest);                             \
                out[0] = (TYPE)sqrt(*gradient_squares++);                                          \
                out[1] = (TYPE)mean;                                                               \
                out[2] = (TYPE)sqrt(variance >= 0 || variance != variance ? variance : 0.0);       \
                out[3] = largest;                                                                  \
                out[4] = (TYPE)((double)zeros / (double)n);                                        \
                out[5] = (TYPE)weight_norm;                                                        \
                out[6] = (TYPE)(step_norm / (weight_norm < least ? least : weight_norm));          \
                out += STATISTICS;                                                                 \
                histogram += BINS;                                                                 \
            }                                                                                      \
    }
GRADIENTS(epochal_gradients_float, float, sum_float, squares_float, look_float)
GRADIENTS(epochal_gradients_double, double, sum_double, squares_double, look_double)

/* ---------------------------------------------------------------- losses */

enum loss { CROSS_ENTROPY, BINARY_CROSS_ENTROPY, MSE };

typedef struct {
    size loss;
    size outputs;
    size predictions;       /* of an epoch */
    const double *targets;  /* (predictions, outputs), or NULL */
    const int32_t *labels;  /* the classes of the predictions */
    inner_loop exp, log;    /* NumPy's loops for float64; log1p for binary cross-entropy */
    void *exp_data, *log_data;
    double *scratch;        /* 2 · room numbers */
    size room;              /* at least `outputs` */
    double *values, *correct;  /* of the predictions; no `correct` where there is no accuracy */
    size positions;         /* predictions of a sample */
    double *products;       /* room for `outputs` numbers */
    const float *number;    /* the constants of the exponential of float32 */
} losses;

/* `WIDEST` is the largest number of floats in a vector of a processor. */
enum { FEW_OUTPUTS = 32, CONSTANTS = 12, WIDEST = 16 };

static void apply(inner_loop loop, void *data, const double *from, double *to, size count)
{
    char *operands[2] = {(char *)from, (char *)to};
    const size steps[2] = {sizeof(double), sizeof(double)};
    loop(operands, &count, steps, data);
}

/* `losses._sum` of one prediction. */
static double sum_of_outputs(const double *x, size outputs)
{
    if (outputs > FEW_OUTPUTS)
        return 0.0 + sum_double(x, outputs);
    double sum = x[0];
    for (size k = 1; k < outputs; k++)
        sum += x[k];
    return sum;
}

/* `exponential.py`; `number` has its constants. */
static EACH_PROCESSOR void exponentials(const float *restrict x, float *restrict out, size count,
                                        const float *number)
{
    for (size i = 0; i < count; i++) {
        const float bounded = x[i] < number[0] ? number[0] : x[i];
        const float shifted = bounded * number[1] + number[2], whole = shifted - number[2];
        const float rest = bounded - whole * number[3] - whole * number[4];
        float sum = rest * number[5], power;
        uint32_t bits;
        for (int k = 6; k < CONSTANTS; k++)
            sum = (sum + number[k]) * rest;
        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits + 127) << 23;
        memcpy(&power, &bits, sizeof power);
        out[i] = (sum + 1.0f) * power;
    }
}

static void exponentials_float(const losses *l, const float *x, float *out, size count)
{
    exponentials(x, out, count, l->number);
}

static void exponentials_double(const losses *l, const double *x, double *out, size count)
{
    apply(l->exp, l->exp_data, x, out, count);
}

/* The loss of `rows` predictions from `first` on, whose logits are in `from`. The values begin as the
 * differences from the largest logit, each times its target. Where that is a class, the others are not
 * multiplied by 0; what would make that NaN is: a logit, or a difference that `CAN_OVERFLOW`. */
#define CROSS_ENTROPY_OF(TYPE, INTEGER, CAN_OVERFLOW)                                              \
    static void rows_##TYPE(const losses *l, const TYPE *from, TYPE *z, size first, size rows)     \
    {                                                                                              \
        const size outputs = l->outputs;                                                           \
        for (size i = first; i < first + rows; i++, from += outputs, z += outputs) {               \
            TYPE largest = from[0];                                                                \
            size best = 0, wrong = from[0] != from[0];                                             \
            for (size k = 1; k < outputs; k++) {                                                   \
                const int is_larger = from[k] > largest;                                           \
                largest = is_larger ? from[k] : largest;                                           \
                best = is_larger ? k : best;                                                       \
                wrong += from[k] != from[k];                                                       \
            }                                                                                      \
            if (wrong)                                                                             \
                largest = NAN;                                                                     \
            l->correct[i] = best == l->labels[i] && !wrong;                                        \
            for (size k = 0; k < outputs; k++) {                                                   \
                const double target = l->targets == NULL ? (double)(k == l->labels[i])             \
                                                         : l->targets[i * outputs + k];            \
                z[k] = from[k] - largest;                                                          \
                l->products[k] = ((double)from[k] - (double)largest) * target;                     \
            }                                                                                      \
            l->values[i] = sum_of_outputs(l->products, outputs);                                   \
        }                                                                                          \
    }                                                                                              \
    /* The same for many predictions at a time: outputs are columns. */                            \
    static EACH_PROCESSOR void columns_##TYPE(const losses *l, const TYPE *restrict from,          \
                                              TYPE *restrict z, size first, size rows)             \
    {                                                                                              \
        const size outputs = l->outputs;                                                           \
        TYPE largest[AT_ONCE], spoiled[AT_ONCE];                                                   \
        INTEGER best[AT_ONCE], are_finite = 1;                                                     \
        double *restrict values = l->values + first, *restrict correct = l->correct + first;       \
        for (size k = 0; k < outputs; k++)                                                         \
            REPEATED                                                                               \
            for (size i = 0; i < rows; i++)                                                        \
                z[k * rows + i] = from[i * outputs + k];                                           \
        for (size i = 0; i < rows; i++) {                                                          \
            largest[i] = z[i];                                                                     \
            best[i] = 0;                                                                           \
            spoiled[i] = z[i] * 0;                                                                 \
        }                                                                                          \
        for (size k = 1; k < outputs; k++)                                                         \
            for (size i = 0; i < rows; i++) {                                                      \
                const TYPE x = z[k * rows + i];                                                    \
                best[i] = x > largest[i] ? (INTEGER)k : best[i];                                   \
                largest[i] = x > largest[i] ? x : largest[i];                                      \
                spoiled[i] += x * 0;                                                               \
            }                                                                                      \
        for (size i = 0; i < rows; i++)                                                            \
            are_finite &= spoiled[i] == 0;                                                         \
        for (size i = 0; i < rows && !are_finite; i++)                                             \
            for (size k = 0; k < outputs; k++)                                                     \
                if (z[k * rows + i] != z[k * rows + i]) {                                          \
                    largest[i] = NAN;                                                              \
                    best[i] = -1;                                                                  \
                }                                                                                  \
        for (size i = 0; i < rows; i++)                                                            \
            correct[i] = best[i] == l->labels[first + i];                                          \
        for (size k = 0; k < outputs; k++)                                                         \
            for (size i = 0; i < rows; i++) {                                                      \
                const TYPE difference = z[k * rows + i] - largest[i];                              \
                z[k * rows + i] = difference;                                                      \
                if (CAN_OVERFLOW)                                                                  \
                    spoiled[i] += difference * 0;                                                  \
            }                                                                                      \
        if (l->targets == NULL) {                                                                  \
            for (size i = 0; i < rows; i++) {                                                      \
                const double x = (double)from[i * outputs + l->labels[first + i]];                 \
                values[i] = x - (double)largest[i] + (double)spoiled[i];                           \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        const double *targets = l->targets + first * outputs;                                      \
        for (size k = 0; k < outputs; k++)                                                         \
            for (size i = 0; i < rows; i++) {                                                      \
                const double x = (double)from[i * outputs + k] - (double)largest[i];               \
                values[i] = (k == 0 ? 0.0 : values[i]) + x * targets[i * outputs + k];             \
            }                                                                                      \
    }                                                                                              \
    static EACH_PROCESSOR void sum_of_columns_##TYPE(const TYPE *x, size columns, size rows,       \
                                                     double *sums)                                 \
    {                                                                                              \
        for (size i = 0; i < rows; i++)                                                            \
            sums[i] = (double)x[i];                                                                \
        for (size k = 1; k < columns; k++)                                                         \
            for (size i = 0; i < rows; i++)                                                        \
                sums[i] += (double)x[k * rows + i];                                                \
    }                                                                                              \
    static void cross_entropy_##TYPE(const losses *l, const TYPE *from, size first, size rows)     \
    {                                                                                              \
        const size outputs = l->outputs;                                                           \
        TYPE *z = (TYPE *)l->scratch, *more = (TYPE *)(l->scratch + l->room);                      \
        double sums[AT_ONCE];                                                                      \
        (outputs <= FEW_OUTPUTS ? columns_##TYPE : rows_##TYPE)(l, from, z, first, rows);          \
        exponentials_##TYPE(l, z, more, rows * outputs);                                           \
        if (outputs <= FEW_OUTPUTS)                                                                \
            sum_of_columns_##TYPE(more, outputs, rows, sums);                                      \
        else                                                                                       \
            for (size i = 0; i < rows; i++)                                                        \
                sums[i] = 0.0 + sum_##TYPE(more + i * outputs, outputs);                           \
        apply(l->log, l->log_data, sums, sums, rows);                                              \
        for (size i = 0; i < rows; i++)                                                            \
            l->values[first + i] = sums[i] - l->values[first + i];                                 \
    }
CROSS_ENTROPY_OF(float, int32_t, 0)
CROSS_ENTROPY_OF(double, int64_t, 1)

/* The mean over the outputs of each prediction. */
static void means_of_rows(const double *x, size outputs, size rows, double *means)
{
    if (outputs == 1) {
        memcpy(means, x, (size_t)rows * sizeof *x);
        return;
    }
    for (size i = 0; i < rows; i++)
        means[i] = sum_of_outputs(x + i * outputs, outputs) / (double)outputs;
}

static EACH_PROCESSOR void are_correct(const double *restrict z, const double *restrict targets,
                                       double *restrict out, size count)
{
    for (size k = 0; k < count; k++)
        out[k] = (double)(((z[k] >= 0.0) == (targets[k] >= 0.5)) & (z[k] == z[k]));
}

static EACH_PROCESSOR void negative_sizes(const double *restrict z, double *restrict out, size count)
{
    for (size k = 0; k < count; k++)
        out[k] = -fabs(z[k]);
}

static EACH_PROCESSOR void add_linear_part(const double *restrict z, const double *restrict targets,
                                           double *restrict out, size count)
{
    for (size k = 0; k < count; k++) {
        const double positive = z[k] >= 0.0 || z[k] != z[k] ? z[k] : 0.0;
        out[k] = positive + out[k] - targets[k] * z[k];
    }
}

static void binary_cross_entropy(const losses *l, double *z, double *more, size first, size rows)
{
    const size outputs = l->outputs, count = rows * outputs;
    const double *targets = l->targets + first * outputs;
    are_correct(z, targets, more, count);
    means_of_rows(more, outputs, rows, l->correct + first);
    negative_sizes(z, more, count);
    apply(l->exp, l->exp_data, more, more, count);
    apply(l->log, l->log_data, more, more, count);
    add_linear_part(z, targets, more, count);
    means_of_rows(more, outputs, rows, l->values + first);
}

static EACH_PROCESSOR void mse(const losses *l, double *z, double *more, size first, size rows)
{
    const size outputs = l->outputs;
    const double *targets = l->targets + first * outputs;
    for (size k = 0; k < rows * outputs; k++) {
        const double error = z[k] - targets[k];
        more[k] = error * error;
    }
    means_of_rows(more, outputs, rows, l->values + first);
}

/* The fraction of samples whose predictions are all correct. */
static double exact_match(const losses *l)
{
    size exact = 0;
    for (size first = 0; first < l->predictions; first += l->positions) {
        int is_exact = 1;
        for (size k = first; k < first + l->positions; k++)
            is_exact &= l->correct[k] == 1.0;
        exact += is_exact;
    }
    return (double)exact / (double)(l->predictions / l->positions);
}

/* The mean loss, the accuracy, and the exact match, of the logits in each vector. */
#define MEASURE(NAME, TYPE)                                                                        \
    static void NAME##_predictions(const losses *l, const TYPE *from)                              \
    {                                                                                              \
        const size fit = l->room / l->outputs, n = l->predictions;                                 \
        const size most = fit > AT_ONCE ? AT_ONCE : fit;                                           \
        const size at_once = most < WIDEST ? most : most - most % WIDEST;                          \
        double *z = l->scratch, *more = l->scratch + l->room;                                      \
        for (size first = 0; first < n; first += at_once) {                                        \
            const size rows = n - first < at_once ? n - first : at_once;                           \
            if (l->loss == CROSS_ENTROPY) {                                                        \
                cross_entropy_##TYPE(l, from + first * l->outputs, first, rows);                   \
                continue;                                                                          \
            }                                                                                      \
            for (size k = 0; k < rows * l->outputs; k++)                                           \
                z[k] = (double)from[first * l->outputs + k];                                       \
            if (l->loss == BINARY_CROSS_ENTROPY)                                                   \
                binary_cross_entropy(l, z, more, first, rows);                                     \
            else                                                                                   \
                mse(l, z, more, first, rows);                                                      \
        }                                                                                          \
    }                                                                                              \
    PUBLIC void NAME(const losses *l, const char *logits, const vectors *v, double *loss,          \
                     double *accuracy, double *exact)                                              \
    {                                                                                              \
        const size n = l->predictions;                                                             \
        for (size group = 0; group < v->groups; group++)                                           \
            for (size i = 0; i < v->rows; i++) {                                                   \
                const char *row = logits + group * v->group_step + i * v->step;                    \
                NAME##_predictions(l, (const TYPE *)row);                                          \
                *loss++ = (0.0 + sum_double(l->values, n)) / (double)n;                            \
                if (accuracy != NULL)                                                              \
                    *accuracy++ = (0.0 + sum_double(l->correct, n)) / (double)n;                   \
                if (exact != NULL)                                                                 \
                    *exact++ = exact_match(l);                                                     \
            }                                                                                      \
    }
MEASURE(epochal_measure_float, float)
MEASURE(epochal_measure_double, double)

/* ---------------------------------------------------------------- layers' outputs */

/* How many numbers are beyond the bounds, and how many units are 0 for all samples. None of their
 * numbers is negative: a unit is dead if they add up to 0, in whichever order. `sums` has room for
 * `units` numbers; the rows of few units are added up several at a time. */
#define EXTREMES(TYPE)                                                                             \
    static EACH_PROCESSOR size beyond_##TYPE(const TYPE *values, size n, double low, double high)  \
    {                                                                                              \
        int32_t beyond = 0;                                                                        \
        for (size k = 0; k < n; k++)                                                               \
            beyond += ((double)values[k] < low) | ((double)values[k] > high);                      \
        return beyond;                                                                             \
    }                                                                                              \
    static EACH_PROCESSOR void add_rows_##TYPE(const TYPE *restrict values, size rows, size width, \
                                               TYPE *restrict sums)                                \
    {                                                                                              \
        for (size k = 0; k < rows; k++)                                                            \
            for (size j = 0; j < width; j++)                                                       \
                sums[j] += values[k * width + j];                                                  \
    }                                                                                              \
    static size dead_##TYPE(const TYPE *values, size samples, size units, TYPE *sums)              \
    {                                                                                              \
        TYPE wide[NEIGHBORS] = {0};                                                                \
        const size together = NEIGHBORS / units, width = together * units;                         \
        const size rows = together > 1 ? samples / together : 0;                                   \
        size zeros = 0;                                                                            \
        memset(sums, 0, (size_t)units * sizeof(TYPE));                                             \
        add_rows_##TYPE(values, rows, width, wide);                                                \
        add_rows_##TYPE(wide, together, units, sums);                                              \
        values += rows * width;                                                                    \
        add_rows_##TYPE(values, samples - rows * together, units, sums);                           \
        for (size j = 0; j < units; j++)                                                           \
            zeros += sums[j] == 0;                                                                 \
        return zeros;                                                                              \
    }
EXTREMES(float)
EXTREMES(double)

/* What `probe._describe` says of `rows` networks, of the values `(rows, samples, units)`: `out` has
 * four numbers, `step` apart. `low` and `high` bound what is not saturated, and `is_relu` counts the
 * units that are 0 for all samples. `room` has `units` numbers. */
#define DESCRIBE(NAME, TYPE, SUM, SQUARES_OF)                                                      \
    PUBLIC void NAME(const TYPE *values, size rows, size samples, size units, double low,          \
                     double high, size is_relu, TYPE *room, double *out, size step)                \
    {                                                                                              \
        const size n = samples * units;                                                            \
        for (size i = 0; i < rows; i++, values += n, out += step) {                                \
            const double mean = (0.0 + SUM(values, n)) / (double)n;                                \
            const double variance = (0.0 + SQUARES_OF(values, n)) / (double)n - mean * mean;       \
            const size beyond = low < high ? beyond_##TYPE(values, n, low, high) : 0;              \
            const size zeros = is_relu ? dead_##TYPE(values, samples, units, room) : 0;            \
            out[0] = mean;                                                                         \
            out[1] = sqrt(variance >= 0 || variance != variance ? variance : 0.0);                 \
            out[2] = (double)beyond / (double)n;                                                   \
            out[3] = (double)zeros / (double)units;                                                \
        }                                                                                          \
    }
DESCRIBE(epochal_describe_float, float, sum_float, squares_float)
DESCRIBE(epochal_describe_double, double, sum_double, squares_double)

/* ---------------------------------------------------------------- epochs */

/* In `walk.c`. */
void epochal_walk(const void *table);

/* The current logits of a part, and where the metrics of the epochs go, NULL for those that have no
 * meaning. */
typedef struct {
    const losses *losses;
    const char *logits;
    double *metrics[3];
} part;

/* What a layer makes of the samples that are looked at; `bounds` are those of what is saturated. */
typedef struct {
    const char *values;
    size samples, units;
    const double *bounds;
    size is_relu;
    char *dead;
} output;

/* What is recorded after each epoch, from the current numbers: they are still in the cache then. */
typedef struct {
    size is_double;
    const layers *layers;
    const char *gradient, *step, *parameters;
    double *gradient_squares, *parameter_squares;  /* (epochs, layers) */
    const double *limit;    /* of the training loss: a factor, and the first loss, NaN if unknown */
    size parts;
    const part *part;
    size every;             /* epochs from one snapshot to the next; 0: there is none */
    const void *looks;      /* the table that computes the outputs */
    const output *output;   /* of each layer */
    char *statistics;       /* (snapshots, layers, STATISTICS) */
    uint32_t *histogram;    /* (snapshots, layers, BINS) */
} recorder;

#define RECORD(NAME, TYPE)                                                                         \
    static void NAME(const recorder *r, size epoch, size snapshot, int is_due)                     \
    {                                                                                              \
        const vectors one = {1, 1, 0, 0};                                                          \
        const size count = r->layers->count;                                                       \
        double *gradient_squares = r->gradient_squares + epoch * count;                            \
        double *parameter_squares = r->parameter_squares + epoch * count;                          \
        epochal_squares_##TYPE(r->gradient, &one, r->layers, gradient_squares);                    \
        epochal_squares_##TYPE(r->parameters, &one, r->layers, parameter_squares);                 \
        for (const part *p = r->part; p < r->part + r->parts; p++)                                 \
            epochal_measure_##TYPE(p->losses, p->logits, &one, p->metrics[0] + epoch,              \
                                   p->metrics[1] == NULL ? NULL : p->metrics[1] + epoch,           \
                                   p->metrics[2] == NULL ? NULL : p->metrics[2] + epoch);          \
        if (!is_due)                                                                               \
            return;                                                                                \
        TYPE *out = (TYPE *)r->statistics + snapshot * count * STATISTICS;                         \
        epochal_gradients_##TYPE(r->gradient, 0, r->step, 0, 1, r->layers, gradient_squares,       \
                                 parameter_squares, out, r->histogram + snapshot * count * BINS);  \
        epochal_walk(r->looks);                                                                    \
        for (const output *o = r->output; o < r->output + count; o++, out += STATISTICS) {         \
            double seen[LOOKED];                                                                   \
            epochal_describe_##TYPE((const TYPE *)o->values, 1, o->samples, o->units,              \
                                    o->bounds[0], o->bounds[1], o->is_relu, (TYPE *)o->dead, seen, \
                                    LOOKED);                                                       \
            for (int k = 0; k < LOOKED; k++)                                                       \
                out[STATISTICS - LOOKED + k] = (TYPE)seen[k];                                      \
        }                                                                                          \
    }
RECORD(record_float, float)
RECORD(record_double, double)

/* Whether an epoch diverged, as `stopping.follow` decides. */
static int has_diverged(const recorder *r, size epoch)
{
    const double *losses_ = r->part[0].metrics[0], first = r->limit[1] == r->limit[1] ? r->limit[1]
                                                                                      : losses_[0];
    const double watched = r->part[r->parts - 1].metrics[0][epoch];
    double sum = 0.0;
    for (size k = 0; k < r->layers->count; k++)
        sum += r->parameter_squares[epoch * r->layers->count + k];
    return !(isfinite(sum) && isfinite(watched) &&
             losses_[epoch] <= r->limit[0] * (first < 1.0 ? 1.0 : first));
}

enum { POINTED = 32, BESIDE = 8, STATE = POINTED + BESIDE };

/* Epochs without a pause, each at its learning rate; `first` is the number of the first. After each,
 * the first `bytes` of the numbers of the run and the states of its generators are copied, and with
 * a recorder the results are computed. Return how many epochs there were: one that diverged is the
 * last. A state has a part that is pointed to, and one beside it. */
PUBLIC size epochal_epochs(const void *table, size epochs, const char *rates, char *rate, size width,
                           const char *numbers, char *records, size bytes, size generators,
                           const char *const *parts, char *states, const recorder *r, size first)
{
    size snapshot = 0;
    for (size i = 0; i < epochs; i++) {
        memcpy(rate, rates + i * width, (size_t)width);
        epochal_walk(table);
        memcpy(records + i * bytes, numbers, (size_t)bytes);
        for (size k = 0; k < generators; k++, states += STATE) {
            memcpy(states, parts[2 * k], POINTED);
            memcpy(states + POINTED, parts[2 * k + 1], BESIDE);
        }
        if (r == NULL)
            continue;
        const int is_due = r->every > 0 && (first + i) % r->every == 0;
        (r->is_double ? record_double : record_float)(r, i, snapshot, is_due);
        snapshot += is_due;
        if (has_diverged(r, i))
            return i + 1;
    }
    return epochs;
}
