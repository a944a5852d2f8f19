//! The one UDP socket of the hub; the only file of the hub that knows `socket2` and `nix`'s side of UDP.
//!
//! The responder in [`super`] calls it. It promises to say of each datagram on which interface it came and which of our
//! addresses that sender reaches, and to answer from exactly there, with or without a default route.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd as _;

use maloca_protocol::limits::GROUP;
use nix::libc;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockRef, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Where a datagram came from and where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Envelope {
    /// Bytes of the datagram.
    pub(super) len: usize,
    /// Who sent it, by its own claim.
    pub(super) source: SocketAddrV4,
    /// Number of the interface on which it came.
    pub(super) interface: u32,
    /// Our address that answers the sender: the kernel's `ipi_spec_dst`.
    pub(super) local: Ipv4Addr,
}

/// A bound socket. Closing it leaves all groups.
#[derive(Debug)]
pub(super) struct Socket {
    udp: UdpSocket,
    port: u16,
}

impl Socket {
    /// Binds `port` on all addresses; 0 lets the system choose. Neither `SO_REUSEADDR` nor `SO_REUSEPORT`: two hubs
    /// on one port would each hear a random half.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // Else we would hear what any program on this machine has joined, on interfaces nobody chose.
        socket.set_multicast_all_v4(false)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
        let port = socket.local_addr()?.as_socket_ipv4().map_or(port, |bound| bound.port());
        Ok(Self { udp: UdpSocket::from_std(socket.into())?, port })
    }

    /// The port that was bound.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Joins the group on one interface. By number: joining "any" fails where there is no default route.
    pub(super) fn join(&self, interface: u32) -> io::Result<()> {
        match SockRef::from(&self.udp).join_multicast_v4_n(&GROUP, &InterfaceIndexOrAddress::Index(interface)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()), // joined already
            joined => joined,
        }
    }

    /// Leaves the group on an interface that is gone: the kernel counts it until then, and allows only twenty.
    pub(super) fn leave(&self, interface: u32) -> io::Result<()> {
        SockRef::from(&self.udp).leave_multicast_v4_n(&GROUP, &InterfaceIndexOrAddress::Index(interface))
    }

    /// The next datagram, cut to `buffer`. Safe to cancel.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<Envelope> {
        self.udp.async_io(Interest::READABLE, || receive(&self.udp, buffer)).await
    }

    /// Sends at once from `from` out of `interface`, or not at all: an answer that must wait is an answer that nobody needs.
    pub(super) fn send(&self, datagram: &[u8], to: SocketAddrV4, from: Ipv4Addr, interface: u32) -> io::Result<()> {
        let info = libc::in_pktinfo {
            ipi_ifindex: i32::try_from(interface).map_err(io::Error::other)?,
            ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        let control = [ControlMessage::Ipv4PacketInfo(&info)];
        let to = SockaddrIn::from(to);
        sendmsg(self.udp.as_raw_fd(), &[IoSlice::new(datagram)], &control, MsgFlags::MSG_DONTWAIT, Some(&to))?;
        Ok(())
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Envelope> {
    let mut control = nix::cmsg_space!(libc::in_pktinfo);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let info = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(info),
        _ => None,
    });
    let (Some(source), Some(info)) = (message.address, info) else {
        return Err(io::Error::other("the kernel gave a datagram without its source or interface"));
    };
    Ok(Envelope {
        len: message.bytes,
        source: source.into(),
        interface: u32::try_from(info.ipi_ifindex).map_err(io::Error::other)?,
        local: Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()),
    })
}
