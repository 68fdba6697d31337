//! Datagrams, as far as they can be looked at without a key (RFC 6347, 4.1).

/// Kind, version, epoch, sequence number, length.
pub(super) const HEADER: usize = 13;
/// Sequence numbers have 48 bits.
const NUMBERS: u64 = 1 << 48;

/// How many records there are in a datagram that are encrypted, or say so.
pub(super) fn encrypted(mut datagram: &[u8]) -> usize {
    let mut encrypted = 0;
    while let Some((header, rest)) = datagram.split_first_chunk::<HEADER>() {
        let [_, _, _, epoch @ .., _, _, _, _, _, _, high, low] = header;
        encrypted += usize::from(*epoch != [0, 0]);
        datagram = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
    }
    encrypted
}

/// Adds to the sequence numbers of the records that are not encrypted: nothing protects these.
pub(super) fn renumber(mut datagram: &mut [u8], add: u64) {
    while let Some((header, rest)) = datagram.split_first_chunk_mut::<HEADER>() {
        let [_, _, _, epoch_high, epoch_low, a, b, c, d, e, f, high, low] = header;
        if [*epoch_high, *epoch_low] == [0, 0] {
            let number = u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]);
            [_, _, *a, *b, *c, *d, *e, *f] = (number.wrapping_add(add) % NUMBERS).to_be_bytes();
        }
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        (_, datagram) = rest.split_at_mut(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: u8, number: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len()).unwrap();
        [&[22, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number, 0, length], body].concat()
    }

    #[test]
    fn what_is_not_encrypted_gets_other_numbers() {
        let mut datagram = [record(0, 1, b"ab"), record(1, 0, b"c"), record(0, 2, b"")].concat();
        assert_eq!(encrypted(&datagram), 1);
        renumber(&mut datagram, 6);
        assert_eq!(datagram, [record(0, 7, b"ab"), record(1, 0, b"c"), record(0, 8, b"")].concat());
        renumber(&mut datagram, 0_u64.wrapping_sub(7));
        assert_eq!(datagram, [record(0, 0, b"ab"), record(1, 0, b"c"), record(0, 1, b"")].concat());
    }

    #[test]
    fn what_is_cut_off_is_left() {
        let whole = [record(1, 1, b"ab"), record(0, 5, b"cd")].concat();
        for end in 0..whole.len() {
            let mut part = whole.get(..end).unwrap().to_vec();
            assert_eq!(encrypted(&part), usize::from(end >= HEADER), "{end}");
            renumber(&mut part, 1);
        }
    }
}
