//! Any bytes as a connection: however they are cut into reads, messages come out or the connection
//! ends; nothing panics and nothing is allocated that the peer merely announced.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quire_protocol::{DecodeLimits, FrameBuffer, decode};

const MESSAGE_BYTES_MAX: usize = 1 << 20;

fuzz_target!(|input: (u8, &[u8])| {
    let (read_bytes, stream) = input;
    let limits = DecodeLimits { message_bytes_max: MESSAGE_BYTES_MAX, ..DecodeLimits::default() };
    let mut buffer = FrameBuffer::new();
    for read in stream.chunks(usize::from(read_bytes).max(1)) {
        let room = buffer.room();
        room.extend_from_slice(read);
        assert!(room.capacity() <= stream.len() + (1 << 18), "room for what was only announced");
        loop {
            match buffer.next_message(MESSAGE_BYTES_MAX) {
                Ok(Some(message)) => {
                    if let Ok(request) = decode(message, limits) {
                        let _ = (request.command_name(), request.database());
                        let fields: usize = request
                            .sequences()
                            .flat_map(|sequence| sequence.documents)
                            .map(|document| document.count())
                            .sum();
                        assert!(fields <= MESSAGE_BYTES_MAX);
                    }
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
