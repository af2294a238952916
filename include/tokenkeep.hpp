/// \file
/// tokenkeep.hpp: gets API tokens, keeps them fresh and hands them out. The C++17 form of tokenkeep.h.
///
///     #include <tokenkeep.hpp>
///
///     tokenkeep::Client client(tokenkeep::Config("acquired")
///                                  .set("app_id", "12345678")
///                                  .set("app_key_env", "ACQUIRED_APP_KEY"));
///
///     tokenkeep::Token token = client.token(); // tens of nanoseconds, once a token is in memory
///     for (auto [name, value] : token.headers())
///         request.add_header(name, value);
///
/// Keep the client, and ask it for a token before each request. When the vendor refuses a token, say so with
/// Client::rejected.
///
/// ERRORS. Whatever can fail comes in two forms: x() throws an Error, and try_x() never throws and returns a
/// Result. Where exceptions are switched off only the second form is there. Memory that runs out ends the
/// program in either form, as it does inside the library.
///
/// OWNERSHIP. Objects release what they hold when they are destroyed. Text that is handed out is a view into
/// the object it was asked of: good until that object, and each copy of it, is gone. A NUL stands behind such
/// text, so its data() may be given to C. Text that is given is copied by the library.
///
/// EMPTY OBJECTS. An object that was moved from or released is empty. Operations on it fail with
/// Status::invalid_argument, accessors give nothing, and nothing of it is undefined behaviour.
///
/// THREADS. Several threads may use one Client, Token, Consent or Error at once through its const members;
/// all that they do is const. A Config is for one thread at a time. Assigning to, moving from or destroying
/// an object is for one thread, as with any other: give each thread a Client of its own with Client::clone.
/// What tokenkeep.h says on signals, fork() and the end of the process holds here as well.
///
/// LINKING. All of this is inline; the compiled library is the C one. Code with and without exceptions or
/// RTTI may be linked into one program: the types of each kind are told apart by an inline namespace, so that
/// what does not match does not link. Pass native handles between the two. Do not declare these classes
/// yourself, as in `namespace tokenkeep { class Client; }`: that is another class. Include this header.

#ifndef TOKENKEEP_HPP
#define TOKENKEEP_HPP

#if !(__cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L))
#error "tokenkeep.hpp needs C++17; for older compilers there is tokenkeep.h"
#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "tokenkeep.h"

// Lets the compiler warn of text that is kept longer than the temporary object it belongs to.
#define TOKENKEEP_LIFETIMEBOUND
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#undef TOKENKEEP_LIFETIMEBOUND
#define TOKENKEEP_LIFETIMEBOUND [[clang::lifetimebound]]
#elif __has_cpp_attribute(msvc::lifetimebound)
#undef TOKENKEEP_LIFETIMEBOUND
#define TOKENKEEP_LIFETIMEBOUND [[msvc::lifetimebound]]
#endif
#endif

// An exception must be one type in all shared objects of a program, even where they hide their symbols.
#if defined(__GNUC__)
#define TOKENKEEP_ONE_TYPE __attribute__((visibility("default")))
#else
#define TOKENKEEP_ONE_TYPE
#endif

// Error has no base class without exceptions, and no type information without RTTI: three kinds of types.
#if !defined(__cpp_exceptions)
#define TOKENKEEP_ABI v0_no_exceptions
#elif !defined(__cpp_rtti)
#define TOKENKEEP_ABI v0_no_rtti
#else
#define TOKENKEEP_ABI v0
#endif

/// Gets API tokens, keeps them fresh and hands them out.
namespace tokenkeep {
inline namespace TOKENKEEP_ABI {

/// What became of a call, by what the caller can do about it. The numbers are those of tokenkeep_status. They
/// never change; later releases may add to them, so take an unknown one as an error.
enum class Status : std::int32_t {
    /// It succeeded.
    ok = TOKENKEEP_OK,
    /// A call was made wrongly. Mend the program.
    invalid_argument = TOKENKEEP_INVALID_ARGUMENT,
    /// The settings are wrong. All their faults are listed in the message.
    config = TOKENKEEP_CONFIG,
    /// The vendor could not be reached. Asking again may help.
    network = TOKENKEEP_NETWORK,
    /// No trusted, encrypted connection could be made. Check the certificate authorities.
    tls = TOKENKEEP_TLS,
    /// The deadline passed. The renewal may still succeed for a later call.
    timeout = TOKENKEEP_TIMEOUT,
    /// The client was closed.
    cancelled = TOKENKEEP_CANCELLED,
    /// The vendor refused the credentials. Asking again with the same ones will not help.
    denied = TOKENKEEP_DENIED,
    /// A person must say yes (again). See Client::consent.
    consent_required = TOKENKEEP_CONSENT_REQUIRED,
    /// The vendor asks to slow down. See Error::retry_after.
    rate_limited = TOKENKEEP_RATE_LIMITED,
    /// The vendor failed. Asking again may help.
    server = TOKENKEEP_SERVER,
    /// The vendor's answer is not what it should be.
    protocol = TOKENKEEP_PROTOCOL,
    /// The token was refused, and asking for another will not help.
    rejected = TOKENKEEP_REJECTED,
    /// A refresh token that is good only once would be lost or spent twice: the store cannot be used, or a
    /// forked child or a copy of a client shares none with its original.
    store = TOKENKEEP_STORE,
    /// No usable token is cached, and the call was not allowed to wait for one.
    would_block = TOKENKEEP_WOULD_BLOCK,
    /// The buffer is too small. See Error::required_capacity.
    buffer_too_small = TOKENKEEP_BUFFER_TOO_SMALL,
    /// A log callback or a store's function called a client. Call it afterwards.
    reentrant = TOKENKEEP_REENTRANT,
    /// The vendor, or this release, does not offer what was asked.
    unsupported = TOKENKEEP_UNSUPPORTED,
    /// A fault in tokenkeep itself. Please report it.
    internal = TOKENKEEP_INTERNAL,
};

/// How long a token lives. Three states, and none of them is a number.
enum class Lifetime : std::int32_t {
    /// Until Token::expires_at.
    known = TOKENKEEP_LIFETIME_KNOWN,
    /// The vendor declares that it never ends.
    never = TOKENKEEP_LIFETIME_NEVER,
    /// Nobody said: it is good until it is refused.
    unknown = TOKENKEEP_LIFETIME_UNKNOWN,
};

/// How grave a log message is; the gravest has the smallest number.
enum class Level : std::int32_t {
    /// A program will miss its token.
    error = TOKENKEEP_LEVEL_ERROR,
    /// Somebody should look at it.
    warn = TOKENKEEP_LEVEL_WARN,
    /// A renewal and its outcome.
    info = TOKENKEEP_LEVEL_INFO,
    /// Every step.
    debug = TOKENKEEP_LEVEL_DEBUG,
};

/// How one call is made. Left as it is: as the settings say.
///
///     client.token({std::chrono::seconds(2)});                     // wait two seconds at most
///     client.token({std::nullopt, std::chrono::minutes(5)});       // for a job of five minutes
struct CallOptions {
    /// How long the call may take; none: as the setting `timeout` says. What is left of a deadline may be
    /// given as it is: zero or less allows the shortest wait, a millisecond. Over 49 days counts as 49 days.
    std::optional<std::chrono::milliseconds> timeout = std::nullopt;
    /// The token must live at least this much longer; one that does not is renewed first, and if that fails
    /// the call does. More than the vendor's tokens ever live counts as zero, and so does less than zero.
    std::chrono::milliseconds min_valid = std::chrono::milliseconds::zero();
};

/// The numbers of one client: the hits are its own and its clones', the rest is of all clients that share its
/// credential.
struct Stats {
    /// Tokens that were handed out from memory.
    std::uint64_t hits = 0;
    /// Renewals that succeeded.
    std::uint64_t renewals = 0;
    /// Renewals that failed.
    std::uint64_t failures = 0;
    /// Calls that waited for a renewal which another call had started.
    std::uint64_t shared_waits = 0;
    /// When the next renewal is due; none if there is none in sight.
    std::optional<std::chrono::system_clock::time_point> next_renewal = std::nullopt;
};

/// The version of the library that is loaded, such as "1.2.3". Good for ever.
[[nodiscard]] inline std::string_view version() noexcept { return tokenkeep_version(); }

/// The same as one number, 0xMMmmpp00, to be compared with TOKENKEEP_VERSION_NUMBER, which is this header's.
[[nodiscard]] inline std::uint32_t version_number() noexcept { return tokenkeep_version_number(); }

/// The name of a status, such as "TIMEOUT"; "UNKNOWN" for one that this release does not have. Good for ever.
[[nodiscard]] inline std::string_view to_string(Status status) noexcept {
    return tokenkeep_status_name(static_cast<std::int32_t>(status));
}

/// Text that is given to the library: whatever a std::string_view can be made of, or text up to a NUL, such
/// as std::getenv gives. A NULL stays one, and is for the library to report where it is none of the choices.
class Text {
public:
    /// The empty text.
    constexpr Text() noexcept = default;

    /// Text up to a NUL, or NULL.
    constexpr Text(const char *text) noexcept : start_(text), length_(TOKENKEEP_NUL_ENDED) {}

    /// Text that knows its length, or that leads to text up to a NUL.
    template <class Source,
              class = std::enable_if_t<std::is_convertible_v<const Source &, std::string_view> ||
                                       std::is_convertible_v<const Source &, const char *>>>
    constexpr Text(const Source &source) {
        if constexpr (std::is_convertible_v<const Source &, const char *>) {
            start_ = source;
            length_ = TOKENKEEP_NUL_ENDED;
        } else {
            const std::string_view text = source;
            start_ = text.data();
            length_ = text.size();
        }
    }

    /// Where it begins; may be NULL.
    [[nodiscard]] constexpr const char *data() const noexcept { return start_; }

    /// Its length as C takes it: TOKENKEEP_NUL_ENDED if it goes up to a NUL.
    [[nodiscard]] constexpr std::size_t length() const noexcept { return length_; }

private:
    const char *start_ = nullptr;
    std::size_t length_ = 0;
};

/// Not for use outside of this header.
namespace detail {

/// Releases C objects.
struct Free {
    void operator()(tokenkeep_config *config) const noexcept { tokenkeep_config_free(config); }
    void operator()(tokenkeep_client *client) const noexcept { tokenkeep_client_free(client); }
    void operator()(tokenkeep_token *token) const noexcept { tokenkeep_token_free(token); }
    void operator()(tokenkeep_consent *consent) const noexcept { tokenkeep_consent_free(consent); }
    void operator()(tokenkeep_error *error) const noexcept { tokenkeep_error_free(error); }
};

/// The one owner of a C object.
template <class Object>
using Handle = std::unique_ptr<Object, Free>;

/// Text that C lends with its length; NULL is the empty text.
template <class Object>
std::string_view lent(const char *(*accessor)(const Object *, std::size_t *), const Object *object) noexcept {
    std::size_t length = 0;
    const char *text = accessor(object, &length);
    return {text, text != nullptr ? length : 0};
}

/// Text that C lends up to its NUL; NULL is the empty text.
inline std::string_view lent(const char *text) noexcept {
    return text != nullptr ? std::string_view(text) : std::string_view();
}

/// Text as C takes it without a length: with a NUL behind it, and none in it that would cut it short. The
/// replacement character in the place of such a NUL makes a name that no setting, provider or profile has.
class NulEnded {
public:
    explicit NulEnded(Text text) : start_(text.data()) {
        if (text.length() != TOKENKEEP_NUL_ENDED) {
            copy_ = std::string_view(text.data(), text.length());
            for (auto at = copy_.find('\0'); at != std::string::npos; at = copy_.find('\0', at)) {
                copy_.replace(at, 1, "\xef\xbf\xbd");
            }
            start_ = copy_.c_str();
        }
    }

    NulEnded(const NulEnded &) = delete;
    NulEnded &operator=(const NulEnded &) = delete;

    /// NULL if the text was.
    [[nodiscard]] const char *get() const noexcept { return start_; }

private:
    std::string copy_;
    const char *start_;
};

/// Milliseconds as C takes them.
inline std::uint32_t milliseconds(std::chrono::milliseconds span, std::uint32_t least) noexcept {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(span.count(), least, most));
}

/// Call options as C takes them.
inline tokenkeep_call c_call(const CallOptions &options) noexcept {
    tokenkeep_call call = TOKENKEEP_CALL_INIT;
    call.timeout_ms = options.timeout ? milliseconds(*options.timeout, 1) : 0;
    call.min_valid_ms = milliseconds(options.min_valid, 0);
    return call;
}

/// A time as C tells it; none for INT64_MAX. What the clock cannot express becomes the nearest that it can.
inline std::optional<std::chrono::system_clock::time_point> time_point(std::int64_t unix_ms) noexcept {
    using Clock = std::chrono::system_clock;
    using Milliseconds = std::chrono::duration<std::int64_t, std::milli>;
    if (unix_ms == std::numeric_limits<std::int64_t>::max()) {
        return std::nullopt;
    }
    const Milliseconds first = std::chrono::duration_cast<Milliseconds>(Clock::duration::min());
    const Milliseconds last = std::chrono::duration_cast<Milliseconds>(Clock::duration::max());
    const Milliseconds since_epoch = std::clamp(Milliseconds(unix_ms), first, last);
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(since_epoch));
}

/// Carries log messages to a callable on the heap, whose address is the user_data.
template <class Callable>
struct LogTarget {
    static void tell(void *user_data, std::int32_t level, const char *message, std::size_t length) noexcept {
        Callable &callable = *static_cast<Callable *>(user_data);
        const std::string_view text(message, length);
#if defined(__cpp_exceptions)
        try {
            callable(static_cast<Level>(level), text);
        } catch (...) {
            // The caller asked for a token, not for a log: a log that fails is no reason to fail.
        }
#else
        callable(static_cast<Level>(level), text);
#endif
    }

    static void drop(void *user_data) noexcept { delete static_cast<Callable *>(user_data); }
};

/// Whether a callable may hold nothing: a pointer may, and so may what is tested as a std::function is.
template <class Callable>
inline constexpr bool may_be_empty = std::is_pointer_v<Callable> ||
                                     (std::is_constructible_v<bool, Callable &> &&
                                      !std::is_convertible_v<Callable &, bool>);

/// Whether this callable holds nothing.
template <class Callable>
bool is_empty(Callable &callable) noexcept {
    if constexpr (may_be_empty<Callable>) {
        return !static_cast<bool>(callable);
    } else {
        return false;
    }
}

} // namespace detail

/// What went wrong, where, and what to do. Copies share one text, so copying is cheap and never throws. Any
/// number of threads may read it at once. Never holds a secret, so it may be logged as it is.
///
/// Derives from std::exception where exceptions are on.
///
///     } catch (const tokenkeep::Error &error) {
///         log(error.what());
///         if (error.is_retryable())
///             schedule_again(error.retry_after().value_or(std::chrono::seconds(5)));
///     }
class TOKENKEEP_ONE_TYPE Error
#if defined(__cpp_exceptions)
    : public std::exception
#endif
{
public:
    /// An error that is a status and nothing else.
    explicit Error(Status status) noexcept : status_(status) {}

    /// What a function of tokenkeep.h reported: the status that it returned and its error object, which may
    /// be NULL and is owned from here on.
    [[nodiscard]] static Error adopt(tokenkeep_status status, tokenkeep_error *error_or_null) noexcept {
        Error adopted(static_cast<Status>(status));
        if (error_or_null != nullptr) {
            adopted.error_.reset(error_or_null, detail::Free());
        }
        return adopted;
    }

    /// What the caller can do about it. Never Status::ok.
    [[nodiscard]] Status status() const noexcept { return status_; }

    /// The HTTP status of the vendor's answer, such as 401; 0 if there was no answer.
    [[nodiscard]] int http_status() const noexcept { return tokenkeep_error_http_status(error_.get()); }

    /// What went wrong, where, and what to do, in words; the status's name if there is no more to say.
    [[nodiscard]] std::string_view message() const noexcept TOKENKEEP_LIFETIMEBOUND { return what(); }

    /// The message, ended by a NUL, as std::exception has it.
    [[nodiscard]] const char *what() const noexcept
#if defined(__cpp_exceptions)
        override
#endif
    {
        const char *message = tokenkeep_error_message(error_.get());
        return message != nullptr ? message : tokenkeep_status_name(static_cast<std::int32_t>(status_));
    }

    /// The vendor's own code, such as "invalid_grant" or "unauthorized"; empty if there is none.
    [[nodiscard]] std::string_view code() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent(tokenkeep_error_code(error_.get()));
    }

    /// How long to wait before asking again can help; none if that is not known.
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        const std::int64_t wait = error_ != nullptr ? tokenkeep_error_retry_after_ms(error_.get()) : -1;
        return wait >= 0 ? std::optional(std::chrono::milliseconds(wait)) : std::nullopt;
    }

    /// Whether the same call may succeed later without anybody mending anything.
    [[nodiscard]] bool is_retryable() const noexcept {
        return tokenkeep_error_is_retryable(error_.get()) != 0;
    }

    /// With Status::buffer_too_small, how many bytes the buffer needs; else 0. A later token may need more.
    [[nodiscard]] std::size_t required_capacity() const noexcept { return required_capacity_; }

    /// The C object, which stays owned by this error and its copies; NULL if there is none.
    [[nodiscard]] const tokenkeep_error *native_handle() const noexcept { return error_.get(); }

private:
    friend class Client;

    std::shared_ptr<const tokenkeep_error> error_;
    std::size_t required_capacity_ = 0;
    Status status_;
};

namespace detail {

/// Throws the error; ends the program where nothing can be thrown.
[[noreturn]] inline void raise(const Error &error) {
#if defined(__cpp_exceptions)
    throw error;
#else
    static_cast<void>(error);
    std::abort();
#endif
}

} // namespace detail

/// What a call brought: a value, or the error that there is in its place.
///
///     if (auto token = client.try_token())
///         send(token->authorization());
///     else
///         log(token.error().what());
template <class Value>
class [[nodiscard]] Result {
public:
    /// A success.
    Result(Value value) noexcept(std::is_nothrow_move_constructible_v<Value>)
        : outcome_(std::in_place_index<0>, std::move(value)) {}

    /// A failure.
    Result(Error error) noexcept : outcome_(std::in_place_index<1>, std::move(error)) {}

    /// Whether there is a value.
    [[nodiscard]] bool ok() const noexcept { return outcome_.index() == 0; }

    /// Whether there is a value.
    [[nodiscard]] explicit operator bool() const noexcept { return ok(); }

    /// Status::ok, or the error's status.
    [[nodiscard]] Status status() const noexcept { return ok() ? Status::ok : error().status(); }

    /// The value. If there is none, throws the error, or ends the program where exceptions are off.
    [[nodiscard]] Value &value() & { return *checked(*this); }

    /// \copydoc value()
    [[nodiscard]] const Value &value() const & { return *checked(*this); }

    /// \copydoc value()
    [[nodiscard]] Value value() && { return std::move(*checked(*this)); }

    /// value(), by the usual sign for it.
    [[nodiscard]] Value &operator*() & { return value(); }

    /// \copydoc operator*()
    [[nodiscard]] const Value &operator*() const & { return value(); }

    /// \copydoc operator*()
    [[nodiscard]] Value operator*() && { return std::move(*this).value(); }

    /// A member of value().
    [[nodiscard]] Value *operator->() TOKENKEEP_LIFETIMEBOUND { return checked(*this); }

    /// \copydoc operator->()
    [[nodiscard]] const Value *operator->() const TOKENKEEP_LIFETIMEBOUND { return checked(*this); }

    /// The value, or the other one if there is none.
    [[nodiscard]] Value value_or(Value other) const & { return ok() ? value() : std::move(other); }

    /// \copydoc value_or(Value) const
    [[nodiscard]] Value value_or(Value other) && {
        return ok() ? std::move(*this).value() : std::move(other);
    }

    /// The error. If there is none, ends the program.
    [[nodiscard]] const Error &error() const noexcept TOKENKEEP_LIFETIMEBOUND {
        const Error *error = std::get_if<1>(&outcome_);
        if (error == nullptr) {
            std::abort();
        }
        return *error;
    }

private:
    /// Where the value is, of a Result that may be const.
    template <class Self>
    static auto *checked(Self &self) {
        auto *value = std::get_if<0>(&self.outcome_);
        if (value == nullptr) {
            detail::raise(self.error());
        }
        return value;
    }

    std::variant<Value, Error> outcome_;
};

/// What a call brought that has no value to bring: success, or an error.
template <>
class [[nodiscard]] Result<void> {
public:
    /// A success.
    Result() noexcept = default;

    /// A failure.
    Result(Error error) noexcept : error_(std::move(error)) {}

    /// Whether it succeeded.
    [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }

    /// Whether it succeeded.
    [[nodiscard]] explicit operator bool() const noexcept { return ok(); }

    /// Status::ok, or the error's status.
    [[nodiscard]] Status status() const noexcept { return ok() ? Status::ok : error_->status(); }

    /// Nothing. If it failed, throws the error, or ends the program where exceptions are off.
    void value() const {
        if (error_) {
            detail::raise(*error_);
        }
    }

    /// The error. If there is none, ends the program.
    [[nodiscard]] const Error &error() const noexcept TOKENKEEP_LIFETIMEBOUND {
        if (!error_) {
            std::abort();
        }
        return *error_;
    }

private:
    std::optional<Error> error_;
};

namespace detail {

/// The result of a call that hands out a C object: the C++ object that owns it, or the error.
template <class Type, class Object>
Result<Type> adopt(tokenkeep_status status, Object *object, tokenkeep_error *error) noexcept {
    if (status != TOKENKEEP_OK) {
        return Error::adopt(status, error);
    }
    return Type::adopt(object);
}

/// The result of a call that hands out nothing.
inline Result<void> done(tokenkeep_status status, tokenkeep_error *error) noexcept {
    if (status != TOKENKEEP_OK) {
        return Error::adopt(status, error);
    }
    return {};
}

} // namespace detail

/// The headers of a token, pairs of name and value. The range holds a reference to its token, so that it may
/// be asked of a temporary one:
///
///     for (auto [name, value] : client.token().headers())
///         request.add_header(name, value);
///
/// The text, and the iterators, are good for as long as the range or a copy of its token.
class Headers {
public:
    /// Name and value, as in "Authorization" and "Bearer ...".
    using value_type = std::pair<std::string_view, std::string_view>;

    /// Steps through the headers; makes each pair when it is asked for it.
    class iterator {
    public:
        using value_type = Headers::value_type;
        using reference = value_type;
        using pointer = void;
        using difference_type = std::ptrdiff_t;
        /// For C++17: what has no references to elements is no more than this.
        using iterator_category = std::input_iterator_tag;
        /// For C++20: it can be copied and stepped again.
        using iterator_concept = std::forward_iterator_tag;

        iterator() noexcept = default;

        [[nodiscard]] value_type operator*() const noexcept { return at(token_, index_); }

        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }

        iterator operator++(int) noexcept {
            iterator before = *this;
            ++index_;
            return before;
        }

        [[nodiscard]] friend bool operator==(const iterator &one, const iterator &other) noexcept {
            return one.token_ == other.token_ && one.index_ == other.index_;
        }

        [[nodiscard]] friend bool operator!=(const iterator &one, const iterator &other) noexcept {
            return !(one == other);
        }

    private:
        friend class Headers;

        iterator(const tokenkeep_token *token, std::size_t index) noexcept : token_(token), index_(index) {}

        const tokenkeep_token *token_ = nullptr;
        std::size_t index_ = 0;
    };

    /// The same as iterator: headers cannot be changed.
    using const_iterator = iterator;

    /// At the first header.
    [[nodiscard]] iterator begin() const noexcept TOKENKEEP_LIFETIMEBOUND { return {token_.get(), 0}; }

    /// Behind the last header.
    [[nodiscard]] iterator end() const noexcept TOKENKEEP_LIFETIMEBOUND { return {token_.get(), size()}; }

    /// How many there are.
    [[nodiscard]] std::size_t size() const noexcept { return tokenkeep_token_header_count(token_.get()); }

    /// Whether there are none.
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// One of them, counted from 0; a pair of empty texts if there are not so many.
    [[nodiscard]] value_type operator[](std::size_t index) const noexcept TOKENKEEP_LIFETIMEBOUND {
        return at(token_.get(), index);
    }

private:
    friend class Token;

    explicit Headers(detail::Handle<tokenkeep_token> token) noexcept : token_(std::move(token)) {}

    static value_type at(const tokenkeep_token *token, std::size_t index) noexcept {
        const char *name = nullptr;
        const char *value = nullptr;
        std::size_t name_length = 0;
        std::size_t value_length = 0;
        if (tokenkeep_token_header(token, index, &name, &name_length, &value, &value_length) !=
            TOKENKEEP_OK) {
            return {};
        }
        return {{name, name_length}, {value, value_length}};
    }

    detail::Handle<tokenkeep_token> token_;
};

/// A token: immutable, for any number of threads at once. A copy is another reference to the same token, at
/// the price of one atomic addition; it outlives its client, and is wiped from memory with its last
/// reference. A client holds some of its own while it lives.
class Token {
public:
    /// Takes over a token of tokenkeep.h, which is freed with this object.
    [[nodiscard]] static Token adopt(tokenkeep_token *token) noexcept { return Token(token); }

    /// Another reference to the same token.
    Token(const Token &other) noexcept : token_(tokenkeep_token_clone(other.token_.get())) {}

    /// Lets go of its token for another reference to the other's.
    Token &operator=(const Token &other) noexcept {
        token_.reset(tokenkeep_token_clone(other.token_.get()));
        return *this;
    }

    /// Takes the reference; the other is empty.
    Token(Token &&other) noexcept = default;

    /// Lets go of its token and takes the other's reference; the other is empty.
    Token &operator=(Token &&other) noexcept = default;

    ~Token() = default;

    /// The access token itself. Better use headers(): they have everything that the vendor asks for.
    [[nodiscard]] std::string_view value() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent(tokenkeep_token_value, native());
    }

    /// The value of the Authorization header, "Bearer ..."; empty if the setting `placement` is `query`.
    [[nodiscard]] std::string_view authorization() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent(tokenkeep_token_authorization, native());
    }

    /// All headers that the vendor wants on a request: Authorization first, unless the token goes into the
    /// query, then its own, such as x-api-key.
    [[nodiscard]] Headers headers() const noexcept {
        return Headers(detail::Handle<tokenkeep_token>(tokenkeep_token_clone(native())));
    }

    /// The pair for the query, "access_token=...", encoded; empty unless the setting `placement` is `query`.
    /// Send "Cache-Control: no-store" with such a request (RFC 6750 section 2.3).
    [[nodiscard]] std::string_view query() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent(tokenkeep_token_query, native());
    }

    /// Whether the end of its life is known.
    [[nodiscard]] Lifetime lifetime() const noexcept {
        return token_ != nullptr ? static_cast<Lifetime>(tokenkeep_token_lifetime(native()))
                                 : Lifetime::unknown;
    }

    /// When it ends, by the wall clock; none unless that is known.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> expires_at() const noexcept {
        return token_ != nullptr ? detail::time_point(tokenkeep_token_expires_at_ms(native())) : std::nullopt;
    }

    /// The number of the grant behind it, for Client::rejected. Each credential counts its own.
    [[nodiscard]] std::uint64_t generation() const noexcept { return tokenkeep_token_generation(native()); }

    /// The scope that was granted, names parted by spaces; empty if neither the vendor nor the settings name
    /// one.
    [[nodiscard]] std::string_view scope() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent(tokenkeep_token_scope, native());
    }

    /// The ID token that came with this token (OpenID Connect); empty if none came, as with most refreshes.
    /// It is not verified: nobody has looked at its signature, issuer, audience, nonce or times. Verify it
    /// before you believe it.
    [[nodiscard]] std::string_view id_token() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent(tokenkeep_token_id_token, native());
    }

    /// Whether this is not empty.
    [[nodiscard]] explicit operator bool() const noexcept { return token_ != nullptr; }

    /// The C object, which stays owned by this one; NULL if this is empty.
    [[nodiscard]] const tokenkeep_token *native_handle() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return token_.get();
    }

    /// The C object, now the caller's to free with tokenkeep_token_free; this is empty.
    [[nodiscard]] tokenkeep_token *release() noexcept { return token_.release(); }

private:
    explicit Token(tokenkeep_token *token) noexcept : token_(token) {}

    const tokenkeep_token *native() const noexcept { return token_.get(); }

    detail::Handle<tokenkeep_token> token_;
};

namespace detail {
struct StoreTable;
} // namespace detail

/// A place of the program's own for grants that outlive it, such as a table of its database: derive from
/// this, and give it to Config::store(). It keeps sealed bytes under names of 64 hexadecimal digits, perhaps
/// with ".aside" behind them.
///
/// It is called by threads that called into the library, by several at once, never under a lock of the
/// library's. A call of its on any client for a token that is not in memory, or to revoke one, fails with
/// Status::reentrant. A function fails by its return value or by an exception, which ends there.
class Store {
public:
    /// What came of waiting for a lock.
    enum class Lock {
        /// It is the caller's.
        ours,
        /// Another held it all the while.
        theirs,
        /// The store failed.
        failed,
    };

    Store() = default;
    Store(const Store &) = delete;
    Store &operator=(const Store &) = delete;
    virtual ~Store() = default;

    /// Finds the record of that name; leaves `record` empty where there is none. False: the store failed.
    virtual bool load(std::string_view name, std::optional<std::string> &record) = 0;

    /// Puts a record in the place of the one before. From `expires` on it is of no use, where that is known.
    /// False: the store failed.
    virtual bool save(std::string_view name, std::string_view record,
                      std::optional<std::chrono::system_clock::time_point> expires) = 0;

    /// Takes a record away; there may be none. False: the store failed.
    virtual bool remove(std::string_view name) = 0;

    /// Locks a record against everybody who uses the same place, in other processes and threads, until
    /// unlock() on the same thread. A lock must go with its holder's end.
    virtual Lock lock(std::string_view name, std::chrono::milliseconds timeout) = 0;

    /// Ends a lock.
    virtual void unlock(std::string_view name) = 0;

private:
    friend struct detail::StoreTable;

    std::mutex mutex_;
    // Itself, while configs and clients use it: all know it by its one address.
    std::shared_ptr<Store> self_;
    std::size_t users_ = 0;
};

namespace detail {

/// The store as tokenkeep.h takes it: functions, with the Store's address as their user_data.
struct StoreTable {
    /// Runs a function of the store's; what it throws ends here as a failure.
    template <class Work>
    static std::int32_t run(void *user_data, Work work) noexcept {
        Store &store = *static_cast<Store *>(user_data);
#if defined(__cpp_exceptions)
        try {
            return work(store);
        } catch (...) {
            return TOKENKEEP_STORE;
        }
#else
        return work(store);
#endif
    }

    static std::int32_t status(bool succeeded) noexcept { return succeeded ? TOKENKEEP_OK : TOKENKEEP_STORE; }

    static std::int32_t load(void *user_data, const char *name, tokenkeep_record *record) noexcept {
        return run(user_data, [&](Store &store) {
            std::optional<std::string> found;
            const bool succeeded = store.load(name, found);
            if (succeeded && found) {
                tokenkeep_record_set(record, found->data(), found->size());
            }
            return status(succeeded);
        });
    }

    static std::int32_t save(void *user_data, const char *name, const std::uint8_t *bytes, std::size_t length,
                             std::int64_t expires_at_ms) noexcept {
        return run(user_data, [&](Store &store) {
            const void *const start = bytes;
            const std::string_view record(static_cast<const char *>(start), length);
            return status(store.save(name, record, time_point(expires_at_ms)));
        });
    }

    static std::int32_t remove(void *user_data, const char *name) noexcept {
        return run(user_data, [&](Store &store) { return status(store.remove(name)); });
    }

    static std::int32_t lock(void *user_data, const char *name, std::uint32_t timeout_ms) noexcept {
        return run(user_data, [&](Store &store) -> std::int32_t {
            switch (store.lock(name, std::chrono::milliseconds(timeout_ms))) {
            case Store::Lock::ours:
                return TOKENKEEP_OK;
            case Store::Lock::theirs:
                return TOKENKEEP_WOULD_BLOCK;
            case Store::Lock::failed:
                break;
            }
            return TOKENKEEP_STORE;
        });
    }

    static void unlock(void *user_data, const char *name) noexcept {
        run(user_data, [&](Store &store) {
            store.unlock(name);
            return status(true);
        });
    }

    /// One more user of the store.
    static void *hold(std::shared_ptr<Store> store) {
        Store &held = *store;
        const std::lock_guard<std::mutex> guard(held.mutex_);
        if (held.users_++ == 0) {
            held.self_ = std::move(store);
        }
        return &held;
    }

    static void drop(void *user_data) noexcept {
        Store &store = *static_cast<Store *>(user_data);
        // Destroyed after the guard, if this was the last that held it.
        std::shared_ptr<Store> last;
        const std::lock_guard<std::mutex> guard(store.mutex_);
        if (--store.users_ == 0) {
            last = std::move(store.self_);
        }
    }
};

} // namespace detail

/// Settings for a client, name = value in text. For one thread at a time. Clients copy what they need of it.
///
///     auto config = tokenkeep::Config("acquired").set("app_id", id).set("app_key_file", "/run/secrets/key");
class Config {
public:
    /// Settings for a provider: its name, such as "acquired", or the path of a provider file (it has a `/` in
    /// it, or ends in `.toml`).
    ///
    /// Never fails: what is wrong here or in set() is remembered, and making a client reports all of it at
    /// once.
    explicit Config(Text provider) : config_(tokenkeep_config_new(detail::NulEnded(provider).get())) {}

    /// Takes over a config of tokenkeep.h, which is freed with this object.
    [[nodiscard]] static Config adopt(tokenkeep_config *config) noexcept { return Config(config); }

#if defined(__cpp_exceptions)
    /// Settings from a table of a file of profiles. Without a path, or with NULL, the file is the one that
    /// the environment variable TOKENKEEP_CONFIG names, else tokenkeep/tokenkeep.toml in the user's
    /// configuration directory. set() may add to them.
    ///
    /// \throws Error Status::config: the file cannot be used, or has no such profile.
    [[nodiscard]] static Config load(Text profile, Text path = {}) { return try_load(profile, path).value(); }
#endif

    /// Settings from a table of a file of profiles, or the error: load() says more.
    static Result<Config> try_load(Text profile, Text path = {}) noexcept {
        const detail::NulEnded c_path(path);
        const bool is_named = c_path.get() != nullptr && *c_path.get() != '\0';
        tokenkeep_config *config = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_config_load(
            is_named ? c_path.get() : nullptr, detail::NulEnded(profile).get(), &config, &error);
        return detail::adopt<Config>(status, config, error);
    }

    /// Sets one setting; a later value replaces an earlier one. A secret X is given in one way: X, X_env,
    /// X_file and X_command exclude each other, unless the earlier one came from load(). Both texts are
    /// copied; a secret goes from the caller's memory straight to the library, which wipes it when it is no
    /// longer needed. A NULL is a fault like any other: making a client reports it.
    Config &set(Text name, Text value) & {
        tokenkeep_config_set(config_.get(), detail::NulEnded(name).get(), value.data(), value.length());
        return *this;
    }

    /// \copydoc set(Text, Text)
    [[nodiscard]] Config set(Text name, Text value) && { return std::move(set(name, value)); }

    /// Has the clients that will be made from this config tell what happens: messages of this level and
    /// graver ones. A later callable replaces an earlier one; an empty one, such as std::function<...>(),
    /// ends it. Each callable is told each event once, during the next call on a client that was made from
    /// its config, however many clients share the credential. At most 64 events wait for that call; of more,
    /// the oldest are lost.
    ///
    ///     config.on_log(tokenkeep::Level::warn, [](tokenkeep::Level, std::string_view message) {
    ///         syslog(LOG_WARNING, "%.*s", static_cast<int>(message.size()), message.data());
    ///     });
    ///
    /// The callable is moved to the heap and destroyed with the last of this config and the clients and
    /// consents made from it. It takes a Level and a std::string_view, which is good during the call and
    /// never holds a secret. It is called by threads that called into the library, at the end of that call,
    /// under no lock; by several at once if several do. What it throws is lost. A call that it makes on a
    /// client that logs to it fails with Status::reentrant.
    template <class Callable>
    Config &on_log(Level level, Callable &&callable) & {
        using Target = std::decay_t<Callable>;
        static_assert(std::is_invocable_v<Target &, Level, std::string_view>,
                      "a log callback takes a tokenkeep::Level and a std::string_view");
        auto target = std::make_unique<Target>(std::forward<Callable>(callable));
        const auto tell = detail::is_empty(*target) ? nullptr : detail::LogTarget<Target>::tell;
        tokenkeep_config_on_log(config_.get(), static_cast<std::int32_t>(level), tell, target.release(),
                                detail::LogTarget<Target>::drop);
        return *this;
    }

    /// \copydoc on_log(Level, Callable &&)
    template <class Callable>
    [[nodiscard]] Config on_log(Level level, Callable &&callable) && {
        return std::move(on_log(level, std::forward<Callable>(callable)));
    }

    /// Keeps the grants of the clients that will be made from this config in a store of the program's own. It
    /// needs the setting store_key, and no setting store. Renewals then run on the thread that calls: such a
    /// call may last past its own deadline, until the network's timeouts and the store's functions end it.
    /// Clients of one credential must have the same Store. An empty pointer is a fault like any other: making
    /// a client reports it.
    Config &store(std::shared_ptr<Store> store) & {
        if (store == nullptr) {
            tokenkeep_config_store(config_.get(), nullptr, nullptr, nullptr);
            return *this;
        }
        tokenkeep_store table = TOKENKEEP_STORE_INIT;
        table.load = detail::StoreTable::load;
        table.save = detail::StoreTable::save;
        table.remove = detail::StoreTable::remove;
        table.lock = detail::StoreTable::lock;
        table.unlock = detail::StoreTable::unlock;
        tokenkeep_config_store(config_.get(), &table, detail::StoreTable::hold(std::move(store)),
                               detail::StoreTable::drop);
        return *this;
    }

    /// \copydoc store(std::shared_ptr<Store>)
    [[nodiscard]] Config store(std::shared_ptr<Store> store) && {
        return std::move(this->store(std::move(store)));
    }

    /// Whether this is not empty.
    [[nodiscard]] explicit operator bool() const noexcept { return config_ != nullptr; }

    /// The C object, which stays owned by this one; NULL if this is empty.
    [[nodiscard]] tokenkeep_config *native_handle() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return config_.get();
    }

    /// The C object, now the caller's to free with tokenkeep_config_free; this is empty.
    [[nodiscard]] tokenkeep_config *release() noexcept { return config_.release(); }

private:
    explicit Config(tokenkeep_config *config) noexcept : config_(config) {}

    detail::Handle<tokenkeep_config> config_;
};

/// A person's consent in progress: send the person to url(), and show them the user_code() if there is one.
/// Then wait() for them, where they come back to this machine or to no machine at all, or give the URL that
/// they come back on to finish(). Any number of threads may use it at once; it may outlive its client.
/// Destroying it ends no waits of other clones; cancel() does.
class Consent {
public:
    /// Takes over a consent of tokenkeep.h, which is freed with this object.
    [[nodiscard]] static Consent adopt(tokenkeep_consent *consent) noexcept { return Consent(consent); }

    /// The same consent once more, for another thread or another owner.
    [[nodiscard]] Consent clone() const noexcept { return Consent(tokenkeep_consent_clone(consent_.get())); }

    /// Where to send the person.
    [[nodiscard]] std::string_view url() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent<tokenkeep_consent>(tokenkeep_consent_url, consent_.get());
    }

    /// The code to show the person beside the URL, also where the URL holds it: they compare the two. Empty
    /// unless the setting `grant` is `device_code`.
    [[nodiscard]] std::string_view user_code() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return detail::lent<tokenkeep_consent>(tokenkeep_consent_user_code, consent_.get());
    }

#if defined(__cpp_exceptions)
    /// Waits for the person, and buys the first token when they have said yes; from then on Client::token has
    /// tokens. With a loopback `redirect_uri` this serves the person's browser, on this thread; with
    /// `device_code` it asks the vendor, at the pace that the vendor sets. Blocks for as long as the options,
    /// or else the setting `timeout`, allow: give people minutes. Threads that wait at once all get the
    /// token.
    ///
    /// \throws Error Status::timeout: nobody came yet; the consent is as good as before, so wait again.
    /// Status::consent_required: the person or the vendor said no, or the user code ended; this consent is
    /// over. Status::cancelled: cancel() or Client::close. Status::unsupported: `redirect_uri` leads
    /// elsewhere; use finish(). Or this process was forked since the consent was begun: the parent waits for
    /// the person.
    Token wait(const CallOptions &options = {}) const { return try_wait(options).value(); }
#endif

    /// Waits for the person and the first token, or tells the error: wait() says more.
    Result<Token> try_wait(const CallOptions &options = {}) const noexcept {
        const tokenkeep_call call = detail::c_call(options);
        tokenkeep_token *token = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_consent_wait(consent_.get(), &call, &token, &error);
        return detail::adopt<Token>(status, token, error);
    }

#if defined(__cpp_exceptions)
    /// The consent as text, for the person's own session cookie: another process goes on with it by
    /// Client::resume, within ten minutes. It is base64url, some 1,000 bytes long, and sealed with the
    /// setting `store_key`. Within one process a consent is finished at most once. Across processes only the
    /// vendor can prevent a second use, by taking each code once.
    ///
    /// \throws Error Status::unsupported: the consent holds a loopback port of this process's.
    /// Status::config: there is no `store_key`.
    [[nodiscard]] std::string seal() const { return try_seal().value(); }
#endif

    /// The consent as text, or the error: seal() says more.
    Result<std::string> try_seal() const noexcept {
        std::string text(2048, '\0');
        for (;;) {
            std::size_t length = 0;
            tokenkeep_error *error = nullptr;
            const tokenkeep_status status =
                tokenkeep_consent_seal(consent_.get(), text.data(), text.size(), &length, &error);
            if (status == TOKENKEEP_BUFFER_TOO_SMALL) {
                tokenkeep_error_free(error);
                text.resize(length + 1);
                continue;
            }
            if (status != TOKENKEEP_OK) {
                return Error::adopt(status, error);
            }
            text.resize(length);
            return text;
        }
    }

#if defined(__cpp_exceptions)
    /// Takes the whole URL that the person came back on and buys the first token with it; from then on
    /// Client::token has tokens. Succeeds once. Blocks for as long as the options, or else the setting
    /// `timeout`, allow.
    ///
    /// \throws Error Status::invalid_argument: the URL is not `redirect_uri`, or this consent is over.
    /// Status::protocol: its state or issuer is not this consent's, which stays open; or the vendor's answer
    /// is malformed. Status::consent_required, denied, config, server: the person or the vendor said no, by
    /// its error code. Status::unsupported: with `device_code` the person comes back on no URL; wait().
    /// Status::timeout: the token may still come, for Client::token.
    Token finish(Text redirected_url, const CallOptions &options = {}) const {
        return try_finish(redirected_url, options).value();
    }
#endif

    /// Buys the first token with the URL that the person came back on, or tells the error: finish() says
    /// more.
    Result<Token> try_finish(Text redirected_url, const CallOptions &options = {}) const noexcept {
        const tokenkeep_call call = detail::c_call(options);
        tokenkeep_token *token = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_consent_finish(
            consent_.get(), redirected_url.data(), redirected_url.length(), &call, &token, &error);
        return detail::adopt<Token>(status, token, error);
    }

    /// Ends the consent without a token: it can no longer be finished, and whoever waits for it gets
    /// Status::cancelled.
    void cancel() const noexcept { tokenkeep_consent_cancel(consent_.get()); }

    /// Whether this is not empty.
    [[nodiscard]] explicit operator bool() const noexcept { return consent_ != nullptr; }

    /// The C object, which stays owned by this one; NULL if this is empty.
    [[nodiscard]] tokenkeep_consent *native_handle() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return consent_.get();
    }

    /// The C object, now the caller's to free with tokenkeep_consent_free; this is empty.
    [[nodiscard]] tokenkeep_consent *release() noexcept { return consent_.release(); }

private:
    explicit Consent(tokenkeep_consent *consent) noexcept : consent_(consent) {}

    detail::Handle<tokenkeep_consent> consent_;
};

/// What Client::copy_header wrote.
struct CopiedHeader {
    /// "Bearer ...", in the caller's buffer.
    std::string_view text;
    /// The number of the grant behind it, for Client::rejected.
    std::uint64_t generation = 0;
};

/// Gets tokens for one credential and keeps them fresh. Clients of the same credential share one token,
/// however many there are, and one request to the vendor, however many threads ask.
///
/// A client is a handle: its members are const because they do not change the handle, and any number of
/// threads may call them at once. Destroying it ends no calls of other clones; close() does.
class Client {
public:
#if defined(__cpp_exceptions)
    /// A client with these settings. Asks no vendor.
    ///
    /// \throws Error Status::config: settings are unknown, missing, contradictory or malformed; the message
    /// lists all of them.
    explicit Client(const Config &config) : Client(try_create(config).value()) {}
#endif

    /// A client with these settings, or the error: the constructor says more.
    static Result<Client> try_create(const Config &config) noexcept {
        tokenkeep_client *client = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_new(config.native_handle(), &client, &error);
        return detail::adopt<Client>(status, client, error);
    }

    /// Takes over a client of tokenkeep.h, which is freed with this object.
    [[nodiscard]] static Client adopt(tokenkeep_client *client) noexcept { return Client(client); }

    /// The same client once more, for another thread or another owner. Closed when this one is.
    [[nodiscard]] Client clone() const noexcept { return Client(tokenkeep_client_clone(client_.get())); }

#if defined(__cpp_exceptions)
    /// The same client with one setting changed, such as `account`, `scope` or `mid`: a client of its own,
    /// which logs where this one does and is not closed with it. Its token is kept as long as this one lives,
    /// also when the new one is destroyed. Asks no vendor.
    ///
    /// \throws Error Status::config: there is no such setting, or the value does not fit it.
    [[nodiscard]] Client with(Text name, Text value) const { return try_with(name, value).value(); }
#endif

    /// The same client with one setting changed, or the error: with() says more.
    Result<Client> try_with(Text name, Text value) const noexcept {
        tokenkeep_client *client = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_with(client_.get(), detail::NulEnded(name).get(),
                                                              value.data(), value.length(), &client, &error);
        return detail::adopt<Client>(status, client, error);
    }

#if defined(__cpp_exceptions)
    /// A usable token: from memory, or from the vendor. Blocks for as long as the call, or else the setting
    /// `timeout`, allows.
    ///
    /// \throws Error Status::denied: the vendor refused the credentials. Status::network, Status::timeout,
    /// Status::server, Status::rate_limited: asking later may help; and others, as Status says.
    [[nodiscard]] Token token(const CallOptions &options = {}) const { return try_token(options).value(); }
#endif

    /// A usable token, or the error: token() says more.
    Result<Token> try_token(const CallOptions &options = {}) const noexcept {
        const tokenkeep_call call = detail::c_call(options);
        tokenkeep_token *token = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_token(client_.get(), &call, &token, &error);
        return detail::adopt<Token>(status, token, error);
    }

#if defined(__cpp_exceptions)
    /// The token in memory, if it is usable; else none. Never blocks and sends no request.
    ///
    /// \throws Error Status::reentrant: from a log callback of this client.
    [[nodiscard]] std::optional<Token> peek() const {
        Result<Token> token = try_peek();
        if (token.status() == Status::would_block) {
            return std::nullopt;
        }
        return std::move(token).value();
    }
#endif

    /// The token in memory, if it is usable; else Status::would_block. Never blocks and sends no request.
    Result<Token> try_peek() const noexcept {
        tokenkeep_token *token = nullptr;
        const tokenkeep_status status = tokenkeep_client_peek(client_.get(), &token);
        return detail::adopt<Token>(status, token, nullptr);
    }

#if defined(__cpp_exceptions)
    /// Starts a renewal if one is due and returns at once; a later call finds the token in memory, or waits
    /// less. With `background = off`, or a Store, it does the renewal first, on this thread. For event loops:
    /// call this, and peek() now and then until there is a token; last_error() says why none comes.
    void prefetch() const { try_prefetch().value(); }
#endif

    /// Starts a renewal if one is due, or tells the error: prefetch() says more.
    Result<void> try_prefetch() const noexcept {
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_prefetch(client_.get(), &error);
        return detail::done(status, error);
    }

#if defined(__cpp_exceptions)
    /// Like token(), for programs that want bytes: writes the value of the Authorization header, "Bearer
    /// ...", and a NUL into the buffer. The cheapest way to a token in memory: after a thread's first call
    /// for it nothing is allocated or locked, and no reference count is touched (but on a thread beyond the
    /// first 64 that live at once).
    ///
    /// `capacity` counts the NUL. On failure the buffer holds the empty text. What is copied is the caller's
    /// to wipe.
    ///
    /// \throws Error Status::buffer_too_small: Error::required_capacity tells what would do.
    /// Status::unsupported: the setting `placement` is `query`, so there is no such header. Else as token().
    [[nodiscard]] CopiedHeader copy_header(char *buffer, std::size_t capacity,
                                           const CallOptions &options = {}) const {
        return try_copy_header(buffer, capacity, options).value();
    }
#endif

    /// Copies the value of the Authorization header, or tells the error: copy_header() says more.
    Result<CopiedHeader> try_copy_header(char *buffer, std::size_t capacity,
                                         const CallOptions &options = {}) const noexcept {
        const tokenkeep_call call = detail::c_call(options);
        std::size_t length = 0;
        std::uint64_t generation = 0;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_copy_header(client_.get(), &call, buffer, capacity,
                                                                     &length, &generation, &error);
        if (status == TOKENKEEP_OK) {
            return CopiedHeader{{buffer, length}, generation};
        }
        Error failure = Error::adopt(status, error);
        if (status == TOKENKEEP_BUFFER_TOO_SMALL) {
            failure.required_capacity_ = length + 1;
        }
        return failure;
    }

    /// Whether a token may go with a request to this URL: if it is https (or leads to loopback) and its host
    /// is one of the setting `api_hosts` (see docs/SETTINGS.md). Ask where a URL comes from elsewhere, a
    /// redirect's or a next page's.
    [[nodiscard]] bool may_send_to(Text url) const noexcept {
        return tokenkeep_client_may_send_to(client_.get(), url.data(), url.length()) != 0;
    }

#if defined(__cpp_exceptions)
    /// Tells that the vendor refused a token. If this returns, get a new token and send the request again,
    /// once.
    ///
    ///     auto token = client.token();
    ///     auto response = send(request, token);
    ///     if (response.status == 401) {
    ///         client.rejected(token, 401, response.header("WWW-Authenticate"));
    ///         response = send(request, client.token());
    ///     }
    ///
    /// Only that very token is forgotten, so all threads that saw it refused may say so; say it to a client
    /// of the same credential, one that was kept since the token came. `http_status` is that of the refusal;
    /// `www_authenticate` is the value of the header of that name, empty or NULL if there was none. Asks no
    /// vendor.
    ///
    /// \throws Error Status::rejected: another token will not help; the message says why (the scope does not
    /// suffice, say, or two new tokens were refused in a row).
    void rejected(const Token &token, int http_status, Text www_authenticate = {}) const {
        try_rejected(token, http_status, www_authenticate).value();
    }

    /// The same for a token that is known by its generation alone, as after copy_header().
    void rejected(std::uint64_t generation, int http_status, Text www_authenticate = {}) const {
        try_rejected(generation, http_status, www_authenticate).value();
    }
#endif

    /// Tells that the vendor refused a token. A success: get a new one and send the request again, once.
    /// Status::rejected: do not. rejected() says more.
    Result<void> try_rejected(const Token &token, int http_status,
                              Text www_authenticate = {}) const noexcept {
        return try_rejected(token.generation(), http_status, www_authenticate);
    }

    /// The same for a token that is known by its generation alone, as after try_copy_header().
    Result<void> try_rejected(std::uint64_t generation, int http_status,
                              Text www_authenticate = {}) const noexcept {
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status =
            tokenkeep_client_rejected(client_.get(), generation, http_status, www_authenticate.data(),
                                      www_authenticate.length(), &error);
        return detail::done(status, error);
    }

#if defined(__cpp_exceptions)
    /// Gives the tokens back: revokes them with the vendor where it offers that (RFC 7009), and forgets them
    /// in any case. Blocks for as long as the call, or else the setting `timeout`, allows.
    void revoke(const CallOptions &options = {}) const { try_revoke(options).value(); }
#endif

    /// Gives the tokens back, or tells the error: revoke() says more.
    Result<void> try_revoke(const CallOptions &options = {}) const noexcept {
        const tokenkeep_call call = detail::c_call(options);
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_revoke(client_.get(), &call, &error);
        return detail::done(status, error);
    }

    /// Closes this client and its clones for good: whoever waits gets Status::cancelled at once, on every
    /// thread, and so does whoever would have to wait later. Tokens in memory are still handed out, and
    /// renewals that others wait for go on. A call that renews on its own thread (`background = off`, a
    /// Store) ends only when the network or the store does.
    void close() const noexcept { tokenkeep_client_close(client_.get()); }

#if defined(__cpp_exceptions)
    /// The numbers of this client. Never blocks.
    ///
    /// \throws Error Status::reentrant: from a log callback of this client.
    [[nodiscard]] Stats stats() const { return try_stats().value(); }
#endif

    /// The numbers of this client, or the error: stats() says more.
    Result<Stats> try_stats() const noexcept {
        tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
        const tokenkeep_status status = tokenkeep_client_stats(client_.get(), &stats);
        if (status != TOKENKEEP_OK) {
            return Error::adopt(status, nullptr);
        }
        return Stats{stats.hits, stats.renewals, stats.failures, stats.shared_waits,
                     detail::time_point(stats.next_renewal_ms)};
    }

#if defined(__cpp_exceptions)
    /// Why the last renewal failed; none if it succeeded. While the old token is still good, no call reports
    /// such a failure. Never blocks.
    ///
    /// \throws Error Status::reentrant: from a log callback of this client.
    [[nodiscard]] std::optional<Error> last_error() const { return try_last_error().value(); }
#endif

    /// The error of the last renewal, or the error of asking for it: last_error() says more.
    Result<std::optional<Error>> try_last_error() const noexcept {
        tokenkeep_error *last = nullptr;
        const tokenkeep_status status = tokenkeep_client_last_error(client_.get(), &last);
        if (status != TOKENKEEP_OK) {
            return Error::adopt(status, nullptr);
        }
        if (last == nullptr) {
            return std::optional<Error>();
        }
        return std::optional<Error>(Error::adopt(tokenkeep_error_status(last), last));
    }

#if defined(__cpp_exceptions)
    /// Begins a person's consent, for a client whose setting `grant` is `authorization_code` or
    /// `device_code`. Blocks for as long as the call, or else the setting `timeout`, allows: the vendor may
    /// have to be asked for its addresses, or for a code. Where `redirect_uri` is a loopback address without
    /// a port, one is opened, which is closed with the consent.
    ///
    /// \throws Error Status::unsupported: this client's tokens need no consent.
    [[nodiscard]] Consent consent(const CallOptions &options = {}) const {
        return try_consent(options).value();
    }
#endif

    /// Begins a person's consent, or tells the error: consent() says more.
    Result<Consent> try_consent(const CallOptions &options = {}) const noexcept {
        const tokenkeep_call call = detail::c_call(options);
        tokenkeep_consent *consent = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status = tokenkeep_client_consent(client_.get(), &call, &consent, &error);
        return detail::adopt<Consent>(status, consent, error);
    }

#if defined(__cpp_exceptions)
    /// Goes on with a consent that Consent::seal gave, in this process or another. Every setting that
    /// docs/SETTINGS.md calls identity must be that of the client that began it, and so must store_key (or
    /// store_key_previous).
    ///
    /// \throws Error Status::consent_required: it was sealed more than ten minutes ago.
    /// Status::invalid_argument: it was changed, or sealed for another client or with another key.
    /// Status::config: there is no `store_key`.
    [[nodiscard]] Consent resume(Text sealed) const { return try_resume(sealed).value(); }
#endif

    /// Goes on with a sealed consent, or tells the error: resume() says more.
    Result<Consent> try_resume(Text sealed) const noexcept {
        tokenkeep_consent *consent = nullptr;
        tokenkeep_error *error = nullptr;
        const tokenkeep_status status =
            tokenkeep_client_resume(client_.get(), sealed.data(), sealed.length(), &consent, &error);
        return detail::adopt<Consent>(status, consent, error);
    }

    /// Whether this is not empty.
    [[nodiscard]] explicit operator bool() const noexcept { return client_ != nullptr; }

    /// The C object, which stays owned by this one; NULL if this is empty.
    [[nodiscard]] tokenkeep_client *native_handle() const noexcept TOKENKEEP_LIFETIMEBOUND {
        return client_.get();
    }

    /// The C object, now the caller's to free with tokenkeep_client_free; this is empty.
    [[nodiscard]] tokenkeep_client *release() noexcept { return client_.release(); }

private:
    explicit Client(tokenkeep_client *client) noexcept : client_(client) {}

    detail::Handle<tokenkeep_client> client_;
};

} // namespace TOKENKEEP_ABI
} // namespace tokenkeep

#undef TOKENKEEP_ABI
#undef TOKENKEEP_ONE_TYPE
#undef TOKENKEEP_LIFETIMEBOUND

#endif // TOKENKEEP_HPP
