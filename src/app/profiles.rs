//! The network profiles of the config, the guests that each fences in, and where the cursor is.

use std::collections::BTreeMap;

use super::effect::Effect;
use super::state::{State, View};
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::network::{Fence, NetworkProfile};

/// The state of the list; the cursor is a name, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProfilePane {
    cursor: Option<String>,
    folds: BTreeMap<String, Fold>,
    unfenced: Unfenced,
}

/// How many of the guests that are looked after have no profile as far as they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unfenced {
    /// Those without any profile.
    pub without: usize,
    /// Those that are not read yet.
    pub unread: usize,
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

/// The guests of a profile that has none.
static NOBODY: Fold = Fold {
    kept: Vec::new(),
    drifted: Vec::new(),
    open: Vec::new(),
    on_trial: Vec::new(),
};

impl Fold {
    /// Counts its guests.
    pub const fn len(&self) -> usize {
        self.kept.len() + self.drifted.len() + self.on_trial.len()
    }

    /// Tells whether it has no guests.
    pub const fn is_empty(&self) -> bool {
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

    /// Returns the guests of a profile.
    pub fn fold(&self, profile: &str) -> &Fold {
        self.folds.get(profile).unwrap_or(&NOBODY)
    }

    /// Counts the guests without a profile.
    pub const fn unfenced(&self) -> Unfenced {
        self.unfenced
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
        let fold = self.profiles.fold(&profile.name);
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

    /// Groups the guests by the profile that fences them in, after what is known of them changed.
    pub(super) fn fold_guests(&mut self) {
        let mut folds: BTreeMap<String, Fold> = BTreeMap::new();
        let resources = self.inventory.resources.value();
        for (vmid, reality) in self.networks.realities() {
            let seen = resources.and_then(|resources| resources.guest(*vmid));
            let Some(guest) = seen.map(|seen| seen.guest.to_ref()) else {
                continue;
            };
            match (&reality.way_back, &reality.fence) {
                (Some(trial), _) => fold_of(&mut folds, trial.profile()).on_trial.push(guest),
                (
                    None,
                    Fence::Drifted {
                        profile,
                        differences,
                    },
                ) => {
                    fold_of(&mut folds, profile)
                        .drifted
                        .push((guest, differences.len()));
                }
                (None, Fence::Kept(profile)) => {
                    let fold = fold_of(&mut folds, profile);
                    if let Some(warning) = reality.warnings.iter().find(|each| each.is_grave()) {
                        fold.open.push((guest.clone(), warning.to_string()));
                    }
                    fold.kept.push(guest);
                }
                (None, Fence::None | Fence::Strange(_) | Fence::Unknown(_)) => {}
            }
        }
        self.profiles.folds = folds;
        let candidates = self.fenced_candidates();
        let mut unfenced = Unfenced {
            without: 0,
            unread: candidates.len(),
        };
        for reality in candidates.iter().filter_map(|vmid| self.networks.of(*vmid)) {
            unfenced.unread -= usize::from(!matches!(reality.fence, Fence::Unknown(_)));
            unfenced.without += usize::from(reality.fence == Fence::None);
        }
        self.profiles.unfenced = unfenced;
    }
}

fn fold_of<'a>(folds: &'a mut BTreeMap<String, Fold>, profile: &str) -> &'a mut Fold {
    folds.entry(profile.to_owned()).or_default()
}
