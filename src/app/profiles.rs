//! The network profiles of the config, the guests that each fences in, and where the cursor is.

use super::effect::Effect;
use super::state::{State, View};
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::network::{Fence, NetworkProfile, Reality};

/// The state of the list; the cursor is a name, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProfilePane {
    cursor: Option<String>,
}

/// The guests that a profile fences in, or is to fence in, as far as they were read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fold {
    /// Those that are as it says.
    pub kept: Vec<GuestRef>,
    /// Those that differ from it, with how many differences.
    pub drifted: Vec<(GuestRef, usize)>,
    /// Those that it fences in while traffic passes by it, with why.
    pub open: Vec<(GuestRef, String)>,
    /// Those on trial of it.
    pub on_trial: Vec<GuestRef>,
}

impl Fold {
    /// Counts its guests.
    pub fn len(&self) -> usize {
        self.kept.len() + self.drifted.len() + self.on_trial.len()
    }

    /// Tells whether it has no guests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ProfilePane {
    /// Returns the row of the cursor.
    pub fn row(&self, profiles: &[NetworkProfile]) -> usize {
        profiles
            .iter()
            .position(|profile| Some(&profile.name) == self.cursor.as_ref())
            .unwrap_or(0)
    }

    pub(super) fn move_by(&mut self, profiles: &[NetworkProfile], rows: isize) {
        let last = profiles.len().saturating_sub(1);
        let row = self.row(profiles).saturating_add_signed(rows).min(last);
        self.cursor = profiles.get(row).map(|profile| profile.name.clone());
    }
}

impl State {
    /// Returns the profile under the cursor.
    pub fn selected_profile(&self) -> Option<&NetworkProfile> {
        let profiles = &self.setting.rules.profiles;
        profiles.get(self.profiles.row(profiles))
    }

    /// Shows the guests of the profile under the cursor, marked, so that a key may concern them all.
    pub(super) fn open_profile(&mut self, effects: &mut Vec<Effect>) {
        let Some(profile) = self.selected_profile() else {
            return;
        };
        let fold = self.fold_of(&profile.name);
        if fold.is_empty() {
            let text = format!(
                "no managed guest has {} as far as it is read; N on a guest gives it one",
                profile.name
            );
            return self.toasts.notice(text, self.now.moment);
        }
        let drifted = fold.drifted.iter().map(|(guest, _)| guest);
        let all = fold.kept.iter().chain(drifted).chain(&fold.on_trial);
        let marked: Vec<Vmid> = all.map(|guest| guest.vmid).collect();
        self.guests.set_filter("");
        self.show(View::Guests);
        self.rows_changed(effects);
        self.guests.mark_only(marked);
        self.selection_changed(effects);
    }

    /// Returns the guests of a profile.
    pub fn fold_of(&self, profile: &str) -> Fold {
        let mut fold = Fold::default();
        for (guest, reality) in self.fenced_guests() {
            if let Some(trial) = &reality.way_back {
                if trial.profile() == profile {
                    fold.on_trial.push(guest);
                }
                continue;
            }
            match &reality.fence {
                Fence::Kept(name) if name == profile => {
                    if let Some(warning) = reality.warnings.iter().find(|each| each.is_grave()) {
                        fold.open.push((guest.clone(), warning.to_string()));
                    }
                    fold.kept.push(guest);
                }
                Fence::Drifted {
                    profile: name,
                    differences,
                } if name == profile => fold.drifted.push((guest, differences.len())),
                Fence::Kept(_)
                | Fence::Drifted { .. }
                | Fence::None
                | Fence::Strange(_)
                | Fence::Unknown(_) => {}
            }
        }
        fold
    }

    /// Counts the looked-after guests without any profile, and those that are not read yet.
    pub fn unfenced(&self) -> (usize, usize) {
        let candidates = self.fenced_candidates();
        let known = candidates.iter().filter_map(|vmid| self.networks.of(*vmid));
        let (mut without, mut read) = (0, 0);
        for reality in known {
            read += usize::from(!matches!(reality.fence, Fence::Unknown(_)));
            without += usize::from(reality.fence == Fence::None);
        }
        (without, candidates.len() - read)
    }

    fn fenced_guests(&self) -> impl Iterator<Item = (GuestRef, &Reality)> {
        let resources = self.inventory.resources.value();
        self.networks
            .realities()
            .iter()
            .filter_map(move |(vmid, reality)| {
                let seen = resources?.guest(*vmid)?;
                Some((seen.guest.to_ref(), reality))
            })
    }
}
