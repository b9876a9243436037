//! Which requests a point is for.
//!
//! Owns the filters that `failCommand` and its like share: who sent a request, on what, and whether
//! it came from another server.

use crate::fields::Fields;
use quire_errors::Result;

/// One request as points see it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub command: &'a str,
    pub aliases: &'a [&'a str],
    /// `db.collection`; `db.$cmd` for what is about no collection.
    pub namespace: &'a str,
    /// `client.application.name`, be it of this very request.
    pub app_name: Option<&'a str>,
    /// The name under which the connection stands in logs.
    pub thread: &'a str,
    /// Another server sent it.
    pub is_internal: bool,
}

impl Request<'_> {
    /// Whether this is the command's name or another name of it. `hello` and `isMaster` are two.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.command == name || self.aliases.contains(&name)
    }
}

/// The filters of one point; what is not given lets everything pass.
#[derive(Debug)]
pub(crate) struct Requests {
    app_name: Option<String>,
    namespace: Option<String>,
    thread: Option<String>,
    internal_too: bool,
}

impl Requests {
    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Requests> {
        // Nothing here sends itself commands, so there are no local clients to fail or to spare.
        fields.flag("failLocalClients")?;
        Ok(Requests {
            app_name: fields.string("appName")?,
            namespace: fields.string("namespace")?,
            thread: fields.string("threadName")?,
            internal_too: fields.flag("failInternalCommands")?,
        })
    }

    pub(crate) fn include(&self, request: &Request<'_>) -> bool {
        let is = |wanted: &Option<String>, given: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
        };
        is(&self.app_name, request.app_name)
            && is(&self.namespace, Some(request.namespace))
            && is(&self.thread, Some(request.thread))
            && (self.internal_too || !request.is_internal)
    }
}
