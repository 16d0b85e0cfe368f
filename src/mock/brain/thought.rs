//! What the model thinks before it answers.

use fastrand::Rng;

use crate::mock::ask::Effort;

const OPENING: &str = "The user wants an answer, so I will give a short one.";

const STEPS: [&str; 12] = [
    "First I look at what is given and at what is asked for.",
    "That is the part that matters most here.",
    "I could begin at the other end as well.",
    "Let me try the simplest way first.",
    "That seems right, but I had better look again.",
    "Looking again, it still holds.",
    "Nothing in the question speaks against it.",
    "There may be a trap in the wording, so I read it once more.",
    "Now I put the parts together.",
    "The other way leads to the same result.",
    "A few words are enough for this.",
    "I can say it plainly now.",
];

/// The thoughts of an answer; more of them for more effort.
pub(crate) fn thought(effort: Effort, rng: &mut Rng) -> String {
    let steps = match effort {
        Effort::None | Effort::Minimal | Effort::Low => 0,
        Effort::Medium => 3,
        Effort::High => 9,
        Effort::XHigh => 24,
    };
    let mut text = OPENING.to_owned();
    for _ in 0..steps {
        text.push(' ');
        text.push_str(rng.choice(STEPS).unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::tokens;

    #[test]
    fn more_effort_makes_more_thoughts() {
        let count = |effort| tokens::count(&thought(effort, &mut Rng::with_seed(1)));

        assert!(count(Effort::Low) < 20);
        assert!(count(Effort::Low) < count(Effort::Medium));
        assert!(count(Effort::Medium) < count(Effort::High));
        assert!(count(Effort::High) < count(Effort::XHigh));
    }
}
