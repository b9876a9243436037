//! `renameCollection`: another name in the same database.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_documents::{Catalog, Collection, CollectionId, Effect, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_execution::check_creatable;
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    takes_write_concern: true,
    place: Where::Primary,
    ..Command::new(
        "renameCollection",
        "gives a collection another name",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// What is to become of a collection that has the new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DropTarget {
    No,
    Yes,
    /// Only if it is the one with this UUID.
    If([u8; 16]),
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let RawValue::String(from) = context.target() else {
        return Err(CommandError::type_mismatch(format!(
            "BSON field 'renameCollection.renameCollection' is the wrong type '{}', expected type \
             'string'",
            context.target().type_name()
        )));
    };
    let mut arguments = context.arguments()?;
    let to = arguments.str("to")?;
    let drop_target = match arguments.take("dropTarget") {
        None | Some(RawValue::Null) => DropTarget::No,
        Some(RawValue::Boolean(flag)) if flag => DropTarget::Yes,
        Some(RawValue::Boolean(_)) => DropTarget::No,
        Some(RawValue::Binary { subtype: 4, bytes }) if bytes.len() == 16 => {
            bytes.try_into().map_or(DropTarget::No, DropTarget::If)
        }
        Some(other) => {
            return Err(arguments.wrong_type("dropTarget", other, "[bool, binData]"));
        }
    };
    arguments.flag("stayTemp")?;
    arguments.finish()?;
    let (from, to) = (parse("source", from)?, parse("target", to)?);
    check_names(&from, &to)?;
    context
        .server
        .sequencer
        .change_catalog_within(context.concerns.patience(), |catalog| {
            Ok((vec![rename(catalog, &from, &to, drop_target)?], ()))
        })
        .await?;
    Ok(Reply::ok())
}

fn parse(which: &str, name: &str) -> Result<Namespace> {
    Namespace::parse(name).map_err(|_| {
        CommandError::new(Code::InvalidNamespace, format!("Invalid {which} namespace: {name}"))
    })
}

fn check_names(from: &Namespace, to: &Namespace) -> Result<()> {
    if from == to {
        return Err(CommandError::new(
            Code::IllegalOperation,
            "Can't rename a collection to itself",
        ));
    }
    if from.is_system() != to.is_system() || from.collection() == "system.views" {
        return Err(CommandError::new(
            Code::IllegalOperation,
            "system collections cannot be renamed, and no collection can become one",
        ));
    }
    check_creatable(to)?;
    if from.database() != to.database() {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "renaming a collection into another database is not supported yet",
        ));
    }
    Ok(())
}

fn rename(
    catalog: &Catalog,
    from: &Namespace,
    to: &Namespace,
    drop_target: DropTarget,
) -> Result<Effect> {
    let source = catalog.find(from).ok_or_else(|| {
        CommandError::new(
            Code::NamespaceNotFound,
            format!("Source collection {from} does not exist"),
        )
    })?;
    if source.is_view() {
        return Err(CommandError::new(
            Code::CommandNotSupportedOnView,
            format!("cannot rename view: {from}"),
        ));
    }
    let target = catalog.find(to).map(|target| in_the_way(target, drop_target)).transpose()?;
    Ok(Effect::RenameCollection { id: source.id, to: to.clone(), drop_target: target })
}

/// The collection that goes to make room for the new name.
fn in_the_way(target: &Arc<Collection>, drop_target: DropTarget) -> Result<CollectionId> {
    let exists = |message: String| Err(CommandError::new(Code::NamespaceExists, message));
    if target.is_view() {
        return exists(format!("a view already exists with that name: {}", target.namespace));
    }
    match drop_target {
        DropTarget::Yes => Ok(target.id),
        DropTarget::If(uuid) if uuid == target.uuid => Ok(target.id),
        DropTarget::If(_) => exists("target namespace exists with a different UUID".to_owned()),
        DropTarget::No => exists("target namespace exists".to_owned()),
    }
}
