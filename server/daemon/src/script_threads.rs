//! Threads for requests that run scripts.
//!
//! Owns that a script never runs on a thread of the runtime, which serves many connections, and that
//! no more than so many run at once. The connection goes on watching its socket: when it ends, the
//! client's operations are told to stop, and the script is interrupted.

use crate::logging::in_context;
use quire_bson::as_exact_i64;
use quire_commands::{Answer, Client, Response, Server, error_reply};
use quire_errors::{Code, CommandError};
use quire_protocol::Request;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

/// How many run at once; the others wait. Each may take its engine's limit of memory.
const RUNNING_MAX: usize = 64;

/// The stack of a thread: what the engine may use of it, and the server's own share below.
const STACK_BYTES: usize = 4 << 20;

pub(crate) struct ScriptThreads {
    permits: Arc<Semaphore>,
}

impl ScriptThreads {
    pub(crate) fn new() -> ScriptThreads {
        ScriptThreads { permits: Arc::new(Semaphore::new(RUNNING_MAX)) }
    }

    /// Runs a request on a thread of its own. Dropping the future stops its operation.
    pub(crate) async fn run(
        &self,
        server: &Arc<Server>,
        client: &Arc<Client>,
        request: &Arc<Request>,
    ) -> Response {
        match self.start(server, client, request).await {
            Ok(response) => response,
            Err(error) => Response::Answer(Answer { body: error_reply(&error), more: false }),
        }
    }

    async fn start(
        &self,
        server: &Arc<Server>,
        client: &Arc<Client>,
        request: &Arc<Request>,
    ) -> Result<Response, CommandError> {
        let permit = self.permits.clone().acquire_owned();
        let permit = match time_limit(request) {
            Some(limit) => tokio::time::timeout(limit, permit).await.map_err(|_| expired())?,
            None => permit.await,
        };
        let mut watch = Watch { server: server.clone(), client: client.clone(), over: false };
        let (answer, answered) = oneshot::channel();
        let (server, client, request) = (server.clone(), client.clone(), request.clone());
        let runtime = Handle::current();
        let run = move || {
            // Kept until the script has come to its end, whoever still waits for it.
            let _permit = permit;
            let work = quire_commands::run(&server, &client, &request);
            let _ = answer.send(runtime.block_on(in_context(client.name().into(), work)));
        };
        let thread = std::thread::Builder::new().name("script".to_owned()).stack_size(STACK_BYTES);
        thread
            .spawn(run)
            .map_err(|error| CommandError::internal(format!("no thread for a script: {error}")))?;
        let response =
            answered.await.map_err(|_| CommandError::internal("a script's thread gave up"))?;
        watch.over = true;
        Ok(response)
    }
}

/// Stops the client's operations, unless they are done.
struct Watch {
    server: Arc<Server>,
    client: Arc<Client>,
    over: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.over {
            self.server.operations.client_left(&self.client);
        }
    }
}

/// The time that the request has, waiting for a thread included.
fn time_limit(request: &Request) -> Option<Duration> {
    let millis = as_exact_i64(request.body().get("maxTimeMS")?)?;
    u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

fn expired() -> CommandError {
    CommandError::new(Code::MaxTimeMSExpired, "operation exceeded time limit")
}
