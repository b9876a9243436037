//! Actions as PostgreSQL is asked for them: prepared statements on tables of an `id` and a `jsonb`.
//!
//! Owns the statements, their values, and how many rows a right answer has.

use crate::action::{Action, BATCH_DOCUMENTS, GROUP_DOCUMENTS, Ids};
use crate::documents::{Documents, append_json, split, text};
use crate::random::Random;
use crate::stream::Stream;

/// Object identifiers of PostgreSQL's types.
const BIGINT: u32 = 20;
const JSONB: u32 = 3802;
const TEXTS: u32 = 1009;

/// The table that inserts go to which begin with nothing.
pub(crate) const INSERTED: &str = "inserted";

/// A statement to prepare.
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) types: Vec<u32>,
}

pub(crate) enum Value {
    Number(i64),
    Text(Vec<u8>),
}

/// What a right answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// So many rows at the least.
    Rows(usize),
    /// So many rows changed.
    Changed(u64),
}

/// The statement that an action takes.
pub(crate) fn statement(action: Action) -> Statement {
    let (text, types): (String, Vec<u32>) = match action {
        Action::Find(_) => ("select d from documents where id = $1".into(), vec![BIGINT]),
        Action::Range { .. } => (
            "select d from documents where id >= $1 order by id limit $2".into(),
            vec![BIGINT, BIGINT],
        ),
        Action::Group(_) => {
            ("select d from indexed where ((d->>'n')::bigint) = $1".into(), vec![BIGINT])
        }
        Action::Insert { ids, count } => {
            let table = if ids == Ids::Objects { INSERTED } else { "documents" };
            let rows = (1..).step_by(2).take(count.into());
            let rows: Vec<String> = rows.map(|n: u32| format!("(${n},${})", n + 1)).collect();
            let types = [BIGINT, JSONB].repeat(count.into());
            (format!("insert into {table} values {}", rows.join(",")), types)
        }
        Action::Increment(_) => (
            "update documents set d = jsonb_set(d, '{n}', to_jsonb((d->>'n')::bigint + 1)) \
             where id = $1"
                .into(),
            vec![BIGINT],
        ),
        Action::SetText { .. } => (
            "update documents set d = jsonb_set(d, $2, $3) where id = $1".into(),
            vec![BIGINT, TEXTS, JSONB],
        ),
        Action::Analysis(analysis) => (analysis.sql.into(), Vec::new()),
    };
    Statement { text, types }
}

/// Which of a connection's prepared statements an action takes.
pub(crate) fn place(action: Action) -> usize {
    match action {
        Action::Find(_) => 0,
        Action::Range { .. } => 1,
        Action::Group(_) => 2,
        Action::Insert { .. } => 3,
        Action::Increment(_) => 4,
        Action::SetText { .. } => 5,
        Action::Analysis(_) => 6,
    }
}

pub(crate) const PLACES: usize = 7;

pub(crate) fn expected(action: Action) -> Expected {
    match action {
        Action::Find(_) | Action::Range { .. } => Expected::Rows(1),
        Action::Group(_) => Expected::Rows(GROUP_DOCUMENTS as usize),
        Action::Analysis(analysis) => Expected::Rows(analysis.documents_min),
        Action::Insert { count, .. } => Expected::Changed(count.into()),
        Action::Increment(_) | Action::SetText { .. } => Expected::Changed(1),
    }
}

/// Makes the values of one connection's statements.
pub(crate) struct Values {
    stream: Stream,
    random: Random,
    documents: Documents,
    next_object: i64,
}

impl Values {
    pub(crate) fn new(stream: Stream) -> Values {
        Values {
            random: stream.random(),
            documents: Documents::numbered(),
            // As those of `op_msg`: numbers of a connection grow, and no two streams share one.
            next_object: i64::from(stream.window) << 40 | i64::from(stream.connection) << 24,
            stream,
        }
    }

    pub(crate) fn of(&mut self, action: Action) -> Vec<Value> {
        match action {
            Action::Find(number) | Action::Group(number) | Action::Increment(number) => {
                vec![Value::Number(number)]
            }
            Action::Range { from, count } => {
                vec![Value::Number(from), Value::Number(count.into())]
            }
            Action::SetText { id, field } => {
                let text = format!("\"{}\"", text(&mut self.random, 80));
                let path = format!("{{field{field}}}");
                vec![Value::Number(id), Value::Text(path.into()), Value::Text(text.into())]
            }
            Action::Insert { ids, count } => (0..count).flat_map(|_| self.row(ids)).collect(),
            Action::Analysis(_) => Vec::new(),
        }
    }

    fn row(&mut self, ids: Ids) -> [Value; 2] {
        let id = match ids {
            Ids::Numbers => self.stream.store.next_number(),
            Ids::Objects => {
                self.next_object = self.next_object.wrapping_add(1);
                self.next_object
            }
        };
        let mut bytes = Vec::new();
        self.documents.append(&mut bytes, &mut self.random, &id.to_le_bytes());
        let mut json = Vec::new();
        split(&bytes).into_iter().for_each(|document| append_json(&mut json, document));
        [Value::Number(id), Value::Text(json)]
    }
}

const _: () = assert!(BATCH_DOCUMENTS as usize * 2 <= u16::MAX as usize, "parameters are counted");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads;
    use crate::zipf::Zipf;
    use std::sync::Arc;

    #[test]
    fn every_action_has_as_many_values_as_its_statement_takes() {
        let store = crate::stream::Store::new(5000, Arc::new(Zipf::new(5000)));
        let stream = Stream { window: 1, connection: 1, store };
        for workload in workloads::ALL {
            let mut actions = (workload.actions)(stream.clone());
            let mut values = Values::new(stream.clone());
            for _ in 0..30 {
                let action = actions.next();
                let statement = statement(action);
                assert_eq!(values.of(action).len(), statement.types.len(), "{}", statement.text);
                let last = format!("${}", statement.types.len());
                let takes = statement.types.is_empty() || statement.text.contains(&last);
                assert!(takes, "{}", statement.text);
                assert!(place(action) < PLACES);
            }
        }
    }
}
