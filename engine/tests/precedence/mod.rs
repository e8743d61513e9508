//! Commands that break chosen rules.

pub(crate) mod scene;
