/* What is tested, one file each. */

#ifndef SUITES_H
#define SUITES_H

void test_statuses(void);
void test_configs(void);
void test_tokens(void);
void test_buffers(void);
void test_errors(void);
void test_refusals(void);
void test_logs(void);
void test_stores(void);
void test_threads(void);
void test_consents(void);
void test_forks(void);

#endif
