//! The functions that `include/tokenkeep.h` declares, read from it.

use std::fs;

use super::toolchain::ROOT;

/// One function.
pub(crate) struct Declaration {
    pub(crate) name: String,
    /// The type that it returns.
    pub(crate) gives: String,
    pub(crate) parameters: Vec<String>,
}

impl Declaration {
    /// All of them, in the order of the header.
    pub(crate) fn all() -> Vec<Declaration> {
        let header = fs::read_to_string(format!("{ROOT}/include/tokenkeep.h")).expect("the header is there");
        let (_, functions) = header.split_once("extern \"C\" {").expect("functions come last");
        let declared: Vec<_> = without_comments(functions).split(';').filter_map(Declaration::read).collect();
        assert!(declared.len() > 40, "only {} functions were understood", declared.len());
        declared
    }

    /// `TOKENKEEP_MUST_USE const char *tokenkeep_name(int32_t status)`.
    fn read(text: &str) -> Option<Declaration> {
        let text = text.replace("TOKENKEEP_MUST_USE", " ");
        let (head, parameters) = text.split_once('(')?;
        let (gives, name) = typed(head);
        let parameters = parameters.trim_end().trim_end_matches(')');
        Some(Declaration {
            name,
            gives,
            parameters: parameters.split(',').map(|one| typed(one).0).filter(|one| one != "void").collect(),
        })
    }
}

/// Splits `const char *name` into `const char *` and `name`. A lone word is a type.
fn typed(text: &str) -> (String, String) {
    let words: Vec<_> =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    let text = words.join(" ");
    let at = text.rfind([' ', '*']).map_or(text.len(), |at| at + 1);
    let (kind, name) = text.split_at(at);
    (kind.trim_end().to_owned(), name.to_owned())
}

fn without_comments(mut text: &str) -> String {
    let mut rest = String::new();
    while let Some((before, comment)) = text.split_once("/*") {
        rest += before;
        text = comment.split_once("*/").expect("a comment ends").1;
    }
    rest + text
}
