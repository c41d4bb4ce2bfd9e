//! What the server's prepared macros are about, as many as are common.

use super::fit::Fit;
use super::passage::{Packet, Protocol};
use crate::domain::text::Text;

use Protocol::{Ping, Tcp, Udp};

/// The macros that are judged, each with its protocols and ports; others are not.
///
/// Assumed from the server's published source, for no recording shows what a macro means.
const MACROS: [(&str, &[(Protocol, u16)]); 22] = [
    ("DNS", &[(Udp, 53), (Tcp, 53)]),
    ("FTP", &[(Tcp, 21)]),
    ("Git", &[(Tcp, 9418)]),
    ("HTTP", &[(Tcp, 80)]),
    ("HTTPS", &[(Tcp, 443)]),
    ("IMAP", &[(Tcp, 143)]),
    ("IMAPS", &[(Tcp, 993)]),
    ("LDAP", &[(Tcp, 389)]),
    ("LDAPS", &[(Tcp, 636)]),
    ("MySQL", &[(Tcp, 3306)]),
    ("NTP", &[(Udp, 123)]),
    ("POP3", &[(Tcp, 110)]),
    ("POP3S", &[(Tcp, 995)]),
    ("Ping", &[(Ping, 0)]),
    ("PostgreSQL", &[(Tcp, 5432)]),
    ("RDP", &[(Tcp, 3389)]),
    ("SMTP", &[(Tcp, 25)]),
    ("SMTPS", &[(Tcp, 465)]),
    ("SSH", &[(Tcp, 22)]),
    ("Submission", &[(Tcp, 587)]),
    ("Telnet", &[(Tcp, 23)]),
    ("Web", &[(Tcp, 80), (Tcp, 443)]),
];

/// Says whether a macro is about a packet.
pub(super) fn fit(name: &Text, packet: &Packet) -> Fit {
    let mut macros = MACROS.iter();
    let Some((_, services)) = macros.find(|(known, _)| *known == name.raw()) else {
        return Fit::Perhaps(format!("what the macro {name} is about, is not known here"));
    };
    // Whether they are about HTTP/3 too depends on the server's version.
    let newer = ["HTTPS", "Web"].contains(&name.raw());
    if newer && (packet.protocol, packet.port) == (Udp, 443) {
        return Fit::Perhaps(format!("some servers' macro {name} is about UDP too"));
    }
    let fits = |(protocol, port): &(Protocol, u16)| {
        *protocol == packet.protocol && (*protocol == Ping || *port == packet.port)
    };
    Fit::of(services.iter().any(fits))
}
