//! What is looked at in the bytes of a packet before the protocol engine reads it: in a CONNECT what the engine does not
//! accept although the protocol allows it, or does not tell; in an acknowledgement whether there is anything that it acknowledges.

/// The first byte of a CONNECT.
pub(super) const CONNECT: u8 = 0x10;
/// Those of what a client may acknowledge a message of the service with.
pub(super) const ACKNOWLEDGEMENTS: [u8; 3] = [PUBACK, 0x50, 0x70];
/// That of a PUBACK.
pub(super) const PUBACK: u8 = 0x40;

const MQTT_5: u8 = 5;
const HAS_USER_NAME: u8 = 0x80;
const HAS_PASSWORD: u8 = 0x40;
const HAS_WILL: u8 = 0x04;

/// How much of a packet has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Some of it is missing.
    Partly,
    /// All of it: so many bytes, of which the first are its fixed header.
    Wholly {
        /// Bytes of the fixed header.
        header: usize,
        /// Bytes altogether.
        length: usize,
    },
    /// Its length makes no sense, or is more than may come.
    Never,
}

/// How much of the packet at the beginning of the bytes has come, if it may have so many bytes after its fixed header.
pub(super) fn extent(bytes: &[u8], most: usize) -> Extent {
    let mut remaining = 0;
    for (n, byte) in bytes.iter().skip(1).take(4).enumerate() {
        remaining |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            let header = n + 2;
            let length = header + remaining;
            return match () {
                () if remaining > most => Extent::Never,
                () if bytes.len() < length => Extent::Partly,
                () => Extent::Wholly { header, length },
            };
        }
    }
    if bytes.len() < 5 { Extent::Partly } else { Extent::Never }
}

/// The packet id at the beginning of what follows a fixed header.
pub(super) fn packet_id(body: &[u8]) -> Option<u16> {
    body.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// A CONNECT without its fixed header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connect<'a>(pub(super) &'a [u8]);

impl Connect<'_> {
    /// Whether another protocol than MQTT is named.
    pub(super) fn is_of_another_protocol(self) -> bool {
        let mut rest = self.0;
        take_text(&mut rest).is_some_and(|name| name != b"MQTT")
    }

    /// Whether it is of a version after MQTT 5.
    pub(super) fn is_newer(self) -> bool {
        let mut rest = self.0;
        take_text(&mut rest) == Some(b"MQTT") && rest.first().is_some_and(|version| *version > MQTT_5)
    }

    /// The whole packet with an empty user name, if it is one of MQTT 5 that has a password and no user name: MQTT 5 allows
    /// that, and the engine does not.
    pub(super) fn with_user_name(self) -> Option<Vec<u8>> {
        let body = self.0;
        let mut rest = body;
        take_text(&mut rest)?;
        let [MQTT_5, flags, _, _, properties @ ..] = rest else { return None };
        if flags & (HAS_USER_NAME | HAS_PASSWORD) != HAS_PASSWORD {
            return None;
        }
        let flags_at = body.len() - rest.len() + 1;
        rest = properties;
        take_properties(&mut rest)?;
        take_text(&mut rest)?;
        if flags & HAS_WILL != 0 {
            take_properties(&mut rest)?;
            take_text(&mut rest)?;
            take_text(&mut rest)?;
        }
        let (before, password) = body.split_at(body.len() - rest.len());
        let mut packet = vec![CONNECT];
        put_number(&mut packet, body.len() + 2);
        let flags_at = packet.len() + flags_at;
        packet.extend_from_slice(before);
        packet.extend_from_slice(&[0, 0]);
        packet.extend_from_slice(password);
        *packet.get_mut(flags_at)? |= HAS_USER_NAME;
        Some(packet)
    }
}

/// Takes a text or bytes, with their length before them.
fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = packet_id(rest)?;
    let (text, behind) = rest.get(2..)?.split_at_checked(length.into())?;
    *rest = behind;
    Some(text)
}

fn take_properties(rest: &mut &[u8]) -> Option<()> {
    let (mut length, mut at) = (0, 0);
    loop {
        let byte = *rest.get(at)?;
        length |= usize::from(byte & 0x7f) << (7 * at);
        at += 1;
        match byte & 0x80 {
            0 => break,
            _ if at == 4 => return None,
            _ => {}
        }
    }
    *rest = rest.get(at.checked_add(length)?..)?;
    Some(())
}

fn put_number(into: &mut Vec<u8>, mut number: usize) {
    loop {
        let digit = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            return into.push(digit);
        }
        into.push(digit | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASSWORD_ALONE: &[u8] = b"\0\x04MQTT\x05\x42\0\x3c\x03\x21\0\x0a\0\x01c\0\x02pw";

    #[test]
    fn a_packet_is_looked_at_when_all_of_it_has_come() {
        assert_eq!(extent(&[PUBACK], 10), Extent::Partly);
        assert_eq!(extent(&[PUBACK, 2, 0], 10), Extent::Partly);
        assert_eq!(extent(&[PUBACK, 2, 0, 1, 9], 10), Extent::Wholly { header: 2, length: 4 });
        assert_eq!(extent(&[CONNECT, 0x80], 200), Extent::Partly);
        assert_eq!(extent(&[CONNECT, 0x80, 1], 127), Extent::Never);
        assert_eq!(extent(&[CONNECT, 0xff, 0xff, 0xff], 10), Extent::Partly);
        assert_eq!(extent(&[CONNECT, 0xff, 0xff, 0xff, 0xff], usize::MAX), Extent::Never);
    }

    #[test]
    fn a_password_may_stand_alone_in_mqtt_5() {
        let with = Connect(PASSWORD_ALONE).with_user_name().unwrap();
        assert_eq!(with, b"\x10\x17\0\x04MQTT\x05\xc2\0\x3c\x03\x21\0\x0a\0\x01c\0\0\0\x02pw");
        assert_eq!(Connect(&with[2..]).with_user_name(), None, "there is a user name");
        let older = PASSWORD_ALONE.iter().map(|byte| if *byte == 5 { 4 } else { *byte }).collect::<Vec<_>>();
        assert_eq!(Connect(&older).with_user_name(), None, "MQTT 3.1.1 does not allow it");
    }

    #[test]
    fn a_password_stands_behind_the_will() {
        let body = b"\0\x04MQTT\x05\x46\0\x3c\0\0\x01c\0\0\x01t\0\x01w\0\x02pw";
        let with = Connect(body).with_user_name().unwrap();
        assert_eq!(with, b"\x10\x1b\0\x04MQTT\x05\xc6\0\x3c\0\0\x01c\0\0\x01t\0\x01w\0\0\0\x02pw");
    }

    #[test]
    fn other_protocols_and_versions_to_come_are_known() {
        let connect = |name: &[u8], version| [&[0, 4], name, &[version, 2, 0, 0, 0, 0]].concat();
        assert!(Connect(&connect(b"mqtt", 4)).is_of_another_protocol());
        assert!(!Connect(&connect(b"MQTT", 4)).is_of_another_protocol());
        assert!(Connect(&connect(b"MQTT", 6)).is_newer() && !Connect(&connect(b"MQTT", 5)).is_newer());
        assert!(!Connect(&connect(b"mqtt", 6)).is_newer());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = (extent(&bytes, 32), packet_id(&bytes));
            let connect = Connect(&bytes);
            let _ = (connect.is_newer(), connect.is_of_another_protocol(), connect.with_user_name());
        }

        #[test]
        fn what_is_cut_short_is_left_to_the_engine(at in 0..PASSWORD_ALONE.len() - 4) {
            prop_assert_eq!(Connect(&PASSWORD_ALONE[..at]).with_user_name(), None);
        }
    }
}
