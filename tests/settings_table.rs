//! docs/SETTINGS.md is what the list of settings says. `make settings` rewrites it.

use std::fmt::Write;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SETTINGS.md");

const HEAD: &str = "\
# Settings

One name everywhere: in C `tokenkeep_config_set`, in C++ `Config::set`, in Python a keyword, in a profile a key. All values
are text. Times are written `30` (seconds), `2.5 s`, `500 ms`, `5 min`, `1 h`.

A **secret** `X` may instead be given as `X_env` (an environment variable, read once when the client is made), `X_file` (a
file, less one newline at its end, read again at each renewal) or `X_command` (a JSON list of words or words parted by
spaces, run without a shell in a process group of its own, killed at the deadline, on Unix alone; its first line counts, or all of them
for a key in PEM).

A secret that proves who the client is ({proofs}, and those of a provider file) has
a second setting `X_previous` beside it, a secret in the same four ways: the one before this. It opens stored grants that were
sealed with it, and is never sent.

What a setting **decides**:

| | |
|---|---|
| identity, secret | whose token it is: clients that differ here never share one |
| keeper | how the token is kept: clients of one token must agree |
| client | how one client calls |
| presentation | how one client shows its token; changing it costs no login |

Unknown, missing and contradictory settings are refused when the client is made, all of them in one error.

Profiles are tables of settings in a `tokenkeep.toml`: the file that `$TOKENKEEP_CONFIG` names, else
`tokenkeep/tokenkeep.toml` in the user's configuration directory; never one in the working directory unless it is named. A
file that others can write is refused, and so is one with a literal secret that others can read.
";

#[test]
fn the_table_of_settings_is_fresh() {
    let table = table();
    if std::env::var_os("TOKENKEEP_UPDATE_SETTINGS").is_some() {
        std::fs::write(PATH, &table).unwrap();
    }
    let committed = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(committed == table, "docs/SETTINGS.md is stale: run `make settings`");
}

fn table() -> String {
    let proofs = tokenkeep::settings().iter().filter(|setting| setting.has_previous());
    let proofs: Vec<String> = proofs.map(|setting| format!("`{}`", setting.name)).collect();
    let mut text = HEAD.replace("{proofs}", &proofs.join(", "));
    let mut group = "";
    for setting in tokenkeep::settings() {
        if setting.group != group {
            group = setting.group;
            let mut letters = group.chars();
            let title: String =
                letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            write!(text, "\n## {title}\n\n| name | value | decides | what it does |\n|---|---|---|---|\n")
                .unwrap();
        }
        writeln!(text, "| `{}` | {} | {} | {} |", setting.name, setting.form(), setting.class(), setting.doc)
            .unwrap();
    }
    text
}
