//! Commands that break chosen rules.

pub(crate) mod others;
pub(crate) mod owners;
pub(crate) mod phases;
pub(crate) mod scene;
pub(crate) mod special;
