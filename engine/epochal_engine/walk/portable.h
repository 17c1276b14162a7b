/* What compilers and processors call by other names, and what the files share. */
#include <stdint.h>

#ifdef _WIN32
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

/* The loop once for each generation of processors; which one runs is decided when it is loaded. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_PROCESSOR
#endif

/* A loop that the compiler cannot turn into vectors is repeated: its own instructions cost more. */
#ifdef __GNUC__
#define REPEATED _Pragma("GCC unroll 8")
#else
#define REPEATED
#endif

/* A loop whose output is one of its inputs, at the same index, or apart from them. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

typedef intptr_t size;

/* NumPy's maximum on x86; `rows.py` uses it only where NumPy gives the same for zeros and NaN. */
#define LARGER(A, B) ((A) != (A) ? (A) : (A) > (B) ? (A) : (B))
