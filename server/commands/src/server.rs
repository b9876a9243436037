//! Everything a command may reach.
//!
//! Owns nothing of its own: it is the one place where the parts stand together, so that a handler
//! takes one argument.

use crate::client::Client;
use crate::concerns::Concerns;
use crate::counters::Counters;
use crate::cursors::Cursors;
use crate::facts::Facts;
use crate::generic::Generic;
use crate::host::Host;
use crate::ingress::{Entry, Ingress};
use crate::operations::{Operation, Operations};
use crate::parameters::Parameters;
use crate::persona::Behaviour;
use crate::profiling::Profiling;
use crate::retrying::Checkouts;
use crate::sessions::{Changes, Sessions};
use crate::{Arguments, topology::Topology};
use quire_bson::{ObjectId, RawDoc, RawValue};
use quire_documents::{Catalog, Documents, Namespace, ReadView};
use quire_errors::{Code, CommandError, Result};
use quire_execution::index_build::Builders;
use quire_execution::writes::Writer;
use quire_execution::{History, Identities, Moment, Sequencer, Temporaries};
use quire_failpoints::{FailCommand, FailPoints};
use quire_protocol::Request;
use quire_query::scripts::{Engine, Scripts};
use quire_query::{Constants, ValueOrder};
use quire_replset::set::Notice;
use quire_replset::{MemberState, ReplicaSet};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

/// A running server, shared by all connections.
pub struct Server {
    pub documents: Arc<Documents>,
    pub sequencer: Arc<Sequencer>,
    pub history: Arc<History>,
    pub host: Arc<dyn Host>,
    pub facts: Facts,
    pub operations: Arc<Operations>,
    pub cursors: Cursors,
    pub sessions: Sessions,
    pub checkouts: Checkouts,
    pub parameters: Parameters,
    pub failpoints: Arc<FailPoints>,
    pub counters: Counters,
    pub profiling: Profiling,
    pub topology: Topology,
    pub index_builds: Builders,
    /// Collections that operations are filling.
    pub temporaries: Temporaries,
    pub ingress: Ingress,
    /// What runs scripts; `None` where they are switched off.
    pub script_engine: Option<Arc<dyn Engine>>,
    /// The set this server is a member of; `None` on a standalone.
    pub replica_set: Option<Arc<ReplicaSet>>,
}

impl Server {
    /// The wall clock in milliseconds since the epoch.
    pub fn now_millis(&self) -> i64 {
        let since = self.host.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Whether documents can be written here now: always, but on a member of a set that is not its
    /// primary.
    pub fn takes_writes(&self) -> bool {
        self.replica_set.as_ref().is_none_or(|set| set.standing().is_writable)
    }

    /// Whether a new connection from there may be served.
    pub fn admit_connection(&self, remote: Option<SocketAddr>) -> Entry {
        self.ingress.connect(&self.parameters, remote.map(|remote| remote.ip()))
    }

    /// What `hello` shows of the set has changed.
    pub fn set_changed(&self) {
        self.topology.change();
        if !self.leads() {
            self.operations.stop_writes(false);
        }
    }

    /// This member takes no writes any more: those that run come to their end.
    pub fn stepped_down(&self) {
        self.operations.stop_writes(self.leads());
    }

    /// This member has lost its role to another. Who was told to step down sees to the rest itself.
    pub fn deposed(&self) {
        if self.facts.persona.has(Behaviour::CloseOnStepDown) {
            self.host.close_connections();
        }
    }

    /// Another member tells of its clients.
    pub fn told(&self, notice: Notice) {
        match notice {
            Notice::ReadsOfMoments => {
                self.history.set_window(self.parameters.snapshot_window_seconds());
                if let Err(error) = self.history.is_read() {
                    tracing::warn!(
                        target: "STORAGE",
                        id = 7_100_070,
                        error = %error,
                        "The state of now could not be kept for reads of the past"
                    );
                }
            }
            // Should the primary have changed meanwhile, its successor hears at the next time.
            Notice::Sessions(uses) if self.takes_writes() => {
                self.sessions.hear(&Changes::from(uses), self.parameters.sessions_max());
            }
            Notice::Sessions(_) => {}
        }
    }

    /// Whether this member is primary, be it one that is about to hand over.
    fn leads(&self) -> bool {
        let set = self.replica_set.as_ref();
        set.is_none_or(|set| set.standing().state == MemberState::Primary)
    }

    /// Limits an operation's time from now on, as far as fail points let it.
    pub fn limit(&self, operation: &Operation, limit: Duration) {
        if self.failpoints.max_time_never_time_out.enter().is_some() {
            return;
        }
        let over = self.failpoints.max_time_always_time_out.enter().is_some();
        operation.limit_to(if over { Duration::ZERO } else { limit });
    }

    /// Forgets cursors and sessions that nobody came back for.
    pub fn expire_idle(&self) {
        self.history.set_window(self.parameters.snapshot_window_seconds());
        let those_of_sessions = self.parameters.cursors_of_sessions_time_out();
        self.cursors.expire(self.parameters.cursor_timeout(), those_of_sessions);
        self.expire_sessions();
    }
}

/// One command on its way.
pub struct Context<'a> {
    pub server: &'a Arc<Server>,
    pub client: &'a Arc<Client>,
    pub request: &'a Request,
    pub generic: &'a Generic,
    pub concerns: &'a Concerns,
    pub operation: &'a Arc<Operation>,
    /// What a fail point has in mind for this command.
    pub injected: Option<&'a FailCommand>,
    /// The scripts of this command; empty until it has need of the query language.
    pub scripts: OnceLock<Arc<dyn Scripts>>,
}

impl<'a> Context<'a> {
    pub fn body(&self) -> RawDoc<'a> {
        self.request.body()
    }

    pub fn database(&self) -> &'a str {
        self.request.database()
    }

    /// The command's own fields.
    pub fn arguments(&self) -> Result<Arguments<'a>> {
        Arguments::read(self.operation.command, self.body())
    }

    /// The value of the command's first field.
    pub fn target(&self) -> RawValue<'a> {
        self.body().nth(0).map_or(RawValue::Null, |element| element.value())
    }

    /// The name in the command's first field.
    pub fn target_name(&self) -> Result<&'a str> {
        let target = self.target();
        target.as_str().ok_or_else(|| {
            let message = format!("collection name has invalid type {}", target.type_name());
            CommandError::new(Code::InvalidNamespace, message)
        })
    }

    /// The collection that the first field names.
    pub fn namespace(&self) -> Result<Namespace> {
        namespace(self.database(), self.target_name()?)
    }

    /// The state to read for a while: that of now, or that of the moment which the command reads.
    pub fn view(&self) -> Result<ReadView> {
        match self.concerns.moment() {
            Some(moment) => view_at(moment),
            None => Ok(self.server.documents.view()),
        }
    }

    /// The catalogue of the state that is read.
    pub fn catalog(&self) -> Result<Arc<Catalog>> {
        match self.concerns.moment() {
            Some(moment) => Ok(view_at(moment)?.catalog().clone()),
            None => Ok(self.server.documents.catalog()),
        }
    }

    /// The set's time; a standalone has none.
    fn cluster_time(&self) -> Option<(u32, u32)> {
        let time = self.server.replica_set.as_ref()?.cluster_time();
        Some((time.time, time.increment))
    }

    /// What the query language may know of the world, with the command's `let` variables and the
    /// order in which it compares.
    pub fn constants(
        &self,
        variables: Option<RawDoc<'_>>,
        order: ValueOrder,
    ) -> Result<Arc<Constants>> {
        let mut constants = Constants {
            now_millis: self.operation.started_millis,
            cluster_time: self.cluster_time(),
            variables: Vec::new(),
            unbound: Vec::new(),
            random_seed: self.server.host.random(),
            order,
            scripting: self.scripting(),
        };
        if let Some(variables) = variables {
            let plain = Arc::new(constants.clone());
            for element in variables {
                let expression =
                    quire_query::expression::Expression::parse(element.value(), &plain)?;
                let value = expression.evaluate(RawDoc::EMPTY)?;
                let value = value.unwrap_or(quire_bson::Bson::Undefined);
                constants.variables.push((element.key().to_owned(), value));
            }
        }
        Ok(Arc::new(constants))
    }
}

impl Context<'_> {
    /// What the command's statements may reach.
    pub fn writer<'w>(
        &'w self,
        namespace: &'w Namespace,
        constants: &'w Arc<Constants>,
        bypass_validation: bool,
    ) -> Writer<'w> {
        Writer {
            sequencer: &self.server.sequencer,
            watch: self.operation.as_ref(),
            identities: self.server.as_ref(),
            namespace,
            only: None,
            constants,
            bypass_validation,
            patience: self.concerns.patience(),
            backlog: None,
            more_follows: false,
            numbering: None,
        }
    }
}

impl Identities for Server {
    fn object_id(&self) -> ObjectId {
        ObjectId::new()
    }

    fn random(&self) -> u64 {
        self.host.random()
    }
}

fn view_at(moment: &Moment) -> Result<ReadView> {
    moment.view().ok_or_else(|| {
        let at = moment.at();
        let (time, increment) = (at.seconds(), at.increment());
        crate::concerns::too_old(quire_bson::Timestamp { time, increment })
    })
}

/// A namespace from a client's words.
pub fn namespace(database: &str, collection: &str) -> Result<Namespace> {
    Namespace::new(database, collection)
        .map_err(|error| CommandError::new(Code::InvalidNamespace, error.to_string()))
}
