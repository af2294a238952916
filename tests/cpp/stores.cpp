/// Grants in a store of the program's own.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <tokenkeep.hpp>

#include "check.hpp"
#include "http.hpp"
#include "sandbox.hpp"
#include "suites.hpp"

using tokenkeep::Client;
using tokenkeep::Config;
using tokenkeep::Status;
using tokenkeep::Store;

namespace {

constexpr std::string_view key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A table of a database, so to speak.
class Table : public Store {
public:
    explicit Table(int &ends) : ends_(ends) {}
    ~Table() override { ++ends_; }

    bool load(std::string_view name, std::optional<std::string> &record) override {
        if (throws) {
            throw std::runtime_error("the database is away");
        }
        if (client) {
            CHECK_THROWS(client->token(), Status::reentrant);
        }
        if (const auto row = rows.find(std::string(name)); row != rows.end()) {
            record = row->second;
        }
        return true;
    }

    bool save(std::string_view name, std::string_view record,
              std::optional<std::chrono::system_clock::time_point> expires) override {
        CHECK(locked);
        end = expires;
        rows[std::string(name)] = record;
        return true;
    }

    bool remove(std::string_view name) override {
        ++removals;
        rows.erase(std::string(name));
        return true;
    }

    Lock lock(std::string_view, std::chrono::milliseconds) override {
        return std::exchange(locked, true) ? Lock::theirs : Lock::ours;
    }

    void unlock(std::string_view) override { locked = false; }

    std::map<std::string, std::string> rows;
    std::optional<std::chrono::system_clock::time_point> end;
    int removals = 0;
    std::optional<Client> client;
    bool throws = false;
    bool locked = false;

private:
    int &ends_;
};

Config config(std::string_view account, const std::shared_ptr<Store> &table) {
    return sandbox::acquired(account).set("store_key", key).store(table);
}

} // namespace

static void a_grant_outlives_its_client() {
    int ends = 0;
    {
        const auto table = std::make_shared<Table>(ends);
        const std::string first(Client(config(__func__, table)).token().value());
        CHECK(table->rows.size() == 1 && !table->locked);
        const auto left = table->end.value() - std::chrono::system_clock::now();
        CHECK(left > std::chrono::minutes(58) && left <= std::chrono::minutes(60));
        CHECK(Client(config(__func__, table)).token().value() == first);
        CHECK(sandbox::count("acquired/login") == 1);
    }
    CHECK(ends == 1);
}

/// It has a refresh token, whose end nobody knows.
static void a_persons_grant_is_kept_for_good_until_it_is_revoked() {
    int ends = 0;
    const auto table = std::make_shared<Table>(ends);
    const auto pink = [&table, account = __func__] {
        return Client(sandbox::config("pink", account)
                          .set("client_id", "sandbox-pink-client")
                          .set("client_secret", "SANDBOX-SECRET-pink-client")
                          .set("redirect_uri", "http://127.0.0.1:8/callback")
                          .set("authorize_url", sandbox::url + "/pink/oauth/authorize")
                          .set("token_url", sandbox::url + "/pink/oauth/token")
                          .set("store_key", key)
                          .store(table));
    };
    const tokenkeep::Consent consent = pink().consent();
    CHECK(consent.finish(http::request("GET", consent.url()).header("location")));
    CHECK(table->rows.size() == 1 && !table->end);
    const Client later = pink();
    CHECK(later.token());
    CHECK(table->removals == 0);
    later.revoke();
    CHECK(table->removals == 1 && table->rows.empty() && !table->locked);
    CHECK_THROWS(later.token(), Status::consent_required);
}

static void clients_that_live_at_once_have_the_same_store() {
    const char *const account = __func__;
    int ends = 0;
    auto table = std::make_shared<Table>(ends);
    std::optional<Client> client(std::in_place, config(account, table));
    std::optional<Client> same(std::in_place, config(account, table));
    CHECK(client->token().value() == same->token().value());
    CHECK_THROWS(Client(config(account, std::make_shared<Table>(ends))), Status::config);
    CHECK(ends == 1);
    // The clients hold it.
    table.reset();
    client.reset();
    CHECK(ends == 1 && same->token());
    same.reset();
    CHECK(ends == 2);
}

static void a_store_that_throws_is_told_and_tokens_come() {
    int ends = 0;
    const auto table = std::make_shared<Table>(ends);
    table->throws = true;
    std::string told;
    Config with_log = config(__func__, table);
    with_log.on_log(tokenkeep::Level::warn,
                    [&told](tokenkeep::Level, std::string_view message) { told += message; });
    CHECK(Client(with_log).token());
    CHECK_HAS(told, "could not load a record");
}

static void a_store_may_not_call_its_client() {
    int ends = 0;
    const auto table = std::make_shared<Table>(ends);
    Client client(config(__func__, table));
    table->client = client.clone();
    CHECK(client.token());
    table->client.reset();
}

static void no_store_is_a_fault() {
    const auto made = Client::try_create(sandbox::acquired(__func__).store(nullptr));
    CHECK_STATUS(made, Status::config);
    CHECK_HAS(made.error().message(), "the store is NULL");
}

void test_stores() {
    a_grant_outlives_its_client();
    a_persons_grant_is_kept_for_good_until_it_is_revoked();
    clients_that_live_at_once_have_the_same_store();
    a_store_that_throws_is_told_and_tokens_come();
    a_store_may_not_call_its_client();
    no_store_is_a_fault();
}
