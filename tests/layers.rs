//! The layers of the library: nothing names what lies above it, and some things are done in one place alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// From the ground up. What a module of one layer names lies in the same layer or below.
const LAYERS: [&[&str]; 6] = [
    &["error", "secret", "token", "clock", "fork", "sync", "log", "settings", "template", "provider", "seal"],
    &["transport", "loopback"],
    &["scheme", "store"],
    &["keeper"],
    &["client"],
    &["ffi"],
];

/// One source file: the module it belongs to, and its code without comments, texts and tests.
struct Source {
    path: PathBuf,
    module: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 20, "the sources are somewhere else");
    found
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test(&path) {
            let text = std::fs::read_to_string(&path).unwrap();
            let inside = path.strip_prefix(root).unwrap();
            let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
            found.push(Source { module, code: without_tests(&stripped(&text)), path: inside.to_owned() });
        }
    }
}

/// Files such as `keeper/test.rs` and `model.rs`, which their parent declares for tests alone.
fn is_test(path: &Path) -> bool {
    let parts = path.iter().rev().take(2);
    parts.into_iter().any(|part| matches!(part.to_str(), Some("test" | "test.rs" | "model.rs" | "double.rs")))
}

/// The code with comments, texts and letters taken out, so that only names are left.
fn stripped(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_text(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = rest.find('"').unwrap() + 1;
            rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_letter(rest) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    code
}

/// How many hashes a raw text that begins here has.
fn raw_text(rest: &str) -> Option<usize> {
    let hashes = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    hashes[count..].starts_with('"').then_some(count)
}

/// A lifetime is no letter.
fn is_letter(rest: &str) -> bool {
    let mut letters = rest.chars().skip(1);
    matches!((letters.next(), letters.next()), (Some('\\'), _) | (_, Some('\'')))
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The code without every item under `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|mark| rest.find(mark)).min() {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[item_length(rest)..];
    }
    kept + rest
}

/// An item ends with its block, or with a semicolon or a comma that stands before any block.
fn item_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
                if depth < 0 {
                    return at;
                }
            }
            ';' | ',' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Every module that a file names by `crate::`, also within `use crate::{a, b::c}`.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, mark) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + mark.len()..];
        let heads: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => heads(list),
            None => vec![rest],
        };
        let word =
            |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        names.extend(heads.into_iter().map(word));
    }
    names
}

/// The beginnings of the members of a list in braces.
fn heads(list: &str) -> Vec<&str> {
    let mut heads = vec![list];
    let mut depth = 0;
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(&list[at + 1..]),
            _ => {}
        }
    }
    heads
}

fn height(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Fails if a word stands in any file but those that may have it. `may` gets the path below `src`.
fn assert_only(words: &[&str], may: impl Fn(&Path) -> bool) {
    let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
    let mut allowed = 0;
    for source in sources() {
        for word in words.iter().filter(|word| holds(&source.code, word)) {
            if may(&source.path) {
                allowed += 1;
            } else {
                seen.insert(source.path.clone(), word);
            }
        }
    }
    assert!(seen.is_empty(), "{seen:?}");
    assert!(allowed > 0, "none of {words:?} is anywhere: the test looks for the wrong thing");
}

/// Whether the word stands in the code by itself, not as a part of another.
fn holds(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let after = &code[at + word.len()..];
        let starts = !word.starts_with(part) || !code[..at].ends_with(part);
        starts && (!word.ends_with(part) || !after.starts_with(part))
    })
}

#[test]
fn every_module_has_its_layer() {
    for source in sources() {
        let known = height(&source.module).is_some() || source.module == "lib";
        assert!(known, "{} is in no layer: give it one", source.path.display());
    }
}

#[test]
fn nothing_names_what_lies_above_it() {
    let mut edges = 0;
    for source in sources() {
        let Some(here) = height(&source.module) else { continue };
        for name in named(&source.code) {
            // What is no module is something that lib.rs gives out: for the C interface, which lies above all.
            let given_out = name.starts_with(char::is_uppercase) && source.module == "ffi";
            let there = height(&name).or(given_out.then_some(0));
            let there = there.unwrap_or_else(|| panic!("{}: crate::{name}", source.path.display()));
            assert!(there <= here, "{} names crate::{name}, which lies above it", source.path.display());
            edges += usize::from(there < here);
        }
    }
    assert!(edges > 50, "{edges} edges: the test reads the wrong thing");
}

#[test]
fn the_scheme_and_the_store_do_not_know_each_other() {
    for source in sources() {
        let other = match &*source.module {
            "scheme" => "store",
            "store" => "scheme",
            _ => continue,
        };
        assert!(!named(&source.code).iter().any(|name| name == other), "{}", source.path.display());
    }
}

#[test]
fn only_the_transport_names_the_http_client() {
    assert_only(&["ureq"], |path| path.starts_with("transport.rs") || path.starts_with("transport"));
}

#[test]
fn only_the_loopback_listens() {
    assert_only(&["TcpListener", "UdpSocket", "UnixListener"], |path| path.starts_with("loopback"));
}

#[test]
fn only_the_clock_reads_a_clock() {
    let clocks = ["Instant::now", "SystemTime::now", "clock_gettime", "UNIX_EPOCH.elapsed", ".elapsed()"];
    assert_only(&clocks, |path| path == Path::new("clock.rs"));
}

#[test]
fn only_the_c_interface_the_clock_fork_and_the_hot_path_are_unsafe() {
    let files = ["clock.rs", "fork.rs", "client/seat.rs"];
    let may = |path: &Path| {
        path.starts_with("ffi")
            || path.starts_with("fork")
            || files.iter().any(|file| path == Path::new(file))
    };
    assert_only(&["unsafe"], may);
}

#[test]
fn only_the_settings_read_the_environment() {
    let ways =
        ["env::var", "env::var_os", "env::vars", "env::vars_os", "env::home_dir", "getenv", "option_env"];
    assert_only(&ways, |path| path.starts_with("settings"));
    let ways = ["current_dir", "set_var", "remove_var", "set_current_dir"];
    for source in sources() {
        assert!(!ways.iter().any(|way| holds(&source.code, way)), "{}", source.path.display());
    }
}

#[test]
fn only_fork_starts_threads() {
    assert_only(&["thread::spawn", "thread::Builder", "thread::scope"], |path| path == Path::new("fork.rs"));
}

/// A thread that comes while another initialises waits for it, in a forked child for ever.
#[test]
fn nobody_waits_for_anothers_first_use() {
    let waits = ["OnceLock", "LazyLock", "sync::Once", "once_cell::sync"];
    // The lookup's is set once and looked at, never waited for; the clock's is not Linux's.
    assert_only(&waits, |path| path == Path::new("transport/lookup.rs") || path == Path::new("clock.rs"));
}

#[test]
fn the_reader_of_sources_knows_code_from_words() {
    let code = stripped(
        "let a = \"unsafe \\\" crate::client\"; // crate::ffi\n'x' 'a' b'\\'' &'a str r#\"ureq\"# /* ureq */ z",
    );
    for word in ["unsafe", "client", "ffi", "ureq"] {
        assert!(!holds(&code, word), "{code}");
    }
    assert!(holds(&code, "str") && holds(&code, "z"), "{code}");
    let kept = without_tests(
        "a; #[cfg(test)]\nmod test { fn f() { {} } }\nb; #[cfg(all(test, unix))] mod t;c\nfn d(#[cfg(test)] e: u8, f: u8) {}",
    );
    assert_eq!(kept.split_whitespace().collect::<String>(), "a;b;cfnd(f:u8){}");
    assert_eq!(
        named("use crate::{a::B, c::{D, e}, f}; crate::g::h(); mycrate::i; $crate::j"),
        ["a", "c", "f", "g"]
    );
}
