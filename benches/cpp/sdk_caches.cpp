#include "sdk_caches.h"

#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

namespace {

using Clock = std::chrono::system_clock;

constexpr std::chrono::minutes early{5};
constexpr std::chrono::hours lifetime{1};

struct AccessToken {
    std::string header;
    Clock::time_point expires_at;

    bool is_fresh() const { return Clock::now() < expires_at - early; }
};

std::size_t copy_out(const std::string &header, char *buffer, std::size_t capacity) {
    if (header.size() >= capacity) {
        return 0;
    }
    std::memcpy(buffer, header.c_str(), header.size() + 1);
    return header.size();
}

} // namespace

/* One mutex around everything; the token leaves it by value. So does google-cloud-cpp. */
struct mutex_cache {
    explicit mutex_cache(std::string header) : token{std::move(header), Clock::now() + lifetime} {}

    AccessToken get() {
        std::lock_guard<std::mutex> lock(mutex);
        return token.is_fresh() ? token : AccessToken{};
    }

private:
    std::mutex mutex;
    AccessToken token;
};

/* Readers share a lock; the token is immutable and leaves it by reference. azure-core copies it besides. */
struct shared_mutex_cache {
    explicit shared_mutex_cache(std::string header)
        : token{
              std::make_shared<const AccessToken>(AccessToken{std::move(header), Clock::now() + lifetime})} {}

    std::shared_ptr<const AccessToken> get() {
        std::shared_lock<std::shared_mutex> lock(mutex);
        return token->is_fresh() ? token : nullptr;
    }

private:
    std::shared_mutex mutex;
    std::shared_ptr<const AccessToken> token;
};

mutex_cache *mutex_cache_new(const char *header, std::size_t length) {
    return new mutex_cache(std::string(header, length));
}

shared_mutex_cache *shared_mutex_cache_new(const char *header, std::size_t length) {
    return new shared_mutex_cache(std::string(header, length));
}

std::size_t mutex_cache_copy(mutex_cache *cache, char *buffer, std::size_t capacity) {
    return copy_out(cache->get().header, buffer, capacity);
}

std::size_t shared_mutex_cache_copy(shared_mutex_cache *cache, char *buffer, std::size_t capacity) {
    const std::shared_ptr<const AccessToken> token = cache->get();
    return token ? copy_out(token->header, buffer, capacity) : 0;
}

void mutex_cache_free(mutex_cache *cache) { delete cache; }

void shared_mutex_cache_free(shared_mutex_cache *cache) { delete cache; }
