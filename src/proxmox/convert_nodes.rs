//! From what nodes say of themselves and of what they hold to values that mean something.

use std::collections::BTreeSet;

use super::convert::{text, timestamp};
use super::wire;
use super::wire::lenient::Rows;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::id::Vmid;
use crate::domain::node::{Certificate, NodeTime};
use crate::domain::pins::Peer;
use crate::domain::volume::{Volume, VolumeContent};

pub(super) fn time(sent: &wire::nodes::NodeTime) -> Option<NodeTime> {
    Some(NodeTime {
        zone: text(sent.timezone.as_ref()),
        utc: sent.time.and_then(timestamp)?,
    })
}

pub(super) fn certificates(list: Rows<wire::nodes::CertificateRow>) -> Vec<Certificate> {
    let certificates = list.rows.into_iter().map(|row| Certificate {
        file: text(row.filename.as_ref()),
        fingerprint: text(row.fingerprint.as_ref()),
        subject: text(row.subject.as_ref()),
        not_after: row.notafter.and_then(timestamp),
    });
    certificates.collect()
}

pub(super) fn bridges(list: Rows<wire::nodes::NetworkRow>) -> BTreeSet<String> {
    list.rows.into_iter().filter_map(|row| row.iface).collect()
}

/// Reads the nodes' certificates; a fingerprint that is none is left out.
pub(super) fn peers(list: Rows<wire::nodes::PeerRow>) -> Vec<Peer> {
    let peers = list.rows.into_iter().filter_map(|row| {
        let pin: Option<Fingerprint> = row.ssl_fingerprint.and_then(|text| text.parse().ok());
        Some(Peer {
            node: row.node?.parse().ok()?,
            fingerprint: pin.map(|pin| pin.to_string()),
        })
    });
    peers.collect()
}

/// Reads volumes; one without an id is left out.
pub(super) fn volumes(list: Rows<wire::nodes::VolumeRow>) -> Vec<Volume> {
    let volumes = list.rows.into_iter().filter_map(|row| {
        Some(Volume {
            owner: row.vmid.and_then(Vmid::new),
            content: row.content.as_deref().map(VolumeContent::from_word),
            format: text(row.format.as_ref()),
            size: row.size,
            used: row.used,
            parent: text(row.parent.as_ref()),
            id: row.volid?,
        })
    });
    volumes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_tell_whose_they_are_and_what() {
        let json = r#"[
            {"vmid":105,"content":"images","used":528384,"format":"qcow2","parent":"../100/base-100-disk-0.qcow2","ctime":1,
             "size":1073741824,"volid":"vmstore:100/base-100-disk-0.qcow2/105/vm-105-disk-0.qcow2"},
            {"vmid":"150","content":"rootdir","size":"64","volid":"vmstore:150/vm-150-disk-0.raw","parent":null},
            {"vmid":105,"content":"backup","size":9,"volid":"vmstore:backup/vzdump-qemu-105.vma.zst"},
            {"content":"iso","size":7,"volid":"vmstore:iso/debian.iso"},
            {"vmid":3,"size":-1,"volid":"vmstore:odd"}, {"size":1}, null]"#;
        let volumes = volumes(serde_json::from_str(json).unwrap());
        let disks: Vec<_> = volumes
            .iter()
            .filter(|volume| volume.is_guest_disk())
            .map(|volume| (volume.owner.map(Vmid::get), volume.size))
            .collect();
        assert_eq!(disks, [(Some(105), Some(1 << 30)), (Some(150), Some(64))]);
        let odd = volumes.last().unwrap();
        assert_eq!((odd.owner, odd.content, odd.size), (None, None, None));
        assert!(volumes[0].parent.is_some() && volumes[1].parent.is_none());
        assert_eq!(volumes.len(), 5);
    }

    #[test]
    fn a_certificate_without_a_readable_end_is_still_one() {
        let json = r#"[{"filename":"pve-root-ca.pem","notafter":"2098051200","fingerprint":"AB:CD","subject":"/CN=x"},
            {"filename":"pve-ssl.pem","notafter":"soon"}, {}]"#;
        let certificates = certificates(serde_json::from_str(json).unwrap());
        assert_eq!(certificates.len(), 3);
        let ends = certificates[0].not_after.map(|end| end.timestamp());
        assert_eq!(ends, Some(2_098_051_200));
        assert_eq!(certificates[1].not_after, None);
        assert_eq!(certificates[2].file, None);
    }

    #[test]
    fn a_clock_without_a_time_is_none() {
        let read = |json: &str| time(&serde_json::from_str(json).unwrap());
        // Recording 1544.
        let clock = read(r#"{"localtime":1795451756,"timezone":"UTC","time":1795451756}"#).unwrap();
        assert_eq!(clock.utc.timestamp(), 1_795_451_756);
        assert_eq!(clock.zone, Some("UTC".into()));
        assert_eq!(read(r#"{"time":"7","timezone":""}"#).unwrap().zone, None);
        assert_eq!(read(r#"{"time":null,"timezone":"UTC"}"#), None);
        assert_eq!(read(r#"{"time":1e19}"#), None);
    }
}
