//! The guests that enforcement never shuts down.

/// The tags of guests that enforcement never shuts down (SPEC §5.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalTags(Vec<String>);

impl Default for CriticalTags {
    fn default() -> Self {
        Self(vec!["critical".to_owned()])
    }
}

impl CriticalTags {
    /// Collects the tags; with none of them no guest is spared.
    pub fn new(tags: Vec<String>) -> Self {
        Self(tags)
    }

    /// Tells whether a tag is one of them, in upper or lower case.
    pub fn contains(&self, tag: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_config_the_word_itself_is_critical() {
        assert!(CriticalTags::default().contains("Critical"));
        assert!(!CriticalTags::default().contains("web"));
        assert!(!CriticalTags::new(Vec::new()).contains("critical"));
    }
}
