/// The suites of the test program, one a file.

#ifndef SUITES_HPP
#define SUITES_HPP

void test_values();
void test_tokens();
void test_errors();
void test_refusals();
void test_logs();
void test_stores();
void test_threads();
void test_consents();

#endif
