/*
 * Token caches as the C++ SDKs of two clouds build them, stripped to the cache itself: what they do beside it
 * (requests, scopes, policies) is left out, in their favour.
 */

#ifndef BENCH_SDK_CACHES_H
#define BENCH_SDK_CACHES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mutex_cache;
struct shared_mutex_cache;

/* Caches of this text, good for an hour. */
struct mutex_cache *mutex_cache_new(const char *header, size_t length);
struct shared_mutex_cache *shared_mutex_cache_new(const char *header, size_t length);

/* Copies the cached text and a NUL into the buffer. Returns its length, 0 if it has expired or does not fit.
 */
size_t mutex_cache_copy(struct mutex_cache *cache, char *buffer, size_t capacity);
size_t shared_mutex_cache_copy(struct shared_mutex_cache *cache, char *buffer, size_t capacity);

void mutex_cache_free(struct mutex_cache *cache);
void shared_mutex_cache_free(struct shared_mutex_cache *cache);

#ifdef __cplusplus
}
#endif

#endif
