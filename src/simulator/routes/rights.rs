//! Which rights options of a guest need, by the rules of the server's own table.
//!
//! Refuses to know more than options: what whole calls need stands in the table of calls.

use crate::simulator::gate::answer::Failure;
use crate::simulator::gate::call::Call;
use crate::simulator::world::guest::{Config, Kind, property};

/// Refuses an option that the caller may not set; the rights of the guest's pool count as well.
pub(super) fn permit_option(
    call: &Call<'_>,
    vmid: u32,
    pool: Option<&str>,
    key: &str,
    value: Option<&String>,
) -> Result<(), Failure> {
    if key == "startup" {
        call.needs("/", "Sys.Modify")?;
    }
    let privileges = privileges_for(call.kind(), key, value);
    if privileges.is_empty() {
        return Ok(());
    }
    let path = format!("/vms/{vmid}");
    let pool = pool.map(|pool| format!("/pool/{pool}"));
    let grants = |path: &str| privileges.iter().any(|name| call.may(path, name));
    if grants(&path) || pool.is_some_and(|pool| grants(&pool)) {
        Ok(())
    } else {
        Err(Failure::forbidden(&path, &privileges.join("|")))
    }
}

/// Refuses to set somebody free on a bridge, or on a tag of it, that the caller may not use.
pub(super) fn permit_card(call: &Call<'_>, value: &str) -> Result<(), Failure> {
    let Some(bridge) = property(value, "bridge") else {
        return Ok(());
    };
    let tag = property(value, "tag")
        .map(|tag| format!("/{tag}"))
        .unwrap_or_default();
    call.needs(&format!("/sdn/zones/localnetwork/{bridge}{tag}"), "SDN.Use")
}

/// Refuses to copy a configuration whose memory, devices and bridges the caller may not use.
pub(super) fn permit_copy(call: &Call<'_>, config: &Config) -> Result<(), Failure> {
    if let Some(storage) = config.get("vmstatestorage") {
        call.needs(&format!("/storage/{storage}"), "Datastore.AllocateSpace")?;
    }
    for (key, value) in config {
        let kind = match stem(key) {
            "hostpci" => "pci",
            "usb" => "usb",
            _ => continue,
        };
        if let Some(device) = property(value, "mapping") {
            call.needs(&format!("/mapping/{kind}/{device}"), "Mapping.Use")?;
        }
    }
    let cards = config.iter().filter(|(key, _)| is_card(key));
    for (_, value) in cards {
        permit_card(call, value)?;
    }
    Ok(())
}

/// Tells whether an option is a network card.
pub(super) fn is_card(key: &str) -> bool {
    key.strip_prefix("net")
        .is_some_and(|number| number.parse::<u32>().is_ok())
}

fn stem(key: &str) -> &str {
    key.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

/// Returns the privileges of which an option needs one; none where the table leaves it open.
fn privileges_for(kind: Kind, key: &str, value: Option<&String>) -> &'static [&'static str] {
    match stem(key) {
        "cores" | "sockets" | "cpu" | "cpulimit" | "cpuunits" | "vcpus" | "numa" | "affinity"
        | "smp" => &["VM.Config.CPU"],
        "memory" | "balloon" | "shares" | "swap" | "hugepages" => &["VM.Config.Memory"],
        "net" | "hostname" => &["VM.Config.Network"],
        "nameserver" | "searchdomain" if kind == Kind::Lxc => &["VM.Config.Network"],
        "ipconfig" | "ciuser" | "cipassword" | "sshkeys" | "citype" | "ciupgrade" | "cicustom"
        | "nameserver" | "searchdomain" => &["VM.Config.Cloudinit", "VM.Config.Network"],
        "ide" | "sata" | "scsi" | "virtio"
            if value.is_some_and(|value| value.contains("media=cdrom")) =>
        {
            &["VM.Config.CDROM"]
        }
        "cdrom" => &["VM.Config.CDROM"],
        "ide" | "sata" | "scsi" | "virtio" | "efidisk" | "tpmstate" | "unused" | "boot"
        | "bootdisk" | "rootfs" | "mp" | "vmstatestorage" => &["VM.Config.Disk"],
        "name" | "description" | "onboot" | "agent" | "ostype" | "bios" | "protection" | "tags"
        | "startup" | "hookscript" | "template" | "features" | "arch" => &["VM.Config.Options"],
        "machine" | "scsihw" | "vga" | "hotplug" | "acpi" | "kvm" | "tablet" | "rng" | "audio"
        | "keyboard" | "watchdog" => &["VM.Config.HWType"],
        _ => &[],
    }
}
