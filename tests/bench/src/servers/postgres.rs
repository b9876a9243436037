//! A yardstick of everything a single node does: PostgreSQL with documents as `jsonb`.
//!
//! Owns a private cluster: an `id bigint primary key` and a `d jsonb` in each table, `fsync` and
//! `synchronous_commit` on, one process per query. PostgreSQL refuses to run as root, so root runs it
//! as the user that Debian's package makes, in a directory that this user can reach.

use super::end;
use crate::dataset::Dataset;
use crate::documents::append_json;
use crate::generator::postgres::Conversation;
use crate::scratch::Scratch;
use crate::sql::INSERTED;
use quire_tests::{Failure, Result, free_port};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where Debian has its versions.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A disk, and not memory, that every user can reach.
const PUBLIC: &str = "/var/tmp";

const SETTINGS: &[&str] = &[
    "fsync=on",
    "synchronous_commit=on",
    "max_wal_size=8GB",
    "checkpoint_timeout=1h",
    "jit=off",
    "max_connections=300",
    "max_parallel_workers_per_gather=0",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
];

/// How many bytes of COPY are sent at a time.
const COPY_BYTES: usize = 1 << 20;

pub(crate) struct Postgres {
    child: Child,
    pub(crate) address: SocketAddr,
    control: Conversation,
    _directory: Scratch,
}

/// The user it runs as, where that is not ours.
#[derive(Clone, Copy)]
struct User {
    id: u32,
    group: u32,
}

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            path.join("bin/initdb").exists().then(|| (version, path.join("bin")))
        })
        .collect();
    versions.sort();
    let elsewhere = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|path| path.join("initdb").exists())
    };
    versions.pop().map(|(_, path)| path).or_else(elsewhere)
}

pub(crate) fn is_installed() -> bool {
    programs().is_some() && user().is_ok()
}

impl Postgres {
    pub(crate) fn start(parent: &Path, cache_gib: u8) -> Result<Postgres> {
        let programs = programs().ok_or_else(|| Failure::new("PostgreSQL is not installed"))?;
        let user = user()?;
        let parent = if user.is_some() { Path::new(PUBLIC) } else { parent };
        let directory = Scratch::new(parent, "postgresql")?;
        if let Some(User { id, group }) = user {
            std::os::unix::fs::chown(directory.path(), Some(id), Some(group))?;
        }
        let data = directory.path().join("data");
        let log = File::create(directory.path().join("log"))?;
        let run = |program: &str| -> Result<Command> {
            let mut command = Command::new(programs.join(program));
            command.arg("-D").arg(&data).current_dir(directory.path()).stdin(Stdio::null());
            command.stdout(log.try_clone()?).stderr(log.try_clone()?);
            if let Some(User { id, group }) = user {
                command.uid(id).gid(group);
            }
            Ok(command)
        };
        let options = ["-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        let made = run("initdb")?.args(options).status();
        if !made.map_err(Failure::during("starting initdb"))?.success() {
            let log = fs::read_to_string(directory.path().join("log")).unwrap_or_default();
            return Err(Failure::new(format!("initdb failed:\n{log}")));
        }
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut command = run("postgres")?;
        command.args(["-p", &address.port().to_string()]);
        command.args(["-c", &format!("shared_buffers={cache_gib}GB")]);
        SETTINGS.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        let mut child = command.spawn().map_err(Failure::during("starting postgres"))?;
        let control = match wait_for_connection(&mut child, address, &directory) {
            Ok(control) => control,
            Err(failure) => {
                end(&mut child);
                return Err(failure);
            }
        };
        let mut postgres = Postgres { child, address, control, _directory: directory };
        postgres
            .run(&format!("create table {INSERTED} (id bigint primary key, d jsonb not null)"))?;
        Ok(postgres)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn run(&mut self, statement: &str) -> Result<()> {
        self.control.query(statement).map(drop)
    }

    /// The only value of the only row.
    pub(crate) fn number(&mut self, query: &str) -> Result<u64> {
        let value = self.control.query(query)?;
        let number = value.and_then(|value| value.parse().ok());
        number.ok_or_else(|| Failure::new(format!("{query}: no number")))
    }

    /// Forgets what inserts have left.
    pub(crate) fn empty(&mut self) -> Result<()> {
        self.run(&format!("truncate {INSERTED}"))?;
        self.run("checkpoint")
    }

    /// Fills a table, makes its indexes, and leaves nothing for later.
    pub(crate) fn load(&mut self, dataset: Dataset, records: u64) -> Result<()> {
        let table = dataset.name();
        self.run(&format!("create table {table} (id bigint, d jsonb not null)"))?;
        self.control.begin_copy(&format!("copy {table} from stdin"))?;
        let mut lines = Vec::with_capacity(COPY_BYTES + 4096);
        dataset.each(records, &mut |id, document| {
            lines.extend_from_slice(format!("{id}\t").as_bytes());
            append_json(&mut lines, document);
            lines.push(b'\n');
            if lines.len() >= COPY_BYTES {
                self.control.copy(&lines)?;
                lines.clear();
            }
            Ok(())
        })?;
        self.control.copy(&lines)?;
        self.control.end_copy()?;
        self.run(&format!("alter table {table} add primary key (id)"))?;
        if let Some((_, expression)) = dataset.index() {
            self.run(&format!("create index on {table} ({expression})"))?;
        }
        self.run(&format!("vacuum analyze {table}"))?;
        self.run("checkpoint")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its children end when it is gone and their connections with it; an orderly end of the
        // parent takes them along at once.
        let process = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::QUIT);
        let _ = self.child.wait();
    }
}

/// Whom to be, which is nobody else unless we are root.
fn user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        let id = fields.next()?.parse().ok()?;
        Some(User { id, group: fields.next()?.parse().ok()? })
    });
    found.map(Some).ok_or_else(|| Failure::new("there is no user postgres"))
}

fn wait_for_connection(
    child: &mut Child,
    address: SocketAddr,
    directory: &Scratch,
) -> Result<Conversation> {
    let patience = Instant::now() + PATIENCE;
    loop {
        match Conversation::open(address) {
            Ok(conversation) => return Ok(conversation),
            Err(failure) => {
                if child.try_wait()?.is_some() || Instant::now() > patience {
                    let log = fs::read_to_string(directory.path().join("log")).unwrap_or_default();
                    return Err(Failure::new(format!("postgres: {failure}; its log:\n{log}")));
                }
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
