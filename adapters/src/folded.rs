//! Devices that the writer has folded lately, so that a device that is busy, or has a long history, is not folded anew for
//! each of its commands.

use std::{collections::HashMap, mem};

use deed_domain::{
    device::Device,
    ids::{DeviceId, Sequence},
};

/// Devices of one generation. Two are kept.
const GENERATION: usize = 2_048;

type Devices = HashMap<DeviceId, (Device, Sequence)>;

/// The devices of the last commands. When the young ones are many they become the old ones, and those that nobody has
/// asked for since the last time are forgotten.
#[derive(Default)]
pub(crate) struct Folded {
    young: Devices,
    old: Devices,
}

impl Folded {
    /// The device after its last event, if it is known; it is not any more then.
    pub(crate) fn take(&mut self, device_id: DeviceId) -> Option<(Device, Sequence)> {
        self.young.remove(&device_id).or_else(|| self.old.remove(&device_id))
    }

    /// Makes the device known.
    pub(crate) fn keep(&mut self, device_id: DeviceId, device: Device, sequence: Sequence) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(device_id, (device, sequence));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: usize) -> DeviceId {
        DeviceId(Uuid::from_u128(number as u128))
    }

    #[test]
    fn the_last_ones_are_known_and_no_more_than_two_generations() {
        let mut folded = Folded::default();
        for number in 0..10 * GENERATION {
            folded.keep(id(number), Device::default(), Sequence(number as u64));
            // One that is asked for all the time stays.
            let (device, sequence) = folded.take(id(0)).unwrap();
            folded.keep(id(0), device, sequence);
            assert!(folded.young.len() + folded.old.len() <= 2 * GENERATION);
        }
        assert_eq!(
            folded.take(id(10 * GENERATION - 1)).map(|(_, sequence)| sequence.0),
            Some(10 * GENERATION as u64 - 1)
        );
        assert!(folded.take(id(1)).is_none());
        assert!(folded.take(id(0)).is_some() && folded.take(id(0)).is_none());
    }
}
