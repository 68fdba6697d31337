//! What is looked at in a packet before the engine reads it.

use mqtt_protocol_core::mqtt::{Version, result_code::DisconnectReasonCode};

use super::Wire;
use crate::mqtt::{
    heard::Fault,
    raw::{self, Extent},
};

/// What to do with the packet that begins.
pub(super) enum Next {
    /// It is for the engine.
    Read,
    /// All of it has to come first.
    Wait,
    /// These bytes mean nothing.
    Skip(usize),
}

impl Wire {
    /// Looks at a packet before the engine does.
    ///
    /// # Errors
    /// [`Fault`] if it is larger than whoever is not known may send.
    pub(super) fn look(&mut self) -> Result<Next, Fault> {
        match self.of_strangers.map(|most| raw::extent(&self.unread[self.at..], most)) {
            Some(Extent::Partly) => return Ok(Next::Wait),
            Some(Extent::Never) => return Err(Fault::Broken(DisconnectReasonCode::PacketTooLarge)),
            Some(Extent::Wholly { .. }) | None => {}
        }
        let is_first = self.engine.get_protocol_version() == Version::Undetermined;
        let is_connect = is_first && self.first == raw::CONNECT;
        if !is_connect && (is_first || !raw::ACKNOWLEDGEMENTS.contains(&self.first)) {
            return Ok(Next::Read);
        }
        let bytes = &self.unread[self.at..];
        let (header, length) = match raw::extent(bytes, self.max_payload) {
            Extent::Partly => return Ok(Next::Wait),
            Extent::Never => return Ok(Next::Read),
            Extent::Wholly { header, length } => (header, length),
        };
        let body = &bytes[header..length];
        if !is_connect {
            let is_expected = |id| self.first == raw::PUBACK && self.unacknowledged.contains(&id);
            // An acknowledgement of nothing harms nobody.
            let is_known = raw::packet_id(body).is_none_or(is_expected);
            return Ok(if is_known { Next::Read } else { Next::Skip(length) });
        }
        let connect = raw::Connect(body);
        self.unknown_version = (connect.is_of_another_protocol() || connect.is_newer())
            .then(|| Fault::UnknownVersion { is_newer: connect.is_newer() });
        if let Some(mut packet) = connect.with_user_name() {
            packet.extend_from_slice(&bytes[length..]);
            self.unread = packet;
            self.at = 0;
            self.has_no_user_name = true;
        }
        Ok(Next::Read)
    }
}
