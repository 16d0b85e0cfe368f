//! Draws from the distributions that arrivals and lengths need.

use fastrand::Rng;

/// Exponential with mean 1.
pub(super) fn exponential(rng: &mut Rng) -> f64 {
    // 1 - u lies in (0, 1], so the logarithm is finite.
    -(1.0 - rng.f64()).ln()
}

/// Standard normal (Box and Muller).
pub(super) fn normal(rng: &mut Rng) -> f64 {
    let radius = (2.0 * exponential(rng)).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

/// Gamma of this shape with mean 1 (G. Marsaglia and W. W. Tsang, "A simple method for generating
/// gamma variables", ACM TOMS 26, 2000; with their correction for shapes below 1).
pub(super) fn gamma(rng: &mut Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - rng.f64()).powf(1.0 / shape);
        return gamma(rng, shape + 1.0) * (shape + 1.0) * boost / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let bell = normal(rng);
        let cube = (1.0 + c * bell).powi(3);
        if cube <= 0.0 {
            continue;
        }
        let chance = 1.0 - rng.f64();
        if chance.ln() < 0.5 * bell * bell + d - d * cube + d * cube.ln() {
            return d * cube / shape;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = Rng::with_seed(42);
        let drawn: Vec<f64> = (0..200_000).map(|_| draw(&mut rng)).collect();
        let mean = drawn.iter().sum::<f64>() / 200_000.0;
        (mean, drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 200_000.0)
    }

    #[test]
    fn mean_and_variance_are_those_of_the_textbook() {
        let near = |(mean, variance): (f64, f64), want: (f64, f64)| {
            (mean - want.0).abs() < 0.02 && (variance - want.1).abs() < 0.05 * want.1.max(1.0)
        };
        assert!(near(moments(exponential), (1.0, 1.0)));
        assert!(near(moments(normal), (0.0, 1.0)));
        for shape in [0.25, 0.5, 1.0, 4.0] {
            let got = moments(|rng| gamma(rng, shape));
            assert!(near(got, (1.0, 1.0 / shape)), "shape {shape}: {got:?}");
        }
    }
}
