//! Plans of the deleveraging worker: right ones out of the model, and ones that are wrong in one way.

use engine::limits::CUTS_PER_COMMAND;
use engine::{DeleveragingPlan, Seq};

use crate::campaign::PlanKind;
use crate::model::Model;
use crate::model::deleveraging::{Offer, Stage};

impl Model {
    /// What the worker answers to the first call that is open.
    pub(crate) fn plan_of_worker(&self, kind: PlanKind) -> Option<DeleveragingPlan> {
        let open = |offer: &&Offer| matches!(offer.stage, Stage::Asked { .. });
        let offer = self.offers.iter().find(open)?;
        let Stage::Asked { part, shares, told, .. } = &offer.stage else { return None };
        let most = match kind {
            PlanKind::Part | PlanKind::Unfinished => 2,
            PlanKind::Right
            | PlanKind::Endless
            | PlanKind::Stale
            | PlanKind::OtherPart
            | PlanKind::NoLevel
            | PlanKind::WildLevel => CUTS_PER_COMMAND,
        };
        let told = *told;
        let until = (told + most).min(shares.cuts.len());
        let cuts = shares.cuts[told..until].to_vec();
        let level = if kind == PlanKind::WildLevel { Some((1, 1 << 63)) } else { shares.level };
        let level = level.filter(|_| kind != PlanKind::NoLevel);
        Some(DeleveragingPlan {
            request: offer.request,
            basis: Seq::new(offer.basis - u64::from(kind == PlanKind::Stale)),
            part: part + u32::from(kind == PlanKind::OtherPart),
            is_last: kind != PlanKind::Endless
                && (until == shares.cuts.len() || kind == PlanKind::Unfinished),
            level,
            holders: 0,
            lots: 0,
            equity: 0,
            commitment: [7; 32],
            cuts,
        })
    }
}
