//! Whom to trust, and what to show: TLS to a Redis. It is the store's own; `ca_file` and the like are for the vendor.

use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::settings::Settings;

const CA: &str = "store_ca_file";
const CERTIFICATE: &str = "store_client_cert_file";
const KEY: &str = "store_client_key_file";

/// The settings that are about it.
pub(super) const SETTINGS: [&str; 3] = [CA, CERTIFICATE, KEY];

/// An error of a stream, with words for those that are about trust.
pub(super) fn told(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::InvalidData {
        return error;
    }
    let why = error.to_string();
    let advice = match &why {
        why if why.contains("CertificateRequired") => {
            "it demands a certificate: set store_client_cert_file and store_client_key_file"
        }
        why if why.contains("InvalidContentType") => {
            "what answers there speaks no TLS: is the port right, and rediss?"
        }
        _ => "whom to trust is said by store_ca_file, or else by the platform",
    };
    io::Error::new(error.kind(), format!("TLS: {why} ({advice})"))
}

pub(super) struct Tls<'a>(pub(super) &'a Settings);

impl Tls<'_> {
    /// What is wrong with the files, as far as that can be seen without a server.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> =
            [CA, CERTIFICATE].into_iter().filter_map(|name| self.certificates(name).err()).collect();
        match (self.0.text(CERTIFICATE), self.0.text(KEY)) {
            (Some(_), None) => faults.push(format!("{CERTIFICATE} needs {KEY}")),
            (None, Some(_)) => faults.push(format!("{KEY} needs {CERTIFICATE}")),
            _ => faults.extend(self.key().err()),
        }
        faults
    }

    /// A client that has not said a word yet.
    pub(super) fn client(&self, host: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let config = self.config().map_err(io::Error::other)?;
        ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)
    }

    fn config(&self) -> Result<ClientConfig, String> {
        // Named here: a program that links us may have agreed on another provider, or on none.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match self.certificates(CA)? {
            Some(authorities) => {
                let mut roots = RootCertStore::empty();
                for authority in authorities {
                    roots.add(authority).map_err(|error| format!("{CA}: {error}"))?;
                }
                builder.with_root_certificates(roots)
            }
            None => builder.with_platform_verifier().map_err(|error| error.to_string())?,
        };
        match (self.certificates(CERTIFICATE)?, self.key()?) {
            (Some(chain), Some(key)) => {
                builder.with_client_auth_cert(chain, key).map_err(|error| format!("{CERTIFICATE}: {error}"))
            }
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    fn certificates(&self, name: &str) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
        let Some(file) = self.0.text(name) else { return Ok(None) };
        let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match read {
            Ok(found) if found.is_empty() => Err(format!("{name} ({file}) holds no PEM certificate")),
            Ok(found) => Ok(Some(found)),
            Err(error) => Err(format!("{name} ({file}) cannot be read: {error}")),
        }
    }

    fn key(&self) -> Result<Option<PrivateKeyDer<'static>>, String> {
        let Some(file) = self.0.text(KEY) else { return Ok(None) };
        let read = PrivateKeyDer::from_pem_file(file);
        read.map(Some)
            .map_err(|error| format!("{KEY} ({file}) holds no unencrypted PEM private key: {error}"))
    }
}
