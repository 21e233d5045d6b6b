//! Which addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far the gateway may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Production: public addresses, over `https` only.
    Public,
    /// Development: loopback and private networks too, and plain `http`. Never link-local, where clouds keep their secrets.
    Private,
    /// The sandbox: loopback and nothing else, plain `http` too.
    Loopback,
}

impl Reach {
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Private => is_public(address) || is_private(address),
            Self::Loopback => is_loopback(address),
        }
    }

    pub const fn allows_plain_http(self) -> bool {
        !matches!(self, Self::Public)
    }
}

/// Networks of IPv4 that are not the public Internet: IANA's special-purpose registry without the blocks that it calls
/// globally reachable and that are routed to anycast servers, plus multicast and one address that is public by
/// its number only: Azure's, which a machine there reaches its own control server at.
const SPECIAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Networks inside `2000::/3` that are not the public Internet, or that carry an IPv4 address inside. All else outside
/// of `2000::/3` is refused without a list.
const SPECIAL_V6: &[([u16; 2], u32)] = &[
    // Protocol assignments: Teredo, benchmarking, ORCHID and their like.
    ([0x2001, 0], 23),
    // Documentation.
    ([0x2001, 0x0db8], 32),
    ([0x3fff, 0], 20),
    // 6to4.
    ([0x2002, 0], 16),
];

/// Whether the address belongs to the public Internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(network, prefix)| (bits ^ u32::from_be_bytes(*network)) >> (32 - prefix) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let head = u32::from(first) << 16 | u32::from(second);
    let special = SPECIAL_V6.iter().any(|([a, b], prefix)| (head ^ (u32::from(*a) << 16 | u32::from(*b))) >> (32 - prefix) == 0);
    first >> 13 == 0b001 && !special
}

/// Loopback as it is written, without IPv4 in the clothes of IPv6.
fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64 && !is_cloud(v4),
        // fd00:ec2::/32 is a cloud's own.
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() && v6.segments()[..2] != [0xfd00, 0x0ec2],
    }
}

/// A cloud's control server inside the carriers' block.
fn is_cloud(address: Ipv4Addr) -> bool {
    address == Ipv4Addr::new(100, 100, 100, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last address of every block, and what has a name of its own.
    const NOT_PUBLIC: &[&str] = &[
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.0",
        "127.0.0.1",
        "127.254.254.254",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.192",
        "192.0.0.255",
        "192.0.2.0",
        "192.0.2.255",
        "192.88.99.0",
        "192.88.99.255",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.0",
        "198.51.100.255",
        "203.0.113.0",
        "203.0.113.255",
        "224.0.0.0",
        "224.0.0.251",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.254",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:8.8.8.8",
        "::ffff:0:1.2.3.4",
        "64:ff9b::",
        "64:ff9b::7f00:1",
        "64:ff9b::ffff:ffff",
        "64:ff9b:1::",
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        "100::",
        "100::ffff:ffff:ffff:ffff",
        "100:0:0:1::",
        "2001::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:1::1",
        "2001:2::",
        "2001:10::",
        "2001:20::",
        "2001:30::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::",
        "2002:7f00:1::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "4000::",
        "5f00::",
        "5f00:ffff::",
        "8000::",
        "fc00::",
        "fd00:ec2::254",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fe80::",
        "fe80::1",
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "fec0::",
        "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "ff00::",
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];

    /// The neighbours of the blocks, and addresses that people use.
    const PUBLIC: &[&str] = &[
        "1.0.0.0",
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.1.255",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:4860:4860::8888",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::",
        "2606:4700:4700::1111",
        "2a00::",
        "3ffe:ffff::",
        "3fff:1000::",
    ];

    #[test]
    fn no_special_block_is_public_from_its_first_address_to_its_last() {
        for text in NOT_PUBLIC {
            assert!(!is_public(text.parse().unwrap()), "{text}");
            assert!(!Reach::Public.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn the_neighbours_of_the_blocks_are_public() {
        for text in PUBLIC {
            assert!(is_public(text.parse().unwrap()), "{text}");
            assert!(Reach::Private.allows(text.parse().unwrap()), "{text}");
            assert!(!Reach::Loopback.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn development_reaches_private_networks_but_no_cloud_and_nobody_in_particular() {
        for text in ["127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1"] {
            assert!(Reach::Private.allows(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "168.63.129.16",
            "100.100.100.200",
            "fd00:ec2::254",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "192.0.0.192",
            "2002:7f00:1::",
        ] {
            assert!(!Reach::Private.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn the_sandbox_reaches_loopback_and_nothing_else() {
        for text in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!(Reach::Loopback.allows(text.parse().unwrap()), "{text}");
        }
        for text in ["10.0.0.1", "8.8.8.8", "0.0.0.0", "::", "::ffff:127.0.0.1", "192.168.0.1", "fe80::1"] {
            assert!(!Reach::Loopback.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn every_ipv4_address_inside_an_ipv6_one_is_refused_whatever_it_is() {
        for v4 in ["8.8.8.8", "127.0.0.1", "10.0.0.1", "169.254.169.254"] {
            let bits = u128::from(v4.parse::<Ipv4Addr>().unwrap().to_bits());
            for prefix in [0, 0xffff << 32, 0xffff << 48, 0x0064_ff9b << 96, 0x0064_ff9b_0001 << 80] {
                assert!(!is_public(IpAddr::V6(Ipv6Addr::from_bits(prefix | bits))), "{prefix:x} with {v4}");
            }
            assert!(!is_public(IpAddr::V6(Ipv6Addr::from_bits(0x2002 << 112 | bits << 80))), "6to4 with {v4}");
        }
    }
}
