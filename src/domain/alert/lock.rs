//! The stuck-lock doctor: what a guest's lock means, and what frees it (SPEC §5.10).

use super::super::guest::GuestRef;
use super::super::id::GuestKind;
use super::super::permission::{Need, Permissions};
use super::super::task::Task;

/// What is to be said about a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockAdvice {
    /// What it is and what is known about its cause, a sentence each.
    pub sentences: Vec<String>,
    /// The command that frees the guest, and the node on which root runs it; only where nothing
    /// is seen to be at work.
    pub command: Option<String>,
}

/// Tells whether a task of this type sets such a lock.
pub fn is_worker_of(lock: &str, kind: &str) -> bool {
    match lock {
        "snapshot" => matches!(kind, "qmsnapshot" | "vzsnapshot"),
        "snapshot-delete" => matches!(kind, "qmdelsnapshot" | "vzdelsnapshot"),
        "rollback" => matches!(kind, "qmrollback" | "vzrollback"),
        "backup" => kind == "vzdump",
        "clone" | "disk" => matches!(kind, "qmclone" | "vzclone" | "qmmove" | "move_volume"),
        "create" | "import" => matches!(kind, "qmcreate" | "vzcreate" | "qmrestore" | "vzrestore"),
        "migrate" => matches!(kind, "qmigrate" | "vzmigrate"),
        "suspending" | "suspended" => kind == "qmsuspend",
        "destroyed" => matches!(kind, "qmdestroy" | "vzdestroy"),
        _ => false,
    }
}

/// Explains a lock from what is known about tasks.
///
/// `running` are the tasks on the guest's node that run and name the guest, absent while they are
/// not read; `last` is the latest task that sets such a lock and has ended. The command is only
/// told where the account sees everybody's tasks on that node, for which it needs Sys.Audit there:
/// without it, somebody else's may be at work.
pub fn explain_lock(
    guest: &GuestRef,
    lock: &str,
    running: Option<&[Task]>,
    last: Option<&Task>,
    permissions: Option<&Permissions>,
) -> LockAdvice {
    let mut sentences = vec![meaning(lock)];
    if let Some(last) = last {
        sentences.push(format!(
            "The last {} of this guest, by {}, ended: {}.",
            last.upid.kind(),
            last.upid.user(),
            last.state
        ));
    }
    let sees_all = Need::on("Sys.Audit", format!("/nodes/{}", guest.node));
    let sees_all = permissions.is_some_and(|permissions| sees_all.is_met(permissions));
    let command = match running {
        None => {
            sentences.push(format!("The tasks of {} are not read yet.", guest.node));
            None
        }
        Some([first, ..]) => {
            sentences.push(format!(
                "A task is at work on it: {} by {}. Wait for it.",
                first.upid.kind(),
                first.upid.user()
            ));
            None
        }
        Some([]) if !sees_all => {
            sentences.push(format!(
                "Other people's tasks are not visible to this account: that needs Sys.Audit on \
                 /nodes/{}. Ask somebody who sees them before anything is freed.",
                guest.node
            ));
            None
        }
        Some([]) => {
            let tool = match guest.kind {
                GuestKind::Qemu => "qm",
                GuestKind::Lxc => "pct",
            };
            sentences.push(format!(
                "No task is at work on it. Only root on {} can free it:",
                guest.node
            ));
            Some(format!("{tool} unlock {}", guest.vmid))
        }
    };
    LockAdvice { sentences, command }
}

/// Says what a lock means and what it may have left behind.
fn meaning(lock: &str) -> String {
    let what = match lock {
        "snapshot" => {
            "taking a snapshot. A killed one leaves an entry that is never finished, and no way but \
             the shell to remove it"
        }
        "snapshot-delete" => {
            "deleting a snapshot. A killed deletion leaves the snapshot half there; once the guest \
             is free, delete it again"
        }
        "rollback" => {
            "rolling back. A killed one leaves disks that may be of two times: roll back again once \
             it is free"
        }
        "backup" => "a backup. A killed one may have left a snapshot of the disks behind",
        "clone" => "being made by a clone. A killed one leaves a guest that is not whole",
        "create" | "import" => "being made. A killed creation leaves a guest that is not whole",
        "migrate" => "moving to another node. Look on both nodes before it is freed",
        "suspending" => "being suspended to disk",
        "destroyed" => "being destroyed. A killed destruction leaves a guest that is not whole",
        _ => "work that is not known here",
    };
    format!("The lock \"{lock}\" stands for {what}.")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::super::id::Vmid;
    use super::super::super::task::TaskState;
    use super::*;

    fn guest() -> GuestRef {
        GuestRef {
            vmid: Vmid::new(112).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve3".parse().unwrap(),
            name: Some("agent-tests-6".into()),
        }
    }

    fn task(kind: &str, state: TaskState) -> Task {
        Task {
            upid: format!("UPID:pve3:00000001:00000001:6B045F84:{kind}:112:hub@pve!deck:")
                .parse()
                .unwrap(),
            ended: None,
            state,
        }
    }

    fn may(path: &str) -> Permissions {
        Permissions::new([(path.to_owned(), "Sys.Audit".to_owned(), true)])
    }

    #[test]
    fn the_command_is_told_only_where_everybody_s_tasks_are_seen_and_none_runs() {
        let advice = |running: Option<&[Task]>, permissions: Option<&Permissions>| {
            explain_lock(&guest(), "snapshot-delete", running, None, permissions).command
        };
        let all = may("/nodes");
        let running = [task("qmdelsnapshot", TaskState::Running)];
        assert_eq!(
            advice(Some(&[]), Some(&all)),
            Some("qm unlock 112".to_owned())
        );
        assert_eq!(advice(Some(&running), Some(&all)), None);
        assert_eq!(advice(None, Some(&all)), None);
        assert_eq!(advice(Some(&[]), Some(&may("/nodes/pve1"))), None);
        assert_eq!(advice(Some(&[]), None), None);
    }

    #[test]
    fn it_says_what_the_lock_means_and_how_the_last_task_ended() {
        let last = task(
            "qmdelsnapshot",
            TaskState::Interrupted("received interrupt".into()),
        );
        let advice = explain_lock(&guest(), "snapshot-delete", Some(&[]), Some(&last), None);
        assert!(
            advice.sentences[0].starts_with("The lock \"snapshot-delete\" stands for deleting")
        );
        assert_eq!(
            advice.sentences[1],
            "The last qmdelsnapshot of this guest, by hub@pve!deck, ended: received interrupt."
        );
        assert!(advice.sentences[2].starts_with("Other people's tasks are not visible"));
        assert!(is_worker_of("snapshot-delete", last.upid.kind()));
        assert!(!is_worker_of("backup", last.upid.kind()));
    }
}
