//! What one success in several means: pass@k and pass^k.
//!
//! Both are estimated without bias from `held` of `n` attempts. pass@k, the chance that at least one
//! of k attempts holds, is what a user with a button to try again meets: M. Chen et al., "Evaluating
//! Large Language Models Trained on Code" (`HumanEval`), 2021, <https://arxiv.org/abs/2107.03374>.
//! pass^k, the chance that all of k attempts hold, is what an agent of k such turns meets: S. Yao et
//! al., "tau-bench", 2024, <https://arxiv.org/abs/2406.12045>.

/// The chance that at least one of `k` attempts holds: `1 - C(n - held, k) / C(n, k)`. `None` if
/// there were fewer than `k` attempts, or `k` is none.
pub fn pass_at(held: u32, n: u32, k: u32) -> Option<f64> {
    all_of(n.checked_sub(held)?, n, k).map(|none| 1.0 - none)
}

/// The chance that all of `k` attempts hold: `C(held, k) / C(n, k)`. `None` if there were fewer than
/// `k` attempts, or `k` is none.
pub fn pass_all(held: u32, n: u32, k: u32) -> Option<f64> {
    (held <= n).then(|| all_of(held, n, k)).flatten()
}

/// The chance that `k` drawn out of `n` without putting back are all among `marked`, factor by
/// factor, since the coefficients themselves soon leave every number type.
fn all_of(marked: u32, n: u32, k: u32) -> Option<f64> {
    if k == 0 || k > n {
        return None;
    }
    let factor = |drawn: u32| f64::from(marked.saturating_sub(drawn)) / f64::from(n - drawn);
    Some((0..k).map(factor).product())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-12)
    }

    #[test]
    fn one_attempt_passes_with_the_share_that_held() {
        assert!(close(pass_at(7, 10, 1), 0.7));
        assert!(close(pass_all(7, 10, 1), 0.7));
    }

    /// By counting: of the 10 pairs out of 5, 3 hold none of 2 marked ones, and 1 holds both.
    #[test]
    fn several_attempts_are_drawn_without_putting_back() {
        assert!(close(pass_at(2, 5, 2), 0.7));
        assert!(close(pass_all(2, 5, 2), 0.1));
        assert!(close(pass_at(3, 5, 3), 1.0));
        assert!(close(pass_all(2, 5, 3), 0.0));
    }

    #[test]
    fn more_attempts_than_were_made_say_nothing() {
        assert_eq!((pass_at(5, 5, 6), pass_all(5, 5, 6)), (None, None));
        assert_eq!((pass_at(5, 5, 0), pass_all(6, 5, 1)), (None, None));
    }

    #[test]
    fn many_attempts_stay_within_the_numbers() {
        assert!(close(pass_all(1000, 1000, 500), 1.0));
        assert!(pass_at(1, 1000, 500).is_some_and(|p| (p - 0.5).abs() < 1e-9));
    }
}
