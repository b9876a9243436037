//! What `--replSet` says: the set's name, and after a slash members that know it; and who
//! `--replSetInitiate` says the members are.
//!
//! Pure: no name is resolved, and nobody is asked.

use std::fmt;
use std::net::Ipv6Addr;

/// The port of a member that is named without one.
const DEFAULT_PORT: u16 = 27017;

/// A replica set to be part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaSetSetting {
    pub name: String,
    /// Members to ask for the set's configuration, each once, in the order given.
    pub seeds: Vec<HostPort>,
    /// The members that the first of them makes a set of, unasked; empty when that is left to an
    /// operator.
    pub initiate: Vec<HostPort>,
}

/// Where a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A host name or an address, an IPv6 one without brackets. Host names are in small letters.
    pub host: String,
    pub port: u16,
}

impl ReplicaSetSetting {
    /// Reads `name` or `name/host:port,host:port`; the error says what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, seeds) = text.split_once('/').unwrap_or((text, ""));
        if name.trim().is_empty() {
            return Err("expected the name of a replica set".to_owned());
        }
        if name.chars().any(char::is_control) {
            return Err("the name of a replica set has no control characters".to_owned());
        }
        // A bare slash is how harnesses write a set without seeds.
        let seeds = if seeds.is_empty() { Vec::new() } else { read_hosts(seeds)? };
        Ok(Self { name: name.to_owned(), seeds, initiate: Vec::new() })
    }

    /// Reads the members that this set is to be made of, `host:port,host:port`; the error says what
    /// was expected.
    pub(crate) fn initiated_with(mut self, hosts: &str) -> Result<Self, String> {
        self.initiate = read_hosts(hosts)?;
        Ok(self)
    }
}

/// Reads hosts separated by commas, each of them once, and at least one.
fn read_hosts(text: &str) -> Result<Vec<HostPort>, String> {
    let mut hosts = Vec::new();
    for host in text.split(',') {
        let host = HostPort::parse(host.trim())?;
        if hosts.contains(&host) {
            return Err(format!("the host {host} is given twice"));
        }
        hosts.push(host);
    }
    Ok(hosts)
}

impl HostPort {
    /// Reads `host`, `host:port`, `[::1]` or `[::1]:port`; the error says what is wrong.
    ///
    /// # Errors
    /// A line about the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed
                    .split_once(']')
                    .ok_or_else(|| format!("the bracket of '{text}' is not closed"))?;
                let address = host.parse::<Ipv6Addr>();
                let address =
                    address.map_err(|_| format!("'{host}' is not an IPv6 address"))?.to_string();
                match rest.strip_prefix(':') {
                    Some(port) => (address, Some(port)),
                    None if rest.is_empty() => (address, None),
                    None => return Err(format!("expected a port behind '[{host}]', not '{rest}'")),
                }
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                (host_name(host, text)?, port)
            }
        };
        let port = port.map_or(Ok(DEFAULT_PORT), |port| read_port(port, text))?;
        Ok(Self { host, port })
    }
}

/// A name or an IPv4 address: letters, digits, dots, hyphens and the underscores of containers.
fn host_name(host: &str, whole: &str) -> Result<String, String> {
    if whole.parse::<Ipv6Addr>().is_ok() {
        return Err(format!("write the IPv6 address as '[{whole}]'"));
    }
    if host.is_empty() {
        return Err(format!("expected a host in '{whole}'"));
    }
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if !host.chars().all(fits) {
        return Err(format!("'{host}' is not the name of a host"));
    }
    Ok(host.to_lowercase())
}

fn read_port(port: &str, whole: &str) -> Result<u16, String> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(number) if digits && number > 0 => Ok(number),
        _ => Err(format!("expected a port from 1 to 65535 in '{whole}'")),
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_alone_or_before_its_seeds() {
        let cases: [(&str, &str, &[&str]); 8] = [
            ("rs0", "rs0", &[]),
            ("rs0/", "rs0", &[]),
            ("my set", "my set", &[]),
            ("rs0/a", "rs0", &["a:27017"]),
            ("rs0/a:27018,b.example.org:27019", "rs0", &["a:27018", "b.example.org:27019"]),
            ("rs0/a, b", "rs0", &["a:27017", "b:27017"]),
            (
                "rs0/10.0.0.1,[::1],[fe80::2]:5",
                "rs0",
                &["10.0.0.1:27017", "[::1]:27017", "[fe80::2]:5"],
            ),
            ("rs0/A.Example:1,db_1", "rs0", &["a.example:1", "db_1:27017"]),
        ];
        for (text, name, seeds) in cases {
            let setting = ReplicaSetSetting::parse(text).expect(text);
            let shown: Vec<String> = setting.seeds.iter().map(ToString::to_string).collect();
            assert_eq!(
                (setting.name.as_str(), shown),
                (name, seeds.iter().map(|s| (*s).to_owned()).collect())
            );
        }
    }

    #[test]
    fn what_names_no_set_or_no_host_is_refused() {
        let cases = [
            ("", "expected the name"),
            (" ", "expected the name"),
            ("/a:1", "expected the name"),
            ("r\ns", "control characters"),
            ("rs0/a,", "expected a host"),
            ("rs0/,a", "expected a host"),
            ("rs0/:27017", "expected a host"),
            ("rs0/a:", "expected a port"),
            ("rs0/a:0", "expected a port"),
            ("rs0/a:+5", "expected a port"),
            ("rs0/a:65536", "expected a port"),
            ("rs0/a:b", "expected a port"),
            ("rs0/a:1:2", "expected a port"),
            ("rs0/a b", "not the name of a host"),
            ("rs0/a/b", "not the name of a host"),
            ("rs0/::1", "write the IPv6 address as '[::1]'"),
            ("rs0/[::1", "not closed"),
            ("rs0/[a]", "not an IPv6 address"),
            ("rs0/[::1]27017", "expected a port behind"),
            ("rs0/[::1]:x", "expected a port"),
            ("rs0/a,a", "a:27017 is given twice"),
            ("rs0/a,A:27017", "a:27017 is given twice"),
            ("rs0/[::1],[0:0::1]:27017", "[::1]:27017 is given twice"),
        ];
        for (text, expected) in cases {
            let refusal = ReplicaSetSetting::parse(text).expect_err(text);
            assert!(refusal.contains(expected), "{text:?}: {refusal}");
        }
    }
}
