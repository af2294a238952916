/* What the C programs of the benchmarks share: a client made from the command line, and time. */

#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdnoreturn.h>

#include <tokenkeep.h>

/* A config of settings given as "name=value" words, the first of which must be the provider. */
tokenkeep_config *config_of(int count, char **settings);

/* A client of such a config. Ends the program if there is none. */
tokenkeep_client *client_of(int count, char **settings);

/* Ends the program with the error's message. */
noreturn void die(const char *what, const tokenkeep_error *error);

/* Nanoseconds on the precise running clock. */
double now_ns(void);

#endif
