//! A proxy in front of each node, through which everybody reaches it: clients and the other nodes.
//!
//! Owns sockets and the bytes under way. What becomes of them is said by [`Links`]: a link that is cut
//! holds bytes, ends and new connections until it heals, as a network without packets does; nobody is
//! told that anything is wrong.

mod links;
mod origin;
mod pump;

pub(crate) use links::{Link, Links, NODES, Party};
pub(crate) use origin::Processes;

use quire_tests::{Failure, Result};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};

/// Starts the proxy of node number `node`, and returns the port at which others shall reach it.
pub(crate) async fn serve(
    node: usize,
    node_port: u16,
    port: u16,
    links: Links,
    processes: Processes,
) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(Failure::during("a proxy's port"))?;
    tokio::spawn(async move {
        // A failed accept concerns one connection (or descriptors that come back); the next may do.
        loop {
            if let Ok((near, peer)) = listener.accept().await {
                let from = processes.owner_of(peer, address).map_or(Party::Clients, Party::Node);
                tokio::spawn(connect(near, from, node, node_port, links.clone()));
            }
        }
    });
    Ok(())
}

/// Joins an accepted connection with one to the node.
async fn connect(near: TcpStream, from: Party, node: usize, node_port: u16, links: Links) {
    let (there, back) = (links.way(from, Party::Node(node)), links.way(Party::Node(node), from));
    there.until_open().await;
    match TcpStream::connect((Ipv4Addr::LOCALHOST, node_port)).await {
        Ok(far) => {
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            pump::both_ways(near, far, there, back).await;
        }
        Err(_) => {
            back.until_open().await;
            pump::reset(near);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Long enough for a chunk to cross two sockets, where it would show that something does not hold.
    const SOON: Duration = Duration::from_millis(200);

    /// A node that says everything again, behind a proxy; and a client's connection to it.
    async fn echo() -> (Links, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node_port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        let links = Links::sound();
        let port = quire_tests::free_port();
        serve(1, node_port, port, links.clone(), Processes::default()).await.unwrap();
        (links, TcpStream::connect(("127.0.0.1", port)).await.unwrap())
    }

    async fn hears(stream: &mut TcpStream) -> Option<u8> {
        tokio::time::timeout(quire_tests::PATIENCE, stream.read_u8()).await.ok()?.ok()
    }

    async fn hears_nothing(stream: &mut TcpStream) -> bool {
        tokio::time::timeout(SOON, stream.read_u8()).await.is_err()
    }

    #[tokio::test]
    async fn a_cut_in_either_direction_holds_what_is_said_until_it_heals() {
        let ways = [(Party::Clients, Party::Node(1)), (Party::Node(1), Party::Clients)];
        for (from, to) in ways {
            let (links, mut stream) = echo().await;
            stream.write_u8(1).await.unwrap();
            assert_eq!(hears(&mut stream).await, Some(1));
            links.set(from, to, Link::CUT);
            stream.write_u8(2).await.unwrap();
            assert!(hears_nothing(&mut stream).await);
            links.heal();
            assert_eq!(hears(&mut stream).await, Some(2));
        }
    }

    #[tokio::test]
    async fn a_cut_between_others_concerns_nobody_else() {
        let (links, mut stream) = echo().await;
        links.set_both_ways(Party::Node(0), Party::Node(1), Link::CUT);
        stream.write_u8(1).await.unwrap();
        assert_eq!(hears(&mut stream).await, Some(1));
    }

    #[tokio::test]
    async fn a_slow_link_takes_its_time() {
        let (links, mut stream) = echo().await;
        let delay = Duration::from_millis(60);
        links.set(Party::Clients, Party::Node(1), Link { open: true, delay });
        let begun = Instant::now();
        stream.write_u8(1).await.unwrap();
        assert_eq!(hears(&mut stream).await, Some(1));
        assert!(begun.elapsed() >= delay);
    }

    #[tokio::test]
    async fn who_reaches_nobody_is_told_unless_the_way_is_cut() {
        let links = Links::sound();
        // Nobody listens at either.
        let ports = [quire_tests::free_port(), quire_tests::free_port()];
        serve(1, ports[0], ports[1], links.clone(), Processes::default()).await.unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", ports[1])).await.unwrap();
        let end = tokio::time::timeout(quire_tests::PATIENCE, stream.read_u8()).await;
        assert!(end.expect("told").is_err());
        links.set(Party::Clients, Party::Node(1), Link::CUT);
        let mut stream = TcpStream::connect(("127.0.0.1", ports[1])).await.unwrap();
        assert!(hears_nothing(&mut stream).await);
    }
}
