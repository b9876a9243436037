//! The few words of HTTP that asking the admin port takes.

use crate::PATIENCE;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What was answered.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Asks for a path with a method.
///
/// # Panics
/// When nobody answers, or not in HTTP.
pub fn get(address: SocketAddr, method: &str, path: &str) -> HttpAnswer {
    let mut stream = TcpStream::connect(address).expect("the admin port accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the request is taken");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    HttpAnswer { status, head: head.to_owned(), body: body.to_owned() }
}
