//! Who may do what: the rules of the server's own table, and how the answer lists them.

use serde_json::json;

use crate::stranger::{Form, Stranger, small};

/// Starts a small world whose limited token has these privileges on these paths.
async fn with(rights: &[(&str, &str)]) -> Stranger {
    let stranger = small().await.limited();
    stranger.simulator.edit(|world| {
        world.revoke("hub@pve!watch");
        for (path, privileges) in rights {
            let names: Vec<&str> = privileges.split(' ').collect();
            world.add_role(path, &names);
            world.grant(path, "hub@pve!watch", path);
        }
    });
    stranger
}

/// Sends a form with one right after the other taken away, and tells each refusal.
async fn without_each(rights: &[(&str, &str)], path: &str, form: Form<'_>) -> Vec<String> {
    let mut refusals = Vec::new();
    for left_out in 0..rights.len() {
        let mut fewer = rights.to_vec();
        fewer.remove(left_out);
        let answer = with(&fewer).await.post(path, form).await;
        assert_eq!(
            answer.status, 403,
            "{:?}: {}",
            rights[left_out], answer.text
        );
        refusals.push(answer.reason);
    }
    let answer = with(rights).await.post(path, form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    refusals
}

#[tokio::test]
async fn a_clone_needs_a_right_on_all_that_it_touches() {
    let rights = [
        ("/vms/102", "VM.Clone"),
        ("/vms/300", "VM.Allocate"),
        ("/storage/vmstore", "Datastore.AllocateSpace"),
        ("/sdn/zones/localnetwork/vmbr0", "SDN.Use"),
    ];
    let refusals = without_each(
        &rights,
        "/nodes/pve1/qemu/102/clone",
        &[("newid", "300"), ("full", "1")],
    )
    .await;
    assert_eq!(
        refusals,
        [
            "Permission check failed (/vms/102, VM.Clone)",
            "Permission check failed",
            "Permission check failed (/storage/vmstore, Datastore.AllocateSpace)",
            "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)",
        ]
    );
}

#[tokio::test]
async fn a_clone_s_memory_and_its_tagged_card_are_looked_at_too() {
    let rights = [
        ("/vms/102", "VM.Clone"),
        ("/pool/lab", "VM.Allocate"),
        ("/storage/vmstore", "Datastore.AllocateSpace"),
    ];
    let form = [("newid", "300"), ("full", "1"), ("pool", "lab")];
    for (key, value, missing) in [
        (
            "vmstatestorage",
            "local-lvm",
            "/storage/local-lvm, Datastore.AllocateSpace",
        ),
        (
            "net0",
            "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=7",
            "/sdn/zones/localnetwork/vmbr0/7, SDN.Use",
        ),
    ] {
        let stranger = with(&rights).await;
        stranger
            .simulator
            .edit(|world| world.set_option(102, key, Some(value)).unwrap());
        let answer = stranger.post("/nodes/pve1/qemu/102/clone", &form).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        let words = format!("Permission check failed ({missing})");
        assert_eq!(answer.reason, words);
    }
}

#[tokio::test]
async fn a_new_guest_needs_a_right_for_each_of_its_options() {
    let rights = [
        (
            "/vms/300",
            "VM.Allocate VM.Config.CPU VM.Config.Network VM.Config.Disk VM.PowerMgmt",
        ),
        ("/sdn/zones/localnetwork/vmbr0", "SDN.Use"),
        ("/storage/vmstore", "Datastore.AllocateSpace"),
    ];
    let form = [
        ("vmid", "300"),
        ("cores", "2"),
        ("net0", "virtio,bridge=vmbr0"),
        ("scsi0", "vmstore:4"),
        ("start", "1"),
    ];
    let refusals = without_each(&rights, "/nodes/pve1/qemu", &form).await;
    assert_eq!(
        refusals,
        [
            "Permission check failed",
            "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)",
            "Permission check failed (/storage/vmstore, Datastore.AllocateSpace)",
        ]
    );
    for (lacking, rest) in [
        (
            "VM.Config.CPU",
            "VM.Allocate VM.Config.Network VM.Config.Disk VM.PowerMgmt",
        ),
        (
            "VM.PowerMgmt",
            "VM.Allocate VM.Config.CPU VM.Config.Network VM.Config.Disk",
        ),
    ] {
        let stranger = with(&[("/vms/300", rest), rights[1], rights[2]]).await;
        let answer = stranger.post("/nodes/pve1/qemu", &form).await;
        let words = format!("Permission check failed (/vms/300, {lacking})");
        assert_eq!(answer.reason, words);
        let made = stranger.simulator.world().guest(300).is_some();
        assert!(!made, "nothing is left of what was refused");
    }
}

#[tokio::test]
async fn a_card_needs_the_old_bridge_and_the_new_one() {
    let stranger = with(&[
        ("/vms/102", "VM.Config.Network"),
        ("/sdn/zones/localnetwork/vmbr1", "SDN.Use"),
    ])
    .await;
    let form = [("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr1")];
    let answer = stranger.put("/nodes/pve1/qemu/102/config", &form).await;
    assert_eq!(
        answer.reason,
        "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"
    );
    let answer = stranger
        .put("/nodes/pve1/qemu/102/config", &[("startup", "order=1")])
        .await;
    assert_eq!(answer.reason, "Permission check failed (/, Sys.Modify)");
}

#[tokio::test]
async fn the_list_names_only_paths_with_rights_and_one_path_can_be_asked_about() {
    // A role on a pool counts for its members, and is handed down from there no further.
    let stranger = with(&[
        ("/pool/lab", "VM.Audit"),
        ("/vms/104", "VM.Audit VM.Console"),
    ])
    .await;
    let listed = stranger.get("/access/permissions").await.data();
    let paths: Vec<&String> = listed.as_object().unwrap().keys().collect();
    assert!(paths.contains(&&"/vms/101".to_owned()), "{paths:?}");
    assert!(!paths.contains(&&"/vms".to_owned()), "{paths:?}");
    assert_eq!(listed["/vms/101"], json!({ "VM.Audit": 0 }));
    assert_eq!(
        listed["/vms/104"],
        json!({ "VM.Audit": 1, "VM.Console": 1 })
    );
    let one = stranger.get("/access/permissions?path=/vms/101").await;
    assert_eq!(one.data(), json!({ "/vms/101": { "VM.Audit": 0 } }));
    let none = stranger.get("/access/permissions?path=/vms/999").await;
    assert_eq!(none.data(), json!({}));
}
