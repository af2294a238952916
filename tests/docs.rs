//! What the documents show works: every program in them is built and run, every profile opens a client.

#![cfg(all(feature = "capi", target_os = "linux"))]

#[path = "c/executable.rs"]
mod executable;
mod support;
#[path = "c/toolchain.rs"]
mod toolchain;

use std::fs;
use std::path::Path;
use std::process::Command;

use executable::Executable;
use tokenkeep::{Client, Config};
use tokenkeep_sandbox::{Sandbox, fixtures};
use toolchain::{ROOT, run, scratch};

/// The blocks of one language in a document.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join(document)).expect("a document");
    let fence = format!("```{language}\n");
    let found: Vec<_> = text
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect();
    assert!(!found.is_empty(), "{document} has no {language}");
    found
}

/// A file that only its owner can read.
fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
}

/// The README's profile `billing`, for the sandbox.
fn billing(directory: &Path, sandbox: &Sandbox) -> std::path::PathBuf {
    let path = directory.join("tokenkeep.toml");
    let settings = sandbox.settings("acquired");
    let text = format!(
        "[billing]\nprovider = \"acquired\"\nbase_url = \"{}\"\napp_id = \"{}\"\napp_key = \"{}\"\n",
        sandbox.base("acquired"),
        settings["app_id"],
        settings["app_key"]
    );
    private(&path, &text);
    path
}

/// Runs a program of the README's as its reader would.
fn run_with_profile(program: &Executable, directory: &Path) {
    let sandbox = Sandbox::start().expect("a sandbox");
    let output = run(program.command().env("TOKENKEEP_CONFIG", billing(directory, &sandbox)));
    assert!(output.starts_with("Authorization: Bearer "), "{output}");
    assert_eq!(sandbox.count("acquired/login"), 1);
    let failing = program.command().env("TOKENKEEP_CONFIG", "/no/such/file").output().expect("a run");
    assert!(!failing.status.success(), "without a profile it must not say that all is well");
}

#[test]
fn the_first_c_program_prints_a_token() {
    let directory = scratch("readme-c");
    let source = directory.join("first.c");
    fs::write(&source, &blocks("README.md", "c")[0]).expect("a file");
    run_with_profile(&Executable::new("cc", "c99", "first-c").build([&source]), &directory);
}

#[test]
fn the_c_that_answers_a_401_compiles() {
    let source = scratch("readme-use").join("use.c");
    let text = format!(
        "#include <stdio.h>\n#include <tokenkeep.h>\nstatic {}\nint main(void) {{ return use(NULL, NULL) == TOKENKEEP_OK; }}\n",
        blocks("README.md", "c")[1]
    );
    fs::write(&source, text).expect("a file");
    run(&mut Executable::new("cc", "c99", "use").build([&source]).command());
}

#[test]
fn the_first_cpp_program_prints_a_token() {
    let directory = scratch("readme-cpp");
    let source = directory.join("first.cpp");
    fs::write(&source, &blocks("README.md", "cpp")[0]).expect("a file");
    run_with_profile(&Executable::new("c++", "c++17", "first-cpp").build([&source]), &directory);
}

#[test]
fn every_profile_opens_a_client() {
    let readme = [
        "billing",
        "acquire",
        "acquired",
        "frederick",
        "pink",
        "pink-mine",
        "any",
        "bank",
        "nightly",
        "worker",
    ];
    for (document, names) in [("README.md", &readme[..]), ("docs/CONSENT.md", &["desktop", "tv", "web"])] {
        let file = scratch("profiles").join("tokenkeep.toml");
        // Secrets by reference would have to be there; their values are not what is shown.
        let text = blocks(document, "toml")
            .concat()
            .replace("_env = ", " = ")
            .replace("TOKENKEEP_REDIS", "rediss://user:password@redis.example:6379/0")
            .replace("TOKENKEEP_STORE_KEY", &"5a".repeat(32));
        private(&file, &text);
        assert_eq!(text.matches("\n[").count() + 1, names.len(), "a profile of {document} is not tried");
        for name in names {
            let config = Config::load(Some(&file), name).expect(name);
            Client::new(&config).expect(name);
        }
    }
}

/// The guide's vendor, as far as its login goes.
#[test]
fn the_guide_to_a_new_vendor_leads_to_a_token() {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let vendor = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a request");
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let answer = r#"{"token":"fruit","validFor":900}"#;
        let head_out = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        reader.get_mut().write_all((head_out + answer).as_bytes()).expect("an answer");
        (head, String::from_utf8(body).expect("text"))
    });

    let file = scratch("guide").join("orchard.toml");
    private(&file, &blocks("docs/ADDING_A_VENDOR.md", "toml")[0]);
    let mut config = Config::new(file.to_str().expect("text"));
    config
        .set("base_url", &base_url)
        .set("user", "gardener")
        .set("secret_key", "spade")
        .set("branch", "north");
    let token = Client::new(&config).expect("a client").token(&Default::default()).expect("a token");

    let (head, body) = vendor.join().expect("the vendor ends well");
    assert!(head.starts_with("POST /session HTTP/1.1"), "{head}");
    assert_eq!(body, r#"{"secretKey":"spade","user":"gardener"}"#);
    assert_eq!(token.value(), "fruit");
    let headers: Vec<_> = token.headers().collect();
    assert_eq!(headers, [("Authorization", "Bearer fruit"), ("X-Branch", "north")]);
}

#[test]
fn the_c_and_cpp_quick_starts_run() {
    let sandbox = Sandbox::start().expect("a sandbox");
    for (compiler, standard, source) in [
        ("cc", "c99", "bindings/c/examples/quickstart.c"),
        ("c++", "c++17", "bindings/cpp/examples/quickstart.cpp"),
    ] {
        let program = Executable::new(compiler, standard, "quickstart").build([format!("{ROOT}/{source}")]);
        let mut command: Command = program.command();
        command
            .env("ACQUIRED_BASE_URL", sandbox.base("acquired"))
            .env("ACQUIRED_APP_ID", fixtures::ACQUIRED_APP_ID);
        run(command.env("ACQUIRED_APP_KEY", fixtures::ACQUIRED_APP_KEY));
    }
}
