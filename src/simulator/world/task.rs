//! Tasks: their UPIDs, logs and ends.
//!
//! Refuses to run them; `workers` does.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

/// A task that runs or ended.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Task {
    pub(in crate::simulator) upid: String,
    pub(in crate::simulator) node: String,
    pub(in crate::simulator) pid: u32,
    pub(in crate::simulator) pstart: u32,
    pub(in crate::simulator) started: i64,
    pub(in crate::simulator) kind: String,
    pub(in crate::simulator) id: String,
    /// A user or a full token id.
    pub(in crate::simulator) who: String,
    pub(in crate::simulator) log: Vec<String>,
    pub(in crate::simulator) end: Option<End>,
    pub(in crate::simulator) cancel: CancellationToken,
}

/// How and when a task ended.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) struct End {
    pub(in crate::simulator) at: i64,
    /// `OK`, `WARNINGS: n`, an error, or `unexpected status` when the log has no last line.
    pub(in crate::simulator) status: String,
}

impl Task {
    /// Returns the user without a token.
    pub(in crate::simulator) fn user(&self) -> &str {
        self.who.split_once('!').map_or(&self.who, |(user, _)| user)
    }

    /// Returns the token's name, where a token started it.
    pub(in crate::simulator) fn token(&self) -> Option<&str> {
        self.who.split_once('!').map(|(_, token)| token)
    }

    /// Returns the class that `statusfilter` and `errors` look at.
    pub(in crate::simulator) fn class(&self) -> &'static str {
        match &self.end {
            None => "unknown",
            Some(end) if end.status == "OK" => "ok",
            Some(end) if end.status.starts_with("WARNINGS: ") => "warning",
            Some(end) if end.status == "unexpected status" => "unknown",
            Some(_) => "error",
        }
    }
}

/// All tasks, in the order of their start.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Tasks {
    list: Vec<Task>,
    index: HashMap<String, usize>,
    last_pid: u32,
}

/// What a new task is about.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Order {
    pub(in crate::simulator) node: String,
    pub(in crate::simulator) kind: String,
    pub(in crate::simulator) id: String,
    pub(in crate::simulator) who: String,
}

impl Tasks {
    /// Enters a task and returns its UPID.
    pub(in crate::simulator) fn enter(
        &mut self,
        order: Order,
        started: i64,
        node_started: f64,
    ) -> String {
        self.last_pid = if self.last_pid == 0 {
            14_000
        } else {
            self.last_pid + 3
        };
        let pid = self.last_pid;
        let pstart = ((started as f64 - node_started).max(0.0) * 100.0) as u32 + pid % 100;
        let Order {
            node,
            kind,
            id,
            who,
        } = order;
        let upid = format!("UPID:{node}:{pid:08X}:{pstart:08X}:{started:08X}:{kind}:{id}:{who}:");
        self.index.insert(upid.clone(), self.list.len());
        self.list.push(Task {
            upid: upid.clone(),
            node,
            pid,
            pstart,
            started,
            kind,
            id,
            who,
            log: Vec::new(),
            end: None,
            cancel: CancellationToken::new(),
        });
        upid
    }

    pub(in crate::simulator) fn get(&self, upid: &str) -> Option<&Task> {
        self.index.get(upid).map(|&index| &self.list[index])
    }

    pub(in crate::simulator) fn get_mut(&mut self, upid: &str) -> Option<&mut Task> {
        let index = *self.index.get(upid)?;
        self.list.get_mut(index)
    }

    /// Iterates over all tasks, oldest first.
    pub(in crate::simulator) fn iter(&self) -> impl DoubleEndedIterator<Item = &Task> {
        self.list.iter()
    }

    /// Puts the tasks into the order of their start, after history was entered out of order.
    pub(in crate::simulator) fn sort(&mut self) {
        self.list.sort_by_key(|task| task.started);
        self.index = self
            .list
            .iter()
            .enumerate()
            .map(|(index, task)| (task.upid.clone(), index))
            .collect();
    }
}

/// The parts of a UPID, or nothing when the text is none.
pub(in crate::simulator) fn node_of(upid: &str) -> Option<&str> {
    let parts: Vec<&str> = upid.split(':').collect();
    let hexadecimal =
        |text: &str| text.len() >= 8 && text.chars().all(|letter| letter.is_ascii_hexdigit());
    let sound = parts.len() == 9
        && parts[0] == "UPID"
        && !parts[1].is_empty()
        && parts[2..5].iter().all(|part| hexadecimal(part))
        && !parts[5].is_empty()
        && parts[7].contains('@')
        && parts[8].is_empty();
    sound.then(|| parts[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upids_have_eight_parts_and_a_colon() {
        let mut tasks = Tasks::default();
        let order = Order {
            node: "pve1".into(),
            kind: "qmstart".into(),
            id: "101".into(),
            who: "ops@pve!ci".into(),
        };
        let upid = tasks.enter(order, 1_795_449_072, 1_795_440_000.0);
        assert_eq!(node_of(&upid), Some("pve1"));
        assert!(upid.ends_with(":qmstart:101:ops@pve!ci:"), "{upid}");
        assert_eq!(node_of("notaupid"), None);
    }
}
