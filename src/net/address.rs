use std::{collections::BTreeSet, net::SocketAddr};

use iroh::{EndpointAddr, EndpointId, RelayUrl, TransportAddr};
use serde::{Deserialize, Serialize};

/// Where a participant's machine can be reached.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// At most [`DIRECT_MAX`], the likeliest first.
    pub direct: Vec<SocketAddr>,
    /// The URL of the relay at which the machine listens, at most [`RELAY_BYTES_MAX`].
    pub relay: Option<String>,
}

impl Addresses {
    /// Keeps what can be dialled: no port 0, nothing unspecified or multicast, nothing twice, no more than the limits, a relay that is a URL.
    #[must_use]
    pub fn cleaned(self) -> Self {
        let mut seen = BTreeSet::new();
        let usable = |address: &SocketAddr| {
            let (ip, link_local) = match address.ip().to_canonical() {
                std::net::IpAddr::V4(ip) => (ip.into(), ip.is_broadcast()),
                std::net::IpAddr::V6(ip) => (std::net::IpAddr::from(ip), ip.is_unicast_link_local()), // means nothing on another machine
            };
            address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !link_local
        };
        let direct = self.direct.into_iter().filter(usable).filter(|address| seen.insert(*address)).take(DIRECT_MAX).collect();
        let relay = self.relay.filter(|url| url.len() <= RELAY_BYTES_MAX && url.parse::<RelayUrl>().is_ok());
        Self { direct, relay }
    }

    /// Adds an address at which the machine was seen, if there is room for it.
    pub(super) fn add(&mut self, seen: SocketAddr) {
        if self.direct.len() < DIRECT_MAX && !self.direct.contains(&seen) {
            self.direct.push(seen);
        }
    }

    /// Nothing to dial.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.direct.is_empty() && self.relay.is_none()
    }

    /// What iroh found out about this machine. Private IPv4 first: it is short and works in a home; `bound` stands in where no interface has an address.
    pub(super) fn of(found: &EndpointAddr, bound: &[SocketAddr]) -> Self {
        let mut direct: Vec<_> = found.ip_addrs().copied().collect();
        direct.sort_by_key(|address| match address.ip() {
            std::net::IpAddr::V4(ip) => (!ip.is_private(), 0),
            std::net::IpAddr::V6(_) => (true, 1),
        });
        let mut addresses = Self { direct, relay: found.relay_urls().next().map(ToString::to_string) }.cleaned();
        if addresses.direct.is_empty() {
            let loopback = |address: &SocketAddr| match address {
                SocketAddr::V4(_) => SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, address.port())),
                SocketAddr::V6(_) => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, address.port())),
            };
            addresses.direct = bound.iter().map(loopback).take(DIRECT_MAX).collect();
        }
        addresses
    }

    /// For iroh to dial; without the relay if this machine uses none.
    pub(super) fn to_dial(&self, id: EndpointId, with_relay: bool) -> EndpointAddr {
        let cleaned = self.clone().cleaned();
        let relay = cleaned.relay.filter(|_| with_relay).and_then(|url| url.parse::<RelayUrl>().ok()).map(TransportAddr::Relay);
        EndpointAddr::from_parts(id, cleaned.direct.into_iter().map(TransportAddr::Ip).chain(relay))
    }
}

/// How many direct addresses are told.
pub const DIRECT_MAX: usize = 8;

/// How long a relay's URL may be.
pub const RELAY_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(direct: &[&str], relay: Option<&str>) -> Addresses {
        Addresses { direct: direct.iter().map(|text| text.parse().unwrap()).collect(), relay: relay.map(str::to_owned) }
    }

    #[test]
    fn what_cannot_be_dialled_is_left_out() {
        let wild = addresses(
            &["1.2.3.4:0", "0.0.0.0:5", "224.0.0.1:5", "255.255.255.255:5", "[fe80::1]:5", "[::]:5", "9.9.9.9:9", "9.9.9.9:9"],
            Some("not a url"),
        );
        assert_eq!(wild.cleaned(), addresses(&["9.9.9.9:9"], None));
        let many = Addresses { direct: (1..100).map(|port| ([10, 0, 0, 1], port).into()).collect(), relay: None };
        assert_eq!(many.cleaned().direct.len(), DIRECT_MAX);
    }

    #[test]
    fn without_an_interface_there_is_loopback() {
        let id = iroh::SecretKey::generate().public();
        let bound = ["0.0.0.0:7".parse().unwrap()];
        assert_eq!(Addresses::of(&EndpointAddr::new(id), &bound), addresses(&["127.0.0.1:7"], None));
        let found = addresses(&["[2001:db8::1]:7", "8.8.8.8:7", "192.168.1.2:7"], None).to_dial(id, false);
        assert_eq!(Addresses::of(&found, &bound), addresses(&["192.168.1.2:7", "8.8.8.8:7", "[2001:db8::1]:7"], None));
    }
}
