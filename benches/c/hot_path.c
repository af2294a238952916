/*
 * hot_path ROUNDS GETS provider=NAME name=value...
 *
 * A cached, expiring token copied out, again and again: by this library, by two caches as C++ SDKs have them,
 * and by the floor, which does only what must be done. Each round measures every contender with one thread
 * and with two, one after another, so that what disturbs the machine disturbs them all. Prints a line of JSON
 * for each contender and number of threads: nanoseconds per get, round by round, of the slower thread.
 */

#define _GNU_SOURCE

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tokenkeep.h>

#include "../cpp/sdk_caches.h"
#include "client.h"

enum { CAPACITY = 4096, MOST_ROUNDS = 1000, MOST_THREADS = 2 };

/* What every contender reads from. */
struct scene {
    tokenkeep_client *client;
    struct mutex_cache *mutex_cache;
    struct shared_mutex_cache *shared_mutex_cache;
    char header[CAPACITY];
    size_t length;
    time_t running_end;
    time_t wall_end;
};

/* Gets the header so many times. */
typedef void gets_fn(const struct scene *scene, long times, char *buffer);

/* Has the compiler believe that somebody reads the buffer. */
static void use(const char *buffer) { __asm__ volatile("" : : "r"(buffer) : "memory"); }

/* Both coarse clocks, a comparison with the token's end, and the copy. */
static void floor_gets(const struct scene *scene, long times, char *buffer) {
    struct timespec running, wall;

    for (; times > 0; times--) {
        clock_gettime(CLOCK_MONOTONIC_COARSE, &running);
        clock_gettime(CLOCK_REALTIME_COARSE, &wall);
        if (running.tv_sec >= scene->running_end || wall.tv_sec >= scene->wall_end) {
            die("the floor's token has expired", NULL);
        }
        memcpy(buffer, scene->header, scene->length + 1);
        use(buffer);
    }
}

static void copying_gets(const struct scene *scene, long times, char *buffer) {
    size_t length;

    for (; times > 0; times--) {
        if (tokenkeep_client_copy_header(scene->client, NULL, buffer, CAPACITY, &length, NULL, NULL) !=
            TOKENKEEP_OK) {
            die("no header", NULL);
        }
        use(buffer);
    }
}

/* A counted reference instead of a copy. */
static void counted_gets(const struct scene *scene, long times, char *buffer) {
    tokenkeep_token *token;

    (void)buffer;
    for (; times > 0; times--) {
        if (tokenkeep_client_token(scene->client, NULL, &token, NULL) != TOKENKEEP_OK) {
            die("no token", NULL);
        }
        use(tokenkeep_token_authorization(token, NULL));
        tokenkeep_token_free(token);
    }
}

static void mutex_gets(const struct scene *scene, long times, char *buffer) {
    for (; times > 0; times--) {
        if (mutex_cache_copy(scene->mutex_cache, buffer, CAPACITY) == 0) {
            die("the mutex cache is empty", NULL);
        }
        use(buffer);
    }
}

static void shared_mutex_gets(const struct scene *scene, long times, char *buffer) {
    for (; times > 0; times--) {
        if (shared_mutex_cache_copy(scene->shared_mutex_cache, buffer, CAPACITY) == 0) {
            die("the shared_mutex cache is empty", NULL);
        }
        use(buffer);
    }
}

static const struct contender {
    const char *name;
    gets_fn *gets;
} contenders[] = {
    {"floor", floor_gets}, {"copy_header", copying_gets},       {"token", counted_gets},
    {"mutex", mutex_gets}, {"shared_mutex", shared_mutex_gets},
};

enum { CONTENDERS = sizeof(contenders) / sizeof(contenders[0]) };

/* One thread's part of a measurement. */
struct runner {
    pthread_t thread;
    pthread_barrier_t *start;
    const struct scene *scene;
    gets_fn *gets;
    long times;
    int cpu;
    double ns;
};

static void *run(void *argument) {
    struct runner *runner = argument;
    char buffer[CAPACITY];
    cpu_set_t cpus;
    double began;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)runner->cpu, &cpus);
    pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
    runner->gets(runner->scene, runner->times / 20 + 1, buffer);
    pthread_barrier_wait(runner->start);
    began = now_ns();
    runner->gets(runner->scene, runner->times, buffer);
    runner->ns = (now_ns() - began) / (double)runner->times;
    return NULL;
}

/* Nanoseconds per get of the slower thread. */
static double measure(const struct scene *scene, gets_fn *gets, int threads, long times) {
    struct runner runners[MOST_THREADS];
    pthread_barrier_t start;
    double slowest = 0;
    int i;

    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (i = 0; i < threads; i++) {
        runners[i] = (struct runner){.start = &start, .scene = scene, .gets = gets, .times = times, .cpu = i};
        if (pthread_create(&runners[i].thread, NULL, run, &runners[i]) != 0) {
            die("no thread", NULL);
        }
    }
    for (i = 0; i < threads; i++) {
        pthread_join(runners[i].thread, NULL);
        slowest = runners[i].ns > slowest ? runners[i].ns : slowest;
    }
    pthread_barrier_destroy(&start);
    return slowest;
}

static void set_the_scene(struct scene *scene, tokenkeep_client *client) {
    tokenkeep_error *error = NULL;
    struct timespec now;

    scene->client = client;
    if (tokenkeep_client_copy_header(client, NULL, scene->header, CAPACITY, &scene->length, NULL, &error) !=
        TOKENKEEP_OK) {
        die("no first token", error);
    }
    scene->mutex_cache = mutex_cache_new(scene->header, scene->length);
    scene->shared_mutex_cache = shared_mutex_cache_new(scene->header, scene->length);
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    scene->running_end = now.tv_sec + 3600;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    scene->wall_end = now.tv_sec + 3600;
}

static void clear_the_scene(struct scene *scene) {
    mutex_cache_free(scene->mutex_cache);
    shared_mutex_cache_free(scene->shared_mutex_cache);
    tokenkeep_client_free(scene->client);
}

static void print(const char *name, int threads, const double *ns, long rounds) {
    long i;

    printf("{\"name\": \"%s\", \"threads\": %d, \"ns\": [", name, threads);
    for (i = 0; i < rounds; i++) {
        printf("%s%.2f", i > 0 ? ", " : "", ns[i]);
    }
    printf("]}\n");
}

int main(int argc, char **argv) {
    static double ns[CONTENDERS][MOST_THREADS + 1][MOST_ROUNDS];
    static struct scene scene;
    const long rounds = argc > 3 ? atol(argv[1]) : 0;
    const long times = argc > 3 ? atol(argv[2]) : 0;
    const int most_threads = sysconf(_SC_NPROCESSORS_ONLN) < MOST_THREADS ? 1 : MOST_THREADS;
    int threads;
    size_t i;
    long round;

    if (rounds < 1 || rounds > MOST_ROUNDS || times < 1) {
        die("usage: hot_path ROUNDS GETS provider=NAME name=value...", NULL);
    }
    set_the_scene(&scene, client_of(argc - 3, argv + 3));
    for (round = 0; round < rounds; round++) {
        for (threads = 1; threads <= most_threads; threads++) {
            for (i = 0; i < CONTENDERS; i++) {
                ns[i][threads][round] = measure(&scene, contenders[i].gets, threads, times);
            }
        }
    }
    for (i = 0; i < CONTENDERS; i++) {
        for (threads = 1; threads <= most_threads; threads++) {
            print(contenders[i].name, threads, ns[i][threads], rounds);
        }
    }
    clear_the_scene(&scene);
    return 0;
}
