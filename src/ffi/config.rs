//! The config object: what the user says, before a client is made of it.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use super::argument::{Given, Out};
use super::log::{Logger, UserData, tokenkeep_drop_callback, tokenkeep_log_callback};
use super::{ErrorOut, answer, guard, tokenkeep_error, tokenkeep_status};
use crate::{Config, Log, Result};

/// Settings for a client, name = value in text. To be used by one thread at a time.
pub struct tokenkeep_config {
    pub(super) settings: Config,
    pub(super) logger: Option<Arc<Logger>>,
}

impl tokenkeep_config {
    fn into_raw(settings: Config) -> *mut tokenkeep_config {
        Box::into_raw(Box::new(tokenkeep_config { settings, logger: None }))
    }
}

/// Settings for a provider: its name, such as "acquired", or the path of a provider file (it has a
/// `/` in it, or ends in `.toml`).
///
/// What is wrong here or in tokenkeep_config_set is remembered, and tokenkeep_client_new reports all
/// of it at once; so this never returns NULL, short of a fault in tokenkeep itself. Free the config
/// with tokenkeep_config_free; the clients that were made from it do not need it.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_config_new(provider: *const c_char) -> *mut tokenkeep_config {
    // SAFETY: the header's rules for pointers.
    let provider = unsafe { Given::nul_ended(provider) };
    guard(ptr::null_mut(), || {
        let settings = provider.text("the provider").map(Config::new).unwrap_or_else(|misuse| {
            let mut settings = Config::default();
            settings.misuse(misuse.message().to_owned());
            settings
        });
        tokenkeep_config::into_raw(settings)
    })
}

/// Sets one setting; a later value replaces an earlier one. A secret X is given in one way: X, X_env,
/// X_file and X_command exclude each other, unless the earlier one came from tokenkeep_config_load.
/// Both texts are copied; a secret is wiped when it is no longer needed. `length` is that of the value,
/// or TOKENKEEP_NUL_ENDED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_config_set(
    config: *mut tokenkeep_config,
    name: *const c_char,
    value: *const c_char,
    length: usize,
) {
    // SAFETY: the header's rules for pointers.
    let (config, name, value) =
        unsafe { (config.as_mut(), Given::nul_ended(name), Given::new(value, length)) };
    guard((), || {
        let Some(config) = config else { return };
        if let Err(misuse) = set(&mut config.settings, name, value) {
            config.settings.misuse(misuse.message().to_owned());
        }
    });
}

fn set(settings: &mut Config, name: Given<'_>, value: Given<'_>) -> Result<()> {
    let name = name.text("the name of a setting")?;
    settings.set(name, value.text(format_args!("the value of {name}"))?);
    Ok(())
}

/// Settings from a file of profiles, one table each. Path NULL: the file that the environment
/// variable TOKENKEEP_CONFIG names, else tokenkeep/tokenkeep.toml in the user's configuration
/// directory. tokenkeep_config_set may add to them.
///
/// TOKENKEEP_CONFIG: the file cannot be used, or has no such profile.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_config_load(
    path_or_null: *const c_char,
    profile: *const c_char,
    out: *mut *mut tokenkeep_config,
    error: *mut *mut tokenkeep_error,
) -> tokenkeep_status {
    // SAFETY: the header's rules for pointers.
    let (path, profile, out, error) = unsafe {
        (Given::nul_ended(path_or_null), Given::nul_ended(profile), Out::pointer(out), ErrorOut::new(error))
    };
    answer(error, || {
        let out = out.required("out")?;
        let path = path.optional_bytes("path")?.map(path_of).transpose()?;
        let settings = Config::load(path, profile.text("profile")?)?;
        out.set(tokenkeep_config::into_raw(settings));
        Ok(())
    })
}

/// File names on Unix are bytes.
#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Result<&Path> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Result<&Path> {
    let text = std::str::from_utf8(bytes).map_err(|_| super::argument::invalid("path is not UTF-8"))?;
    Ok(Path::new(text))
}

/// Has the clients that will be made from this config tell what happens: messages of this level
/// (TOKENKEEP_LEVEL_...) and graver ones. NULL as callback: no more.
///
/// Each registered callback is told each event once, during the next call on a client that was made
/// from its config, however many clients share the credential. Two configs are two registrations, even
/// with the same function. At most 64 events wait for that call; of more, the oldest are lost.
///
/// The callback runs on a thread that called into the library, at the end of that call, under no
/// lock; never on a thread of the library's own. A function with a status that it calls on a client
/// which logs to it returns TOKENKEEP_REENTRANT.
///
/// `drop`, if not NULL, is called with user_data exactly once: when the last of this config and the
/// clients and consents made from it is freed (a config that was given another callback no longer
/// counts); at once where nothing is registered: the config or the callback is NULL, or there is no
/// such level, which tokenkeep_client_new reports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_config_on_log(
    config: *mut tokenkeep_config,
    level: i32,
    callback: tokenkeep_log_callback,
    user_data: *mut c_void,
    drop: tokenkeep_drop_callback,
) {
    // SAFETY: the header's rules for pointers and callbacks.
    let (config, logger) =
        unsafe { (config.as_mut(), Logger::new(level, callback, UserData::new(user_data, drop))) };
    guard((), || {
        let Some(config) = config else { return };
        match logger {
            Ok(logger) => {
                config.settings.log_to(&Log::new());
                config.logger = logger.map(Arc::new);
            }
            Err(misuse) => config.settings.misuse(misuse.message().to_owned()),
        }
    });
}

/// Frees the config and wipes the secrets in it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenkeep_config_free(config: *mut tokenkeep_config) {
    if !config.is_null() {
        // SAFETY: the header's rules for pointers; it came from `Box::into_raw`.
        let config = unsafe { Box::from_raw(config) };
        guard((), || drop(config));
    }
}
