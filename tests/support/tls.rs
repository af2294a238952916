//! Certificates made with the openssl command, and an HTTPS server that shows them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::server::{self, Request};
use super::{Directory, PATIENCE};

/// An authority and what it signed: `NAME.pem` and `NAME.key` in one directory.
pub(crate) struct Certificates(Directory);

const CA: &str = "
[ca]
default_ca = this
[this]
new_certs_dir = .
database = index.txt
rand_serial = yes
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = any
";

/// What an authority signs.
struct Signed {
    name: &'static str,
    subject: &'static str,
    by: &'static str,
    extensions: &'static str,
    from: &'static str,
    to: &'static str,
}

impl Signed {
    const fn new(name: &'static str, extensions: &'static str) -> Signed {
        Signed { name, subject: name, by: "ca", extensions, from: "20200101000000Z", to: "20990101000000Z" }
    }
}

const HERE: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\n";
const FOR_CLIENTS: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=clientAuth\n";

const SIGNED: [Signed; 10] = [
    Signed::new("good", HERE),
    Signed::new("vendor", "subjectAltName=DNS:vendor.invalid\n"),
    Signed::new("elsewhere", "subjectAltName=DNS:elsewhere.example\n"),
    Signed::new("client", "subjectAltName=DNS:client.example\n"),
    Signed { to: "20210101000000Z", ..Signed::new("expired", HERE) },
    Signed { from: "20980101000000Z", ..Signed::new("early", HERE) },
    // What names were before there were alternative ones.
    Signed { subject: "localhost", ..Signed::new("nameless", "basicConstraints=CA:FALSE\n") },
    Signed::new("client_only", FOR_CLIENTS),
    Signed::new("intermediate", AUTHORITY),
    Signed { by: "intermediate", ..Signed::new("distant", HERE) },
];

/// The certificates of this test program; None, and a word about it, where there is no openssl.
pub(crate) fn certificates() -> Option<&'static Certificates> {
    static MADE: OnceLock<Option<Certificates>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        super::tool::is_installed("openssl", "TLS with good and bad certificates", "openssl")
            .then(Certificates::make)
    });
    made.as_ref()
}

impl Certificates {
    fn make() -> Certificates {
        let made = Certificates(Directory::new());
        made.0.write("ca.cnf", CA);
        made.0.write("index.txt", "");
        made.authority("ca");
        made.authority("stranger");
        made.itself("itself", HERE.trim_end());
        for Signed { name, subject, by, extensions, from, to } in SIGNED {
            let [request, extension_file] = ["csr", "ext"].map(|kind| format!("{name}.{kind}"));
            let [key, pem] = ["key", "pem"].map(|kind| format!("{name}.{kind}"));
            let [its_key, its_pem] = ["key", "pem"].map(|kind| format!("{by}.{kind}"));
            made.0.write(&extension_file, extensions);
            let subject = format!("/CN={subject}");
            made.run(&[&["req", "-new", "-keyout", &key, "-out", &request, "-subj", &subject], &NEW_KEY[..]]);
            made.run(&[
                &["ca", "-batch", "-notext", "-config", "ca.cnf", "-in", &request, "-out", &pem],
                &["-cert", &its_pem, "-keyfile", &its_key, "-extfile", &extension_file],
                &["-startdate", from, "-enddate", to],
            ]);
        }
        made.chain_of("complete", &["distant", "intermediate"]);
        made.run(&[&["pkey", "-in", "client.key", "-aes256", "-passout", "pass:x", "-out", "locked.key"]]);
        made
    }

    /// A chain of these certificates, with the key of the first.
    fn chain_of(&self, name: &str, certificates: &[&str]) {
        let read = |file: String| std::fs::read_to_string(self.path(&file)).expect("openssl wrote it");
        let chain: String =
            certificates.iter().map(|certificate| read(format!("{certificate}.pem"))).collect();
        self.0.write(&format!("{name}.pem"), &chain);
        self.0.write(&format!("{name}.key"), &read(format!("{}.key", certificates[0])));
    }

    fn authority(&self, name: &str) {
        self.itself(name, AUTHORITY.trim_end());
    }

    /// A certificate that nobody else has signed.
    fn itself(&self, name: &str, extension: &str) {
        let (key, pem, subject) =
            (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name} of a test"));
        self.run(&[
            &["req", "-x509", "-days", "9000", "-keyout", &key, "-out", &pem, "-subj", &subject],
            &["-addext", extension],
            &NEW_KEY[..],
        ]);
    }

    fn run(&self, arguments: &[&[&str]]) {
        let mut command = Command::new("openssl");
        command.args(arguments.concat()).current_dir(self.0.path());
        let output = command.output().expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The path of a file: "ca.pem", "client.key", ...
    pub(crate) fn path(&self, file: &str) -> String {
        self.0.path().join(file).to_str().expect("a path that is text").to_owned()
    }

    fn chain(&self, name: &str) -> Vec<CertificateDer<'static>> {
        let path = self.path(&format!("{name}.pem"));
        let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).expect("a PEM file").collect();
        read.expect("certificates")
    }
}

const NEW_KEY: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-batch"];

/// An HTTPS server on a loopback port . It ends with the process.
pub(crate) struct TlsServer {
    address: String,
    connections: Arc<Mutex<usize>>,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl TlsServer {
    /// Shows this certificate and, if told so, demands one of the client.
    pub(crate) fn start(certificates: &Certificates, name: &str, demanding: bool, answer: &str) -> TlsServer {
        let answer = answer.as_bytes().to_vec();
        TlsServer::answering(certificates, name, demanding, move |_| answer.clone())
    }

    /// Answers as the request asks.
    pub(crate) fn answering(
        certificates: &Certificates,
        name: &str,
        demanding: bool,
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> TlsServer {
        let config = Arc::new(config(certificates, name, demanding));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (connections, seen) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counter, book, answer) = (Arc::clone(&connections), Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *counter.lock().expect("the counter") += 1;
                let (config, book, answer) = (Arc::clone(&config), Arc::clone(&book), Arc::clone(&answer));
                std::thread::spawn(move || serve(config, stream, &book, &*answer));
            }
        });
        TlsServer { address, connections, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().expect("the counter")
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("the book").clone()
    }
}

fn config(certificates: &Certificates, name: &str, demanding: bool) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().expect("protocol versions");
    let builder = if demanding {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.chain("ca"));
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(certificates.path(&format!("{name}.key"))).expect("a key");
    let mut config =
        builder.with_single_cert(certificates.chain(name), key).expect("a certificate and its key");
    // As most servers have it: HTTP/2 if the client says that it speaks it.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn serve(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    book: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Vec<u8>,
) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    match server::read(&mut stream) {
        // It was HTTP/2 that was agreed on.
        _ if stream.conn.alpn_protocol() == Some(b"h2") => {}
        Some(request) => {
            book.lock().expect("the book").push(request.clone());
            stream.write_all(&answer(&request)).ok();
            stream.conn.send_close_notify();
            stream.flush().ok();
        }
        // What the client still says is read, so that our alert reaches it before the port closes.
        None => drop(stream.sock.read_to_end(&mut Vec::new())),
    }
}
