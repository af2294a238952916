//! Profiles: where the file is looked for, who may read and write it, what it may say.
mod support;

use std::path::Path;

use support::{Directory, assert_error, chmod, in_child, told};
use tokenkeep::{Client, Config, Error, Kind};

const PROFILE: &str = "
[billing]
provider = 'acquired'
environment = 'qa'
app_id = '12345678'
app_key_env = 'TOKENKEEP_TEST_KEY'
timeout = 5
max_attempts = 2
";

fn refused(file: &str, profile: &str) -> Error {
    Config::load(Some(Path::new(file)), profile).expect_err("the profile is bad")
}

#[test]
fn a_profile_is_a_table_of_settings() {
    let directory = Directory::new();
    let file = directory.write("tokenkeep.toml", &PROFILE.replace("app_key_env", "app_key"));
    let config = Config::load(Some(Path::new(&file)), "billing").unwrap();
    assert_eq!(Client::new(&config).unwrap().provider(), "acquired");
}

#[test]
fn a_missing_profile_is_named_with_the_nearest() {
    let directory = Directory::new();
    let file = directory.write("tokenkeep.toml", PROFILE);
    assert_error(&refused(&file, "biling"), Kind::Config, &[&file, "[biling]", "did you mean [billing]?"]);
    let missing = file.replace("tokenkeep.toml", "missing.toml");
    assert_error(&refused(&missing, "billing"), Kind::Config, &[&missing]);
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let directory = Directory::new();
    let file = directory.write("tokenkeep.toml", PROFILE);
    for mode in [0o620, 0o602, 0o666] {
        chmod(&file, mode);
        assert_error(&refused(&file, "billing"), Kind::Config, &[&file, "others can write", "chmod go-w"]);
    }
    chmod(&file, 0o644);
    Config::load(Some(Path::new(&file)), "billing").unwrap();
}

#[test]
fn a_file_with_a_secret_that_others_can_read_is_refused() {
    let directory = Directory::new();
    let file = directory.write("tokenkeep.toml", &PROFILE.replace("app_key_env", "app_key"));
    for mode in [0o640, 0o604] {
        chmod(&file, mode);
        assert_error(&refused(&file, "billing"), Kind::Config, &[&file, "others can read", "chmod 600"]);
    }
}

#[test]
fn a_secret_given_in_two_ways_is_refused() {
    let directory = Directory::new();
    let file = directory
        .write("tokenkeep.toml", &format!("{PROFILE}app_key = 'SANDBOX-SECRET'\napp_key_file = '/x'\n"));
    let config = Config::load(Some(Path::new(&file)), "billing").unwrap();
    let error = Client::new(&config).unwrap_err();
    assert_error(&error, Kind::Config, &["app_key is given in more than one way"]);
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_its_line_and_not_by_its_text() {
    let directory = Directory::new();
    for text in
        ["[billing]\nprovider = 'acquired'\napp_key = SANDBOX-SECRET\n", "[billing]\n\n'SANDBOX-SECRET\n"]
    {
        let file = directory.write("tokenkeep.toml", text);
        let error = refused(&file, "billing");
        assert_error(&error, Kind::Config, &[&file, "line 3"]);
        assert!(!error.message().contains("SANDBOX"), "{error}");
    }
    let file = directory.write("tokenkeep.toml", "billing = 'SANDBOX-SECRET'\n");
    let error = refused(&file, "billing");
    assert_error(&error, Kind::Config, &["write [billing]"]);
    assert!(!error.message().contains("SANDBOX"), "{error}");
}

#[test]
fn the_file_that_tokenkeep_config_names_comes_first() {
    if told("TOKENKEEP_TEST_CHILD").is_some() {
        return assert!(Config::load(None, "billing").is_ok());
    }
    let (named, home) = (Directory::new(), Directory::new());
    let file = named.write("named.toml", PROFILE);
    home.write("tokenkeep/tokenkeep.toml", "[other]\nprovider = 'acquire'\n");
    let environment = [
        ("TOKENKEEP_TEST_CHILD", "1"),
        ("TOKENKEEP_CONFIG", &*file),
        ("XDG_CONFIG_HOME", home.path().to_str().unwrap()),
    ];
    in_child("the_file_that_tokenkeep_config_names_comes_first", &environment, None);
}

#[test]
fn without_it_the_file_lies_in_the_users_configuration_directory() {
    if told("TOKENKEEP_TEST_CHILD").is_some() {
        return assert!(Config::load(None, "billing").is_ok());
    }
    let home = Directory::new();
    home.write("tokenkeep/tokenkeep.toml", PROFILE);
    home.write(".config/tokenkeep/tokenkeep.toml", PROFILE);
    let path = home.path().to_str().unwrap();
    for variable in ["XDG_CONFIG_HOME", "HOME"] {
        let environment = [("TOKENKEEP_TEST_CHILD", "1"), (variable, path)];
        in_child("without_it_the_file_lies_in_the_users_configuration_directory", &environment, None);
    }
}

#[test]
fn the_working_directory_is_never_looked_at() {
    if told("TOKENKEEP_TEST_CHILD").is_some() {
        return assert_error(&Config::load(None, "billing").unwrap_err(), Kind::Config, &["profile file"]);
    }
    let (here, elsewhere) = (Directory::new(), Directory::new());
    here.write("tokenkeep.toml", PROFILE);
    here.write("tokenkeep/tokenkeep.toml", PROFILE);
    let empty = elsewhere.path().to_str().unwrap();
    // A relative directory would be the working directory by another name.
    for xdg in [empty, ".", ""] {
        let environment = [("TOKENKEEP_TEST_CHILD", "1"), ("XDG_CONFIG_HOME", xdg), ("HOME", empty)];
        in_child("the_working_directory_is_never_looked_at", &environment, Some(here.path()));
    }
}
