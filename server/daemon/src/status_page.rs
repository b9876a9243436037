//! The page for people at `/` of the admin port: this server and its set at a glance.
//!
//! Pure: what it shows is handed in, and everything in it that came from outside is escaped.

use crate::logging::timestamp;
use quire_replset::set::{Figures, MemberFigures};
use std::fmt::{self, Display, Write};
use std::time::{Duration, UNIX_EPOCH};

/// What the page shows.
pub(crate) struct StatusPage<'a> {
    /// The name this server goes by.
    pub(crate) address: &'a str,
    pub(crate) version: &'a str,
    pub(crate) uptime: Duration,
    pub(crate) connections: u64,
    pub(crate) operations: usize,
    /// Why clients should not be sent here, if so.
    pub(crate) trouble: Option<&'a str>,
    /// `None` for a standalone.
    pub(crate) set: Option<&'a Figures>,
}

const STYLE: &str = "body{font:15px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}\
                     th,td{border:1px solid #999;padding:.3em .8em;text-align:left}";

impl Display for StatusPage<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Escaped(self.address);
        write!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        write!(out, "<title>{address}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n")?;
        write!(out, "<h1>{address}</h1>\n<table>\n")?;
        row(out, "Version", &self.version)?;
        row(out, "State", &self.state())?;
        row(
            out,
            "Serves clients",
            &self.trouble.map_or("yes".to_owned(), |why| format!("no: {why}")),
        )?;
        row(out, "Up for", &Lasting(self.uptime))?;
        row(out, "Connections", &self.connections)?;
        row(out, "Operations running", &self.operations)?;
        if let Some(set) = self.set {
            row(out, "Replica set", &set.name)?;
            row(out, "Term", &set.term)?;
            row(out, "Log", &format_args!("last {}, committed {}", set.last, set.committed))?;
        }
        out.write_str("</table>\n")?;
        if let Some(set) = self.set {
            members(out, set)?;
        }
        out.write_str(
            "<p><a href=\"/metrics\">metrics</a> <a href=\"/healthz\">health</a> \
             <a href=\"/readyz\">readiness</a></p>\n</body>\n</html>\n",
        )
    }
}

impl StatusPage<'_> {
    fn state(&self) -> &'static str {
        self.set.map_or("standalone", |set| set.state.name())
    }
}

fn row(out: &mut fmt::Formatter<'_>, name: &str, value: &dyn Display) -> fmt::Result {
    writeln!(out, "<tr><th>{name}</th><td>{}</td></tr>", Escaped(&value.to_string()))
}

fn members(out: &mut fmt::Formatter<'_>, set: &Figures) -> fmt::Result {
    if set.members.is_empty() {
        return out.write_str("<p>This member has no configuration yet.</p>\n");
    }
    out.write_str(
        "<table>\n<tr><th>Member</th><th>State</th><th>Newest entry applied</th></tr>\n",
    )?;
    for member in &set.members {
        member_row(out, member)?;
    }
    out.write_str("</table>\n")
}

fn member_row(out: &mut fmt::Formatter<'_>, member: &MemberFigures) -> fmt::Result {
    let host = member.host.to_string();
    let host = Escaped(&host);
    let myself = if member.is_self { " (this one)" } else { "" };
    let state = if member.is_up { member.state.name() } else { "not reachable" };
    write!(out, "<tr><td>{host}{myself}</td><td>{state}</td><td>")?;
    let mut newest = String::new();
    let millis = u64::try_from(member.op_time.millis()).unwrap_or(0);
    match UNIX_EPOCH.checked_add(Duration::from_millis(millis)) {
        Some(time) if millis > 0 => timestamp::push(&mut newest, time),
        _ => newest.push_str("unknown"),
    }
    writeln!(out, "{newest}</td></tr>")
}

/// A duration as people say it, to the second.
struct Lasting(Duration);

impl Display for Lasting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
        if days > 0 {
            write!(out, "{days} d ")?;
        }
        write!(out, "{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60)
    }
}

/// Text that cannot end the element or the attribute it stands in.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                _ => out.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
