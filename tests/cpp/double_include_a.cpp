/// One of two translation units with tokenkeep.hpp in them; the other may have been compiled without
/// exceptions or RTTI. They hand each other a C handle.

#include "double_include.hpp"

#include <tokenkeep.hpp>
// Twice is as once.
#include <tokenkeep.hpp> // NOLINT

int main() {
    auto client = tokenkeep::Client::try_create(tokenkeep::Config("acquire").set("access_token", "given"));
    auto token = client ? client->try_token() : tokenkeep::Result<tokenkeep::Token>(client.error());
    if (!token) {
        return 1;
    }
    return generation_of(client->native_handle()) == token->generation() ? 0 : 2;
}
