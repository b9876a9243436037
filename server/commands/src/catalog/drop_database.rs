//! `dropDatabase`: all collections and views of a database go together.

use crate::arguments::number;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_documents::Effect;
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    takes_write_concern: true,
    place: Where::Primary,
    api: Api::V1,
    ..Command::new(
        "dropDatabase",
        "drops a database with all its collections",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let database = context.database();
    if number(context.target()) != Some(1.0) {
        return Err(CommandError::location(5_255_100, "Have to pass 1 as 'drop' parameter"));
    }
    if ["admin", "local"].contains(&database) {
        return Err(CommandError::new(
            Code::IllegalOperation,
            format!("Dropping the '{database}' database is prohibited."),
        ));
    }
    let existed = context
        .server
        .sequencer
        .change_catalog_within(context.concerns.patience(), |catalog| {
            let collections = catalog.collections_of(database);
            let drops: Vec<Effect> =
                collections.map(|c| Effect::DropCollection { id: c.id }).collect();
            let existed = !drops.is_empty();
            Ok((drops, existed))
        })
        .await?;
    Ok(Reply::with(|reply| {
        if existed {
            reply.append_str("dropped", database);
        }
    }))
}
