//! Ranges of addresses, as parameters name them: `{ranges: ["10.0.0.0/8", "::1"]}`.

use quire_bson::Bson;
use std::net::IpAddr;

/// The most ranges of one parameter; all of them are looked at for each connection.
const RANGES_MAX: usize = 256;

/// Each by the bits it begins with, and how many of them count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(IpAddr, u32)>);

impl Ranges {
    /// Reads a parameter's value; the error tells what is wrong with it.
    pub fn parse(value: &Bson) -> Result<Ranges, String> {
        let given = value.as_document().ok_or_else(|| format!("{value} is not a document"))?;
        if let Some(unknown) = given.keys().find(|key| *key != "ranges") {
            return Err(format!("'{unknown}' is an unknown field"));
        }
        let Some(ranges) = given.get("ranges") else { return Ok(Ranges::default()) };
        let ranges = ranges.as_array().ok_or("ranges is not an array")?;
        if ranges.len() > RANGES_MAX {
            return Err(format!("there may be {RANGES_MAX} ranges"));
        }
        let parsed = ranges.iter().map(|range| {
            let text = range.as_str().ok_or_else(|| format!("{range} is not a string"))?;
            parse(text).ok_or_else(|| format!("'{text}' is not a range of addresses"))
        });
        parsed.collect::<Result<Vec<_>, String>>().map(Ranges)
    }

    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|&(first, bits)| match (first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let differ = first.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= bits
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let differ = first.to_bits() ^ address.to_bits();
                differ.leading_zeros() >= bits
            }
            _ => false,
        })
    }
}

fn parse(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
    (bits <= all).then_some((address, bits))
}

#[cfg(test)]
mod tests {
    use super::Ranges;
    use quire_bson::{Bson, doc};

    fn ranges(texts: &[&str]) -> Result<Ranges, String> {
        let texts: Vec<Bson> = texts.iter().map(|text| Bson::from(*text)).collect();
        Ranges::parse(&Bson::from(doc! { "ranges": texts }))
    }

    #[test]
    fn an_address_is_in_a_range_that_begins_as_it_does() {
        let table = [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.8", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true),
            ("fd00::/8", "fdff::1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
        ];
        for (range, address, inside) in table {
            let found = ranges(&[range]).unwrap().contain(address.parse().unwrap());
            assert_eq!(found, inside, "{address} in {range}");
        }
        assert!(!Ranges::default().contain("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for wrong in ["10.0.0.0/33", "10.0.0/8", "/tmp/mongodb-27017.sock", "::1/129", "host"] {
            assert!(ranges(&[wrong]).is_err(), "{wrong}");
        }
        for wrong in [doc! { "range": [] }, doc! { "ranges": "::1" }, doc! { "ranges": [1] }] {
            assert!(Ranges::parse(&Bson::from(wrong.clone())).is_err(), "{wrong}");
        }
        assert!(ranges(&["::1"; 257]).is_err());
        assert_eq!(Ranges::parse(&Bson::from(doc! {})), Ok(Ranges::default()));
    }
}
