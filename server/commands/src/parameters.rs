//! Server parameters: what `setParameter` and `getParameter` know.
//!
//! Owns the current values. A parameter either means something here, and then it stands in the
//! [`table`] and has a typed getter that somebody asks; or it tunes a part of MongoDB that is not
//! here, and then it is remembered and answered with a warning ([`foreign`]). Any other name is
//! refused, because a setting that silently does nothing misleads.

mod fail_points;
mod foreign;
mod ingress;
mod start;
mod table;
#[cfg(test)]
mod tests;
mod verbosity;

pub use table::{Settable, SettingRefused};
pub(crate) use verbosity::Levels;

use crate::persona::Persona;
use parking_lot::RwLock;
use quire_bson::{Bson, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_failpoints::FailPoints;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use table::Parameter;

/// The current values.
#[derive(Debug)]
pub struct Parameters {
    /// The version whose parameters these are.
    persona: Persona,
    values: RwLock<BTreeMap<String, Bson>>,
    warnings: Vec<String>,
    failpoints: Arc<FailPoints>,
    asked_always: AskedAlways,
}

/// The values that every request asks for, for which a lock would be too dear.
#[derive(Debug, Default)]
struct AskedAlways {
    requires_api_version: AtomicBool,
    limits_requests: AtomicBool,
    requests_in_flight_max: AtomicU64,
}

/// One parameter as `getParameter` shows it.
pub struct Shown {
    pub name: String,
    pub value: Bson,
    pub settable: Settable,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters::of(Persona::default())
    }
}

impl Parameters {
    /// The defaults of a version.
    pub fn of(persona: Persona) -> Parameters {
        let default = |known: &Parameter| (known.name.to_owned(), known.default_value());
        let mut values: BTreeMap<_, _> = table::all(persona).map(default).collect();
        let version = table::FEATURE_VERSION.name.to_owned();
        values.insert(version, table::feature_version(persona));
        Parameters {
            persona,
            values: RwLock::new(values),
            warnings: Vec::new(),
            failpoints: Arc::default(),
            asked_always: AskedAlways::default(),
        }
    }
}

impl Parameters {
    /// The defaults, changed as the command line and the configuration file say.
    pub fn new(persona: Persona, given: &BTreeMap<String, String>) -> Result<Parameters> {
        let mut parameters = Parameters::of(persona);
        // What else there is depends on this one.
        let first = given.get_key_value(table::ENABLE_TEST_COMMANDS.name);
        if let Some((name, text)) = first {
            parameters.start_with(name, text)?;
        }
        let rest = given.iter().filter(|(name, _)| first.is_none_or(|(first, _)| first != *name));
        for (name, text) in rest {
            parameters.start_with(name, text)?;
        }
        Ok(parameters)
    }

    fn start_with(&mut self, name: &str, text: &str) -> Result<()> {
        let value = start::read(text);
        if self.test_commands_enabled() && fail_points::is_one(name) {
            return fail_points::start_with(&self.failpoints, self.persona, name, &value);
        }
        let Some(known) = self.find(name) else {
            if !foreign::is_known(name) {
                return Err(CommandError::bad_value(format!("Unknown --setParameter '{name}'")));
            }
            self.warnings.push(foreign::warning(name));
            self.values.write().insert(name.to_owned(), value);
            return Ok(());
        };
        if !known.settable.at_start() {
            let message = format!("Cannot use --setParameter to set '{name}' at startup");
            return Err(CommandError::bad_value(message));
        }
        let value = known.accept(&value).map_err(SettingRefused::into_error)?;
        if let Some(warning) = known.warning {
            self.warnings.push(warning.to_owned());
        }
        self.act_on(name, &value);
        self.values.write().insert(name.to_owned(), value);
        Ok(())
    }

    /// What the operator should read in the log about the parameters given at start-up.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A parameter that means something, where the version has it.
    fn find(&self, name: &str) -> Option<&'static Parameter> {
        table::find(self.persona, name)
    }

    pub fn get(&self, name: &str) -> Option<Bson> {
        self.values.read().get(name).cloned()
    }

    /// A fail point as a parameter.
    fn show_fail_point(&self, name: &str) -> Option<Shown> {
        let value = fail_points::show(&self.failpoints, name)?;
        let settable = Settable::AtStart;
        self.test_commands_enabled().then(|| Shown { name: name.to_owned(), value, settable })
    }

    /// One parameter by its name.
    pub(crate) fn show(&self, name: &str) -> Option<Shown> {
        let Some(value) = self.get(name) else { return self.show_fail_point(name) };
        let settable = self.find(name).map_or(Settable::Anytime, |known| known.settable);
        Some(Shown { name: name.to_owned(), value, settable })
    }

    /// All parameters in the order of their names.
    pub(crate) fn show_all(&self) -> Vec<Shown> {
        let mut names: Vec<String> = self.values.read().keys().cloned().collect();
        names.extend(fail_points::names());
        names.sort_unstable();
        names.iter().filter_map(|name| self.show(name)).collect()
    }

    /// Checks a value that `setParameter` gives; nothing changes yet.
    pub(crate) fn accept(&self, name: &str, value: RawValue<'_>) -> Result<Bson> {
        let Some(known) = self.find(name) else {
            if foreign::is_known(name) {
                return Ok(value.to_bson());
            }
            return Err(match self.show_fail_point(name) {
                Some(_) => only_at_start(name),
                None => unrecognized(name),
            });
        };
        if !known.settable.at_run_time() {
            return Err(only_at_start(name));
        }
        let accepted = known.accept(&value.to_bson()).map_err(SettingRefused::into_error)?;
        Ok(match name {
            verbosity::COMPONENTS => verbosity::merged(self.get(name), accepted),
            _ => accepted,
        })
    }

    /// Sets a value that was accepted, and gives the one before and a warning for the log.
    pub(crate) fn set(&self, name: &str, value: Bson) -> (Option<Bson>, Option<String>) {
        let mut values = self.values.write();
        verbosity::keep_in_step(&mut values, name, &value);
        self.act_on(name, &value);
        let was = values.insert(name.to_owned(), value);
        let warning = match self.find(name) {
            Some(known) => known.warning.map(str::to_owned),
            None => Some(foreign::warning(name)),
        };
        (was, warning)
    }

    /// What a value sets off at once.
    fn act_on(&self, name: &str, value: &Bson) {
        if name == table::REQUIRE_API_VERSION.name {
            let requires = value.as_bool() == Some(true);
            self.asked_always.requires_api_version.store(requires, Ordering::Relaxed);
        }
        self.note_limits(name, value);
    }

    fn whole(&self, parameter: &Parameter) -> i64 {
        let value = self.values.read().get(parameter.name).and_then(table::whole_number);
        value.or_else(|| table::whole_number(&parameter.default_value())).unwrap_or(0)
    }

    fn count(&self, parameter: &Parameter) -> u64 {
        u64::try_from(self.whole(parameter)).unwrap_or(0)
    }

    fn flag(&self, parameter: &Parameter) -> bool {
        self.values.read().get(parameter.name).and_then(Bson::as_bool).unwrap_or(false)
    }
}

/// What each parameter means to whoever honours it.
impl Parameters {
    /// How long the deletion of expired documents rests between two passes.
    pub fn ttl_monitor_sleep(&self) -> Duration {
        Duration::from_secs(self.count(&table::TTL_MONITOR_SLEEP))
    }

    pub fn ttl_monitor_enabled(&self) -> bool {
        self.flag(&table::TTL_MONITOR_ENABLED)
    }

    /// How long a cursor nobody asks is kept.
    pub fn cursor_timeout(&self) -> Duration {
        Duration::from_millis(self.count(&table::CURSOR_TIMEOUT))
    }

    /// Whether cursors of sessions time out by themselves too, not only with their session.
    pub(crate) fn cursors_of_sessions_time_out(&self) -> bool {
        self.flag(&table::CURSORS_OF_SESSIONS_TIME_OUT)
    }

    /// How often cursors are looked through for those that timed out.
    pub fn cursor_monitor_interval(&self) -> Duration {
        Duration::from_secs(self.count(&table::CURSOR_MONITOR_FREQUENCY))
    }

    /// How long a session nobody uses is remembered.
    pub fn session_timeout(&self) -> Duration {
        Duration::from_secs(self.count(&table::SESSION_TIMEOUT_MINUTES).saturating_mul(60))
    }

    /// [`Parameters::session_timeout`] as `hello` shows it.
    pub(crate) fn session_timeout_minutes(&self) -> i32 {
        i32::try_from(self.whole(&table::SESSION_TIMEOUT_MINUTES)).unwrap_or(i32::MAX)
    }

    /// How often sessions are looked through for those that timed out.
    pub fn session_refresh_interval(&self) -> Duration {
        Duration::from_millis(self.count(&table::SESSION_REFRESH))
    }

    /// The most sessions remembered at once.
    pub fn sessions_max(&self) -> usize {
        usize::try_from(self.count(&table::SESSIONS_MAX)).unwrap_or(usize::MAX)
    }

    /// For how many seconds the state of one moment can be read.
    pub(crate) fn snapshot_window_seconds(&self) -> u32 {
        u32::try_from(self.count(&table::SNAPSHOT_WINDOW)).unwrap_or(u32::MAX)
    }

    /// True when connections coming and going stay out of the log.
    pub fn quiet(&self) -> bool {
        self.flag(&table::QUIET)
    }

    /// How long a primary that is not written to waits before it writes an entry without effect;
    /// `None` when it writes none.
    pub fn noop_interval(&self) -> Option<Duration> {
        let interval = Duration::from_secs(self.count(&table::NOOP_INTERVAL));
        self.flag(&table::WRITE_NOOPS).then_some(interval)
    }

    /// How many entries of the log stay for members that were away, if that is not left to the size
    /// of the oplog.
    pub fn retained_entries(&self) -> Option<u64> {
        Some(self.count(&table::RETAINED_ENTRIES)).filter(|count| *count > 0)
    }

    /// How long running operations may go on when a signal ends the process.
    pub fn signal_shutdown_timeout(&self) -> Duration {
        Duration::from_millis(self.count(&table::SIGNAL_SHUTDOWN_TIMEOUT))
    }

    /// The bytes one command may take in a log line.
    pub(crate) fn log_bytes_max(&self) -> usize {
        let bytes = self.count(&table::LOG_SIZE_MAX).saturating_mul(1024);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    pub fn test_commands_enabled(&self) -> bool {
        self.flag(&table::ENABLE_TEST_COMMANDS)
    }

    /// Whether clients have to declare a version of the Stable API.
    pub(crate) fn requires_api_version(&self) -> bool {
        self.asked_always.requires_api_version.load(Ordering::Relaxed)
    }

    /// Whether clients may declare the second version of the Stable API.
    pub(crate) fn accepts_api_version_2(&self) -> bool {
        self.flag(&table::ACCEPT_API_VERSION_2)
    }

    /// The node's fail points, some of which the command line may have switched on.
    pub fn failpoints(&self) -> &Arc<FailPoints> {
        &self.failpoints
    }

    /// The verbosity of the log, 0 to 5.
    pub fn log_verbosity(&self) -> u8 {
        u8::try_from(self.whole(&table::LOG_LEVEL)).unwrap_or(0)
    }

    /// A text of the operator's automation for `hello`, when it gave one.
    pub(crate) fn automation_descriptor(&self) -> Option<String> {
        let text = self.get(table::AUTOMATION_DESCRIPTOR.name)?.as_str()?.to_owned();
        (!text.is_empty()).then_some(text)
    }
}

fn only_at_start(name: &str) -> CommandError {
    CommandError::new(Code::IllegalOperation, format!("not allowed to change [{name}] at runtime"))
}

fn unrecognized(name: &str) -> CommandError {
    CommandError::new(
        Code::InvalidOptions,
        format!("attempted to set unrecognized parameter [{name}], use help:true to see options "),
    )
}
