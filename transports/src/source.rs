//! Whose an address is.

use std::net::{IpAddr, Ipv6Addr};

/// Whose an address is, as far as places are shared out: it alone, or with IPv6 the network of 64 bits, in which one has them all.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip => ip,
    }
}
