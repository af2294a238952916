/* Preloaded: a resolver that never answers for the names below .invalid, and counts those it holds up. */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static atomic_int held_up;

int hanging_names(void);

int hanging_names(void) { return atomic_load(&held_up); }

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    static const char below[] = ".invalid";
    const size_t length = node != NULL ? strlen(node) : 0;
    lookup *system;

    if (length >= sizeof(below) && strcmp(node + length - (sizeof(below) - 1), below) == 0) {
        atomic_fetch_add(&held_up, 1);
        for (;;) {
            pause();
        }
    }
    *(void **)&system = dlsym(RTLD_NEXT, "getaddrinfo");
    return system(node, service, hints, found);
}
