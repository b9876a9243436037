//! Streams cut at every place, and the memory they may take.

use super::*;
use crate::header::MESSAGE_BYTES_MAX;
use proptest::prelude::*;

/// A message of `length` bytes that are all `fill` after the length.
fn message(length: usize, fill: u8) -> Vec<u8> {
    let mut message = i32::try_from(length).unwrap().to_le_bytes().to_vec();
    message.resize(length, fill);
    message
}

fn drain(frames: &mut FrameBuffer) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| frames.next_message(MESSAGE_BYTES_MAX).unwrap()).collect()
}

#[test]
fn progress_tells_what_is_missing() {
    let message = message(20, 1);
    for (received, expected) in [
        (0, Progress::Missing(16)),
        (3, Progress::Missing(13)),
        (4, Progress::Missing(16)),
        (19, Progress::Missing(1)),
        (20, Progress::Complete(20)),
    ] {
        assert_eq!(progress(&message[..received], MESSAGE_BYTES_MAX), Ok(expected), "{received}");
    }
}

#[test]
fn a_message_may_arrive_byte_by_byte() {
    let mut frames = FrameBuffer::new();
    let message = message(100, 1);
    for (n, &byte) in message.iter().enumerate() {
        assert_eq!(frames.next_message(MESSAGE_BYTES_MAX), Ok(None));
        assert_eq!(frames.pending_bytes(), n);
        frames.room().push(byte);
    }
    assert_eq!(drain(&mut frames), [message]);
    assert_eq!(frames.pending_bytes(), 0);
}

#[test]
fn many_messages_may_arrive_at_once_with_a_part_of_the_next() {
    let mut frames = FrameBuffer::new();
    let messages = [message(16, 1), message(40, 2), message(17, 3)];
    let last = message(50, 4);
    frames.room().extend_from_slice(&messages.concat());
    frames.room().extend_from_slice(&last[..30]);
    assert_eq!(drain(&mut frames), messages);
    assert_eq!(frames.pending_bytes(), 30);
    frames.room().extend_from_slice(&last[30..]);
    assert_eq!(drain(&mut frames), [last]);
}

#[test]
fn a_lone_message_is_handed_out_and_taken_back_without_a_copy() {
    let mut frames = FrameBuffer::new();
    frames.room().extend_from_slice(&message(100, 1));
    let first = frames.next_message(MESSAGE_BYTES_MAX).unwrap().unwrap();
    let address = first.as_ptr();
    frames.recycle(first);
    let room = frames.room();
    assert!(room.is_empty());
    assert_eq!(room.as_ptr(), address);
}

#[test]
fn a_large_buffer_is_not_kept() {
    let mut frames = FrameBuffer::new();
    frames.recycle(Vec::with_capacity(READ_BYTES_MAX + 1));
    assert!(frames.room().capacity() <= READ_BYTES_MAX);
}

#[test]
fn an_announced_length_alone_allocates_little() {
    let mut frames = FrameBuffer::new();
    frames.room().extend_from_slice(&message(48_000_000, 0)[..16]);
    assert!(frames.room().capacity() <= 16 + READ_BYTES_MAX);
}

#[test]
fn a_large_message_grows_its_buffer_in_few_steps_and_not_past_its_end() {
    let length = 20_000_000;
    let mut frames = FrameBuffer::new();
    let mut received = 0;
    let mut capacities = std::collections::BTreeSet::new();
    let mut next = message(length, 0);
    next.truncate(16);
    while received < length {
        let room = frames.room();
        let take = (room.capacity() - room.len()).min(32 * 1024);
        assert!(take > 0, "a read always has room");
        room.resize(room.len() + take, 0);
        if received == 0 {
            room[..16].copy_from_slice(&next);
        }
        received += take;
        assert!(room.capacity() <= 2 * room.len() + READ_BYTES_MAX);
        capacities.insert(room.capacity());
    }
    assert!(capacities.len() < 20, "{capacities:?}");
    assert_eq!(received, length, "no byte beyond the message was asked for");
    assert_eq!(frames.next_message(MESSAGE_BYTES_MAX).unwrap().unwrap().len(), length);
}

#[test]
fn a_read_has_room_even_when_messages_wait() {
    let mut frames = FrameBuffer::new();
    frames.room().extend_from_slice(&message(READ_BYTES_MIN, 1));
    let room = frames.room();
    assert!(room.capacity() > room.len());
}

#[test]
fn a_length_out_of_bounds_is_seen_behind_a_good_message() {
    let mut frames = FrameBuffer::new();
    frames.room().extend_from_slice(&[message(16, 1), vec![15, 0, 0, 0]].concat());
    assert!(frames.next_message(MESSAGE_BYTES_MAX).unwrap().is_some());
    let violation = Violation::Length { length: 15, message_bytes_max: MESSAGE_BYTES_MAX };
    assert_eq!(frames.next_message(MESSAGE_BYTES_MAX), Err(violation));
}

#[test]
fn an_idle_connection_can_give_its_memory_back() {
    let mut frames = FrameBuffer::new();
    frames.room().extend_from_slice(&[message(16, 1), message(20, 2)[..5].to_vec()].concat());
    let first = frames.next_message(MESSAGE_BYTES_MAX).unwrap().unwrap();
    frames.recycle(first);
    frames.shrink();
    assert_eq!((frames.bytes.capacity(), frames.spare.capacity()), (5, 0));
    frames.room().extend_from_slice(&message(20, 2)[5..]);
    assert_eq!(drain(&mut frames), [message(20, 2)]);
}

proptest! {
    #[test]
    fn however_a_stream_is_cut_the_same_messages_come_out(
        lengths in proptest::collection::vec(16usize..3000, 1..12),
        cuts in proptest::collection::vec(1usize..4000, 1..40),
        recycled in any::<bool>(),
    ) {
        let messages: Vec<_> =
            lengths.iter().zip(0u8..).map(|(&length, fill)| message(length, fill)).collect();
        let stream = messages.concat();
        let mut frames = FrameBuffer::new();
        let mut got = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, tail) = rest.split_at((*cut).min(rest.len()));
            frames.room().extend_from_slice(chunk);
            rest = tail;
            while let Some(message) = frames.next_message(MESSAGE_BYTES_MAX).unwrap() {
                got.push(message.clone());
                if recycled {
                    frames.recycle(message);
                }
            }
        }
        prop_assert_eq!(got, messages);
    }
}
