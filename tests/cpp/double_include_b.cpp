/// The other translation unit: see double_include_a.cpp.

#include "double_include.hpp"

#include <tokenkeep.hpp>

unsigned long long generation_of(tokenkeep_client *client) {
    tokenkeep::Client own = tokenkeep::Client::adopt(tokenkeep_client_clone(client));
    tokenkeep::Config config("acquired");
    config.on_log(tokenkeep::Level::info, [](tokenkeep::Level, std::string_view) {});
    const auto refused = tokenkeep::Client::try_create(config);
    const auto token = own.try_token();
    return token && refused.status() == tokenkeep::Status::config ? token->generation() : 0;
}
