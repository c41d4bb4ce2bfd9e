//! From measurements as sent to values that mean something.

use std::collections::BTreeMap;
use std::time::Duration;

use super::convert::timestamp;
use super::wire::lenient::{FromScalar, Rows};
use super::wire::metrics::{CurrentStatus, Export, HistoryRow, Metric};
use crate::domain::guest::Status;
use crate::domain::guest_status::{BalloonReport, Card, Drive, GuestStatus, Pressure};
use crate::domain::history::{Averages, Series, Span};
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::metrics::{GuestMetrics, MetricPoint};
use crate::domain::rates::{Counters, Rates};
use crate::domain::text::Text;

pub(super) fn current_status(sent: CurrentStatus) -> GuestStatus {
    GuestStatus {
        // `status` knows only running and stopped; QEMU knows better (PITFALLS 17).
        status: sent
            .qmpstatus
            .or(sent.status)
            .map(|word| Status::from_word(&word)),
        cpu: sent.cpu,
        cpus: sent.cpus,
        memory: sent.mem,
        max_memory: sent.maxmem,
        host_memory: sent.memhost,
        free_memory: sent.freemem,
        balloon: sent.balloon,
        balloon_min: sent.balloon_min,
        balloon_report: sent.ballooninfo.map(|report| BalloonReport {
            actual: report.actual,
            most: report.max_mem,
            total: report.total_mem,
            free: report.free_mem,
        }),
        disk: sent.disk,
        max_disk: sent.maxdisk,
        counters: Counters {
            net_in: sent.netin,
            net_out: sent.netout,
            disk_read: sent.diskread,
            disk_write: sent.diskwrite,
        },
        drives: sent
            .blockstat
            .into_iter()
            .map(|(name, statistics)| Drive {
                name: name.into(),
                read: statistics.rd_bytes,
                written: statistics.wr_bytes,
            })
            .collect(),
        cards: sent
            .nics
            .into_iter()
            .map(|(name, statistics)| Card {
                name: name.into(),
                net_in: statistics.netin,
                net_out: statistics.netout,
            })
            .collect(),
        uptime: sent.uptime.map(Duration::from_secs),
        lock: text(sent.lock),
        pressure: Pressure {
            cpu: sent.pressurecpusome,
            io: sent.pressureiosome,
            memory: sent.pressurememorysome,
            cpu_full: sent.pressurecpufull,
            io_full: sent.pressureiofull,
            memory_full: sent.pressurememoryfull,
        },
        ha_managed: sent.ha.as_ref().map(|ha| ha.managed),
        ha_state: text(sent.ha.and_then(|ha| ha.state)),
        machine: text(sent.machine),
        qemu: text(sent.qemu),
        agent: sent.agent,
    }
}

pub(super) fn history(span: Span, list: Rows<HistoryRow>) -> Series {
    let rows = list.rows.into_iter().filter_map(|row| {
        let averages = Averages {
            cpu: row.cpu,
            max_cpu: row.maxcpu,
            memory: row.mem,
            max_memory: row.maxmem,
            host_memory: row.memhost,
            rates: Rates {
                net_in: row.netin,
                net_out: row.netout,
                disk_read: row.diskread,
                disk_write: row.diskwrite,
            },
        };
        Some((i64::try_from(row.time?).ok()?, averages))
    });
    Series::new(span, rows.collect())
}

/// Puts the figures of one guest at one moment together; what names no guest is left out.
pub(super) fn export(sent: Export) -> GuestMetrics {
    let mut points: BTreeMap<(GuestKind, Vmid, u64), MetricPoint> = BTreeMap::new();
    for figure in sent.data {
        let (Some(metric), Some(value)) = (figure.metric, figure.value) else {
            continue;
        };
        let named = figure.id.as_deref().and_then(guest_of);
        let Some(((kind, vmid), seconds)) = named.zip(figure.timestamp) else {
            continue;
        };
        let Some(at) = timestamp(seconds) else {
            continue;
        };
        let point = points
            .entry((kind, vmid, seconds))
            .or_insert_with(|| MetricPoint::at(at));
        match metric {
            Metric::CpuCurrent => point.cpu = Some(value),
            Metric::CpuMax => point.max_cpu = Some(value),
            Metric::MemUsed => point.memory = u64::from_f64(value),
            Metric::MemTotal => point.max_memory = u64::from_f64(value),
            Metric::Uptime => point.uptime = u64::from_f64(value).map(Duration::from_secs),
        }
    }
    GuestMetrics::new(
        points
            .into_iter()
            .map(|((kind, vmid, _), point)| (kind, vmid, point)),
    )
}

/// Reads `qemu/101` or `lxc/150`.
fn guest_of(id: &str) -> Option<(GuestKind, Vmid)> {
    let (word, number) = id.split_once('/')?;
    let kind = [GuestKind::Qemu, GuestKind::Lxc]
        .into_iter()
        .find(|kind| kind.as_str() == word)?;
    Some((kind, number.parse().ok()?))
}

fn text(raw: Option<String>) -> Option<Text> {
    raw.filter(|raw| !raw.is_empty()).map(Text::new)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::chart::Channel;

    fn status(json: &str) -> GuestStatus {
        current_status(serde_json::from_str(json).unwrap())
    }

    fn series(json: &str) -> Series {
        history(Span::Hour, serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_running_guest_is_read_as_recorded() {
        // Recording 134, PVE 9: no balloon, no disk counters, more memory than it may have.
        let status = status(
            r#"{"pressurememoryfull":0,"pressurecpusome":1.5,"vmid":101,"ha":{"managed":0},"maxdisk":1073741824,
            "mem":145989632,"tags":"staging;web","uptime":266,"status":"running","cpus":1,"netout":0,"netin":0,
            "cpu":0,"name":"web-1","pid":14062,"disk":0,"memhost":145989632,"maxmem":67108864,"qmpstatus":"running"}"#,
        );
        assert_eq!(status.status, Some(Status::Running));
        assert_eq!(status.uptime, Some(Duration::from_secs(266)));
        assert_eq!(status.counters.net_in, Some(0));
        assert_eq!(status.counters.disk_read, None, "absent is not zero");
        assert_eq!(status.pressure.cpu, Some(1.5));
        assert_eq!(status.ha_managed, Some(false));
        assert!(status.memory_is_host_view());
    }

    #[test]
    fn pitfall_17_a_paused_guest_is_not_running() {
        let status = status(r#"{"status":"running","qmpstatus":"paused","lock":"","uptime":1}"#);
        assert_eq!(status.status, Some(Status::Paused));
        assert_eq!(status.lock, None);
    }

    #[test]
    fn balloon_drives_and_cards_are_read_in_the_order_of_their_names() {
        let status = status(
            r#"{"balloon":4294967296,"balloon_min":"2147483648","freemem":"12",
            "ballooninfo":{"actual":4294967296,"max_mem":4294967296,"total_mem":4100000000,"free_mem":600000000,"last_update":1},
            "blockstat":{"scsi1":{"rd_bytes":3,"wr_bytes":"4","timed_stats":[]},"scsi0":{"rd_bytes":1,"wr_bytes":2}},
            "nics":{"tap104i0":{"netin":"8240","netout":4376}},
            "running-machine":"pc-i440fx-10.0+pve0","running-qemu":"10.0.2","agent":1,"ha":{"managed":1,"state":"started"}}"#,
        );
        let names: Vec<_> = status
            .drives
            .iter()
            .map(|drive| drive.name.to_string())
            .collect();
        assert_eq!(names, ["scsi0", "scsi1"]);
        assert_eq!(status.drives[1].written, Some(4));
        assert_eq!(status.cards[0].net_in, Some(8240));
        assert_eq!(status.balloon_min, Some(2 << 30));
        assert_eq!(status.balloon_report.unwrap().free, Some(600_000_000));
        assert_eq!((status.agent, status.ha_managed), (Some(true), Some(true)));
        assert_eq!(status.qemu, Some("10.0.2".into()));
    }

    #[test]
    fn pitfall_07_odd_types_cost_only_themselves() {
        let status = status(
            r#"{"mem":"1024","maxmem":2048.0,"cpus":"2","uptime":"17","netin":-1,"netout":"many",
            "ballooninfo":[1],"blockstat":null,"nics":{"tap1i0":7,"tap1i1":{"netin":[],"netout":5}},
            "ha":"none","pressureiosome":"3.25","agent":"0","qmpstatus":null,"status":"running"}"#,
        );
        assert_eq!((status.memory, status.max_memory), (Some(1024), Some(2048)));
        assert_eq!(status.counters.net_in, None);
        assert_eq!(status.balloon_report, None);
        assert!(status.drives.is_empty());
        assert_eq!(status.cards.len(), 1);
        assert_eq!(
            (status.cards[0].net_in, status.cards[0].net_out),
            (None, Some(5))
        );
        assert_eq!(status.ha_managed, None);
        assert_eq!(status.pressure.io, Some(3.25));
        assert_eq!(status.agent, Some(false));
        assert_eq!(status.status, Some(Status::Running));
    }

    #[test]
    fn a_stopped_container_is_read_as_recorded() {
        // Recording 599.
        let status = status(
            r#"{"name":"ct-1","maxmem":268435456,"mem":0,"status":"stopped","netout":0,"diskread":0,"swap":0,"cpu":0,
            "disk":0,"ha":{"managed":0},"cpus":2,"vmid":150,"type":"lxc","maxswap":134217728,"uptime":0,"maxdisk":67108864,
            "netin":0,"diskwrite":0}"#,
        );
        assert_eq!(status.status, Some(Status::Stopped));
        assert_eq!(status.max_disk, Some(67_108_864));
        assert!(!status.memory_is_host_view());
    }

    #[test]
    fn pitfall_19_rows_drop_keys_in_gaps_and_carry_rates() {
        // Recordings 095 and 450: the first rows have a time alone.
        let series = series(
            r#"[{"time":1795448880},{"mem":99148322.1333334,"maxmem":67108864,"time":"1795448940","netin":12.5,"netout":0,
            "diskread":1,"diskwrite":"2.5","cpu":0.32316575012647,"memhost":99148322.1333334,"maxcpu":1},
            {"maxcpu":1,"disk":0,"maxmem":67108864,"time":1795449000,"maxdisk":1073741824},
            {"cpu":0.5},{"time":-7,"cpu":0.5},{"time":"soon"},7,null]"#,
        );
        assert_eq!(series.samples().len(), 3);
        let averages = &series.samples()[1].averages;
        assert_eq!(averages.rates.net_in, Some(12.5));
        assert_eq!(averages.max_cpu, Some(1.0));
        assert_eq!(Channel::Disk.of(averages), Some(3.5));
        assert_eq!(Channel::Cpu.of(&series.samples()[0].averages), None);
        assert_eq!(Channel::Cpu.of(&series.samples()[2].averages), None);
        assert_eq!(series.end(), Some(series.samples()[1].until));
    }

    #[test]
    fn pitfall_19_a_guest_that_never_ran_has_a_history_of_gaps() {
        let series = series(r#"[{"time":1795448880},{"time":1795448940,"maxcpu":1,"maxmem":64}]"#);
        assert_eq!(series.end(), None);
        assert!(
            history(Span::Day, serde_json::from_str("[]").unwrap())
                .samples()
                .is_empty()
        );
    }

    fn metrics(json: &str) -> GuestMetrics {
        export(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn exported_figures_become_points_in_the_order_of_time() {
        // Recording 1731, shortened and out of order.
        let metrics = metrics(
            r#"{"data":[
            {"metric":"cpu_current","value":0.384,"type":"gauge","id":"qemu/101","timestamp":1795451897},
            {"timestamp":1795451887,"id":"qemu/101","type":"gauge","metric":"cpu_current","value":0},
            {"type":"gauge","value":948207616,"metric":"mem_used","id":"qemu/101","timestamp":1795451887},
            {"timestamp":1795451887,"id":"qemu/101","type":"derive","value":0,"metric":"disk_read"},
            {"id":"qemu/101","timestamp":"1795451887","type":"gauge","metric":"uptime","value":"2326"},
            {"type":"gauge","value":1,"metric":"cpu_max","timestamp":1795451887,"id":"qemu/101"},
            {"type":"gauge","value":67108864,"metric":"mem_total","timestamp":1795451887,"id":"qemu/101"},
            {"type":"gauge","value":0,"metric":"uptime","timestamp":1795451887,"id":"lxc/150"},
            {"type":"gauge","value":2,"metric":"cpu_max","timestamp":1795451887,"id":"node/pve1"},
            {"type":"gauge","value":2,"metric":"uptime","timestamp":1795451887,"id":"storage/pve1/local"}]}"#,
        );
        assert_eq!(metrics.iter().count(), 2);
        let points = metrics.of(GuestKind::Qemu, Vmid::new(101).unwrap());
        assert_eq!(points.len(), 2);
        let first = points[0];
        assert_eq!(first.at.timestamp(), 1_795_451_887);
        assert_eq!((first.cpu, first.max_cpu), (Some(0.0), Some(1.0)));
        assert_eq!(first.memory, Some(948_207_616));
        assert_eq!(first.max_memory, Some(67_108_864));
        assert_eq!(first.uptime, Some(Duration::from_secs(2326)));
        assert_eq!(points[1].cpu, Some(0.384));
        assert_eq!(points[1].memory, None, "absent is not zero");
        let stopped = metrics.of(GuestKind::Lxc, Vmid::new(150).unwrap());
        assert_eq!(stopped[0].cpu, None);
        assert_eq!(stopped[0].uptime, Some(Duration::ZERO));
    }

    #[test]
    fn pitfall_07_figures_that_make_no_sense_cost_only_themselves() {
        let metrics = metrics(
            r#"{"data":[7,null,[],{},{"id":"qemu/101","metric":"uptime","timestamp":-5,"value":1},
            {"id":"qemu/7","metric":"uptime","timestamp":5,"value":1},{"id":"qemu/","metric":"uptime","timestamp":5,"value":1},
            {"id":"qemu/101/x","metric":"uptime","timestamp":5,"value":1},{"id":101,"metric":"uptime","timestamp":5,"value":1},
            {"id":"qemu/101","metric":"uptime","timestamp":9007199254740992,"value":1},
            {"id":"qemu/101","metric":"uptime","timestamp":6,"value":"NaN"},{"id":"qemu/101","metric":3,"timestamp":6,"value":1},
            {"id":"qemu/101","metric":"mem_used","timestamp":6,"value":-4}]}"#,
        );
        let points = metrics.of(GuestKind::Qemu, Vmid::new(101).unwrap());
        assert_eq!((metrics.iter().count(), points.len()), (1, 1));
        assert_eq!(points[0].memory, None);
        for no_list in ["{}", r#"{"data":null}"#, r#"{"data":{}}"#, "[]"] {
            assert!(
                serde_json::from_str::<Export>(no_list).is_err(),
                "{no_list}"
            );
        }
    }
}
