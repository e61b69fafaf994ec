//! Which addresses files may be fetched from: everybody's, and those that the service's `media_networks` names. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Whether a file may be fetched from there.
pub(super) fn may_ask(ip: IpAddr, allowed: &[IpNet]) -> bool {
    let ip = ip.to_canonical();
    is_public(ip) || allowed.iter().any(|network| network.contains(&ip))
}

/// Whether an address is everybody's: none of the special ones of RFC 6890 and its successors. Addresses that carry
/// another one in them are what they carry.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            let s = ip.segments();
            let carried = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match s {
                [0, 0, 0, 0, 0, _, high, low] => s[5] == 0xffff && carried(high, low),
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low),
                [0x64, 0xff9b, ..] => false,
                [0x2002, high, low, ..] => carried(high, low),
                [0x2001, second, ..] if second < 0x200 => false,
                [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
                _ => is_global_unicast(ip),
            }
        }
    }
}

/// `2000::/3`; everything else is local, multicast or not given out.
fn is_global_unicast(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xe000 == 0x2000
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || match ip.octets() {
            [0, ..] | [240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => true,
            [100, second, ..] => (64..128).contains(&second),
            [198, second, ..] => second == 18 || second == 19,
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn private_addresses_in_any_dress_are_not_asked() {
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!may_ask(ip.parse().expect(ip), &[]), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(may_ask(ip.parse().expect(ip), &[]), "{ip}");
        }
        let mine: IpNet = "10.0.0.0/24".parse().expect("network");
        assert!(may_ask("10.0.0.9".parse().expect("ip"), &[mine]));
        assert!(may_ask("::ffff:10.0.0.9".parse().expect("ip"), &[mine]));
        assert!(!may_ask("10.0.1.9".parse().expect("ip"), &[mine]));
    }

    proptest! {
        #[test]
        fn what_a_v6_address_carries_counts(a: u8, b: u8, c: u8, d: u8) {
            let v4 = Ipv4Addr::new(a, b, c, d);
            prop_assert_eq!(may_ask(v4.to_ipv6_mapped().into(), &[]), is_public_v4(v4));
        }
    }
}
