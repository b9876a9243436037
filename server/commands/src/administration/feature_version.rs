//! `setFeatureCompatibilityVersion`: which version's data the server may write.
//!
//! There is one form of data here and it goes with the one version that is shown, so that the command
//! confirms it and refuses to leave it. Upgrade scripts call it at their end.

use crate::persona::{Behaviour, Persona};
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    takes_write_concern: true,
    place: Where::Primary,
    ..Command::new(
        "setFeatureCompatibilityVersion",
        "sets which version's data the server may write",
        Run::Now(run),
    )
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut args = context.arguments()?;
    let RawValue::String(wanted) = context.target() else {
        return Err(args.wrong_type("setFeatureCompatibilityVersion", context.target(), "string"));
    };
    let confirmed = args.flag("confirm")?;
    args.ignore("fromConfigServer");
    args.finish()?;
    check(context.server.facts.persona, wanted, confirmed)?;
    Ok(Reply::ok())
}

fn check(persona: Persona, wanted: &str, confirmed: bool) -> Result<()> {
    let own = persona.feature_compatibility_version();
    let before = persona.predecessor().map(Persona::feature_compatibility_version);
    if wanted != own && before.as_deref() != Some(wanted) {
        let before = before.map(|before| format!("'{before}' or ")).unwrap_or_default();
        return Err(CommandError::location(
            4_926_900,
            format!(
                "Invalid feature compatibility version value '{wanted}'; expected {before}'{own}'. \
                 See https://docs.mongodb.com/manual/release-notes/{own}-compatibility/\
                 #feature-compatibility."
            ),
        ));
    }
    if wanted != own {
        return Err(CommandError::new(
            Code::IllegalOperation,
            format!(
                "cannot set featureCompatibilityVersion to '{wanted}': this server has one form of \
                 data, which goes with '{own}'"
            ),
        ));
    }
    if !confirmed && persona.has(Behaviour::ConfirmedFeatureVersion) {
        return Err(CommandError::location(
            7_369_100,
            format!(
                "Once you have upgraded to {own}, you will not be able to downgrade FCV and binary \
                 version without support assistance. Please re-run this command with 'confirm: \
                 true' to acknowledge this and continue with the FCV upgrade."
            ),
        ));
    }
    Ok(())
}
