/* Several calls on the same elements as one loop, see `fused.py`.
 *
 * Every operation is rounded by itself, as in NumPy: the compiler must not join a product and a sum.
 * So a result does not depend on how many elements a processor works on at once. */
#include <math.h>
#include <stdint.h>

typedef intptr_t size;

/* The loop once for each generation of processors; which one runs is decided when it is loaded. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_PROCESSOR
#endif

#define ADAM_STEP(NAME, TYPE, ROOT)                                                                \
    EACH_PROCESSOR void NAME(TYPE *restrict p, TYPE *restrict m, TYPE *restrict v,                 \
                             const TYPE *restrict g, TYPE *restrict s, TYPE beta_1, TYPE beta_2,   \
                             TYPE epsilon, TYPE rate, size count)                                  \
    {                                                                                              \
        for (size i = 0; i < count; i++) {                                                         \
            m[i] = m[i] * beta_1 + g[i];                                                           \
            v[i] = v[i] * beta_2 + g[i] * g[i];                                                    \
            s[i] = m[i] / (ROOT(v[i]) + epsilon) * rate;                                           \
            p[i] = p[i] - s[i];                                                                    \
        }                                                                                          \
    }
ADAM_STEP(epochal_adam_float, float, sqrtf)
ADAM_STEP(epochal_adam_double, double, sqrt)
