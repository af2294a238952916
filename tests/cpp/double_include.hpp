/// What two translation units of one program hand to each other.

#ifndef DOUBLE_INCLUDE_HPP
#define DOUBLE_INCLUDE_HPP

#include <tokenkeep.h>

/// Uses all of tokenkeep.hpp in the one unit, on a client of the other's, and returns the token's generation.
unsigned long long generation_of(tokenkeep_client *client);

#endif
