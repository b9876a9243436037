//! The codecs against themselves.

use super::*;
use proptest::prelude::*;

#[test]
fn ids_and_names_are_those_of_the_handshake() {
    for (id, name) in [(0, "noop"), (1, "snappy"), (2, "zlib"), (3, "zstd")] {
        let compressor = Compressor::from_id(id).unwrap();
        assert_eq!((compressor.id(), compressor.name()), (id, name));
        assert_eq!(Compressor::from_name(name), Some(compressor));
    }
    assert_eq!(Compressor::from_id(4), None);
    assert_eq!(Compressor::from_name("Snappy"), None);
}

#[test]
fn a_set_holds_what_was_put_in() {
    let set: Compressors = [Compressor::Snappy, Compressor::Zstd].into_iter().collect();
    let held: Vec<_> = Compressor::ALL.into_iter().filter(|&c| set.contains(c)).collect();
    assert_eq!(held, [Compressor::Snappy, Compressor::Zstd]);
    assert!(Compressor::ALL.into_iter().all(|c| Compressors::ALL.contains(c)));
    assert!(!Compressor::ALL.into_iter().any(|c| Compressors::NONE.contains(c)));
}

#[test]
fn the_densest_input_of_each_codec_is_believed() {
    let zeros = vec![0; 1_000_000];
    for compressor in Compressor::ALL {
        let dense = compressor.compress(&zeros).unwrap();
        assert!(compressor.can_yield(dense.len(), zeros.len()), "{compressor:?} {}", dense.len());
    }
}

#[test]
fn an_announced_length_no_input_can_yield_is_not_believed() {
    assert!(!Compressor::Noop.can_yield(10, 11));
    assert!(!Compressor::Snappy.can_yield(10, 221));
    assert!(!Compressor::Zlib.can_yield(10, 10_321));
}

proptest! {
    #[test]
    fn what_is_compressed_comes_back(
        data in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..5000),
            proptest::collection::vec(0u8..3, 0..5000),
        ],
        before in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        for compressor in Compressor::ALL {
            let packed = compressor.compress(&data).unwrap();
            let mut out = before.clone();
            prop_assert!(compressor.decompress(&packed, &mut out, data.len()).is_some());
            prop_assert_eq!(&out[..before.len()], &before[..]);
            prop_assert_eq!(&out[before.len()..], &data[..]);
        }
    }

    #[test]
    fn noise_is_never_decompressed_to_more_than_announced(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        length in 0usize..500,
    ) {
        for compressor in Compressor::ALL {
            let mut out = Vec::new();
            if compressor.decompress(&noise, &mut out, length).is_some() {
                prop_assert_eq!(out.len(), length);
            }
        }
    }
}
