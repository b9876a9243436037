//! The connections that are open, so that somebody other than their clients can end them.
//!
//! Owns the list and the word that ends one. A connection is asked to end between two steps of its
//! task, as if its client had left; what it is doing then is dropped.

use parking_lot::Mutex;
use quire_commands::Client;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Every open connection by its number.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<BTreeMap<i64, Open>>,
}

#[derive(Debug)]
struct Open {
    client: Arc<Client>,
    end: oneshot::Sender<()>,
}

/// Keeps a connection in the list.
pub(crate) struct Listed {
    connections: Arc<Connections>,
    id: i64,
    end: oneshot::Receiver<()>,
}

impl Connections {
    pub(crate) fn list(self: &Arc<Self>, client: &Arc<Client>) -> Listed {
        let (sender, receiver) = oneshot::channel();
        self.open.lock().insert(client.id, Open { client: client.clone(), end: sender });
        Listed { connections: self.clone(), id: client.id, end: receiver }
    }

    /// Ends those of clients; other members keep theirs.
    pub(crate) fn close_all(&self) {
        let ended: Vec<Open> = {
            let mut open = self.open.lock();
            open.extract_if(.., |_, open| !open.client.is_internal())
                .map(|(_, open)| open)
                .collect()
        };
        for open in ended {
            // One that ends by itself at this moment does not listen any more.
            let _ = open.end.send(());
        }
    }
}

impl Listed {
    /// Completes when the connection has to end.
    pub(crate) async fn ended(&mut self) {
        // Whoever takes the sender out of the list uses it, and the list outlives this.
        let _ = (&mut self.end).await;
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::Connections;
    use quire_commands::Client;
    use std::sync::Arc;
    use tokio::time::{Duration, timeout};

    #[tokio::test]
    async fn all_connections_but_those_of_members_end_when_told_to() {
        let connections = Arc::new(Connections::default());
        let (client, member) = (Arc::new(Client::new(1, None)), Arc::new(Client::new(2, None)));
        let (mut one, mut two) = (connections.list(&client), connections.list(&member));
        member.note_internal();
        connections.close_all();
        one.ended().await;
        let moment = Duration::from_millis(20);
        assert!(timeout(moment, two.ended()).await.is_err());
        drop((one, two));
        assert!(connections.open.lock().is_empty());
    }
}
