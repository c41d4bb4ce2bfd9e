//! Calls about nodes.
//!
//! Refuses to reach nodes that do not answer; the gate does that.

use serde_json::{Value, json};

use super::cluster::node_row;
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let sample = call.core.sampler.newest();
    let rows = call
        .world
        .nodes
        .values()
        .map(|node| {
            let mut row = node_row(call, node, &sample);
            let answers = row["status"] == "online";
            // Assumed: all nodes of the simulated cluster share one certificate.
            row["ssl_fingerprint"] = if answers {
                json!(call.core.wardrobe.current().fingerprint)
            } else {
                Value::Null
            };
            if let Some(row) = row.as_object_mut() {
                row.remove("cgroup-mode");
            }
            row
        })
        .collect();
    Ok(Reply::Data(rows))
}
