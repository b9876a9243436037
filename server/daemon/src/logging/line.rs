//! One event as one line: `{"t":{"$date":…},"s":…,"c":…,"id":…,"ctx":…,"msg":…,"attr":{…}}`.
//!
//! Owns the order of the fields and the bound on their size. Whatever the values are, the result is
//! one JSON object on one line.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::component::Component;
use super::{context, json, timestamp};

/// All attributes of a line together, before escaping; what is beyond is cut, and `truncated` says
/// so.
pub(super) const ATTRIBUTE_BYTES_MAX: usize = 10 << 10;

/// The tag of lines that `getLog: "startupWarnings"` repeats.
pub(super) const STARTUP_WARNINGS: &str = "startupWarnings";

/// The fields of an event as they will stand in its line.
#[derive(Default)]
pub(super) struct Parts {
    id: u64,
    context: Option<String>,
    message: String,
    tag: Option<String>,
    level: Option<u64>,
    fatal: bool,
    attributes: String,
    truncated: String,
}

impl Parts {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut parts = Self::default();
        event.record(&mut parts);
        parts
    }

    /// The level of a debug line, when the event said one.
    pub(super) fn level(&self) -> Option<u64> {
        self.level
    }

    pub(super) fn is_startup_warning(&self) -> bool {
        self.tag.as_deref() == Some(STARTUP_WARNINGS)
    }

    /// The line, without its end.
    pub(super) fn line(&self, level: Level, component: Component, moment: SystemTime) -> String {
        let mut out = String::with_capacity(self.attributes.len() + self.message.len() + 160);
        out.push_str("{\"t\":{\"$date\":\"");
        timestamp::push(&mut out, moment);
        out.push_str("\"},\"s\":\"");
        self.push_severity(&mut out, level);
        out.push_str("\",\"c\":\"");
        out.push_str(component.name());
        let _ = write!(out, "\",\"id\":{},\"ctx\":", self.id);
        match &self.context {
            Some(context) => json::push_string(&mut out, context),
            None => context::with_current(|context| json::push_string(&mut out, context)),
        }
        out.push_str(",\"msg\":");
        json::push_string(&mut out, json::beginning(&self.message, ATTRIBUTE_BYTES_MAX));
        if !self.attributes.is_empty() {
            let _ = write!(out, ",\"attr\":{{{}}}", self.attributes);
        }
        if let Some(tag) = &self.tag {
            out.push_str(",\"tags\":[");
            json::push_string(&mut out, json::beginning(tag, 64));
            out.push(']');
        }
        if !self.truncated.is_empty() {
            let _ = write!(out, ",\"truncated\":{{{}}}", self.truncated);
        }
        out.push('}');
        out
    }

    fn push_severity(&self, out: &mut String, level: Level) {
        match level {
            Level::ERROR if self.fatal => out.push('F'),
            Level::ERROR => out.push('E'),
            Level::WARN => out.push('W'),
            Level::INFO => out.push('I'),
            Level::DEBUG | Level::TRACE => {
                let implied = if level == Level::DEBUG { 1 } else { 2 };
                let _ = write!(out, "D{}", self.level.unwrap_or(implied).clamp(1, 5));
            }
        }
    }

    fn attribute(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        if !self.attributes.is_empty() {
            self.attributes.push(',');
        }
        json::push_string(&mut self.attributes, name);
        self.attributes.push(':');
        write(&mut self.attributes);
    }

    /// A text attribute, cut when the line has no more room.
    fn text(&mut self, name: &str, text: &str) {
        let room = ATTRIBUTE_BYTES_MAX.saturating_sub(self.attributes.len());
        let kept = json::beginning(text, room);
        self.attribute(name, |out| json::push_string(out, kept));
        if kept.len() < text.len() {
            if !self.truncated.is_empty() {
                self.truncated.push(',');
            }
            json::push_string(&mut self.truncated, name);
            let _ = write!(self.truncated, ":{{\"type\":\"string\",\"size\":{}}}", text.len());
        }
    }

    fn nested(&mut self, name: &str, text: &str) {
        let room = ATTRIBUTE_BYTES_MAX.saturating_sub(self.attributes.len());
        if text.len() <= room && json::is_json(text) {
            self.attribute(name, |out| json::push_json(out, text));
        } else {
            self.text(name, text);
        }
    }

    fn record_text(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = text.to_owned(),
            "ctx" => self.context = Some(json::beginning(text, 256).to_owned()),
            "tag" => self.tag = Some(text.to_owned()),
            name => match name.strip_prefix("json.") {
                Some(name) => self.nested(name, text),
                None => self.text(name, text),
            },
        }
    }
}

impl Visit for Parts {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "id" => self.id = value,
            "level" => self.level = Some(value),
            name => self.attribute(name, |out| {
                let _ = write!(out, "{value}");
            }),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        match (field.name(), u64::try_from(value)) {
            ("id" | "level", Ok(value)) => self.record_u64(field, value),
            (name, _) => self.attribute(name, |out| {
                let _ = write!(out, "{value}");
            }),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.attribute(field.name(), |out| json::push_double(out, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "fatal" => self.fatal = value,
            name => self.attribute(name, |out| out.push_str(if value { "true" } else { "false" })),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_text(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_text(field, &value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_text(field, &format!("{value:?}"));
    }
}

/// The line in place of lines that were dropped.
pub(super) fn of_dropped(count: u64) -> String {
    let parts = Parts {
        id: 7_000_001,
        context: Some("log".to_owned()),
        message: "Log lines were dropped because the log could not be written fast enough"
            .to_owned(),
        attributes: format!("\"count\":{count}"),
        ..Parts::default()
    };
    let control = Component::of_target("CONTROL").unwrap_or(Component::NONE);
    parts.line(Level::WARN, control, SystemTime::now())
}
