//! Calls about tasks: lists, status, logs.
//!
//! Refuses to run them; `workers` does.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::world::task::{Task, node_of};

/// How many finished tasks of a node `/cluster/tasks` remembers.
const RECENT: usize = 25;

pub(super) fn cluster(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let all = call.may("/", "Sys.Audit");
    let mut rows = Vec::new();
    for node in call.world.nodes.keys() {
        let own: Vec<&Task> = call
            .world
            .tasks
            .iter()
            .rev()
            .filter(|task| task.node == *node)
            .collect();
        let running = own.iter().filter(|task| task.end.is_none()).count();
        let finished = own
            .iter()
            .filter(|task| task.end.is_some())
            .take(RECENT.saturating_sub(running));
        for task in own.iter().filter(|task| task.end.is_none()).chain(finished) {
            // The comparison uses the bare user, so a token sees nothing here without the privilege.
            if all || task.user() == call.caller.who {
                rows.push(cluster_row(task));
            }
        }
    }
    Ok(Reply::Data(Value::Array(rows)))
}

fn cluster_row(task: &Task) -> Value {
    let mut row = json!({
        "upid": task.upid,
        "node": task.node,
        "type": task.kind,
        "id": task.id,
        "user": task.user(),
        "starttime": task.started,
    });
    if let Some(token) = task.token() {
        row["tokenid"] = json!(token);
    }
    match &task.end {
        None => row["pid"] = json!(task.pid),
        Some(end) => {
            row["status"] = json!(end.status);
            row["endtime"] = json!(end.at);
            row["saved"] = json!("1");
        }
    }
    row
}

/// Finds the task in the path, if the caller may see it.
fn find<'a>(call: &'a Call<'_>) -> Result<&'a Task, Failure> {
    let upid = call.required("upid");
    if node_of(upid).is_none() {
        return Err(Failure::parameter("upid", "unable to parse worker upid"));
    }
    let node = call.node_name();
    let no_such = || Failure::parameter("upid", "no such task");
    // The owner stands in the UPID, so that rights are judged before existence.
    let owner = upid.rsplit(':').nth(1).unwrap_or("");
    let owner_is_caller =
        owner == call.caller.who || owner.split('!').next() == Some(call.caller.who.as_str());
    if !owner_is_caller {
        call.needs(&format!("/nodes/{node}"), "Sys.Audit")?;
    }
    call.world
        .tasks
        .get(upid)
        .filter(|task| task.node == node)
        .ok_or_else(no_such)
}

pub(super) fn status(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let task = find(call)?;
    let mut data = json!({
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.started,
        "type": task.kind,
        "id": task.id,
        "user": task.user(),
        "status": if task.end.is_some() { "stopped" } else { "running" },
    });
    if let Some(token) = task.token() {
        data["tokenid"] = json!(token);
    }
    if let Some(end) = &task.end {
        data["exitstatus"] = json!(end.status);
    }
    Ok(Reply::Data(data))
}

pub(super) fn log(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let start = call.integer("start").unwrap_or(0).max(0) as usize;
    let limit = match call.integer("limit") {
        Some(0) => usize::MAX,
        Some(limit) => limit.max(0) as usize,
        None => 50,
    };
    let task = find(call)?;
    let empty = ["no content".to_owned()];
    let lines = if task.log.is_empty() {
        &empty[..]
    } else {
        &task.log
    };
    let rows: Vec<Value> = (1..)
        .zip(lines)
        .skip(start)
        .take(limit)
        .map(|(number, text): (usize, &String)| json!({ "n": number, "t": text }))
        .collect();
    Ok(Reply::Listed(Value::Array(rows), Some(lines.len())))
}
