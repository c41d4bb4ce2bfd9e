//! The file of `prune --plan`: opened, read as a plan, and what is said when it no longer fits.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;

use super::Exit;
use super::complaint::{Complaint, Refusal};
use super::output::Output;
use crate::domain::guest::Guest;
use crate::domain::id::{NodeName, Vmid};
use crate::domain::retention::{Difference, PlanFile};
use crate::domain::text::{Text, clean};

/// The largest file that is read as a plan, in bytes: some hundred thousand snapshots.
const MAX_FILE: u64 = 64 << 20;

/// What helps against a file that is no plan.
const MAKE_ONE: &str = "make one with `proxdeck prune --json`, or with `p` and `e` in the dashboard; nothing was deleted";

/// Reads a plan from a file, or says why it is none.
pub(super) fn read(path: &Path) -> Result<PlanFile, Refusal> {
    let shown = clean(&path.display().to_string());
    let refuse = |kind: &'static str, why: String| {
        Refusal::new(
            kind,
            format!("the plan {shown} cannot be used: {why}"),
            MAKE_ONE,
        )
    };
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content));
    match read {
        Err(error) => Err(refuse("UnreadablePlan", error.to_string())),
        Ok(length) if length as u64 > MAX_FILE => Err(refuse(
            "InvalidPlan",
            format!("it is larger than {} MiB", MAX_FILE >> 20),
        )),
        Ok(_) => {
            PlanFile::parse(&content).map_err(|error| refuse("InvalidPlan", error.to_string()))
        }
    }
}

/// Refuses a plan that was made for another cluster, whose guests may bear the same numbers.
pub(super) fn require_cluster(file: &PlanFile, cluster: &str) -> Result<(), Refusal> {
    if file.cluster().raw() == cluster {
        return Ok(());
    }
    Err(Refusal::new(
        "OtherCluster",
        format!(
            "the plan is for the cluster {}, and this one is {}",
            file.cluster(),
            clean(cluster)
        ),
        "name its cluster with --cluster; nothing was deleted",
    ))
}

/// A plan that no longer fits, and why.
pub(super) struct Outdated {
    complaint: Complaint,
    differences: Vec<Difference>,
    nodes: HashMap<Vmid, NodeName>,
}

/// The JSON document of a plan that no longer fits.
#[derive(Serialize)]
struct OutdatedDocument<'a> {
    error: &'a Complaint,
    rows: Vec<DifferenceRow<'a>>,
}

/// Something of the plan that is not as it was.
#[derive(Serialize)]
struct DifferenceRow<'a> {
    vmid: u32,
    name: Option<&'a str>,
    /// Absent where the guest is gone.
    node: Option<&'a str>,
    /// Absent where the guest itself is different.
    snapshot: Option<&'a str>,
    change: &'static str,
    message: String,
}

impl Outdated {
    pub(super) fn new(file: &PlanFile, differences: Vec<Difference>, guests: &[&Guest]) -> Self {
        let made = super::document::calendar(file.time());
        let message = match differences.len() {
            1 => format!("1 thing is not as the plan of {made} has it; nothing was deleted"),
            many => {
                format!("{many} things are not as the plan of {made} has them; nothing was deleted")
            }
        };
        let advice = "make a new plan and look at it";
        Self {
            complaint: Complaint::new(Exit::Refused, "PlanOutdated", message, advice),
            differences,
            nodes: guests
                .iter()
                .map(|guest| (guest.vmid, guest.node.clone()))
                .collect(),
        }
    }

    /// Says what is different, for programs or for people.
    pub(super) fn tell(&self, json: bool, output: &Output) {
        if json {
            let rows = self.differences.iter().map(|each| self.row(each)).collect();
            let error = &self.complaint;
            return output.document(&OutdatedDocument { error, rows });
        }
        for line in self.complaint.lines() {
            output.note(line);
        }
        for difference in &self.differences {
            output.note(format_args!("  {difference}"));
        }
    }

    fn row<'a>(&'a self, difference: &'a Difference) -> DifferenceRow<'a> {
        let vmid = difference.guest();
        DifferenceRow {
            vmid: vmid.get(),
            name: difference.name().map(Text::raw),
            node: self.nodes.get(&vmid).map(NodeName::as_str),
            snapshot: difference.snapshot().map(Text::raw),
            change: difference.changed().as_str(),
            message: difference.to_string(),
        }
    }
}
