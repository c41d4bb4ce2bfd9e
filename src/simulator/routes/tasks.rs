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
    let mut data = own_row(task);
    data["status"] = json!(if task.end.is_some() {
        "stopped"
    } else {
        "running"
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

pub(super) fn node(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let node = call.node_name().to_owned();
    let source = call.text("source").unwrap_or("archive").to_owned();
    let start = call.integer("start").unwrap_or(0).max(0) as usize;
    let limit = call.integer("limit").unwrap_or(50).max(0) as usize;
    let audits = call.may(&format!("/nodes/{node}"), "Sys.Audit");
    let matching: Vec<&Task> = {
        let mut tasks: Vec<&Task> = call
            .world
            .tasks
            .iter()
            .rev()
            .filter(|task| task.node == node)
            .filter(|task| match (&task.end, source.as_str()) {
                (None, "archive") | (Some(_), "active") => false,
                (None | Some(_), _) => true,
            })
            .filter(|task| audits || is_own(call, task))
            .filter(|task| passes(call, task))
            .collect();
        // Running tasks come first, then the newest end.
        tasks.sort_by_key(|task| {
            std::cmp::Reverse(task.end.as_ref().map_or(i64::MAX, |end| end.at))
        });
        tasks
    };
    let rows: Vec<Value> = matching
        .iter()
        .skip(start)
        .take(limit)
        .map(|task| node_row(task))
        .collect();
    let total = (!matching.is_empty()).then_some(matching.len());
    Ok(Reply::Listed(Value::Array(rows), total))
}

/// A token sees only its own tasks, a user also those of the user's tokens.
fn is_own(call: &Call<'_>, task: &Task) -> bool {
    task.who == call.caller.who || (!call.caller.is_token() && task.user() == call.caller.who)
}

fn passes(call: &Call<'_>, task: &Task) -> bool {
    let about = call
        .integer("vmid")
        .is_none_or(|vmid| task.id == vmid.to_string());
    let kind = call.text("typefilter").is_none_or(|kind| task.kind == kind);
    let user = call
        .text("userfilter")
        .is_none_or(|part| task.who.to_lowercase().contains(&part.to_lowercase()));
    let since = call
        .integer("since")
        .is_none_or(|since| task.started >= since);
    let until = call
        .integer("until")
        .is_none_or(|until| task.started <= until);
    let errors = !call.flag("errors").unwrap_or(false) || task.class() != "ok";
    let class = call.text("statusfilter").is_none_or(|list| {
        crate::simulator::gate::parameters::split_list(list)
            .iter()
            .any(|class| class == task.class())
    });
    about && kind && user && since && until && errors && class
}

/// Writes what a node says of a task of its own, wherever it says it.
fn own_row(task: &Task) -> Value {
    json!({
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.started,
        "type": task.kind,
        "id": task.id,
        "user": task.user(),
    })
}

fn node_row(task: &Task) -> Value {
    let mut row = own_row(task);
    match &task.end {
        // The list of running tasks is another file: it has the full id of a token as the user.
        None => {
            row["user"] = json!(task.who);
            row["status"] = json!("RUNNING");
        }
        Some(end) => {
            if let Some(token) = task.token() {
                row["tokenid"] = json!(token);
            }
            row["status"] = json!(end.status);
            row["endtime"] = json!(end.at);
        }
    }
    row
}

pub(super) fn index(call: &mut Call<'_>) -> Result<Reply, Failure> {
    find(call)?;
    Ok(Reply::Data(
        json!([{ "name": "log" }, { "name": "status" }]),
    ))
}

pub(super) fn stop(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let upid = call.required("upid").to_owned();
    let Some(node) = node_of(&upid) else {
        return Err(Failure::parameter("upid", "unable to parse worker upid"));
    };
    let owner = upid.rsplit(':').nth(1).unwrap_or("");
    if owner != call.caller.who && owner.split('!').next() != Some(call.caller.who.as_str()) {
        call.needs(&format!("/nodes/{node}"), "Sys.Modify")?;
    }
    let task = call
        .world
        .tasks
        .get(&upid)
        .ok_or_else(|| Failure::parameter("upid", "no such task"))?;
    task.cancel.cancel();
    Ok(Reply::Data(Value::Null))
}
