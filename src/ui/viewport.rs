//! The only thing that drawing writes: which part of each list is on screen.

/// Scroll offsets, kept from frame to frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Viewport {
    /// The first shown row of the guests.
    pub guests: usize,
    /// The first shown row of the snapshots.
    pub snapshots: usize,
    /// The first shown row of the alerts.
    pub alerts: usize,
    /// The first shown row of the snapshots of all guests.
    pub all_snapshots: usize,
    /// The first shown row of the projects.
    pub projects: usize,
    /// The first shown line of the enforcement plan.
    pub enforcement: usize,
    /// The first shown row of the tasks.
    pub tasks: usize,
    /// The first shown row of the nodes.
    pub nodes: usize,
    /// The first shown row of the storages.
    pub storages: usize,
    /// The first shown row of the templates.
    pub templates: usize,
    /// The first shown row of the network profiles.
    pub profiles: usize,
    /// How many rows the list with the keys shows.
    pub page: usize,
}

/// Moves a scroll offset as little as it takes to show the cursor.
pub(super) fn scroll_to(offset: &mut usize, cursor: Option<usize>, height: usize, length: usize) {
    if let Some(cursor) = cursor {
        *offset = (*offset)
            .min(cursor)
            .max((cursor + 1).saturating_sub(height));
    }
    *offset = (*offset).min(length.saturating_sub(height));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrolled(mut offset: usize, cursor: usize, height: usize, length: usize) -> usize {
        scroll_to(&mut offset, Some(cursor), height, length);
        offset
    }

    #[test]
    fn it_scrolls_only_as_far_as_needed() {
        assert_eq!(scrolled(0, 5, 10, 100), 0);
        assert_eq!(scrolled(0, 10, 10, 100), 1);
        assert_eq!(scrolled(50, 20, 10, 100), 20);
        assert_eq!(scrolled(95, 99, 10, 100), 90);
        assert_eq!(scrolled(5, 3, 10, 4), 0);
    }
}
