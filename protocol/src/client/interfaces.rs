//! Which networks this machine is on, and which of them are worth talking to.
//!
//! Devices call this to announce themselves, hubs to listen: one rule for both, so that they meet. It promises IPv4
//! addresses of interfaces that are up, in a stable order, and never more of them than the kernel lets one socket join.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

/// How often interfaces are listed anew: a Wi-Fi that went and came back has lost its group memberships, and nobody says so.
pub const LIST_EVERY: Duration = Duration::from_secs(5);

/// The most addresses that are used at once; the kernel refuses the 21st group of a socket.
pub const MOST: usize = 16;

/// Which interfaces to use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// All that are real: no loopback, no point-to-point link, nothing that containers and virtual machines made.
    #[default]
    Real,
    /// These by name, whatever they are, loopback (`lo`) included.
    Named(Vec<String>),
}

impl Choice {
    /// The named interfaces, or all real ones if there is no name.
    #[must_use]
    pub fn from_names(names: Vec<String>) -> Self {
        if names.is_empty() { Self::Real } else { Self::Named(names) }
    }

    /// Whether nothing but the loopback interface is chosen, as in tests and demonstrations.
    #[must_use]
    pub fn is_loopback_only(&self) -> bool {
        matches!(self, Self::Named(names) if !names.is_empty() && names.iter().all(|name| name == "lo"))
    }

    /// Whether an interface of this kind is chosen.
    #[must_use]
    pub fn takes(&self, name: &str, loopback: bool, point_to_point: bool) -> bool {
        match self {
            Self::Real => !loopback && !point_to_point && !is_made_up(name),
            Self::Named(names) => names.iter().any(|named| named == name),
        }
    }
}

/// One IPv4 address of one interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interface {
    /// As the system calls it: `wlan0`.
    pub name: String,
    /// The kernel's number for it; a recreated interface gets another one.
    pub index: u32,
    /// This machine's address there.
    pub address: Ipv4Addr,
    /// How many leading bits the subnet's addresses share; 0 to 32.
    pub prefix: u8,
}

impl Interface {
    /// Whether `other` is in this interface's subnet.
    #[must_use]
    pub fn contains(&self, other: Ipv4Addr) -> bool {
        let mask = mask(self.prefix);
        self.address.to_bits() & mask == other.to_bits() & mask
    }

    /// The subnet's directed broadcast address; none where a subnet is too small to have one.
    #[must_use]
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        // Computed rather than read: the kernel delivers to it also where nobody configured a broadcast address.
        (self.prefix < 31).then(|| Ipv4Addr::from_bits(self.address.to_bits() | !mask(self.prefix)))
    }

    /// Whether `address` stands for many machines of this subnet, or for none.
    #[must_use]
    pub fn is_no_one(&self, address: Ipv4Addr) -> bool {
        let network = Ipv4Addr::from_bits(self.address.to_bits() & mask(self.prefix));
        self.prefix < 31 && (address == network || Some(address) == self.broadcast())
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

/// The chosen interfaces as they are now, sorted, at most [`MOST`].
///
/// # Errors
/// When the system does not tell its interfaces.
pub fn list(choice: &Choice) -> io::Result<Vec<Interface>> {
    let mut found: Vec<Interface> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(|interface| choice.takes(&interface.name, interface.is_loopback(), interface.is_p2p()))
        .filter(if_addrs::Interface::is_oper_up)
        .filter_map(|interface| match interface.addr {
            if_addrs::IfAddr::V4(v4) => {
                Some(Interface { name: interface.name, index: interface.index?, address: v4.ip, prefix: v4.prefixlen })
            }
            if_addrs::IfAddr::V6(_) => None,
        })
        .collect();
    found.sort();
    found.truncate(MOST);
    Ok(found)
}

/// Whether the name is one that containers, virtual machines and tunnels give.
///
/// By name rather than by kind: inside a Chromebook's Linux the one real network is a veth called `eth0`, and a bridge
/// that somebody made by hand (`br0`) carries the address of the card below it.
fn is_made_up(name: &str) -> bool {
    const PREFIXES: [&str; 17] = [
        "docker",
        "veth",
        "virbr",
        "vnet",
        "lxc",
        "lxd",
        "incusbr",
        "podman",
        "cni",
        "flannel",
        "cali",
        "kube",
        "tun",
        "tap",
        "wg",
        "zt",
        "tailscale",
    ];
    // Docker's own bridges: "br-" and twelve hex digits.
    let docker_bridge =
        name.strip_prefix("br-").is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    docker_bridge || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(address: [u8; 4], prefix: u8) -> Interface {
        Interface { name: "wlan0".into(), index: 3, address: address.into(), prefix }
    }

    #[test]
    fn subnets_of_every_size() {
        let home = interface([192, 168, 4, 7], 22);
        assert!(home.contains([192, 168, 7, 255].into()) && !home.contains([192, 168, 8, 1].into()));
        assert_eq!(home.broadcast(), Some([192, 168, 7, 255].into()));
        assert!(home.is_no_one([192, 168, 4, 0].into()) && home.is_no_one([192, 168, 7, 255].into()));
        assert!(!home.is_no_one([192, 168, 5, 0].into()));
        assert_eq!(interface([10, 0, 0, 0], 31).broadcast(), None, "two machines, both of them someone");
        assert!(!interface([10, 0, 0, 0], 31).is_no_one([10, 0, 0, 1].into()));
        assert!(!interface([10, 0, 0, 1], 32).contains([10, 0, 0, 2].into()));
        assert!(interface([10, 0, 0, 1], 0).contains([8, 8, 8, 8].into()));
    }

    #[test]
    fn real_ones_are_taken_and_named_ones_whatever_they_are() {
        for real in ["wlan0", "wlp3s0", "eth0", "enx00e04c680001", "ap0", "usb0", "br0"] {
            assert!(Choice::Real.takes(real, false, false), "{real}");
        }
        for made_up in ["docker0", "br-0123456789ab", "veth1a2b", "virbr0", "tun0", "wg0"] {
            assert!(!Choice::Real.takes(made_up, false, false), "{made_up}");
        }
        assert!(!Choice::Real.takes("lo", true, false) && !Choice::Real.takes("ppp0", false, true));
        let named = Choice::from_names(vec!["lo".into()]);
        assert!(named.takes("lo", true, false) && !named.takes("eth0", false, false) && named.is_loopback_only());
        assert!(!Choice::from_names(vec![]).is_loopback_only());
    }

    #[test]
    fn loopback_is_listed_when_named() {
        let listed = list(&Choice::Named(vec!["lo".into()])).unwrap();
        assert!(listed.iter().any(|interface| interface.address == Ipv4Addr::LOCALHOST && interface.prefix == 8), "{listed:?}");
    }
}
