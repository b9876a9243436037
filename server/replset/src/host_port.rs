//! A host name with a port, as configurations, seed lists and `hello` spell it.
//!
//! Owns parsing and printing. Two are equal when they are spelled alike: no name is ever resolved
//! here.

use quire_errors::{CommandError, Result};
use std::fmt;

/// The port of a host that names none.
pub const DEFAULT_PORT: u16 = 27017;

/// A host and the port it listens on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    pub fn new(host: impl Into<String>, port: u16) -> HostPort {
        HostPort { host: host.into(), port }
    }

    /// Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
    pub fn parse(text: &str) -> Result<HostPort> {
        let text = text.trim();
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => bracketed(text, rest)?,
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(CommandError::failed_to_parse(format!(
                        "More than one ':' detected. If this is an ipv6 address, it needs to be \
                         surrounded by '[' and ']'; {text}"
                    )));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(CommandError::failed_to_parse(format!(
                "Empty host component parsing HostAndPort from \"{text}\""
            )));
        }
        let port = port.map_or(Ok(DEFAULT_PORT), |port| parse_port(text, port))?;
        Ok(HostPort::new(host, port))
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether only processes on the same machine can mean it.
    pub fn is_localhost(&self) -> bool {
        let host = self.host.as_str();
        host == "localhost" || host == "::1" || host.starts_with("127.") || host.starts_with('/')
    }
}

fn bracketed<'a>(text: &str, rest: &'a str) -> Result<(&'a str, Option<&'a str>)> {
    let Some((host, after)) = rest.split_once(']') else {
        return Err(CommandError::failed_to_parse(format!(
            "No matching ']' found in ipv6 address: {text}"
        )));
    };
    match after.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if after.is_empty() => Ok((host, None)),
        None => Err(CommandError::failed_to_parse(format!(
            "Extraneous characters after ']' parsing HostAndPort from \"{text}\""
        ))),
    }
}

fn parse_port(text: &str, port: &str) -> Result<u16> {
    if port.is_empty() {
        return Err(CommandError::failed_to_parse(format!(
            "Empty port component parsing HostAndPort from \"{text}\""
        )));
    }
    // `parse` would take a plus sign.
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CommandError::failed_to_parse(format!(
            "Bad digit while parsing port number \"{port}\" of HostAndPort \"{text}\""
        )));
    }
    port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        CommandError::failed_to_parse(format!(
            "Port number {port} out of range parsing HostAndPort from \"{text}\""
        ))
    })
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HostPort;

    #[test]
    fn a_host_is_printed_with_its_port_always() {
        let table = [
            ("a", "a:27017"),
            ("a.example.net:1", "a.example.net:1"),
            (" a:65535 ", "a:65535"),
            ("[::1]", "[::1]:27017"),
            ("[fe80::1]:27018", "[fe80::1]:27018"),
            ("/tmp/mongodb.sock", "/tmp/mongodb.sock:27017"),
        ];
        for (text, printed) in table {
            let parsed = HostPort::parse(text).unwrap();
            assert_eq!(parsed.to_string(), printed);
            assert_eq!(HostPort::parse(printed).unwrap(), parsed);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let table = [
            ("", "Empty host component"),
            (":1", "Empty host component"),
            ("a:", "Empty port component"),
            ("a:0", "out of range"),
            ("a:65536", "out of range"),
            ("a:+1", "Bad digit"),
            ("a:1x", "Bad digit"),
            ("::1", "More than one ':'"),
            ("[::1", "No matching ']'"),
            ("[::1]x", "Extraneous"),
            ("[]", "Empty host component"),
        ];
        for (text, why) in table {
            let error = HostPort::parse(text).unwrap_err();
            assert_eq!(error.code().number(), 9, "{text}");
            assert!(error.message().contains(why), "{text}: {}", error.message());
        }
    }

    #[test]
    fn local_names_are_known_as_such() {
        for local in ["localhost", "127.0.0.1:1", "127.1.2.3", "[::1]:2", "/tmp/x.sock"] {
            assert!(HostPort::parse(local).unwrap().is_localhost(), "{local}");
        }
        for remote in ["localhost.example.net", "10.0.0.1", "[::2]", "a"] {
            assert!(!HostPort::parse(remote).unwrap().is_localhost(), "{remote}");
        }
    }
}
